"""What a client says before the TLS handshake: a request head, or a ClientHello to look at.

Reads the raw socket and never one byte too many: a client may send its ClientHello right
behind CONNECT, and those bytes belong to the TLS layer that is set up later.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import socket
from dataclasses import dataclass
from typing import Dict, Mapping, Optional, Tuple

from azext_mhsmregion.emulator.http import hello

LONGEST_HEAD = 16384
"""Bytes of request line and headers that are read at most."""

_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/1\.[01]")


class BadPreface(Exception):
    """The first bytes are no request: answer ``status`` with the text and hang up."""

    is_logged = False

    def __init__(self, status: int, text: str, *headers: Tuple[str, str]) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


class Gone(Exception):
    """The client hung up before it said anything whole."""


@dataclass(frozen=True)
class Head:
    """A request line and its headers (lower-case names; the last of equal ones wins)."""

    method: str
    target: str
    headers: Mapping[str, str]


async def peek(sock: socket.socket, size: int) -> bytes:
    """Up to ``size`` bytes that wait in ``sock``, left there; empty when the client hung up."""
    while True:
        try:
            return sock.recv(size, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            await _readable(sock)


async def read_head(sock: socket.socket) -> Head:
    """Take one request head off ``sock``, up to and with the empty line. Raises
    :class:`BadPreface` and :class:`Gone`."""
    taken = b""
    while len(taken) < LONGEST_HEAD:
        waiting = await peek(sock, LONGEST_HEAD)
        if not waiting:
            raise Gone()
        searched_from = max(0, len(taken) - len(_END) + 1)
        end = (taken + waiting).find(_END, searched_from)
        if end >= 0:
            return _parse_head(taken + sock.recv(end + len(_END) - len(taken)))
        taken += sock.recv(len(waiting))
    raise BadPreface(431, f"The request's headers are longer than {LONGEST_HEAD} bytes.")


async def peek_server_name(sock: socket.socket) -> Optional[str]:
    """The server name in the ClientHello that waits in ``sock``, which stays there; None where
    it names none. Raises :class:`BadPreface` when something else waits, and :class:`Gone`."""
    record = await _peek_record(sock)
    if record[0] != hello.HANDSHAKE:
        raise BadPreface(400, "This is a TLS port: begin with a ClientHello.")
    return hello.server_name(record)


async def _peek_record(sock: socket.socket) -> bytes:
    seen = await peek(sock, hello.LONGEST_RECORD)
    while seen and seen[0] == hello.HANDSHAKE:
        wanted = min(hello.record_length(seen), hello.LONGEST_RECORD)
        if len(seen) >= wanted:
            break
        longer = await _peek_at_least(sock, wanted)
        if len(longer) <= len(seen):
            raise Gone()
        seen = longer
    if not seen:
        raise Gone()
    return seen


async def _peek_at_least(sock: socket.socket, size: int) -> bytes:
    """Peek once ``size`` bytes wait or the client hung up. The low-water mark keeps the socket
    from being reported readable for the bytes that were seen already."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
    try:
        await _readable(sock)
        return sock.recv(hello.LONGEST_RECORD, socket.MSG_PEEK)
    finally:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _parse_head(data: bytes) -> Head:
    first, *lines = data[: -len(_END)].decode("latin-1").split("\r\n")
    found = _REQUEST_LINE.fullmatch(first)
    if found is None:
        raise BadPreface(400, "The first line is not an HTTP/1.1 request.")
    headers: Dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadPreface(400, "A header line has no name.")
        headers[name.lower()] = value.strip()
    return Head(found[1], found[2], headers)


def authority_of(target: str) -> Tuple[str, int]:
    """Host (lower case, no dot at the end) and port of a CONNECT target. Raises :class:`BadPreface`."""
    host, _, port = target.rpartition(":")
    if not host or not port.isdecimal() or not port.isascii() or not 0 < int(port) < 65536:
        raise BadPreface(400, "CONNECT needs a target of the form host:port.")
    return host.lower().rstrip("."), int(port)


def place_and_client(headers: Mapping[str, str], default_place: str) -> Tuple[str, str]:
    """Where the client stands and its label, from ``Proxy-Authorization: Basic place:client``.
    Without credentials, and for a part that is empty or ``-``: the default place, the label ``-``."""
    value = headers.get("proxy-authorization")
    if value is None:
        return default_place, "-"
    scheme, _, encoded = value.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError("not Basic")
        place, _, client = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        text = "Proxy credentials must be Basic: the place as user name, the client's label as password."
        raise BadPreface(400, text) from None
    return (default_place if place in ("", "-") else place), client or "-"
