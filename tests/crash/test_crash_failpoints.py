"""SIGKILL at every failpoint: the next process finds exactly what was durable, and goes on.

Before a commit or a rename, the write is wholly absent; after it, wholly there, acknowledged or not.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List

import pytest
from crashkit import KILLED, Run, check, drive
from state import schema_version

from azext_mhsmregion.emulator import failpoints
from azext_mhsmregion.emulator.store import schema

PATHS = {"authority.pem": "ca/authority.pem", "authority.crt": "ca/authority.crt",
         "bundle.pem": "ca/bundle.pem", "trust.p12": "ca/trust.p12",
         "leaf": "ca/leaves/management.azure.com.pem", "snapshot": "snapshots/seeded.db",
         "export": "../home.tar.gz", "import": "../home-copy/store.db",
         "backup": "storage/crash.blob.core.windows.net/backups/"
                   "mhsm-CrashHSM-2025122909200300/backup.jwe"}  # fmt: skip
"""Where a private file lies, if not at the home's top."""

FILES_ONLY = ("token", "authority", "leaf", "carried", "served")
"""Steps of the story that write nothing to the store."""

LATER = ("commit.poll", "commit.key", "commit.regions", "commit.delete", "commit.settings", "commit.domain")
"""Failpoints that the story passes more than once: each passage is another moment of a pool's life."""


def one_in_four(name: str) -> Any:
    number = failpoints.NAMES.index(name)
    return name if (number // 2 + number) % 4 == 0 else pytest.param(name, marks=pytest.mark.slow)


def test_every_failpoint_is_passed(hits: Dict[str, int], report: List[str]) -> None:
    report.append(f"failpoints: {len(hits)}, passages in the story: {sum(hits.values())}")
    report.extend(f"  {count:3d} {name}" for name, count in hits.items())
    assert [name for name, count in hits.items() if count == 0] == []


def test_each_command_of_the_story_is_one_transaction(undisturbed: Run, hits: Dict[str, int]) -> None:
    """And those that make private files are none."""
    commits = sum(count for name, count in hits.items() if re.fullmatch(r"commit\..*\.after", name))
    steps = [step for step in undisturbed.steps if step not in FILES_ONLY]
    assert steps[0] == "open"  # the schema's
    assert commits == len(steps)


def test_the_story_is_legal_and_each_write_bumps_its_pool_once(undisturbed: Run) -> None:
    """DESIGN section 2b: one command = one transaction = one bump. Polls bump nothing. (A seed is
    several commands in one transaction; what follows it is about other pools.)"""
    life = undisturbed.steps.index("seed")
    revisions = [state["pool"][0][2] for state in undisturbed.states[:life] if state["pool"]]
    steps = undisturbed.steps[life - len(revisions) : life]
    still = {"created", "activated", "extended", "updated", "shrunk", "deleted", "recovered",
             "deleted again", "purged", "backed up", "restored"}  # fmt: skip
    bumps = {step: new - old for step, old, new in zip(steps[1:], revisions, revisions[1:])}
    assert revisions[0] == 1
    assert bumps == {step: 0 if step in still else 1 for step in steps[1:]}


@pytest.mark.parametrize("name", [one_in_four(name) for name in failpoints.NAMES])
def test_a_kill_at_a_failpoint(
    name: str, home: Path, certificates_file: Path, undisturbed: Run, report: List[str]
) -> None:
    kill_and_check(name, home, certificates_file, undisturbed)
    report.append(f"  killed at {name}")


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", LATER)
def test_kills_at_later_passages(
    name: str, when: str, tmp_path: Path, certificates_file: Path, undisturbed: Run, hits: Dict[str, int]
) -> None:
    passages = hits[f"{name}.{when}"]
    assert passages > 1
    for passage in range(2, passages + 1):
        home = tmp_path / f"home{passage}"
        kill_and_check(f"{name}.{when}@{passage}", home, certificates_file, undisturbed)


def kill_and_check(name: str, home: Path, certificates_file: Path, undisturbed: Run) -> None:
    run = drive("story", home, certificates_file, failpoint=name)
    assert run.exit_code == KILLED, run.errors
    done = len(run.acknowledged)
    assert run.steps == undisturbed.steps[:done]
    kind, label, when = split(name)
    if label == "schema":
        assert schema_version(home) == (schema.VERSION if when == "after" else 0)
    if kind == "rename":
        assert (home / PATHS.get(label, label)).exists() == (when == "after")
    (found,) = check([home], run.beside_writes)
    assert found["problems"] == []
    assert found["server"] is False
    durable = done + (kind == "commit" and when == "after")
    assert found["state"] == undisturbed.states[max(1, durable) - 1]


def split(name: str) -> List[str]:
    """Kind, label and when; a label may have dots."""
    kind, _, rest = name.partition("@")[0].partition(".")
    label, _, when = rest.rpartition(".")
    return [kind, label, when]
