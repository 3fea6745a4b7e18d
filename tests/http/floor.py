"""What the tests of the HTTP floor share: a gateway that plays the emulator, and raw clients."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import threading
from http.client import HTTPResponse
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from azext_mhsmregion.emulator.wire import Caller, NameKind, Request, Resolution, Response, json_response

POOL = "pool.managedhsm.azure.net"
REGIONAL = "australiaeast.pool.managedhsm.azure.net"
ARM = "management.azure.com"
NOBODY = "nobody.managedhsm.azure.net"
FOREIGN = "example.com"
TIMEOUT = 20.0

_NAMES = {
    POOL: Resolution(NameKind.OURS, "uksouth"),
    REGIONAL: Resolution(NameKind.OURS, "australiaeast"),
    ARM: Resolution(NameKind.OURS),
    NOBODY: Resolution(NameKind.NXDOMAIN),
}


class FakeGateway:
    """Echoes requests; ``/boom`` raises, ``/header`` answers a header that no client may see,
    ``/wait`` holds the request until ``release`` is set."""

    def __init__(self) -> None:
        self.resolved: List[Tuple[str, str, str]] = []
        self.requests: List[Tuple[Request, Caller]] = []
        self.entered = threading.Event()
        self.release = threading.Event()

    def resolve(self, host: str, place: str, client: str) -> Resolution:
        self.resolved.append((host, place, client))
        return _NAMES.get(host, Resolution(NameKind.FOREIGN))

    def handle(self, request: Request, caller: Caller) -> Response:
        self.requests.append((request, caller))
        if request.path == "/boom":
            raise RuntimeError("on purpose")
        if request.path == "/header":
            return Response(200, (("x-split", "a\r\nset-cookie: b"),))
        if request.path == "/empty":
            return Response(204)
        if request.path == "/wait":
            self.entered.set()
            assert self.release.wait(TIMEOUT)
        echo = {"path": request.path, "length": len(request.body), "region": caller.region}
        return json_response(200, echo)


class Answer(NamedTuple):
    status: int
    headers: Dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)


def read_answer(sock: Any, method: str = "GET") -> Answer:
    response = HTTPResponse(sock, method=method)
    response.begin()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def say(port: int, data: bytes) -> Answer:
    """Send ``data`` on a fresh connection and read one plain HTTP answer."""
    with dial(port) as sock:
        sock.sendall(data)
        return read_answer(sock)


def connect_line(host: str, credentials: Optional[str] = None, port: int = 443) -> bytes:
    lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
    if credentials is not None:
        lines.append("Proxy-Authorization: Basic " + base64.b64encode(credentials.encode()).decode())
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def connect(port: int, host: str, credentials: Optional[str] = None) -> socket.socket:
    """A tunnel to ``host``, before TLS."""
    sock = dial(port)
    sock.sendall(connect_line(host, credentials))
    read_established(sock)
    return sock


def read_established(sock: socket.socket) -> None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        assert byte, head
        head += byte
    assert head.startswith(b"HTTP/1.1 200 Connection established\r\n"), head


def client_context(bundle: str) -> ssl.SSLContext:
    """As strict as Python 3.13's default."""
    context = ssl.create_default_context(cafile=bundle)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0)
    return context


@contextlib.contextmanager
def tunnel(
    port: int, bundle: str, host: str = POOL, credentials: Optional[str] = None
) -> Iterator[ssl.SSLSocket]:
    """A tunnel to ``host`` with TLS in it."""
    with (
        connect(port, host, credentials) as raw,
        client_context(bundle).wrap_socket(raw, server_hostname=host) as sock,
    ):
        yield sock


def get(sock: Any, path: str = "/", host: str = POOL) -> Answer:
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return read_answer(sock)


def post(sock: Any, body: bytes, host: str = POOL) -> Answer:
    sock.sendall(f"POST /p HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return read_answer(sock)
