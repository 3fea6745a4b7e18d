"""What cannot be a drill gets a clear error, and starts nothing."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from azext_mhsmregion.cli import context
from azext_mhsmregion.cli.ops.drill import drill
from azext_mhsmregion.emulator.service import open_emulator
from azext_mhsmregion.provider.errors import UsageError

NOTHING = ["true"]


def test_a_drill_needs_a_command(rehearsal):
    done = rehearsal.run("region", "drill", "--hsm-name", "ContosoMHSM", "--region", "uksouth")
    assert done.returncode == 2
    assert "A drill needs a command" in done.stderr
    assert not rehearsal.has_server


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--kind", "destroyed", "--scope", "pool"], 2, "Say --yes"),
        (["--scope", "partition"], 2, "partition"),
        (["--scope", "link"], 2, "the region at the other end"),
        (["--effect", "slow"], 2, "needs a number of milliseconds"),
        (["--region", "nowhere"], 3, "is not in nowhere"),
        (["--region", "ukwest"], 3, "it is in uksouth, australiaeast"),
        (["--for", "never"], 2, "--for is 'never'; it must be a time such as 10s"),
        (["--after=-5s"], 2, "--after is '-5s'; it must be a time such as 10s"),
        (["--after", "-5s"], 2, "--after is '-5s'; it must be a time such as 10s"),
        (["--for", "0s"], 2, "An outage of no length breaks nothing"),
        (["--effect", "capacity"], 2, "What can be drilled: refuse, reset, hang, slow, error, throttle"),
        (["--effect", "provisioning"], 2, "No client of a pool meets the effect provisioning"),
        (["--effect", "skew", "--ms", "5000"], 2, "of a link: down, lag"),
        (["--effect", "nonsense"], 2, "nonsense"),
        (["--effect", "lag", "--ms", "5"], 2, "lag"),
        (["--max-errors", "-1"], 2, "--max-errors"),
        (["--max-seconds", "soon"], 2, "--max-seconds"),
        (["--hsm-name", "Nope"], 3, "'Nope' was not found"),
        (["--junit", "/nonexistent/r.xml"], 2, "cannot be written"),
        (["--junit", "/"], 2, "/ cannot be written: it is a folder"),
        (["--report", ""], 2, "--report is empty; it must be a file"),
        (["--kind", "destroyed", "--scope", "partition", "--partition", "1", "--yes"], 2, "destroyed"),
    ],
)
@pytest.mark.socket
def test_what_cannot_be_is_refused(served, options, code, words):
    assert served(*options, command=NOTHING) == code
    assert words in served.err
    assert served.has_server and served.faults() == []


@pytest.mark.socket
def test_a_command_that_does_not_exist(served):
    assert served(command=["/nonexistent/app"]) == 2
    assert "'/nonexistent/app' cannot be run" in served.err
    assert served.faults() == []


def test_a_report_that_may_not_be_written_is_refused_before(tmp_path, monkeypatch):
    """Root may write everything."""
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    monkeypatch.setattr(context, "provider", lambda cli_ctx: SimpleNamespace(kind="emulator"))
    cmd = SimpleNamespace(cli_ctx=None)
    with pytest.raises(UsageError, match="r.json cannot be written: permission denied"):
        drill(cmd, "ContosoMHSM", "uksouth", words=NOTHING, report=str(tmp_path / "r.json"))


@pytest.mark.socket
def test_a_report_that_cannot_be_written_takes_nothing_else_with_it(served, tmp_path):
    """It could be when the drill began."""
    report, junit = tmp_path / "r.json", tmp_path / "r.xml"
    spoil = [sys.executable, "-c", f"import os; os.mkdir({str(report)!r})"]
    assert served("--report", str(report), "--junit", str(junit), command=spoil) == 1
    assert "it sent nothing to ContosoMHSM" in served.out and junit.exists()
    assert f"{report} cannot be written: Is a directory." in served.err
    assert "The drill failed" in served.err


@pytest.mark.socket
def test_a_command_that_asks_nothing_proves_nothing(served):
    assert served(command=NOTHING) == 1
    assert "it sent nothing to ContosoMHSM" in served.err


def test_a_held_clock_has_no_outages(rehearsal):
    emulator = open_emulator(rehearsal.home)
    emulator.set_clock(lambda clock, real: clock.with_mode(real, "manual"))
    emulator.store.close()
    assert rehearsal(command=NOTHING) == 1
    assert "The service clock is held" in rehearsal.err


def test_azure_is_not_broken_on_purpose(rehearsal, monkeypatch):
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", "00000000-0000-0000-0000-000000000000")
    assert rehearsal("--provider", "arm", command=NOTHING) == 2
    assert "cannot be broken on purpose" in rehearsal.err
