"""The server of one home: its listeners, its HTTP connections, its threads, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from azext_mhsmregion.emulator.http.app import App, Tunnel
from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.listener import Door, Listener
from azext_mhsmregion.emulator.wire import Gateway

KEEP_ALIVE = 120
"""Seconds that an idle connection stays open; longer than any TTL, as in life (rule F10)."""

GRACE = 10.0
"""Seconds that ``stop`` gives to requests under way."""

LONGEST_HEADERS = 65536
HEAD_TIMEOUT = 60.0
"""Seconds that a request's line and headers may take to arrive."""

HANDLER_THREADS = 16
DOOR_THREADS = 4
_LINGER = 0.25
_BACKLOG = 2048

log = logging.getLogger(__name__)


class Server:
    """Serves a gateway on ``host:port`` (0: any free one), and on one more port for each place in
    ``places`` (place to port). ``health`` is added to what ``GET /health`` answers. Clients
    without a place are handed to the gateway with an empty one: its default."""

    def __init__(
        self,
        gateway: Gateway,
        authority: Authority,
        host: str = "127.0.0.1",
        port: int = 0,
        places: Optional[Mapping[str, int]] = None,
        health: Optional[Mapping[str, Any]] = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"{host}: the emulator listens on loopback addresses only")
        self._host = host
        self._wanted = {"": port, **(places or {})}
        self._listeners: Dict[str, Listener] = {}
        self._handlers = ThreadPoolExecutor(HANDLER_THREADS, thread_name_prefix="mhsmregion-handler")
        self._doormen = ThreadPoolExecutor(DOOR_THREADS, thread_name_prefix="mhsmregion-door")
        self._connections = _Connections(App(gateway, self._handlers, now))
        self._door = Door(gateway, authority, self._doormen, self._connections.new, health or {})

    @property
    def port(self) -> int:
        """The port that was opened."""
        return self._listeners[""].port

    @property
    def place_ports(self) -> Dict[str, int]:
        """The port of each place."""
        return {place: listener.port for place, listener in self._listeners.items() if place}

    async def start(self) -> None:
        """Open all ports, or none. Raises OSError when one is taken."""
        sockets: Dict[str, socket.socket] = {}
        try:
            for place, port in self._wanted.items():
                sockets[place] = _listening(self._host, port)
        except OSError:
            for sock in sockets.values():
                sock.close()
            raise
        self._listeners = {place: Listener(self._door, sock, place) for place, sock in sockets.items()}
        for listener in self._listeners.values():
            listener.start()

    async def stop(self, grace: float = GRACE) -> None:
        """Take no more connections, let requests under way end within ``grace`` seconds, close all."""
        await asyncio.gather(*(listener.stop() for listener in self._listeners.values()))
        await self._connections.stop(grace)
        self._doormen.shutdown(wait=False)
        self._handlers.shutdown(wait=False)

    @contextlib.contextmanager
    def in_thread(self, grace: float = GRACE) -> Iterator[Server]:
        """Serve from a thread of its own for the length of a ``with`` block."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="mhsmregion-server", daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result()
            try:
                yield self
            finally:
                asyncio.run_coroutine_threadsafe(self.stop(grace), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


class _Connections:
    """The HTTP connections of one server, kept by uvicorn's protocol class."""

    def __init__(self, app: App) -> None:
        self._config = Config(
            app,
            http=HttpToolsProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._config.load()
        self._state = ServerState()

    def new(self, tunnel: Tunnel) -> asyncio.Protocol:
        return _Http(self._config, self._state, {"tunnel": tunnel})

    async def stop(self, grace: float) -> None:
        for connection in list(self._state.connections):
            connection.shutdown()
        await self._finish_requests(grace)
        await self._lose_connections(_LINGER)  # a TLS client that does not answer the closing...
        for connection in list(self._state.connections):
            connection.transport.abort()  # ... would hold us up
        await self._lose_connections(_LINGER)
        for task in list(self._state.tasks):
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)

    async def _finish_requests(self, grace: float) -> None:
        if self._state.tasks:
            _, late = await asyncio.wait(set(self._state.tasks), timeout=grace)
            if late:
                log.warning("%d requests did not end within %g seconds", len(late), grace)

    async def _lose_connections(self, patience: float) -> None:
        lost: List[asyncio.Future[None]] = [connection.lost for connection in self._state.connections]
        if lost:
            await asyncio.wait(lost, timeout=patience)


class _Http(HttpToolsProtocol):  # type: ignore[misc]
    """uvicorn's protocol, with a bound on headers and on the time they take, on silence before the
    first request, and a future that tells when the connection is gone."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer: Optional[asyncio.TimerHandle] = None
        self.lost: asyncio.Future[None] = self.loop.create_future()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Optional[Exception]) -> None:
        self._unset_keepalive_if_required()
        self._stop_head_timer()
        super().connection_lost(exc)
        if not self.lost.done():
            self.lost.set_result(None)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._head_too_slow)

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > LONGEST_HEADERS:
            raise ValueError("the request's headers are too long")
        super().on_header(name, value)

    def _head_too_slow(self) -> None:
        log.info("a request's headers took longer than %g seconds", HEAD_TIMEOUT)
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, because asyncio sets TCP_NODELAY on sockets that name it and on no
    # others; without it every answer waits 40 ms for the client's delayed acknowledgement.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def run(
    home: Path,
    make_gateway: Callable[[], Gateway],
    ready: Callable[[Server], None],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    places: Optional[Mapping[str, int]] = None,
    health: Optional[Mapping[str, Any]] = None,
    now: Callable[[], float] = time.time,
    grace: float = GRACE,
) -> None:
    """Serve the home until SIGTERM or SIGINT, then finish what is under way. ``ready`` is told
    once all ports are open. Call it from the main thread."""
    authority = Authority(home, now)
    authority.bundle()
    server = Server(make_gateway(), authority, host, port, places, health, now)
    asyncio.run(_serve_until_signal(server, ready, grace))


async def _serve_until_signal(server: Server, ready: Callable[[Server], None], grace: float) -> None:
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled.set)
    await server.start()
    try:
        ready(server)
        await signalled.wait()
    finally:
        await server.stop(grace)
