"""A home's directory while an emulator is open on it: read anew once its file has changed, so that a
server sees what its user edits, as every command does."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Callable, Optional, Tuple

from azext_mhsmregion.emulator.directory import FILE_NAME, Directory, DirectoryError

Mark = Optional[Tuple[int, int, int]]
"""Modification time, size, inode; None: there is no file."""


class DirectoryFile:
    """The directory of ``home``. A file that cannot be used leaves what was read before, and is told
    to the log once. May be shared by threads."""

    def __init__(self, home: Path, new_id: Callable[[], str], new_secret: Callable[[], str]) -> None:
        """Raises as :meth:`Directory.load`."""
        self._lock = threading.Lock()
        self._path = str(home / FILE_NAME)  # every request looks: a path is dearer to make than the look
        self._mark = _mark(self._path)
        self._directory = Directory.load(home, new_id, new_secret)

    @property
    def tenant_id(self) -> str:
        """The tenant as the file says now."""
        return self.current().tenant_id

    def current(self) -> Directory:
        """The directory as the file says now, at the cost of one look at the file."""
        mark = _mark(self._path)
        if mark != self._mark:
            with self._lock:
                if mark != self._mark:
                    self._read(mark)
        return self._directory

    def _read(self, mark: Mark) -> None:
        """``mark`` was taken before, so that what is written meanwhile is read next time."""
        from azext_mhsmregion.emulator import directory_text

        path = Path(self._path)
        try:
            self._directory = directory_text.parsed(path, path.read_bytes())
        except (DirectoryError, OSError) as error:
            _warn(path, error)
        self._mark = mark


def _mark(path: str) -> Mark:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _warn(path: Path, error: Exception) -> None:
    import logging

    reason = getattr(error, "strerror", None)
    what = f"{path}: {reason}" if reason else str(error)
    logging.getLogger(__name__).warning("The edited directory is not used, the one before is: %s", what)
