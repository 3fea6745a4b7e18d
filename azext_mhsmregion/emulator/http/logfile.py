"""The log of a server in the background, as files: ``server.log``, and earlier ones behind it."""

from __future__ import annotations

from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import List

FILE = "server.log"
KEPT = 2
"""How many earlier files are kept, as ``server.log.1`` (the newest) and so on."""


def begin(path: Path) -> None:
    """Put the log of the server before away as the newest earlier one, if there is a log."""
    RotatingFileHandler(path, backupCount=KEPT, delay=True).doRollover()


def last_lines(path: Path, count: int) -> List[str]:
    """The last ``count`` lines with their ends, from earlier files too. Raises FileNotFoundError
    when there is no log."""
    lines = _lines(path)
    for number in range(1, KEPT + 1):
        if len(lines) >= count:
            break
        with suppress(FileNotFoundError):
            lines = _lines(_earlier(path, number)) + lines
    return lines[-count:] if count > 0 else []


def _lines(path: Path) -> List[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)


def _earlier(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path
