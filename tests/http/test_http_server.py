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
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from floor import ARM, POOL, TIMEOUT, dial, get, read_answer, say, tunnel

from azext_mhsmregion.emulator.http import connection
from azext_mhsmregion.emulator.http import server as http_server
from azext_mhsmregion.emulator.http.server import Server

pytestmark = pytest.mark.socket
WAIT = f"GET /wait HTTP/1.1\r\nHost: {POOL}\r\n\r\n".encode()


def refuses(port):
    """Does nobody listen at ``port``? A connection that was waiting when the listener closed is
    reset, not refused."""
    try:
        dial(port).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
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


@contextmanager
def server_process(home):
    """A server in a process of its own, once it is ready, and its port."""
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("serve.py")), str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        yield child, int(child.stdout.readline())
    finally:
        child.kill()
        child.stdout.close()


def test_run_says_when_it_is_ready_and_stops_on_a_signal(tmp_path):
    with server_process(tmp_path) as (child, port):
        assert say(port, b"GET /health HTTP/1.1\r\n\r\n").status == 200
        with tunnel(port, str(tmp_path / "ca" / "bundle.pem")) as sock:
            assert get(sock).status == 200
        child.send_signal(signal.SIGTERM)
        assert child.wait(TIMEOUT) == 0


def test_headers_that_take_too_long_end_the_connection(server, bundle, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_TIMEOUT", 0.05)
    with tunnel(server.port, bundle) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert sock.recv(1) == b""
    with tunnel(server.port, bundle) as sock:
        assert get(sock).status == 200


HALF = f"POST /p HTTP/1.1\r\nHost: {POOL}\r\nContent-Length: 100\r\n\r\nx".encode()


@pytest.mark.parametrize(
    "said",
    [
        HALF,
        HALF[:-1],
        HALF.replace(b"Content-Length: 100", b"Transfer-Encoding: chunked").replace(
            b"\r\nx", b"\r\n5\r\nabc"
        ),
    ],
    ids=["a byte", "none", "chunked"],
)
def test_a_body_that_stalls_is_a_408_that_is_logged(server, bundle, gateway, monkeypatch, caplog, said):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(connection, "BODY_TIMEOUT", 0.05)
    with tunnel(server.port, bundle) as sock:
        sock.sendall(said)
        answer = read_answer(sock)
        assert (answer.status, answer.json()["error"]["code"]) == (408, "RequestTimeout")
        assert "0.05 seconds" in answer.json()["error"]["message"]
        assert answer.headers["connection"] == "close"
        assert hangs_up(sock)
    assert gateway.requests == []
    assert any(f"POST {POOL}/p 408" in record.getMessage() for record in caplog.records)


def test_a_body_in_parts_is_taken_within_its_time(server, bundle, gateway, monkeypatch):
    """The time is over while the second of two pipelined requests has not had its turn."""
    monkeypatch.setattr(connection, "BODY_TIMEOUT", 0.3)
    with tunnel(server.port, bundle) as sock:
        for _ in range(3):  # each has its own time
            sock.sendall(HALF)
            sock.sendall(b"y" * 99)
            assert read_answer(sock).json()["length"] == 100
        sock.sendall(WAIT + HALF)
        assert gateway.entered.wait(TIMEOUT)
        assert not gateway.release.wait(0.5)
        gateway.release.set()
        assert read_answer(sock).status == 200
        sock.sendall(b"y" * 99)
        assert read_answer(sock).json()["length"] == 100


def test_stop_drops_a_half_read_request_at_once(gateway, authority, bundle, caplog):
    caplog.set_level(logging.INFO)
    with contextlib.ExitStack() as clients:
        with Server(gateway, authority).in_thread(grace=TIMEOUT) as server:
            half = clients.enter_context(tunnel(server.port, bundle))
            half.sendall(HALF)
            behind = clients.enter_context(tunnel(server.port, bundle))
            behind.sendall(WAIT + HALF)
            assert gateway.entered.wait(TIMEOUT)
            wait_until_read(server, 2)
            begun = time.monotonic()
            threading.Timer(0.2, gateway.release.set).start()
        assert time.monotonic() - begun < TIMEOUT / 4
        assert read_answer(behind).status == 200  # the one that was whole ended
        assert hangs_up(behind)
        assert hangs_up(half)
    assert [one.getMessage() for one in caplog.records if "dropped" in one.getMessage()] == [
        "a request whose body was not all there was dropped"
    ] * 2
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def wait_until_read(server, count):
    """Until that many connections have a request that lacks a part of its body."""
    deadline = time.monotonic() + TIMEOUT
    while sum(one._lacks_body() for one in server._connections._state.connections) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_process_stops_at_once_with_a_half_read_request(tmp_path):
    """As a user sees it: SIGTERM, with the grace as it is."""
    with server_process(tmp_path) as (child, port):
        with tunnel(port, str(tmp_path / "ca" / "bundle.pem")) as sock:
            assert get(sock).status == 200
            sock.sendall(HALF)
            begun = time.monotonic()
            child.send_signal(signal.SIGTERM)
            assert child.wait(TIMEOUT) == 0
        assert time.monotonic() - begun < http_server.GRACE / 2


LONG = connection.LONGEST_HEADERS


@pytest.mark.parametrize(
    "said",
    [
        f"GET / HTTP/1.1\r\nHost: {POOL}\r\nx: {'a' * LONG}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: {POOL}\r\n" + "x: a\r\n" * LONG,
        f"GET / HTTP/1.1\r\nHost: {POOL}\r\nx: {'a' * 2 * LONG}",
        f"GET /{'a' * LONG} HTTP/1.1\r\nHost: {POOL}\r\n\r\n",
        "GET /" + "a" * 2 * LONG,
    ],
    ids=["one long", "many", "without an end", "a long line", "a line without an end"],
)
def test_headers_that_are_too_long_are_a_431_that_is_logged(server, bundle, gateway, caplog, said):
    caplog.set_level(logging.INFO)
    with tunnel(server.port, bundle, credentials="uksouth:app-1") as sock:
        sock.sendall(said.encode())
        answer = read_answer(sock)
        assert answer.status == 431
        assert answer.json()["error"]["code"] == "RequestHeaderFieldsTooLarge"
        assert str(LONG) in answer.json()["error"]["message"]
        assert hangs_up(sock)
    assert gateway.requests == []
    logged = [record.getMessage() for record in caplog.records]
    assert [line for line in logged if f"{POOL} 431 - client=app-1 place=uksouth" in line], logged
    with tunnel(server.port, bundle) as sock:
        assert get(sock).status == 200


def test_headers_within_the_bound_are_taken(server, bundle):
    body = b"b" * LONG
    head = f"POST / HTTP/1.1\r\nHost: {POOL}\r\nContent-Length: {LONG}\r\nx: {'a' * (LONG - 100)}\r\n\r\n"
    with tunnel(server.port, bundle) as sock:
        sock.sendall(3 * (head.encode() + body))
        assert [read_answer(sock).status for _ in range(3)] == [200] * 3
