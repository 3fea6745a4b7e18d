"""Runs drivers and checkers as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

FOLDER = Path(__file__).parent
KILLED = -signal.SIGKILL
TIMEOUT = 60


@dataclass
class Run:
    """A driver's run: how it ended and what it acknowledged (one dict a line)."""

    exit_code: int
    acknowledged: List[Dict[str, Any]]
    errors: str
    log: Optional[Path] = None

    @property
    def states(self) -> List[Any]:
        return [line["state"] for line in self.acknowledged]

    @property
    def steps(self) -> List[str]:
        return [line["step"] for line in self.acknowledged]

    @property
    def beside_writes(self) -> Dict[str, Any]:
        """What was acknowledged of files: a token, an authority's serial."""
        found: Dict[str, Any] = {}
        for line in self.acknowledged:
            found.update({key: line[key] for key in ("token", "serial") if key in line})
        return found


def environment(**more: str) -> Dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MHSMREGION_")}
    return {**kept, **more}


def drive(
    what: str,
    home: Path,
    argument: object,
    failpoint: str = "",
    log: Optional[Path] = None,
    states: bool = False,
) -> Run:
    """A driver's whole run."""
    asked = {
        "MHSMREGION_FAILPOINT": failpoint,
        "MHSMREGION_FAILPOINT_LOG": str(log or ""),
        "MHSMREGION_CRASH_STATES": "1" if states else "",
    }
    command = [sys.executable, str(FOLDER / "driver.py"), what, str(home), str(argument)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(**asked), timeout=TIMEOUT, check=False
    )
    return Run(done.returncode, acknowledgements(done.stdout), done.stderr, log)


def acknowledgements(output: str) -> List[Dict[str, Any]]:
    """The whole lines of a driver's output; a kill may have cut the last."""
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith("\n")]


def check(homes: List[Path], acknowledged: Optional[Dict[str, Any]] = None) -> List[Dict[str, Any]]:
    """What a new process makes of homes that a crash left."""
    command = [sys.executable, str(FOLDER / "checker.py"), *map(str, homes)]
    more = {"MHSMREGION_CRASH_ACKS": json.dumps(acknowledged or {})}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=TIMEOUT + len(homes),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
