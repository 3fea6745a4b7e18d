"""``mhsm keyvault region drill`` as a process, on a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from azext_mhsmregion.emulator import running

CLIENT = str(Path(__file__).with_name("client.py"))
SECONDS = 120
MHSM = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault"]


class Rehearsal:
    """Runs drills on one home. ``code``, ``out`` and ``err`` are the last one's."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self._folder = home, folder
        self.code, self.out, self.err = 0, "", ""
        self.report: Dict[str, Any] = {}

    def __call__(
        self, *options: str, command: Optional[List[str]] = None, python: str = sys.executable
    ) -> int:
        """A drill of UK South, with our client unless a command is given."""
        file = self._folder / "report.json"
        words = [*_drill(), "--report", str(file), *options]
        done = self.run(*words, "--", *(command or [python, CLIENT]))
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.report = json.loads(file.read_text()) if file.exists() else {}
        return self.code

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*MHSM, *words], capture_output=True, text=True, timeout=SECONDS, env=self.environment
        )

    def interrupted(self, number: int, *options: str) -> subprocess.Popen[str]:
        """A drill that is ended by a signal once its command runs."""
        words = [*MHSM, *_drill(), *options, "--", sys.executable, "-c", _SLEEPER]
        # A shell's background job, as a test run may be, ignores SIGINT and hands that on.
        process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(number)
        process.wait(SECONDS)
        return process

    @property
    def environment(self) -> Dict[str, str]:
        return {**os.environ, "MHSMREGION_HOME": str(self.home)}

    def faults(self) -> Any:
        return json.loads(self.run("emulator", "fault", "list").stdout)

    @property
    def has_server(self) -> bool:
        return running.find(self.home) is not None


_SLEEPER = "import time; print('running', flush=True); time.sleep(600)"


def _drill() -> List[str]:
    return ["region", "drill", "--hsm-name", "ContosoMHSM", "--region", "uksouth"]
