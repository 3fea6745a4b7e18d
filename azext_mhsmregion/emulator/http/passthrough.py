"""Foreign hosts that the proxy relays to, as opaque tunnels: ``--proxy-passthrough``.

Nothing is relayed unless its host is listed, and never what is the emulator's own: its names, on
any port, and the address where a machine in Azure finds its metadata.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Awaitable, Callable, List, Optional, Sequence, Tuple

from azext_mhsmregion.emulator.http.authority import SUFFIXES

OPTION = "--proxy-passthrough"
EVERY_HOST = "*"

PATIENCE = 10.0
"""Seconds that finding and reaching a host may take."""

MOST_TUNNELS = 256
METADATA_ADDRESS = ipaddress.ip_address("169.254.169.254")

_RESOLVER_THREADS = 4
_PIECE = 65536
_KEEP_ALIVE_IDLE = 60
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_HOST = re.compile(r"\.?(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.IGNORECASE)

Address = Tuple[int, Any]
"""A socket's family, and what ``connect`` takes."""

Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]


class Unreachable(Exception):
    """The host cannot be reached: answer ``status`` with the text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Passthrough:
    """The listed hosts, and the way to them. ``patterns`` as :func:`parse` gives them; ``resolve``
    finds the addresses of a host (None: this machine's resolver, in threads of its own, so that
    slow foreign names hold up none of ours)."""

    def __init__(
        self,
        patterns: Sequence[str] = (),
        resolve: Optional[Resolver] = None,
        patience: float = PATIENCE,
        most: int = MOST_TUNNELS,
    ) -> None:
        self.patterns = tuple(patterns)
        self._resolve = resolve or self._ask_system
        self._patience = patience
        self._free = most
        self._threads: Optional[Executor] = None

    def allows(self, host: str) -> bool:
        """Is ``host`` (lower case) listed, and not our own?"""
        return not is_ours(host) and any(_matches(host.strip("[]"), one) for one in self.patterns)

    async def open(self, host: str, port: int) -> Passage:
        """Reach the host. Raises :class:`Unreachable`."""
        if self._free <= 0:
            raise Unreachable(503, "as many tunnels as there may be are open")
        self._free -= 1
        try:
            return Passage(await self._dial(host.strip("[]"), port), self._release)
        except BaseException:
            self._free += 1
            raise

    def close(self) -> None:
        """Look no more names up. A lookup under way ends by itself."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    def _release(self) -> None:
        self._free += 1

    async def _dial(self, host: str, port: int) -> socket.socket:
        try:
            return await asyncio.wait_for(self._reach(host, port), self._patience)
        except asyncio.TimeoutError:
            raise Unreachable(504, f"it did not answer within {self._patience:g} seconds") from None
        except (OSError, UnicodeError) as error:
            raise Unreachable(502, _reason(error)) from error

    async def _reach(self, host: str, port: int) -> socket.socket:
        """The first address that answers; each gets its part of the time."""
        addresses = await self._resolve(host, port)
        if any(_is_metadata(address) for _, address in addresses):
            raise Unreachable(403, "it is the address of a machine's metadata")
        failure: Exception = OSError("it has no address")
        for family, address in addresses:
            try:
                return await asyncio.wait_for(_dialled(family, address), self._patience / len(addresses))
            except (OSError, asyncio.TimeoutError) as error:
                failure = error
        raise failure

    async def _ask_system(self, host: str, port: int) -> List[Address]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="mhsmregion-dns")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port)
        return [(int(family), address) for family, _, _, _, address in found]


class Passage:
    """A connection to a foreign host that waits for its client."""

    def __init__(self, upstream: socket.socket, on_end: Callable[[], None]) -> None:
        self._upstream = upstream
        self._on_end = on_end

    async def relay(self, client: socket.socket) -> None:
        """Tell the client that the tunnel stands, and carry bytes both ways until both sides have
        ended. The end of one side is passed on, and the other goes on. Raises OSError when
        either breaks off. The client's socket stays its owner's to close."""
        try:
            await asyncio.get_running_loop().sock_sendall(client, _ESTABLISHED)
            _keep_alive(client)
            await _both(_carry(client, self._upstream), _carry(self._upstream, client))
        finally:
            self._upstream.close()
            self._on_end()


def parse(texts: Sequence[str]) -> Tuple[str, ...]:
    """Patterns from ``HOST[,HOST|.suffix|*]`` texts: a host, ``.suffix`` for the names below it,
    ``*`` for all. Raises ValueError for what is none, and for our own names."""
    words = [word.strip().lower() for text in texts for word in text.split(",") if word.strip()]
    for word in words:
        if word == EVERY_HOST or _is_address(word):
            continue
        if not _HOST.fullmatch(word):
            raise ValueError(f"{word} is no host: say HOST, .suffix or *, without port and scheme")
        if is_ours(word.lstrip(".")):
            raise ValueError(f"{word} is the emulator's own and never passes")
    return tuple(dict.fromkeys(words))


def is_ours(host: str) -> bool:
    """Is ``host`` at or below a name that the emulator serves?"""
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in SUFFIXES)


def _matches(host: str, pattern: str) -> bool:
    if pattern.startswith("."):
        return host.endswith(pattern)
    return pattern in (EVERY_HOST, host)


def _is_address(word: str) -> bool:
    try:
        return bool(ipaddress.ip_address(word))
    except ValueError:
        return False


def _is_metadata(address: Any) -> bool:
    parsed = ipaddress.ip_address(str(address[0]).partition("%")[0])
    inner = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return METADATA_ADDRESS in (parsed, inner)


def _reason(error: Exception) -> str:
    """In the system's words: asyncio puts others in their place."""
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)


def _look_up(host: str, port: int) -> List[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)


async def _dialled(family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(sock)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _keep_alive(sock: socket.socket) -> None:
    """Notice a peer that is gone while nobody speaks."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEP_ALIVE_IDLE)


async def _carry(source: socket.socket, target: socket.socket) -> None:
    """Bytes from ``source`` to ``target``, no more of them at a time than the target takes."""
    loop = asyncio.get_running_loop()
    while True:
        data = await loop.sock_recv(source, _PIECE)
        if not data:
            break
        await loop.sock_sendall(target, data)
    with contextlib.suppress(OSError):  # the other side may be gone as well
        target.shutdown(socket.SHUT_WR)


async def _both(*ways: Awaitable[None]) -> None:
    """Until both have ended, or one has failed; then neither uses its sockets any more."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
