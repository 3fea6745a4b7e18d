"""Bugs put in on purpose, each in a copy of the package: the simulation must find every one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STEPS = 50_000
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Bug:
    """``old`` is replaced by ``new`` in ``file``; ``area`` is what part of the model it breaks."""

    area: str
    file: str
    old: str
    new: str
    why: str


def load(checkout: Path) -> List[Bug]:
    text = (checkout / "tests" / "simulation" / "bugs.toml").read_text(encoding="utf-8")
    return [Bug(**entry) for entry in tomllib.loads(text)["bug"]]


def fits(checkout: Path, bug: Bug) -> bool:
    """Does its old text stand in the file exactly once?"""
    return (checkout / bug.file).read_text(encoding="utf-8").count(bug.old) == 1


def hunt(checkout: Path, bug: Bug, steps: int = STEPS) -> Tuple[bool, str]:
    """Whether the simulation finds it, and how."""
    if not fits(checkout, bug):
        return False, f"its old text does not stand in {bug.file} once"
    with tempfile.TemporaryDirectory(prefix="mhsmregion-bug-") as folder:
        package = Path(folder) / "azext_mhsmregion"
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(checkout / "azext_mhsmregion", package, ignore=ignore)
        target = Path(folder) / bug.file
        text = target.read_text(encoding="utf-8")
        target.write_text(text.replace(bug.old, bug.new), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(checkout / "tools" / "simulate.py"), "--steps", str(steps), "--seed", "1"],
            env={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
    return _verdict(done.stdout + done.stderr)


def _verdict(output: str) -> Tuple[bool, str]:
    """A bug is found by a rule: what merely crashes would be found by anything."""
    found = re.search(r"^VIOLATION ([A-Z]\d+\w*: .*)$", output, re.MULTILINE)
    again = re.search(r"--epoch (\d+) --steps (\d+)", output)
    if found is None or again is None:
        fate = "CRASHED" if re.search(r"^(CRASH|Traceback) ", output, re.MULTILINE) else "SURVIVED"
        return False, f"{fate}: " + " ".join(output.splitlines()[-1:])
    step = int(again[1]) * 10_000 + int(again[2])
    return True, f"step {step:>6}  {found[1][:90]}"


def hunt_all(checkout: Path, word: str, jobs: int) -> int:
    chosen = [bug for bug in load(checkout) if word in f"{bug.area} {bug.why}"]
    if not chosen:
        print(f"simulate-bugs: no bug has the word {word!r}")
        return 1
    with ThreadPoolExecutor(jobs) as pool:
        fates = pool.map(lambda bug: (bug, *hunt(checkout, bug)), chosen)
        caught = 0
        for bug, is_found, how in fates:
            caught += is_found
            print(f"{bug.area:8} {bug.why:75} {how}", flush=True)
    print(f"simulate-bugs: {caught} of {len(chosen)} bugs found within {STEPS} steps")
    return 0 if caught == len(chosen) else 1
