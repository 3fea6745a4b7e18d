"""The accept loop: who gets a tunnel, who gets an answer, and that nobody waits for a stranger."""

import asyncio
import base64
import contextlib
import logging
import socket
import ssl
import threading

import pytest
from floor import (
    ARM,
    FOREIGN,
    NOBODY,
    POOL,
    REGIONAL,
    TIMEOUT,
    client_context,
    connect,
    connect_line,
    dial,
    get,
    read_answer,
    read_established,
    say,
    tunnel,
)

from azext_mhsmregion.emulator.http import hello
from azext_mhsmregion.emulator.http.server import Server
from azext_mhsmregion.emulator.wire import Caller
from azext_mhsmregion.model.errors import Invalid

pytestmark = pytest.mark.socket


def test_connect_to_a_pool_reaches_its_region(server, bundle, gateway):
    with tunnel(server.port, bundle) as sock:
        assert get(sock, "/keys").json() == {"path": "/keys", "length": 0, "region": "uksouth"}
    assert gateway.resolved == [(POOL, "", "-")]


def test_place_and_client_of_the_proxy_credentials_reach_the_caller(server, bundle, gateway):
    with tunnel(server.port, bundle, credentials="australiaeast:app-1") as sock:
        get(sock)
    assert gateway.resolved == [(POOL, "australiaeast", "app-1")]
    assert gateway.requests[0][1] == Caller("australiaeast", "app-1", "uksouth", None)


@pytest.mark.parametrize("credentials", ["-:app-1", ":app-1"])
def test_a_client_may_have_a_label_and_no_place(server, bundle, gateway, credentials):
    with tunnel(server.port, bundle, credentials=credentials) as sock:
        get(sock)
    assert gateway.resolved == [(POOL, "", "app-1")]


def test_a_port_of_its_own_stands_for_a_place(server, bundle, gateway):
    with tunnel(server.place_ports["uksouth"], bundle) as sock:
        get(sock)
    with tunnel(server.place_ports["uksouth"], bundle, credentials="westus2:-") as sock:
        get(sock)
    assert [caller.place for _, caller in gateway.requests] == ["uksouth", "westus2"]


def test_a_name_that_does_not_exist_is_a_502_that_says_nxdomain(server):
    answer = say(server.port, connect_line(NOBODY))
    assert (answer.status, answer.headers["x-mhsmregion-dns"]) == (502, "NXDOMAIN")
    assert NOBODY.encode() in answer.body


def test_a_foreign_name_is_refused_with_the_reason_and_the_way_out(server):
    answer = say(server.port, connect_line(FOREIGN))
    assert answer.status == 403
    assert b"mhsmregion emulator: refused a connection to example.com:443" in answer.body
    assert b"NO_PROXY" in answer.body


def test_our_name_on_another_port_is_refused_unasked(server, gateway):
    assert say(server.port, connect_line(POOL, port=80)).status == 403
    assert gateway.resolved == []


@pytest.mark.parametrize("target", ["pool", ":443", "pool:", "pool:0", "pool:70000", "pool:4a"])
def test_a_connect_without_host_and_port_is_a_400(server, target):
    assert say(server.port, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode()).status == 400


@pytest.mark.parametrize("value", ["Bearer abc", "Basic !!", "Basic /w=="])
def test_proxy_credentials_that_are_none_are_a_400(server, gateway, value):
    head = f"CONNECT {POOL}:443 HTTP/1.1\r\nProxy-Authorization: {value}\r\n\r\n"
    answer = say(server.port, head.encode())
    assert answer.status == 400
    assert b"place" in answer.body
    assert gateway.resolved == []


PLACES = [
    ("region.australiaeast", "australiaeast"),
    ("Region.Australia East", "australiaeast"),
    ("US East", "eastus"),
    ("-", ""),
]


@pytest.mark.parametrize(("typed", "place"), PLACES)
def test_a_place_is_a_region_in_any_spelling(server, bundle, gateway, typed, place):
    with tunnel(server.port, bundle, credentials=f"{typed}:app-1") as sock:
        get(sock)
    assert gateway.resolved == [(POOL, place, "app-1")]
    assert gateway.requests[0][1].place == place


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ("australieast", 400, "'australieast' is no place"),
        ("australieast", 400, "Did you mean australiaeast"),
        ("region.uksoth", 400, "Did you mean uksouth"),
        ("region.", 400, "no place"),
        ("vnet.group.net", 501, "'vnet.group.net', a place in a virtual network, is not implemented"),
        ("vnet.group", 400, "no place"),
        ("vnet..net", 400, "no place"),
        ("a\nforged line", 400, "'a?forged line'"),
    ],
)
@pytest.mark.parametrize("host", [POOL, ARM, FOREIGN])
def test_a_place_that_nobody_knows_is_refused_and_logged(server, gateway, caplog, typed, status, words, host):
    caplog.set_level(logging.INFO)
    answer = say(server.port, connect_line(host, f"{typed}:app-1"))
    assert answer.status == status
    assert words in answer.body.decode()
    assert gateway.resolved == []
    logged = [record.getMessage() for record in caplog.records]
    assert any(f"answered {status}" in line and words in line for line in logged), logged
    assert not any("\n" in line for line in logged)


