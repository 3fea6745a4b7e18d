"""``az keyvault region drill``: an outage around a user's command, rehearsed from inside az."""

import json
import sys

import pytest
from az.homes import POOL
from drill.rehearsal import CLIENT

pytestmark = [pytest.mark.az, pytest.mark.socket]

DRILL = f"keyvault region drill --hsm-name {POOL} --region uksouth --after 5s"


def test_a_drill_around_a_sane_client_passes_and_around_a_stubborn_one_does_not(az, tmp_path):
    added = az(f"keyvault region add --hsm-name {POOL} --region australiaeast")
    assert added.code == 0, added.err
    report = tmp_path / "report.json"
    passed = az(f"{DRILL} --max-errors 100 --report {report} --", sys.executable, CLIENT, "sane")
    assert passed.code == 0, passed.err
    seen = json.loads(report.read_text())
    assert seen["passed"] and seen["client"]["answersByRegion"]["australiaeast"] >= 5
    failed = az(f"{DRILL} --effect hang --max-seconds 10 --", sys.executable, CLIENT, "stubborn")
    assert failed.code == 1, failed.err
    assert "it never resolved the name again" in failed.err


def test_a_drill_without_a_command_is_wrong_usage(az):
    refused = az(DRILL)
    assert refused.code == 2, refused.err
    assert "--" in refused.err
