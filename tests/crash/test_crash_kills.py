"""Random kills during add, remove and key create: what was acknowledged is there, what was not is
wholly there or wholly absent, and the next command works.

MHSMREGION_CRASH_KILLS says how many (10), MHSMREGION_CRASH_SEED which (1).
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import List

import pytest
from crashkit import FOLDER, KILLED, Run, acknowledgements, check, drive, environment

KILLS = int(os.environ.get("MHSMREGION_CRASH_KILLS", "10"))
SEED = os.environ.get("MHSMREGION_CRASH_SEED", "1")
ROUNDS = 20
LAST_LINE = 100
LONGEST_SPIN = 0.001
AT_ONCE = 2
FULL = 100


@dataclass
class Kill:
    """One driver, killed: after which line and spin, and what it had acknowledged."""

    number: int
    home: Path
    acknowledged: List[str]


@pytest.fixture(scope="module")
def expected(active_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The rounds that nothing disturbs, with their states."""
    home = tmp_path_factory.mktemp("rounds") / "home"
    shutil.copytree(active_home, home)
    run = drive("rounds", home, ROUNDS, states=True)
    assert run.exit_code == 0, run.errors
    return run


def test_random_kills(active_home: Path, expected: Run, tmp_path: Path, report: List[str]) -> None:
    kill_and_check(range(KILLS), active_home, expected, tmp_path, report)


@pytest.mark.slow
@pytest.mark.skipif(KILLS >= FULL, reason="MHSMREGION_CRASH_KILLS covers them")
def test_the_other_random_kills_of_a_hundred(
    active_home: Path, expected: Run, tmp_path: Path, report: List[str]
) -> None:
    kill_and_check(range(KILLS, FULL), active_home, expected, tmp_path, report)


def kill_and_check(numbers: range, active_home: Path, expected: Run, folder: Path, report: List[str]) -> None:
    def one(number: int) -> Kill:
        home = folder / f"home{number}"
        shutil.copytree(active_home, home)
        return kill(number, home)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        kills = list(threads.map(one, numbers))
        halves = [kills[start::AT_ONCE] for start in range(AT_ONCE)]
        checked = list(threads.map(lambda half: check([item.home for item in half]), halves))
    there = 0
    for half, results in zip(halves, checked):
        for item, found in zip(half, results):
            done = len(item.acknowledged)
            what = f"kill {item.number} after {item.acknowledged[-1]}"
            assert item.acknowledged == expected.steps[:done], what
            assert found["problems"] == [], what
            assert found["state"] in expected.states[done - 1 : done + 1], what
            there += found["state"] == expected.states[done]
    writes = sum(len(item.acknowledged) for item in kills)
    report.append(
        f"kills: {len(kills)} (seed {SEED}), {writes} acknowledged writes all there; the write under way "
        f"was wholly there {there} times and wholly absent {len(kills) - there} times"
    )


def kill(number: int, home: Path) -> Kill:
    """Start a driver, kill it a moment after a line of its output: no sleep, a spin."""
    chance = random.Random(f"{SEED}:{number}")
    line, spin = chance.randint(1, LAST_LINE), chance.uniform(0, LONGEST_SPIN)
    driver = subprocess.Popen(
        [sys.executable, str(FOLDER / "driver.py"), "rounds", str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert driver.stdout is not None
    heard = [driver.stdout.readline() for _ in range(line)]
    until = time.perf_counter() + spin
    while time.perf_counter() < until:
        pass
    driver.kill()
    output = "".join(heard) + driver.stdout.read()
    assert driver.wait() == KILLED
    return Kill(number, home, [item["step"] for item in acknowledgements(output)])
