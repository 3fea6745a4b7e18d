"""``keyvault region drill`` over sockets, around clients that are good and bad at it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from clients.programs import PYTHON
from drill.rehearsal import CLIENT
from support import required

pytestmark = pytest.mark.socket

GENEROUS = ("--max-errors", "100", "--max-seconds", "60")


def client(mode, *more):
    return [sys.executable, CLIENT, mode, *more]


def held(report):
    return {check["name"]: check["held"] for check in report["checks"]}


@pytest.mark.slow
def test_a_client_with_a_sane_retry_policy_passes(rehearsal, tmp_path):
    junit = tmp_path / "drill.xml"
    options = ["--after", "5s", *GENEROUS, "--rpo", "0", "--junit", str(junit)]
    assert rehearsal(*options, command=client("sane")) == 0
    report = rehearsal.report
    assert report["passed"] and all(held(report).values())
    assert report["client"]["answersByRegion"]["australiaeast"] >= 5
    assert report["client"]["failoverAt"] > report["outage"]["begin"] + 1  # no sooner than detection
    assert [moment["what"] for moment in report["timeline"] if "unhealthy" in moment["what"]]
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("5", "0")
    assert "failover: the client is led to another region" in rehearsal.out
    assert not rehearsal.has_server and rehearsal.faults() == []  # nothing is left behind


@pytest.mark.slow
def test_a_client_that_keeps_its_connection_for_ever_fails_and_is_told_why(rehearsal, tmp_path):
    junit = tmp_path / "drill.xml"
    options = ["--after", "5s", "--effect", "hang", "--max-seconds", "10", "--junit", str(junit)]
    assert rehearsal(*options, command=client("stubborn")) == 1
    assert not rehearsal.report["passed"]
    assert "The client kept its connection to uksouth" in rehearsal.err
    assert "it never resolved the name again" in rehearsal.err
    failed = ElementTree.parse(junit).getroot().findall("testcase/failure")
    assert failed and "never resolved the name again" in failed[0].text


@pytest.mark.slow
def test_a_connection_that_breaks_and_is_never_opened_again_is_told_too(rehearsal):
    assert rehearsal("--after", "5s", "--max-seconds", "1", command=client("stubborn")) == 1
    assert held(rehearsal.report)["time without an answer"] is False
    assert "opened no other" in rehearsal.err


@pytest.mark.slow
def test_the_address_of_one_region_does_not_fail_over(rehearsal):
    host = "uksouth.contosomhsm.managedhsm.azure.net"
    assert rehearsal("--after", "3s", command=client("pinned", host)) == 1
    assert f"asked for {host}" in rehearsal.err


@pytest.mark.slow
def test_a_client_that_gives_up_at_once_is_told_how_long_failover_takes(rehearsal):
    assert rehearsal("--after", "3s", command=client("once")) == 1
    assert "gave up" in rehearsal.err and "Failover may take 3.5 s" in rehearsal.err


@pytest.mark.slow
def test_every_failed_request_counts_against_max_errors(rehearsal):
    assert rehearsal("--after", "3s", "--max-errors", "0", command=client("hammering")) == 1
    assert held(rehearsal.report)["failed requests"] is False
    assert rehearsal.report["client"]["failedRequests"] > 1
    assert "failed requests: " in rehearsal.err


@pytest.mark.slow
@pytest.mark.clients
def test_the_sdk_with_its_own_retries_passes(rehearsal, tmp_path):
    """azure-keyvault-keys as it comes: its retry policy outlasts failover."""
    required.sdks("python")
    program = tmp_path / "app.py"
    program.write_text(SDK)
    assert rehearsal("--after", "5s", "--for", "8s", *GENEROUS, command=[*PYTHON, str(program)]) == 0
    assert rehearsal.report["client"]["answersByRegion"].keys() == {"uksouth", "australiaeast"}


SDK = """
import time
from azure.identity import EnvironmentCredential
from azure.keyvault.keys import KeyClient

