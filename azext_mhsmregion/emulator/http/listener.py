"""The accept loop: one port that takes CONNECT, TLS and plain HTTP, by the first bytes.

A connection is looked at as a raw socket until it is known whose it is, and only then handed
to TLS and HTTP together (``connect_accepted_socket``). So the HTTP protocol is connected
before the first decrypted byte: a request that shares a segment with the client's Finished
has no gap to fall into.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import socket
import ssl
import time
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Callable, Mapping, Optional, Set, Tuple, Union
from urllib.parse import parse_qsl

from azext_mhsmregion.emulator.hosts import CONTROL_HOST
from azext_mhsmregion.emulator.http import admission, hello, outage, passthrough, preface, requestlog
from azext_mhsmregion.emulator.http.admission import Admission
from azext_mhsmregion.emulator.http.app import Tunnel
from azext_mhsmregion.emulator.http.authority import Authority, NotOurName
from azext_mhsmregion.emulator.http.passthrough import Passage, Passthrough
from azext_mhsmregion.emulator.wire import (
    Caller,
    ConnectionBroken,
    Gateway,
    NameKind,
    Request,
    Resolution,
)
from azext_mhsmregion.emulator.witness import Witness

PORT_SERVED = 443
PREFACE_TIMEOUT = 60.0
"""Seconds that a client has for its first request head or ClientHello, and for its handshake."""

METRICS_PATH = "/metrics"
IDENTITY_TARGETS = ("http://169.254.169.254/metadata/identity/oauth2/token", "/msi/token")
"""What is asked for a managed identity's token: over HTTP_PROXY, or of the port itself."""

IDENTITY_HOST, IDENTITY_PATH = "login.microsoftonline.com", "/metadata/identity/oauth2/token"
"""Where the gateway has it (``entra/managed_identity.py``)."""

_FAREWELL_TIMEOUT = 1.0
_ACCEPT_PAUSE = 0.1
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_SAYS = "mhsmregion emulator"

log = logging.getLogger(__name__)


Entrance = Callable[[str, str], Resolution]
"""What a host means to a client (by its label) whose connection was opened to one region's address."""


@dataclass(frozen=True)
class Door:
    """What every listener shares: the emulator behind, the authority, the threads for both,
    the factory of the HTTP protocol of a connection, whom it admits, what passes it, and who is told."""

    gateway: Gateway
    authority: Authority
    workers: Executor
    protocol: Callable[[Tunnel], asyncio.Protocol]
    health: Mapping[str, Any]
    admission: Admission
    passthrough: Passthrough
    witness: Witness