def test_a_port_for_a_place_that_nobody_knows_is_not_opened(gateway, authority):
    with pytest.raises(Invalid, match="Did you mean australiaeast"):
        Server(gateway, authority, places={"australieast": 0})
    named = Server(gateway, authority, places={"region.Australia East": 0})
    with named.in_thread() as running:
        assert list(running.place_ports) == ["australiaeast"]


def test_health_answers_plain_http(server):
    answer = say(server.port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (answer.status, answer.json()) == (200, {"status": "ok", "version": "1"})


@pytest.mark.parametrize("line", ["GET http://169.254.169.254/metadata HTTP/1.1", "POST /keys HTTP/1.1"])
def test_other_plain_http_is_refused(server, line):
    answer = say(server.port, f"{line}\r\nHost: x\r\n\r\n".encode())
    assert answer.status == 403
    assert b"refused" in answer.body
    assert b"unreachable" in answer.body  # azure-identity looks for this word


@pytest.mark.parametrize("data", [b"\x00\x01\x02\x03", b"\r\n\r\n", b"hello there\r\n\r\n", b"GET /\r\n\r\n"])
def test_garbage_gets_a_400_and_the_server_lives(server, bundle, data):
    assert say(server.port, data).status == 400
    with tunnel(server.port, bundle) as sock:
        assert get(sock).status == 200


def test_endless_headers_get_a_431(server):
    assert say(server.port, b"GET /health HTTP/1.1\r\nx: " + b"a" * 20000).status == 431


def test_plain_http_inside_a_tunnel_gets_a_400(server):
    with connect(server.port, POOL) as sock:
        assert get(sock).status == 400


def test_direct_tls_is_served_by_server_name(server, bundle, gateway):
    with (
        dial(server.place_ports["uksouth"]) as raw,
        client_context(bundle).wrap_socket(raw, server_hostname=REGIONAL) as sock,
    ):
        assert get(sock, host=REGIONAL).json()["region"] == "australiaeast"
    assert gateway.requests[0][1] == Caller("uksouth", "127.0.0.1", "australiaeast", None)


@pytest.mark.parametrize("host", [NOBODY, FOREIGN, None])
def test_direct_tls_for_other_names_gets_the_alert_unrecognized_name(server, host):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with dial(server.port) as raw, pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        context.wrap_socket(raw, server_hostname=host)


def test_the_server_name_chooses_the_certificate_and_the_tunnel_the_host(server, bundle):
    with (
        connect(server.port, POOL) as raw,
        client_context(bundle).wrap_socket(raw, server_hostname=ARM) as sock,
    ):
        assert get(sock, host=ARM).status == 421


def test_a_hello_without_a_server_name_gets_the_certificate_of_the_tunnel(server, bundle):
    context = client_context(bundle)
    context.check_hostname = False
    with connect(server.port, POOL) as raw, context.wrap_socket(raw) as sock:
        assert sock.getpeercert()["subjectAltName"] == (("DNS", POOL),)


def test_keep_alive_carries_two_requests_and_one_resolution(server, bundle, gateway):
    with tunnel(server.port, bundle) as sock:
        assert get(sock, "/one").json()["path"] == "/one"
        assert get(sock, "/two").json()["path"] == "/two"
    assert len(gateway.resolved) == 1


class EagerClient:
    """A TLS client in memory, so that the test decides what goes into one segment."""

    def __init__(self, bundle, host=POOL):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client_context(bundle).wrap_bio(self.incoming, self.outgoing, server_hostname=host)

    def hello(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def finished_and(self, request, sock):
        """Read the server's flight; the client's Finished and ``request``, as one piece."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.incoming.write(sock.recv(65536))
        self.tls.write(request)
        return self.outgoing.read()

    def answer(self, sock):
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                data = sock.recv(65536)
                assert data, "the server hung up"
                self.incoming.write(data)


EAGER_REQUEST = f"GET /eager HTTP/1.1\r\nHost: {POOL}\r\n\r\n".encode()


@pytest.mark.parametrize("round_", range(20))
def test_a_request_in_one_segment_with_finished_is_answered(server, bundle, round_):
    client = EagerClient(bundle)
    with connect(server.port, POOL) as sock:
        sock.sendall(client.hello())
        sock.sendall(client.finished_and(EAGER_REQUEST, sock))
        assert client.answer(sock).startswith(b"HTTP/1.1 200 ")


def test_a_hello_right_behind_connect_is_not_lost(server, bundle):
    client = EagerClient(bundle)
    with dial(server.port) as sock:
        sock.sendall(connect_line(POOL) + client.hello())
        read_established(sock)
        sock.sendall(client.finished_and(EAGER_REQUEST, sock))
        assert client.answer(sock).startswith(b"HTTP/1.1 200 ")


def test_the_gap_that_eager_clients_fall_into_is_real(authority, bundle):
    """The control of the test above: a server that attaches its protocol after ``start_tls``
    returned never sees the request; it went to whoever stood there before."""
    seen = {"before": b"", "after": b""}

    class Protocol(asyncio.Protocol):
        def __init__(self, name):
            self.name = name

        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            seen[self.name] += data

    class Plain(Protocol):
        def data_received(self, data):
            self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.upgrading = asyncio.get_running_loop().create_task(self.upgrade())

        async def upgrade(self):
            context = authority.context(POOL)
            tls = await asyncio.get_running_loop().start_tls(
                self.transport, Protocol("before"), context, server_side=True
            )
            tls.set_protocol(Protocol("after"))
            upgraded.set()

    def eager_client(port):
        client = EagerClient(bundle)
        with connect(port, POOL) as sock:
            sock.sendall(client.hello())
            sock.sendall(client.finished_and(EAGER_REQUEST, sock))
            gone.wait(TIMEOUT)

    async def serve():
        listening = await asyncio.get_running_loop().create_server(lambda: Plain("plain"), "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        thread = threading.Thread(target=eager_client, args=(port,))
        thread.start()
        await asyncio.wait_for(upgraded.wait(), TIMEOUT)
        gone.set()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        listening.close()

    gone = threading.Event()

    async def main():
        nonlocal upgraded
        upgraded = asyncio.Event()
        await serve()

    upgraded = None
    asyncio.run(main())
    assert seen == {"before": EAGER_REQUEST, "after": b""}


def test_a_hello_in_pieces_is_put_together(server, bundle):
    client = EagerClient(bundle)
    data = client.hello()
    with dial(server.port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (data[:1], data[1:4], data[4:60], data[60:]):
            sock.sendall(piece)
        sock.sendall(client.finished_and(EAGER_REQUEST, sock))
        assert client.answer(sock).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("said", [b"", b"CONN", b"CONNECT pool", b"\x16\x03\x01\x02\x00half a hello"])
def test_a_slow_client_holds_nobody_up(server, bundle, said):
    with dial(server.port) as slow:
        slow.sendall(said)
        with tunnel(server.port, bundle) as sock:
            assert get(sock).status == 200


@pytest.mark.parametrize("said", [b"CONN", b"\x16\x03", b"\x16\x03\x01\x02\x00half a hello"])
def test_a_client_that_hangs_up_early_is_let_go(server, said):
    with dial(server.port) as sock:
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""


def test_a_broken_handshake_ends_its_connection_alone(server, bundle):
    client = EagerClient(bundle)
    with connect(server.port, POOL) as sock:
        sock.sendall(client.hello())
        client.finished_and(EAGER_REQUEST, sock)
        sock.sendall(b"\x16\x03\x03\x00\x05trash")
        while sock.recv(65536):
            pass
    with tunnel(server.port, bundle) as sock:
        assert get(sock).status == 200


def test_a_slow_handler_holds_nobody_up(server, bundle, gateway):
    with tunnel(server.port, bundle) as waiting, tunnel(server.port, bundle) as sock:
        waiting.sendall(f"GET /wait HTTP/1.1\r\nHost: {POOL}\r\n\r\n".encode())
        assert gateway.entered.wait(TIMEOUT)
        assert get(sock).status == 200
        gateway.release.set()
        assert read_answer(waiting).status == 200


def test_the_server_name_is_read_off_a_hello(bundle):
    record = EagerClient(bundle, REGIONAL).hello()
    assert hello.record_length(record) == len(record)
    assert hello.server_name(record) == REGIONAL


def test_a_hello_cut_short_has_no_server_name(bundle):
    record = EagerClient(bundle, REGIONAL).hello()
    assert {hello.server_name(record[:end]) for end in range(len(record) - 1)} == {None}


IDENTITY = "/metadata/identity/oauth2/token"


@pytest.mark.parametrize("target", [f"http://169.254.169.254{IDENTITY}", "/msi/token"])
def test_a_managed_identitys_token_is_the_one_thing_over_plain_http(server, gateway, target):
    line = f"GET {target}?api-version=2018-02-01&resource=https%3A%2F%2Fx HTTP/1.1"
    credentials = base64.b64encode(b"uksouth:app-1").decode()
    head = f"{line}\r\nHost: x\r\nMetadata: true\r\nProxy-Authorization: Basic {credentials}\r\n\r\n"
    answer = say(server.port, head.encode())
    assert (answer.status, answer.json()["path"]) == (200, IDENTITY)
    request, caller = gateway.requests[0]
    assert request.host == "login.microsoftonline.com"
    assert request.query == {"api-version": "2018-02-01", "resource": "https://x"}
    assert request.headers["metadata"] == "true"
    assert caller == Caller("uksouth", "app-1")


@pytest.mark.parametrize(
    "line",
    [
        f"POST http://169.254.169.254{IDENTITY}",
        "GET http://169.254.169.254/metadata/instance",
        f"GET http://example.com{IDENTITY}",
        f"GET {IDENTITY}",
    ],
)
def test_nothing_else_of_the_metadata_service_is_served(server, gateway, line):
    answer = say(server.port, f"{line} HTTP/1.1\r\nMetadata: true\r\n\r\n".encode())
    assert answer.status == 403
    assert gateway.requests == []