keys = KeyClient("https://ContosoMHSM.managedhsm.azure.net", EnvironmentCredential())
end = time.monotonic() + 14
while time.monotonic() < end:
    keys.get_key("payments")
    time.sleep(0.1)
"""


@pytest.mark.slow
def test_a_destroyed_region_is_put_back_and_its_lost_writes_counted(rehearsal):
    """Over a link that is down nothing replicates: what the client was acknowledged is lost."""
    link = ["--scope", "link", "--hsm-name", "ContosoMHSM", "--region", "uksouth", "--to", "australiaeast"]
    assert rehearsal.run("emulator", "fault", "inject", *link).returncode == 0
    look = ["region", "status", "--hsm-name", "ContosoMHSM", "--query", "regions[].destroyed"]
    before = rehearsal.run(*look).stdout
    options = ["--scope", "pool", "--kind", "destroyed", "--yes", "--after", "3s", "--rpo", "0"]
    assert rehearsal(*options, command=client("writing")) == 1
    acknowledged = rehearsal.report["client"]["answersByRegion"].get("uksouth", 0)
    assert rehearsal.report["lostWrites"] == acknowledged > 0
    assert "replication is asynchronous" in rehearsal.err
    assert f"no region will ever show: {acknowledged}" in rehearsal.out
    assert "the home is as it was before" in rehearsal.err
    assert rehearsal.run(*look).stdout == before


@pytest.mark.slow
def test_a_link_that_is_out_holds_up_writes_and_leads_nobody_elsewhere(rehearsal):
    hosts = [f"{region}.contosomhsm.managedhsm.azure.net" for region in ("uksouth", "australiaeast")]
    link = ["--scope", "link", "--to", "australiaeast", "--after", "2s"]
    assert rehearsal(*link, "--for", "2s", command=[sys.executable, "-c", SEVERAL, "writing", *hosts]) == 0
    assert rehearsal.report["client"]["failoverAt"] is None
    held_up = rehearsal.report["link"]
    assert held_up["writesOfTheClient"] > 1
    assert {(way["from"], way["to"]) for way in held_up["backlog"]} == {REGIONS, REGIONS[::-1]}
    assert 0 < held_up["longestLagSeconds"] < 2.5
    assert rehearsal.report["outage"]["begin"] < held_up["lookedAt"] <= rehearsal.report["outage"]["end"]
    assert "australiaeast lacks " in rehearsal.out
    assert rehearsal(*link, command=[sys.executable, "-c", SEVERAL, "sane", *hosts]) == 1
    assert "holds up writes and nothing else" in rehearsal.err


@pytest.mark.slow
def test_with_a_fast_clock_a_slow_answer_took_as_long_as_the_timeline_says(rehearsal):
    assert rehearsal.run("emulator", "clock", "scale", "--factor", "10").returncode == 0
    options = ["--effect", "slow", "--ms", "1500", "--max-seconds", "3", "--after", "5s"]
    assert rehearsal(*options, command=[sys.executable, "-c", SEVERAL, "patient", HOST]) == 1
    assert held(rehearsal.report)["time without an answer"] is False
    assert 15 <= rehearsal.report["client"]["longestSecondsWithoutAnswer"] < 30
    assert "uksouth answered 1500 ms later" in rehearsal.err


HOST = "contosomhsm.managedhsm.azure.net"
REGIONS = ("uksouth", "australiaeast")
SEVERAL = f"""
import sys, time
sys.path.insert(0, {str(Path(CLIENT).parent)!r})
import client
client.TIMEOUT = 5.0
mode, *hosts = sys.argv[1:]
clients = [client.Client(mode, host) for host in hosts]
end = time.monotonic() + 5
while time.monotonic() < end:
    for one in clients:
        one.call()
    time.sleep(0.1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_leaves_nothing_broken(rehearsal, number):
    process = rehearsal.interrupted(number, "--after", "0s")
    assert process.returncode != 0
    assert rehearsal.faults() == []
    assert not rehearsal.has_server
