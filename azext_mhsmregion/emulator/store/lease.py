"""One owner a home: an OS file lock says who may write (DESIGN section 2b)."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Optional

from azext_mhsmregion.emulator.errors import HomeHeld
from azext_mhsmregion.emulator.store.home import unwritable

LOCK_FILE = "lease.lock"
PATIENCE_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.001, 0.05


class Lease:
    """The lease of one home. ``sleep`` and ``monotonic`` are handed in, for waiting."""

    def __init__(
        self,
        home: Path,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._path = home / LOCK_FILE
        self._sleep = sleep
        self._monotonic = monotonic
        self._patience = patience
        self._file: Optional[Any] = None

    @property
    def held(self) -> bool:
        """Do we hold it?"""
        return self._file is not None

    def acquire(self) -> None:
        """Take it, waiting a moment. Raises HomeHeld, naming the holder."""
        deadline = self._monotonic() + self._patience
        pause = FIRST_PAUSE_SECONDS
        while not self._try():
            if self._monotonic() >= deadline:
                raise self._refusal()
            self._sleep(pause)
            pause = min(2 * pause, LAST_PAUSE_SECONDS)

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def is_held_by_another(self) -> bool:
        """Does some other process hold it right now?"""
        if self.held:
            return False
        if self._try():
            self.release()
            return False
        return True

    def _try(self) -> bool:
        import portalocker

        try:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise unwritable(self._path.parent, error) from error
        try:
            portalocker.lock(file, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except (portalocker.LockException, OSError) as error:
            file.close()
            self._refuse_unlockable(error)
            return False
        self._file = file
        with suppress(OSError):  # a full disk: the lock holds, only its holder stays unnamed
            file.truncate()
            file.write(str(os.getpid()).encode("ascii"))
        return True

    def _refuse_unlockable(self, error: Exception) -> None:
        """portalocker wraps the system's error: held by another is one thing, a file system
        that has no locks another."""
        causes = (error, *error.args, error.__cause__)
        cause = next((item for item in causes if isinstance(item, OSError)), None)
        if cause is not None and cause.errno not in (errno.EAGAIN, errno.EACCES):
            raise unwritable(self._path.parent, cause) from error

    def _refusal(self) -> HomeHeld:
        try:
            pid = int(self._path.read_text(encoding="ascii") or 0)
        except (OSError, ValueError):
            pid = 0
        holder = f"process {pid}" if pid else "another process"
        return HomeHeld(
            f"The home {self._path.parent} is held by {holder}.",
            "Wait for it to finish, stop a server with `mhsm keyvault emulator stop`, "
            "or set MHSMREGION_HOME to another folder.",
            pid,
        )
