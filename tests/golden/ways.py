"""Two ways to the emulator for a replay: a call in this process, and its server's socket."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from typing import Callable, Dict, Iterator
from urllib.parse import urlencode

from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.server import Server
from azext_mhsmregion.emulator.service import Emulator
from azext_mhsmregion.emulator.wire import Caller, Request, Response

Ask = Callable[[Request], Response]
OF_THE_TRANSPORT = {"date", "content-length", "connection", "transfer-encoding", "server"}


@contextlib.contextmanager
def in_process(emulator: Emulator) -> Iterator[Ask]:
    """The handlers, called; the token is looked at all the same."""
    yield lambda request: emulator.handle(request, Caller())


@contextlib.contextmanager
def over_the_socket(emulator: Emulator) -> Iterator[Ask]:
    """CONNECT, TLS under the home's authority and HTTP/1.1 to the server, one connection a host."""
    authority = Authority(emulator.home, lambda: emulator.parts.sources.real() / 1000)
    trust = ssl.create_default_context(cafile=str(authority.bundle()))
    connections: Dict[str, http.client.HTTPSConnection] = {}
    with Server(emulator, authority).in_thread() as server:

        def ask(request: Request) -> Response:
            if request.host not in connections:
                connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trust, timeout=60)
                connection.set_tunnel(request.host, 443)
                connections[request.host] = connection
            connection = connections[request.host]
            target = f"{request.path}?{urlencode(request.query)}" if request.query else request.path
            body = request.body or None
            connection.request(request.method, target, body=body, headers=dict(request.headers))
            answer = connection.getresponse()
            data = answer.read()
            kept = [(name.lower(), value) for name, value in answer.getheaders()]
            headers = tuple(pair for pair in kept if pair[0] not in OF_THE_TRANSPORT)
            return Response(answer.status, headers, data)

        try:
            yield ask
        finally:
            for connection in connections.values():
                connection.close()
