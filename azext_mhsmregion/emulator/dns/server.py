"""The sockets of the DNS server: UDP and TCP on one port, on one address for each place that
clients stand in."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
from concurrent.futures import Executor
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from azext_mhsmregion.emulator.dns import answers
from azext_mhsmregion.emulator.dns.addresses import written
from azext_mhsmregion.emulator.dns.answers import Lookup

IDLE_SECONDS = 10.0
"""How long a connection over TCP may say nothing."""

MOST_PENDING = 512
"""Queries that are being answered at once, on each socket; more are dropped, and clients ask again."""
MOST_CONNECTIONS = 128
_BACKLOG = 128

log = logging.getLogger(__name__)


class NameServer:
    """Answers what ``lookup`` knows. ``hosts``: the address at which clients of each place ask (""
    is the default place); all on ``port`` (0: a free one). ``workers`` run the look-ups."""

    def __init__(self, lookup: Lookup, hosts: Mapping[str, str], port: int, workers: Executor) -> None:
        self._lookup = lookup
        self._hosts = hosts
        self._port = port
        self._workers = workers
        self._sockets: Dict[str, Tuple[socket.socket, socket.socket]] = {}
        self._transports: List[asyncio.DatagramTransport] = []
        self._servers: List[asyncio.AbstractServer] = []
        self._queries: Set[asyncio.Task[Any]] = set()
        self._connections: Set[asyncio.Task[Any]] = set()

    @property
    def addresses(self) -> Dict[str, str]:
        """Where clients of each place ask, once it is bound."""
        return {place: written(host, self._port) for place, host in self._hosts.items()}

    def bind(self) -> None:
        """Take all addresses, or none. Raises OSError; its ``filename`` is the address."""
        with contextlib.ExitStack() as opened:
            for place, host in self._hosts.items():
                tcp = opened.enter_context(bound(host, self._port, socket.SOCK_STREAM))
                self._port = tcp.getsockname()[1]
                udp = opened.enter_context(bound(host, self._port, socket.SOCK_DGRAM))
                self._sockets[place] = tcp, udp
            opened.pop_all()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for place, (tcp, udp) in self._sockets.items():
            transport, _ = await loop.create_datagram_endpoint(
                functools.partial(_Datagrams, self, place), sock=udp
            )
            self._transports.append(transport)
            serve = functools.partial(self._connection, place)
            self._servers.append(await asyncio.start_server(serve, sock=tcp, backlog=_BACKLOG))

    async def stop(self) -> None:
        for transport in self._transports:
            transport.close()
        for server in self._servers:
            server.close()
        tasks = [*self._queries, *self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """A task that ``stop`` ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._queries.add(task)
        task.add_done_callback(self._queries.discard)
        return task

    async def answer(self, packet: bytes, place: str, over_udp: bool) -> Optional[bytes]:
        """The answer; None for a packet that gets none."""
        call = functools.partial(answers.answer, packet, place, self._lookup, over_udp)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, call)
        except Exception:
            log.exception("a DNS query failed")
            return None

    async def _connection(
        self, place: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) <= MOST_CONNECTIONS:
                await self._conversation(place, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            log.debug("a DNS connection ended: %r", error)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _conversation(
        self, place: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One query after the other, each behind its length (RFC 7766)."""
        while True:
            length = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), IDLE_SECONDS), "big")
            packet = await asyncio.wait_for(reader.readexactly(length), IDLE_SECONDS)
            answer = await self.answer(packet, place, over_udp=False)
            if answer is None:
                return
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await asyncio.wait_for(writer.drain(), IDLE_SECONDS)


class _Datagrams(asyncio.DatagramProtocol):
    """One UDP socket."""

    def __init__(self, server: NameServer, place: str) -> None:
        self._server = server
        self._place = place
        self._pending = 0
        self._transport: Optional[asyncio.DatagramTransport] = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._pending < MOST_PENDING:
            self._pending += 1
            self._server.spawn(self._respond(data, addr)).add_done_callback(self._ended)

    def error_received(self, exc: Exception) -> None:
        log.debug("a DNS client is gone: %s", exc)

    def _ended(self, _: object) -> None:
        self._pending -= 1

    async def _respond(self, data: bytes, addr: Any) -> None:
        answer = await self._server.answer(data, self._place, over_udp=True)
        if answer is not None and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(answer, addr)


def bound(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A socket at an address. Raises OSError; its ``filename`` is the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        protocol = "TCP" if kind is socket.SOCK_STREAM else "UDP"
        raise OSError(error.errno, error.strerror, f"{written(host, port)} ({protocol})") from error
    return sock
