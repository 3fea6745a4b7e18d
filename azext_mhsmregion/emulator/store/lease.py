"""One owner a home: an OS file lock says who may write (DESIGN section 2b)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, Optional

from azext_mhsmregion.emulator.errors import HomeHeld

LOCK_FILE = "lease.lock"
SERVER_FILE = "server.json"
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.05


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
        while not self._try():
            if self._monotonic() >= deadline:
                raise self._refusal()
            self._sleep(PAUSE_SECONDS)

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

        file = open(self._path, "a+", encoding="ascii")  # noqa: SIM115 - kept open while held
        try:
            portalocker.lock(file, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except (portalocker.LockException, portalocker.AlreadyLocked, BlockingIOError):
            file.close()
            return False
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return True

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


def running_server(home: Path) -> Optional[int]:
    """The port of the server that runs on ``home``, None when none does. A server that died
    leaves its file behind; its process id tells."""
    try:
        facts = json.loads((home / SERVER_FILE).read_text(encoding="utf-8"))
        pid, port = int(facts["pid"]), int(facts["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return port
