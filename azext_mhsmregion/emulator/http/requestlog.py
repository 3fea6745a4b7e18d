"""The request log: one line a request, on the logger of this module.

    POST pool.managedhsm.azure.net/keys/a/create 200 4.1ms client=app-1 place=uksouth region=uksouth id=7f3a

``region`` is the region that answered, ``id`` the client's ``x-ms-client-request-id``; ``-`` stands
for what is not known, status 0 for a request whose connection an outage broke. Never a query, a
header or a body: those may hold secrets.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Optional, TextIO
from urllib.parse import quote

NOTHING = "-"
BROKEN = 0
"""The status of a request that an outage left without an answer."""

_LONGEST = 200
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F))
_PACKAGE = "azext_mhsmregion.emulator"

log = logging.getLogger(__name__)


def record(
    method: str,
    where: str,
    status: int,
    seconds: Optional[float] = None,
    client: str = NOTHING,
    place: str = "",
    region: Optional[str] = None,
    request_id: Optional[str] = None,
) -> None:
    """Write the line of one request; ``where`` is its host and path, or what it asked for."""
    if not log.isEnabledFor(logging.INFO):
        return
    took = NOTHING if seconds is None else f"{seconds * 1000:.1f}ms"
    log.info(
        "%s %s %d %s client=%s place=%s region=%s id=%s",
        _plain(method),
        _plain(where.partition("?")[0]),
        status,
        took,
        _plain(client),
        _plain(place),
        _plain(region or ""),
        _plain(request_id or ""),
    )


def to_stderr(stream: Optional[TextIO] = None) -> None:
    """Send everything that the server logs to ``stream`` (stderr)."""
    to(logging.StreamHandler(stream or sys.stderr))


def to(handler: logging.Handler) -> None:
    """Send everything that the server logs to ``handler``, with real time in UTC before it."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logger = logging.getLogger(_PACKAGE)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _plain(text: str) -> str:
    """``text`` as one word: strangers choose it, and a line break would forge a line."""
    return quote(text[:_LONGEST], safe=_SAFE) or NOTHING
