"""Which server runs on a home: it says so in ``<home>/server.json`` while it holds the lease."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Mapping, Optional, Tuple

from azext_mhsmregion.emulator.store.lease import LOCK_FILE, Lease

FILE = "server.json"


@dataclass(frozen=True)
class NameService:
    """Where clients ask DNS (``host:port``), and where those of each place do."""

    address: str
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunningServer:
    """A server: its process id, its port, the further port of each place, the address that it
    listens on, its proxy's password (empty: none), the foreign hosts that it relays to, whether
    it is a throw-away one, and where it answers DNS (None: nowhere)."""

    pid: int
    port: int
    places: Mapping[str, int] = field(default_factory=dict)
    address: str = "127.0.0.1"
    password: str = field(default="", repr=False)
    passthrough: Tuple[str, ...] = ()
    memory: bool = False
    dns: Optional[NameService] = None


def announce(home: Path, server: RunningServer) -> None:
    """Say that the server runs, once its ports are open and it holds the lease."""
    from azext_mhsmregion.emulator.files import replace_private

    replace_private(home / FILE, json.dumps(asdict(server)).encode(), FILE)


def withdraw(home: Path, pid: int) -> None:
    """Take the announcement of process ``pid`` away, and no other server's."""
    announced = _announced(home)
    if announced is not None and announced.pid == pid:
        with suppress(FileNotFoundError):
            (home / FILE).unlink()


def find(home: Path) -> Optional[RunningServer]:
    """The server that runs on ``home``, None when none does.

    Process ids are used again, so the announcement alone proves nothing: the lease must be held,
    and by the announced process.
    """
    announced = _announced(home)
    if announced is None or _lease_holder(home) != announced.pid or not _is_held(home):
        return None
    return announced


def _announced(home: Path) -> Optional[RunningServer]:
    try:
        return _parsed(json.loads((home / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _parsed(facts: Any) -> RunningServer:
    return RunningServer(
        pid=int(facts["pid"]),
        port=int(facts["port"]),
        places=dict(facts.get("places", {})),
        address=str(facts.get("address", "127.0.0.1")),
        password=str(facts.get("password", "")),
        passthrough=tuple(facts.get("passthrough", ())),
        memory=bool(facts.get("memory", False)),
        dns=NameService(**facts["dns"]) if facts.get("dns") else None,
    )


def _lease_holder(home: Path) -> int:
    try:
        return int((home / LOCK_FILE).read_text(encoding="ascii") or 0)
    except (OSError, ValueError):
        return 0


def _is_held(home: Path) -> bool:
    return Lease(home, sleep=_no_sleep, monotonic=_no_time).is_held_by_another()


def _no_sleep(_: float) -> None:
    """A look at the lease never waits."""


def _no_time() -> float:
    return 0.0