class Listener:
    """Accepts on one socket. ``place`` is where its clients stand unless they say otherwise. With an
    ``entrance`` it takes TLS alone, and asks that what a host means to those who enter here."""

    def __init__(
        self, door: Door, sock: socket.socket, place: str, entrance: Optional[Entrance] = None
    ) -> None:
        self._door = door
        self._socket = sock
        self._place = place
        self._entrance = entrance
        self._raw: Set[socket.socket] = set()
        self._welcomes: Set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    async def stop(self) -> None:
        """Take no more connections, and drop those that have not got as far as HTTP."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        welcomes = list(self._welcomes)
        for task in welcomes:
            task.cancel()
        await asyncio.gather(*welcomes, return_exceptions=True)

    def _accept(self) -> None:
        """Take every connection that waits."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # out of file descriptors: those that wait go on waiting
                log.warning("cannot accept a connection: %s", error)
                loop.remove_reader(self._socket)
                loop.call_later(_ACCEPT_PAUSE, self._accept_again)
                return
            sock.setblocking(False)
            self._raw.add(sock)
            task = loop.create_task(self._welcome(sock))
            self._welcomes.add(task)
            task.add_done_callback(functools.partial(self._welcomed, sock))

    def _accept_again(self) -> None:
        if self._socket.fileno() >= 0:
            self.start()

    def _welcomed(self, sock: socket.socket, task: asyncio.Task[None]) -> None:
        """Close what was not handed over: here, since a task may be cancelled before it begins."""
        self._welcomes.discard(task)
        if sock in self._raw:
            self._raw.discard(sock)
            sock.close()

    async def _welcome(self, sock: socket.socket) -> None:
        """Bring one connection as far as HTTP, or answer it and hang up."""
        try:
            tunnel = await asyncio.wait_for(self._tunnel(sock), PREFACE_TIMEOUT)
            if isinstance(tunnel, Passage):
                await tunnel.relay(sock)
                return
            context = await self._context(sock, tunnel) if tunnel is not None else None
            if tunnel is not None and context is not None:
                self._raw.discard(sock)  # from here on the transport closes it, on failure too
                await self._hand_over(sock, tunnel, context)
        except preface.BadPreface as error:
            if not error.is_logged:
                log.info("a connection was answered %d: %s", error.status, error)
            await _say_farewell(sock, _answer(error.status, str(error), *error.headers))
        except ConnectionBroken as broken:
            requestlog.record("CONNECT", broken.region, requestlog.BROKEN, place=self._place)
            await outage.meet(sock, broken.effect)
        except (preface.Gone, asyncio.TimeoutError, OSError) as error:
            log.debug("a connection ended early: %r", error)
        except Exception:
            log.exception("a connection failed")

    async def _tunnel(self, sock: socket.socket) -> Union[Tunnel, Passage, None]:
        """Whom this connection is for, or None when it has been answered."""
        first = await preface.peek(sock, 1)
        if not first:
            return None
        if first[0] == hello.HANDSHAKE or self._entrance is not None:
            return await self._direct(sock)
        if not first.isalpha():
            raise preface.BadPreface(400, "This port takes CONNECT, TLS and GET /health.")
        head = await preface.read_head(sock)
        if head.method == "CONNECT":
            return await self._connect(sock, head)
        if head.method == "GET" and head.target.partition("?")[0] in IDENTITY_TARGETS:
            answer = await self._identity(sock, head)
        elif head.method == "GET" and head.target == METRICS_PATH:
            answer = await self._metrics(head)
        else:
            if not _is_health(head):
                self._door.admission.check(head)
            answer = _plain_answer(head, self._door.health)
            requestlog.record(head.method, head.target, _status_of(answer), place=self._place)
        await _say_farewell(sock, answer)
        return None

    async def _direct(self, sock: socket.socket) -> Optional[Tunnel]:
        """TLS without CONNECT: the ClientHello's server name is the host, the client's address its label."""
        if not self._door.admission.takes_direct_tls:
            log.info("refused TLS without CONNECT: it carries no proxy password")
            await _say_farewell(sock, admission.ACCESS_DENIED)
            return None
        host, client = await preface.peek_server_name(sock) or "", admission.peer_of(sock)
        resolution = await self._arrival(host, client)
        if resolution.kind is not NameKind.OURS:
            log.info("refused TLS for %r: %s", host, resolution.kind.value)
            await _say_farewell(sock, hello.UNRECOGNIZED_NAME)
            return None
        return self._opened(Tunnel(host, _caller(self._place, client, resolution)), resolution)

    async def _connect(self, sock: socket.socket, head: preface.Head) -> Union[Tunnel, Passage, None]:
        place, client = self._door.admission.caller(head, self._place)
        host, port = preface.authority_of(head.target)
        passes = self._door.passthrough.allows(host)
        resolution = Resolution(NameKind.FOREIGN)
        if port == PORT_SERVED or passes:
            resolution = await self._resolve(host, place, client)
        if passes and resolution.kind is NameKind.FOREIGN:
            return await self._passage(sock, head, place, client)
        if resolution.kind is NameKind.OURS and port == PORT_SERVED:
            await asyncio.get_running_loop().sock_sendall(sock, _ESTABLISHED)
            return self._opened(Tunnel(host, _caller(place, client, resolution)), resolution)
        is_unknown = resolution.kind is NameKind.NXDOMAIN
        answer = _no_such_name(host) if is_unknown else _refusal(f"a connection to {host}:{port}")
        requestlog.record("CONNECT", head.target, _status_of(answer), client=client, place=place)
        await _say_farewell(sock, answer)
        return None

    def _opened(self, tunnel: Tunnel, resolution: Resolution) -> Tunnel:
        """The tunnel, with its number. Raises ConnectionBroken where it leads to a region or partition
        that is out."""
        effect = resolution.effect
        number = self._door.witness.opened(tunnel.caller, tunnel.host, effect is not None)
        if effect is not None:
            raise ConnectionBroken(effect, f"{tunnel.host} in {resolution.region}")
        return replace(tunnel, number=number)

    async def _passage(
        self, sock: socket.socket, head: preface.Head, place: str, client: str
    ) -> Optional[Passage]:
        """The way to a foreign host that may be passed to, None where it is not reached."""
        host, port = preface.authority_of(head.target)
        begun, status, passage, why = time.perf_counter(), 200, None, ""
        try:
            passage = await self._door.passthrough.open(host, port)
        except passthrough.Unreachable as error:
            status, why = error.status, str(error)
        took = time.perf_counter() - begun
        requestlog.record("CONNECT", head.target, status, took, client=client, place=place)
        if passage is None:
            await _say_farewell(sock, _answer(status, f"{_SAYS}: no way to {host}:{port}: {why}."))
        return passage

    async def _metrics(self, head: preface.Head) -> bytes:
        """What Prometheus scrapes, which speaks to the port as to any other program's."""
        place, client = self._door.admission.caller(head, self._place)
        request = Request("GET", CONTROL_HOST, METRICS_PATH)
        response = await asyncio.get_running_loop().run_in_executor(
            self._door.workers, self._door.gateway.handle, request, Caller(place=place, client=client)
        )
        requestlog.record("GET", head.target, response.status, client=client, place=place)
        return _whole(response.status, response.body, response.header("content-type") or "")

    async def _identity(self, sock: socket.socket, head: preface.Head) -> bytes:
        """A managed identity's token: the one thing that clients ask of the emulator over plain HTTP
        (the metadata address of a virtual machine, or the endpoint of App Service)."""
        place, client = self._door.admission.caller(head, self._place)
        if not self._door.admission.gives_tokens_to(admission.peer_of(sock)):
            requestlog.record("GET", head.target, 403, client=client, place=place)
            return _refusal("a managed identity's token to another machine")
        query = dict(parse_qsl(head.target.partition("?")[2], keep_blank_values=True))
        request = Request("GET", IDENTITY_HOST, IDENTITY_PATH, query, head.headers)
        response = await asyncio.get_running_loop().run_in_executor(
            self._door.workers, self._door.gateway.handle, request, Caller(place=place, client=client)
        )
        requestlog.record("GET", head.target, response.status, client=client, place=place)
        kind = response.header("content-type") or ""
        return _whole(response.status, response.body, kind, ("cache-control", "no-store, no-cache"))

    async def _arrival(self, host: str, client: str) -> Resolution:
        """What TLS for ``host`` comes to on this socket."""
        if self._entrance is None:
            return await self._resolve(host, self._place, client)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._door.workers, self._entrance, host, client)

    async def _resolve(self, host: str, place: str, client: str) -> Resolution:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._door.workers, self._door.gateway.resolve, host, place, client)

    async def _context(self, sock: socket.socket, tunnel: Tunnel) -> Optional[ssl.SSLContext]:
        """The TLS context for the name in the ClientHello, else for the tunnel's host; None
        when the client has been refused."""
        asked = await asyncio.wait_for(preface.peek_server_name(sock), PREFACE_TIMEOUT)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._door.workers, self._door.authority.context, asked or tunnel.host
            )
        except NotOurName as error:
            log.info("refused TLS in a tunnel to %s: %s", tunnel.host, error)
        except OSError as error:  # a full disk
            log.warning("no certificate for %s: %s", tunnel.host, error)
        await _say_farewell(sock, hello.UNRECOGNIZED_NAME)
        return None

    async def _hand_over(self, sock: socket.socket, tunnel: Tunnel, context: ssl.SSLContext) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self._door.protocol(tunnel), sock, ssl=context, ssl_handshake_timeout=PREFACE_TIMEOUT
        )


