"""The one shape in which every request reaches the emulator, and every answer leaves it.

The HTTP server parses sockets into a :class:`Request`; the in-process provider builds one
directly. Both hand it to the same handlers, which know neither sockets nor asyncio
(DESIGN section 1, "One set of handlers").

Values that every command loads are named tuples here and below: a frozen dataclass takes four times as
long to define (0.3 ms), and a command of a tenth of a second defines fifty.
"""

from __future__ import annotations

import enum
import json
from types import MappingProxyType
from typing import Any, Mapping, NamedTuple, Optional, Protocol, Tuple

_NOTHING: Mapping[str, str] = MappingProxyType({})
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Request(NamedTuple):
    """One HTTP request.

    ``method`` is upper case, ``host`` lower case without port, ``path`` as sent (still
    percent-encoded, beginning with ``/``), ``query`` decoded (the last of equal names wins),
    ``headers`` with lower-case names, ``body`` the raw bytes (empty when absent).
    """

    method: str
    host: str
    path: str
    query: Mapping[str, str] = _NOTHING
    headers: Mapping[str, str] = _NOTHING
    body: bytes = b""


class Response(NamedTuple):
    """One HTTP answer: status, header pairs (lower-case names), body bytes; and how many real
    milliseconds it is held back."""

    status: int
    headers: Tuple[Tuple[str, str], ...] = ()
    body: bytes = b""
    delay: int = 0

    def header(self, name: str) -> Optional[str]:
        """The value of the header ``name`` (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


class Caller(NamedTuple):
    """Who is on the other end of a connection, as far as the connection itself tells.

    ``place`` is where the client stands (a region's name), ``client`` the label that owns a
    DNS cache and appears in events, ``region`` the region of a pool that the client's name
    resolution chose when the connection was opened (DESIGN section 4: a tunnel belongs to a
    region), None where the host is not a pool's. ``principal`` is the object id of a caller
    who needs no token (the home's owner, in process); None means: look at the token.
    ``partition`` is the HSM partition of that region that the balancer gave the connection to.
    """

    place: str = ""
    client: str = "-"
    region: Optional[str] = None
    principal: Optional[str] = None
    partition: Optional[int] = None


class ConnectionBroken(Exception):
    """No answer at all: the connection is reset, or hangs, because its region or partition is
    out (rules F7, F10). ``effect`` is ``refuse``, ``reset`` or ``hang``."""

    def __init__(self, effect: str, region: str) -> None:
        super().__init__(f"the connection to {region} was broken ({effect})")
        self.effect = effect
        self.region = region


class NameKind(enum.Enum):
    """What the emulator's name resolution says of a host."""

    OURS = "ours"
    NXDOMAIN = "nxdomain"
    FOREIGN = "foreign"


class Resolution(NamedTuple):
    """Answer of name resolution: the kind; for a pool's name the region that serves it, the
    partition that its balancer gives the connection to, and the effect (``refuse``, ``reset``,
    ``hang``) of an outage that the connection meets there."""

    kind: NameKind
    region: Optional[str] = None
    partition: Optional[int] = None
    effect: Optional[str] = None


class Location(NamedTuple):
    """What DNS says of a host: the kind; the region that serves it (None: the control plane); the
    host that it is an alias of ("": of none); and for how many real seconds all this may be
    remembered."""

    kind: NameKind
    region: Optional[str] = None
    alias_of: str = ""
    ttl: int = 0


class Gateway(Protocol):
    """What the HTTP floor needs from the emulator behind it. All calls may block: run them
    in a worker thread. None raises for bad input; ``handle`` turns errors into answers, and
    raises ConnectionBroken where an outage leaves none."""

    def resolve(self, host: str, place: str, client: str) -> Resolution:
        """Resolve ``host`` for a client standing at ``place``."""

    def enter(self, host: str, client: str, region: str) -> Resolution:
        """What a client's connection for ``host`` comes to that was opened to the address of ``region``
        ("": of the control plane)."""

    def locate(self, host: str, place: str) -> Location:
        """What DNS answers a client at ``place``."""

    def handle(self, request: Request, caller: Caller) -> Response:
        """Answer one request."""


def json_response(status: int, body: Any, headers: Tuple[Tuple[str, str], ...] = ()) -> Response:
    """A JSON answer with the content type that the service sends."""
    data = _ENCODER.encode(body).encode()
    return Response(status, (("content-type", "application/json; charset=utf-8"),) + headers, data)
