"""The server of one home: its listeners, its HTTP connections, its threads, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, Optional

from uvicorn.config import Config
from uvicorn.server import ServerState

from azext_mhsmregion.emulator.http.admission import Admission
from azext_mhsmregion.emulator.http.app import App, Tunnel
from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.connection import Connection
from azext_mhsmregion.emulator.http.listener import Door, Listener
from azext_mhsmregion.emulator.http.passthrough import Passthrough
from azext_mhsmregion.emulator.wire import Gateway
from azext_mhsmregion.emulator.witness import Witness
from azext_mhsmregion.model.places import parse as parsed_place

if TYPE_CHECKING:
    from azext_mhsmregion.emulator.dns.addresses import Dns
    from azext_mhsmregion.emulator.dns.server import NameServer

KEEP_ALIVE = 120
"""Seconds that an idle connection stays open; longer than any TTL, as in life (rule F10)."""

GRACE = 10.0
"""Seconds that ``stop`` gives to requests under way."""

HANDLER_THREADS = 16
DOOR_THREADS = 4
_LINGER = 0.25
_BACKLOG = 2048

log = logging.getLogger(__name__)


class Server:
    """Serves a gateway on ``host:port`` (0: any free one), and on one more port for each place in
    ``places`` (place to port). ``health`` is added to what ``GET /health`` answers. Clients
    without a place are handed to the gateway with an empty one: its default. ``password`` is what
    its clients must show; without one only loopback addresses can be listened on (ValueError).
    ``passthrough``: the foreign hosts that it relays to; none unless told. ``dns``: it answers DNS
    too, and each region is entered by an address of its own (``dns/addresses.py``). ``witness``: who
    is told of its connections and requests."""

    def __init__(
        self,
        gateway: Gateway,
        authority: Authority,
        host: str = "127.0.0.1",
        port: int = 0,
        places: Optional[Mapping[str, int]] = None,
        health: Optional[Mapping[str, Any]] = None,
        now: Callable[[], float] = time.time,
        password: str = "",
        passthrough: Optional[Passthrough] = None,
        dns: Optional[Dns] = None,
        witness: Optional[Witness] = None,
    ) -> None:
        if not password and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"{host}: without a password the emulator listens on loopback addresses only")
        self._host = host
        self._wanted = {"": port, **{parsed_place(name): of for name, of in (places or {}).items()}}
        self._listeners: Dict[str, Listener] = {}
        self._dns = dns
        self._entrances: List[Listener] = []
        self._names: Optional[NameServer] = None
        self._handlers = ThreadPoolExecutor(HANDLER_THREADS, thread_name_prefix="mhsmregion-handler")
        self._doormen = ThreadPoolExecutor(DOOR_THREADS, thread_name_prefix="mhsmregion-door")
        witness = witness or Witness(lambda: int(now() * 1000))
        self._connections = _Connections(App(gateway, self._handlers, now, witness), witness)
        self._passthrough = passthrough or Passthrough()
        self._door = Door(
            gateway,
            authority,
            self._doormen,
            self._connections.new,
            health or {},
            Admission(password),
            self._passthrough,
            witness,
        )

    @property
    def port(self) -> int:
        """The port that was opened."""
        return self._listeners[""].port

    @property
    def place_ports(self) -> Dict[str, int]:
        """The port of each place."""
        return {place: listener.port for place, listener in self._listeners.items() if place}

    @property
    def dns_addresses(self) -> Dict[str, str]:
        """Where clients of each place ask DNS ("": the default place); empty when nobody can."""
        return self._names.addresses if self._names is not None else {}

    async def start(self) -> None:
        """Open all ports, or none. Raises OSError when one is taken; its ``filename`` is the address."""
        with contextlib.ExitStack() as opened:
            for place, port in self._wanted.items():
                sock = opened.enter_context(_listening(self._host, port))
                self._listeners[place] = Listener(self._door, sock, place)
            if self._dns is not None:
                self._entrances = list(self._opened_entrances(self._dns, opened))
                self._names = self._name_server(self._dns)
                self._names.bind()
            opened.pop_all()
        for listener in (*self._listeners.values(), *self._entrances):
            listener.start()
        if self._names is not None:
            await self._names.start()

    def _opened_entrances(self, dns: Dns, opened: contextlib.ExitStack) -> Iterator[Listener]:
        from azext_mhsmregion.emulator.dns import addresses

        for address, region in addresses.entrances().items():
            sock = opened.enter_context(_listening(address, dns.entrance_port))
            enter = functools.partial(self._door.gateway.enter, region=region)
            yield Listener(self._door, sock, "", enter)

    def _name_server(self, dns: Dns) -> NameServer:
        from azext_mhsmregion.emulator.dns import addresses
        from azext_mhsmregion.emulator.dns.server import NameServer

        hosts = {place: addresses.of_region(place) if place else dns.host for place in self._wanted}
        return NameServer(self._door.gateway.locate, hosts, dns.port, self._doormen)

    async def stop(self, grace: float = GRACE) -> None:
        """Take no more connections, let requests under way end within ``grace`` seconds, close all.
        Tunnels to foreign hosts end at once."""
        listeners = (*self._listeners.values(), *self._entrances)
        await asyncio.gather(*(listener.stop() for listener in listeners))
        if self._names is not None:
            await self._names.stop()
        await self._connections.stop(grace)
        self._passthrough.close()
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

    def __init__(self, app: App, witness: Witness) -> None:
        self._witness = witness
        self._config = Config(
            app,
            http=Connection,
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
        state: Dict[str, Any] = {"tunnel": tunnel}
        protocol = Connection(self._config, self._state, state)
        state["drop"] = protocol.drop
        told = functools.partial(self._witness.closed, tunnel.number, tunnel.caller, tunnel.host)
        protocol.when_lost = told
        return protocol

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
    except OSError as error:
        sock.close()
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
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
    password: str = "",
    passthrough: Optional[Passthrough] = None,
    dns: Optional[Dns] = None,
    witness: Optional[Witness] = None,
) -> None:
    """Serve the home until SIGTERM, SIGINT or SIGHUP (unless that is ignored), then finish what is
    under way. ``ready`` is told once all ports are open. Call it from the main thread. Threads that
    do not end are left to the caller (``ending``)."""
    authority = Authority(home, now)
    authority.bundle()
    server = Server(
        make_gateway(), authority, host, port, places, health, now, password, passthrough, dns, witness
    )
    asyncio.run(_serve_until_signal(server, ready, grace))


async def _serve_until_signal(server: Server, ready: Callable[[Server], None], grace: float) -> None:
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, signalled.set)
    await server.start()
    try:
        ready(server)
        await signalled.wait()
    finally:
        await server.stop(grace)
