"""A port in front of the emulator's: it hands everything on, and notes who asked for what."""

from __future__ import annotations

import base64
import socket
import socketserver
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Iterator, List

HOST = "127.0.0.1"
LONGEST_HEAD = 65536
CHUNK = 65536


@dataclass(frozen=True)
class Asked:
    """The first line of a connection, ``CONNECT host:port``, and the proxy's user name ("": none)."""

    what: str
    user: str


class Doorway(socketserver.ThreadingTCPServer):
    """Relays to ``port``; ``asked`` has an entry for each connection."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((HOST, 0), _Relay)
        self.behind = (HOST, port)
        self.asked: List[Asked] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


@contextmanager
def doorway(port: int) -> Iterator[Doorway]:
    """A doorway in front of ``port`` for the length of the block."""
    with Doorway(port) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Relay(socketserver.BaseRequestHandler):
    server: Doorway

    def handle(self) -> None:
        head = self._head()
        self.server.asked.append(_asked(head))
        with socket.create_connection(self.server.behind) as behind:
            behind.sendall(head)
            back = threading.Thread(target=_pump, args=(behind, self.request), daemon=True)
            back.start()
            _pump(self.request, behind)
            back.join()

    def _head(self) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < LONGEST_HEAD:
            data = self.request.recv(CHUNK)
            if not data:
                break
            head += data
        return head


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # an end that is gone ends the other's connection
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _asked(head: bytes) -> Asked:
    first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    user = ""
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "proxy-authorization":
            user = base64.b64decode(value.split()[1]).decode().partition(":")[0]
    return Asked(first.rpartition(" HTTP/")[0], user)
