"""A drill's account, from what was seen: no sockets, no clock."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from azext_mhsmregion.cli.drill import account, reasons, reports, timeline
from azext_mhsmregion.cli.drill.account import Bounds, Drill
from azext_mhsmregion.cli.drill.outage import Outage, outage
from azext_mhsmregion.cli.drill.saw import Connection, Saw, Try, saw

HOST = "contosomhsm.managedhsm.azure.net"
NEAR, FAR = "uksouth", "australiaeast"
OUTAGE = Outage(
    "f", NEAR, "region", "refuse", "transient", 5.0, 65.0, detected=6.5, known_by=7.5, recovered=66.0
)


def tried(at, region=NEAR, status=200, seconds=0.0, what="GET /keys/a", host=HOST, connection=1):
    return Try(at, seconds, connection, host, region, status, what)


def drill(*tries, connections=(), **changes):
    made = Drill("ContosoMHSM", NEAR, "c", ("x",), OUTAGE, Saw(tries, tuple(connections)), 70.0, 0, 0, 3.5)
    return replace(made, **changes)


SMOOTH = (tried(1.0), tried(5.1, status=0), tried(7.0, FAR), tried(66.5))


def test_failover_and_failback_are_when_another_region_and_the_hit_one_answered():
    made = drill(*SMOOTH)
    assert (made.failover, made.failback) == (7.0, 66.5)
    assert drill(tried(7.0, FAR), tried(66.5)).failover is None  # never was in the hit region


def test_a_refusal_by_another_region_is_a_failover_too():
    assert drill(tried(1.0), tried(7.0, FAR, 503)).failover == 7.0


@pytest.mark.parametrize(
    ("tries", "span"),
    [
        (SMOOTH, (5.1, pytest.approx(1.9))),
        ((tried(1.0), tried(60.0)), (0.0, 0.0)),  # a pause of the client's own is no silence
        ((tried(1.0), tried(30.0, seconds=20.0)), (10.0, 20.0)),  # a late answer is
        ((tried(1.0), tried(5.0, status=503)), (5.0, 65.0)),  # up to the end
    ],
)
def test_the_longest_span_without_an_answer(tries, span):
    assert drill(*tries).saw.silence(70.0) == span


def test_each_bound_that_was_given_is_checked():
    checks = account.checks(drill(*SMOOTH, lost=2), Bounds(errors=0, seconds=1.0, lost=1))
    assert [check.is_held for check in checks] == [True, True, False, False, False]
    assert [check.name for check in account.checks(drill(*SMOOTH), Bounds())] == [
        "the command succeeds",
        "the client was there during the outage",
    ]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (drill(), "it sent nothing to ContosoMHSM"),
        (drill(tried(1.0), ended=2.0), "the command ended 3.0 s before the outage began"),
        (drill(tried(1.0), tried(69.0)), "requests in it: 0"),
    ],
)
def test_a_client_that_was_not_there_proves_nothing(made, said):
    check = account.checks(made, Bounds())[1]
    assert (check.is_held, check.said) == (False, said)


def test_a_command_that_failed_or_was_killed_fails():
    assert account.checks(drill(*SMOOTH, exit_code=3), Bounds())[0].said == "exit code 3"
    assert account.checks(drill(*SMOOTH, exit_code=-9), Bounds())[0].said == "ended by signal 9"


HELD_ON = Connection(1, HOST, NEAR, 0.5, 36.0)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (drill(), "does it read HTTPS_PROXY"),
        (drill(tried(1.0, FAR), tried(9.0, FAR)), "With --from uksouth it is hit"),
        (drill(tried(9.0, status=0, host=f"uksouth.{HOST}")), f"{HOST} is the name that fails over"),
        (
            drill(tried(1.0), tried(5.1, status=0), connections=[HELD_ON]),
            "kept its connection to uksouth 31 s after the outage began: it never resolved the name again",
        ),
        (
            drill(tried(1.0), tried(5.1, status=0), connections=[replace(HELD_ON, closed=5.2)]),
            "broke 0.2 s after the outage began, and it opened no other in the 65 s until it ended",
        ),
        (
            drill(tried(1.0), tried(5.1, status=0), tried(5.4, status=0, what="connection"), ended=5.5),
            "gave up 0.4 s after the outage began, after 2 failed requests. Failover may take 3.5 s",
        ),
        (drill(*SMOOTH, tried(8.0, FAR, 503)), "1 request got 503 from australiaeast"),
        (drill(*SMOOTH, lost=1), "1 acknowledged write had not been sent"),
        (
            drill(tried(1.0), tried(5.1, status=0), tried(5.2, status=0), tried(7.0, FAR)),
            "2 requests met uksouth in the 2.0 s until the client was led elsewhere",
        ),
    ],
)
def test_the_reason_is_told(made, words):
    assert words in " ".join(reasons.reasons(made))


def test_a_client_that_did_all_right_needs_no_reason():
    assert reasons.reasons(drill(*SMOOTH)) == []


def test_the_timeline_tells_what_came_between():
    told = [moment.what for moment in timeline.timeline(drill(*SMOOTH))]
    assert told == [
        "the command starts; its client stands at uksouth",
        "1 answered by uksouth",
        "the outage begins: the whole region uksouth",
        "1 without an answer from uksouth",
        "the traffic manager takes uksouth for unhealthy, 1.5 s after the outage began",
        "failover: the client is led to another region, 2.0 s after the outage began",
        "1 answered by australiaeast",
        "the outage ends",
        "the traffic manager takes uksouth for healthy again",
        "failback: uksouth answers",
        "1 answered by uksouth",
        "the command ends (exit code 0)",
    ]


def test_the_reports_are_json_and_junit():
    made, bounds = drill(*SMOOTH), Bounds(errors=0)
    held, why = account.checks(made, bounds), ["because"]
    facts = json.loads(reports.as_json(made, bounds, held, why))
    assert (facts["passed"], facts["client"]["failedRequests"], facts["bounds"]["maxErrors"]) == (False, 1, 0)
    suite = ElementTree.fromstring(reports.as_junit(made, held, why).encode())
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    assert suite.find("testcase/failure").text == "because"


def record(number, kind, at, **facts):
    empty = {"method": None, "path": None, "status": None, "milliseconds": 0.0, "region": NEAR, "host": HOST}
    return {**empty, "kind": kind, "connection": number, "time": f"2026-01-01T00:00:{at:06.3f}Z", **facts}


def test_records_of_the_pool_count_and_challenges_do_not():
    start = 1767225600.0  # 2026-01-01
    seen = saw(
        [
            record(1, "opened", 1.0),
            record(1, "request", 1.1, status=401, method="GET", path="/keys/a"),
            record(1, "request", 1.2, status=200, method="GET", path="/keys/a", milliseconds=50.0),
            record(2, "opened", 1.3, status=0),
            record(3, "request", 1.4, status=200, host="login.microsoftonline.com", method="POST", path="/"),
            record(1, "closed", 2.0),
        ],
        HOST,
        start,
    )
    assert [(one.what, one.status) for one in seen.tries] == [("GET /keys/a", 200), ("connection", 0)]
    assert seen.tries[0].begun == pytest.approx(1.15, abs=1e-3)
    assert [(one.opened, one.closed) for one in seen.connections] == [
        (pytest.approx(1.0, abs=1e-3), pytest.approx(2.0, abs=1e-3))
    ]


@pytest.mark.parametrize(
    ("kind", "end", "ended", "expected"),
    [
        ("transient", None, 9.0, 9.0),  # with the command
        ("transient", "2026-01-01T00:00:06.000Z", 9.0, 6.0),
        ("transient", "2026-01-01T00:01:00.000Z", 9.0, 9.0),  # cleared before its time
        ("destroyed", None, 9.0, None),
    ],
)
def test_when_an_outage_ends(kind, end, ended, expected):
    fault = {
        "id": "f", "region": NEAR, "scope": "pool", "effect": "refuse", "kind": kind, "to": None,
        "partition": None, "start": "2026-01-01T00:00:05.000Z", "end": end,
    }  # fmt: skip
    assert outage(fault, [], 1767225600.0, ended).end == expected
