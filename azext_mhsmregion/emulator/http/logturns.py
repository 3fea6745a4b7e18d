"""Writes the log of a server in the background, and begins a new file before one gets too long.

The process's stdout and stderr are the same file: so an interpreter's last words stand where a
user looks, and count as well.
"""

from __future__ import annotations

import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from azext_mhsmregion.emulator.http.logfile import KEPT

LONGEST = 4 * 1024 * 1024
"""Bytes of one file; the line that would make it longer goes to a new one."""


class LogFile(RotatingFileHandler):
    """Logs to ``path`` in turns; stdout and stderr of the process follow it."""

    def __init__(self, path: Path, longest: int = LONGEST) -> None:
        super().__init__(
            path, maxBytes=longest, backupCount=KEPT, encoding="utf-8", errors="backslashreplace"
        )
        self._lead_streams()

    def doRollover(self) -> None:
        super().doRollover()
        self._lead_streams()

    def _lead_streams(self) -> None:
        assert self.stream is not None
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
                os.dup2(self.stream.fileno(), stream.fileno())


def is_stderr(path: Path) -> bool:
    """Does this process's stderr go to the file ``path``?"""
    stream = sys.__stderr__
    try:
        return stream is not None and os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except (OSError, ValueError):
        return False