def _caller(place: str, client: str, resolution: Resolution) -> Caller:
    return Caller(place=place, client=client, region=resolution.region, partition=resolution.partition)


def _answer(status: int, text: str, *headers: Tuple[str, str], kind: str = "text/plain") -> bytes:
    """An answer outside TLS that is a text."""
    return _whole(status, (text + "\n").encode(), f"{kind}; charset=utf-8", *headers)


def _whole(status: int, body: bytes, kind: str, *headers: Tuple[str, str]) -> bytes:
    """A whole HTTP answer outside TLS; the connection ends behind it."""
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {kind}",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
        "connection: close",
    ]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def _status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def _is_health(head: preface.Head) -> bool:
    return head.method == "GET" and head.target == "/health"


def _plain_answer(head: preface.Head, health: Mapping[str, Any]) -> bytes:
    if _is_health(head):
        return _answer(200, json.dumps({"status": "ok", **health}), kind="application/json")
    return _refusal(f"{head.method} {head.target[:200]} over plain HTTP")


def _refusal(what: str) -> bytes:
    """Who refused what, and how to allow it. The word "unreachable" tells azure-identity that
    there is no metadata service here (it looks for it, as Docker Desktop's proxy says it)."""
    text = (
        f"{_SAYS}: refused {what}. It serves HTTPS (port {PORT_SERVED}) of its own names only, so that "
        "nothing reaches real Azure by mistake; every other host is unreachable through it.\n"
        "To let a client go past it to a host, name that host in the client's NO_PROXY. "
        f"To have it relay CONNECT to a host, start it with {passthrough.OPTION} HOST."
    )
    return _answer(403, text)


def _no_such_name(host: str) -> bytes:
    text = f"{_SAYS}: {host} does not exist (NXDOMAIN). Is the pool created, and its name spelt right?"
    return _answer(502, text, ("x-mhsmregion-dns", "NXDOMAIN"))


async def _say_farewell(sock: socket.socket, data: bytes) -> None:
    """Send ``data`` and end the connection so that the client gets to read it: closing while
    its bytes wait unread would reset the connection."""
    loop = asyncio.get_running_loop()

    async def farewell() -> None:
        await loop.sock_sendall(sock, data)
        sock.shutdown(socket.SHUT_WR)
        while await loop.sock_recv(sock, 65536):
            pass

    try:
        await asyncio.wait_for(farewell(), _FAREWELL_TIMEOUT)
    except (OSError, asyncio.TimeoutError):
        log.debug("a client did not wait for its answer")
