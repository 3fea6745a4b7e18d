"""Begin and end of a server."""

import contextlib
import logging
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from floor import ARM, POOL, TIMEOUT, dial, get, read_answer, say, tunnel

from azext_mhsmregion.emulator.http import server as http_server
from azext_mhsmregion.emulator.http.server import Server

pytestmark = pytest.mark.socket
WAIT = f"GET /wait HTTP/1.1\r\nHost: {POOL}\r\n\r\n".encode()


def refuses(port):
    try:
        dial(port).close()
    except ConnectionRefusedError:
        return True
    return False


def hangs_up(sock):
    """Has the server closed ``sock``, politely or not?"""
    try:
        return sock.recv(100) == b""
    except (ConnectionResetError, ssl.SSLError):
        return True


def wait_until_refused(port):
    deadline = time.monotonic() + TIMEOUT
    while not refuses(port):
        assert time.monotonic() < deadline


def test_stop_finishes_the_request_under_way_and_takes_no_new_one(gateway, authority, bundle):
    running = Server(gateway, authority).in_thread()
    server = running.__enter__()
    port = server.port
    with tunnel(port, bundle) as sock:
        sock.sendall(WAIT)
        assert gateway.entered.wait(TIMEOUT)
        stopping = threading.Thread(target=running.__exit__, args=(None, None, None))
        stopping.start()
        wait_until_refused(port)
        gateway.release.set()
        assert read_answer(sock).status == 200
        assert hangs_up(sock)
    stopping.join(TIMEOUT)
    assert not stopping.is_alive()


def test_stop_does_not_wait_longer_than_its_grace(gateway, authority, bundle, caplog):
    with contextlib.ExitStack() as clients:
        with Server(gateway, authority).in_thread(grace=0.05) as server:
            sock = clients.enter_context(tunnel(server.port, bundle))
            sock.sendall(WAIT)
            assert gateway.entered.wait(TIMEOUT)
        assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
            "1 requests did not end within 0.05 seconds"
        ]
        assert hangs_up(sock)
        gateway.release.set()


def test_stop_hangs_up_on_idle_clients_and_half_said_words(gateway, authority, bundle):
    with contextlib.ExitStack() as clients:
        with Server(gateway, authority).in_thread() as server:
            idle = clients.enter_context(tunnel(server.port, bundle))
            assert get(idle).status == 200
            half = clients.enter_context(dial(server.port))
            half.sendall(b"CONN")
        assert hangs_up(idle)
        assert hangs_up(half)


def test_a_port_that_is_taken_opens_nothing(gateway, authority, server):
    other = Server(gateway, authority, places={"westus2": server.port})
    with pytest.raises(OSError), other.in_thread():
        pass


def test_the_server_listens_on_loopback_only(gateway, authority):
    with pytest.raises(ValueError, match="loopback"):
        Server(gateway, authority, host="0.0.0.0")


def test_a_thousand_requests_over_many_tunnels(server, bundle):
    """Threads of clients, each with a session of its own: no answer is lost or mixed up."""
    failed = []

    def client(number):
        with tunnel(server.port, bundle, credentials=f"uksouth:c{number}") as sock:
            for index in range(125):
                path = f"/{number}/{index}"
                if get(sock, path).json()["path"] != path:
                    failed.append(path)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_small_packets_are_sent_at_once(server, bundle):
    """Without TCP_NODELAY every answer waits 40 ms for the client's delayed acknowledgement."""
    with tunnel(server.port, bundle) as sock:
        assert get(sock).status == 200
        (connection,) = server._connections._state.connections
        server_side = connection.transport.get_extra_info("socket")
        assert server_side.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_requests_goes_through_the_proxy_with_place_and_client(server, bundle, gateway):
    session = requests.Session()
    session.trust_env = False
    proxies = {"https": f"http://westus2:lab%201@127.0.0.1:{server.port}"}
    for host in (POOL, ARM, POOL):
        assert session.get(f"https://{host}/x?a=b", proxies=proxies, verify=bundle).status_code == 200
    assert [(c.place, c.client) for _, c in gateway.requests] == [("westus2", "lab 1")] * 3
    session.close()


def test_run_says_when_it_is_ready_and_stops_on_a_signal(tmp_path):
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("serve.py")), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        port = int(child.stdout.readline())
        assert say(port, b"GET /health HTTP/1.1\r\n\r\n").status == 200
        with tunnel(port, str(tmp_path / "ca" / "bundle.pem")) as sock:
            assert get(sock).status == 200
        child.send_signal(signal.SIGTERM)
        assert child.wait(TIMEOUT) == 0
    finally:
        child.kill()
        child.stdout.close()


def test_headers_that_take_too_long_end_the_connection(server, bundle, monkeypatch):
    monkeypatch.setattr(http_server, "HEAD_TIMEOUT", 0.05)
    with tunnel(server.port, bundle) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert sock.recv(1) == b""
    with tunnel(server.port, bundle) as sock:
        assert get(sock).status == 200
