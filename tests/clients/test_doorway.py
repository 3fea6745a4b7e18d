"""The doorway hands on what it gets, and forgets nobody; the network of loopback is one."""

from __future__ import annotations

import base64
import socket
import socketserver
import threading

import pytest
from clients.doorway import Asked, doorway
from support.loopback import only_loopback

pytestmark = pytest.mark.socket


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


@pytest.fixture
def echo():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_it_hands_on_and_notes_host_and_user(echo):
    user = base64.b64encode(b"australiaeast:-").decode()
    first = f"CONNECT example.org:443 HTTP/1.1\r\nProxy-Authorization: Basic {user}\r\n\r\n".encode()
    plain = b"GET http://169.254.169.254/metadata HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n"

    with doorway(echo) as door:
        for sent in (first, plain):
            with socket.create_connection(("127.0.0.1", door.port)) as sock:
                sock.sendall(sent)
                sock.shutdown(socket.SHUT_WR)
                assert sock.makefile("rb").read() == sent
        asked = list(door.asked)

    assert asked == [
        Asked("CONNECT example.org:443", "australiaeast"),
        Asked("GET http://169.254.169.254/metadata", ""),
    ]


def test_nothing_but_loopback_is_reached_and_the_network_comes_back(echo):
    try:
        with only_loopback():
            names = [name for _, name in socket.if_nameindex()]
            with socket.socket() as sock:
                sock.bind(("127.0.0.1", 0))
                sock.listen()
                socket.create_connection(sock.getsockname(), timeout=1).close()
            with pytest.raises(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect(("192.0.2.1", 53))
    except PermissionError:
        pytest.skip("this user may not make network namespaces")

    assert names == ["lo"]
    socket.create_connection(("127.0.0.1", echo), timeout=1).close()
