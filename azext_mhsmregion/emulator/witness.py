"""What each client saw, kept for a while: connections opened and closed, requests, and those that an
outage left without an answer. In memory; the newest :data:`KEPT` of them. Never a query, a header or
a body, as in the request log."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from typing import Callable, Deque, List, NamedTuple, Optional, Tuple

from azext_mhsmregion.emulator.wire import Caller

KEPT = 20_000
OPENED, REQUEST, CLOSED = "opened", "request", "closed"
BROKEN = 0
"""The status of a connection or request that an outage left without an answer."""


class Seen(NamedTuple):
    """One thing that happened to a client. ``number`` counts them, ``at`` is real time in
    milliseconds, ``connection`` the connection's own number; ``milliseconds`` how long a request
    took."""

    number: int
    at: int
    kind: str
    connection: int
    client: str
    place: str
    host: str
    region: Optional[str]
    method: str = ""
    path: str = ""
    status: Optional[int] = None
    milliseconds: float = 0.0


class Witness:
    """Thread-safe. ``real`` is real time in milliseconds."""

    def __init__(self, real: Callable[[], int]) -> None:
        self._real = real
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._connections = itertools.count(1)
        self._seen: Deque[Seen] = deque(maxlen=KEPT)

    def opened(self, caller: Caller, host: str, is_broken: bool) -> int:
        """A connection was opened, or met an outage at once; its number."""
        connection = next(self._connections)
        seen = self._of(OPENED, connection, caller, host)
        self._keep(seen._replace(status=BROKEN) if is_broken else seen)
        return connection

    def asked(
        self, connection: int, caller: Caller, host: str, asked: Tuple[str, str], status: int, seconds: float
    ) -> None:
        """A request (method and path) was answered, or was not."""
        seen = self._of(REQUEST, connection, caller, host)
        method, path = asked
        self._keep(seen._replace(method=method, path=path, status=status, milliseconds=seconds * 1000))

    def closed(self, connection: int, caller: Caller, host: str) -> None:
        self._keep(self._of(CLOSED, connection, caller, host))

    def since(self, number: int, client: Optional[str] = None) -> List[Seen]:
        """What came behind ``number``, oldest first, of one client or of all."""
        with self._lock:
            kept = list(self._seen)
        return [seen for seen in kept if seen.number > number and client in (None, seen.client)]

    def _of(self, kind: str, connection: int, caller: Caller, host: str) -> Seen:
        return Seen(0, 0, kind, connection, caller.client, caller.place, host, caller.region)

    def _keep(self, seen: Seen) -> None:
        with self._lock:
            self._seen.append(seen._replace(number=next(self._numbers), at=self._real()))


__all__ = ["BROKEN", "CLOSED", "OPENED", "REQUEST", "Seen", "Witness"]
