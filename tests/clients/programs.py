"""The client programs, and how one is run: step by step, in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping

from clients.server import bare_environment
from clients.setup import FOLDER, SOURCES

SECONDS = 180
PYTHON = [str(FOLDER / "python" / "bin" / "python")]
JAVA_PATH = os.pathsep.join([str(FOLDER / "java" / "classes"), str(FOLDER / "java" / "dependency" / "*")])
COMMANDS = {
    "python": [*PYTHON, str(SOURCES / "python" / "sync_client.py")],
    "python-aio": [*PYTHON, str(SOURCES / "python" / "async_client.py")],
    "node": ["node", str(FOLDER / "node" / "client.mjs")],
    "go": [str(FOLDER / "go" / "client")],
    "java": ["java", "-classpath", JAVA_PATH, "Client"],
}
"""The same life of a pool in each language."""

OTHERS = {
    f"python-{what}": [*PYTHON, str(SOURCES / "python" / f"{name}_client.py")]
    for what, name in (("backups", "backup"), ("domains", "domain"), ("rotation", "rotation"))
}
"""Programs of their own kind."""


def language(program: str) -> str:
    """The language whose set-up the program needs."""
    return program.partition("-")[0]


class Program:
    """A program that runs."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self._process = process
        self._errors = errors

    def step(self) -> Dict[str, Any]:
        """The next line. Raises AssertionError, with what the program said, where it ended instead."""
        line = self._process.stdout.readline()
        assert line, self._last_words()
        return json.loads(line)

    def go_on(self, line: str = "") -> None:
        """With what it reads then, where it wants to be told something."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def rest(self) -> List[Dict[str, Any]]:
        """The lines that are left, once it has ended well."""
        lines = self._process.stdout.read().splitlines()
        assert self._process.wait() == 0, self._last_words()
        return [json.loads(line) for line in lines]

    def _last_words(self) -> str:
        code = self._process.wait()
        return f"exit code {code}\n{self._errors.read_text(errors='replace')[-8000:]}"


@contextmanager
def running(program: str, pool: str, environment: Mapping[str, str]) -> Iterator[Program]:
    """The program at work on ``pool``; killed when the block or :data:`SECONDS` end before it."""
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "errors"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [*(COMMANDS.get(program) or OTHERS[program]), pool],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                cwd=folder,
                env={**bare_environment(), "HOME": folder, **environment},
            )
        deadline = threading.Timer(SECONDS, process.kill)
        deadline.start()
        try:
            yield Program(process, errors)
        finally:
            deadline.cancel()
            process.kill()
            process.communicate()
