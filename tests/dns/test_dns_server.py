"""The DNS server's sockets, and the regions' own addresses, on loopback."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import threading
from http.client import HTTPResponse

import dns.message
import dns.query
import dns.rcode
import pytest
from asking import ARM, CONTROL_ADDRESS, NOBODY, POOL, address, query
from rules.harness import EXTENDED, PRIMARY, THIRD

from azext_mhsmregion.emulator import traffic
from azext_mhsmregion.emulator.dns import addresses, server
from azext_mhsmregion.emulator.dns.addresses import Dns
from azext_mhsmregion.emulator.http import outage
from azext_mhsmregion.emulator.http.server import Server
from azext_mhsmregion.emulator.wire import Location, NameKind
from azext_mhsmregion.emulator.witness import OPENED
from azext_mhsmregion.model import routing

pytestmark = [
    pytest.mark.socket,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8"),
]

TIMEOUT = 20.0


def free_port():
    """A port that is free on all addresses, as far as that can be said."""
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        return sock.getsockname()[1]


@pytest.fixture
def entrance_port():
    return free_port()


@pytest.fixture
def serving(world, authority, entrance_port):
    dns_options = Dns(port=0, entrance_port=entrance_port)
    made = Server(
        world.emulator, authority, places={EXTENDED: 0}, dns=dns_options, witness=world.emulator.parts.witness
    )
    with made.in_thread(0.1) as running:
        yield running


def where(serving, place=""):
    host, _, port = serving.dns_addresses[place].rpartition(":")
    return host, int(port)


def by_udp(serving, name, place=""):
    host, port = where(serving, place)
    return dns.query.udp(query(name), host, TIMEOUT, port)


# -- DNS ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp])
def test_both_transports_answer_alike(serving, ask):
    host, port = where(serving)
    assert host == "127.0.0.1"
    assert address(ask(query(f"{EXTENDED}.{POOL}"), host, TIMEOUT, port)) == addresses.of_region(EXTENDED)
    assert ask(query(NOBODY), host, TIMEOUT, port).rcode() == dns.rcode.NXDOMAIN
    assert ask(query("example.com"), host, TIMEOUT, port).rcode() == dns.rcode.REFUSED


def test_what_is_cut_over_udp_is_whole_over_tcp(serving, monkeypatch):
    long = Location(NameKind.OURS, PRIMARY, ".".join(["n" * 61] * 4), 5)
    monkeypatch.setattr(serving._names, "_lookup", lambda *_: long)
    host, port = where(serving)
    asked_for = query(".".join(["l" * 60] * 3) + f".{'m' * 30}.{POOL}")
    told, over_tcp = dns.query.udp_with_fallback(asked_for, host, TIMEOUT, port)
    assert over_tcp
    assert address(told) == addresses.of_region(PRIMARY)


def test_each_place_asks_at_its_regions_address(serving):
    assert where(serving, EXTENDED) == (addresses.of_region(EXTENDED), where(serving)[1])
    assert address(by_udp(serving, POOL)) == addresses.of_region(PRIMARY)
    assert address(by_udp(serving, POOL, EXTENDED)) == addresses.of_region(EXTENDED)


def test_a_connection_takes_many_queries(serving):
    with socket.create_connection(where(serving), TIMEOUT) as sock:
        wire = query(POOL).to_wire()
        sock.sendall((struct.pack("!H", len(wire)) + wire) * 3)
        stream = sock.makefile("rb")
        for _ in range(3):
            (length,) = struct.unpack("!H", stream.read(2))
            assert address(dns.message.from_wire(stream.read(length))) is not None


def test_what_is_no_query_ends_its_connection_and_nobody_elses(serving):
    with socket.create_connection(where(serving), TIMEOUT) as sock:
        sock.sendall(struct.pack("!H", 3) + b"abc")
        assert sock.recv(1) == b""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"abc", where(serving))
        sock.sendto(b"", where(serving))
    assert address(by_udp(serving, POOL)) is not None


def test_a_silent_connection_ends(serving, monkeypatch):
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.05)
    with socket.create_connection(where(serving), TIMEOUT) as sock:
        assert sock.recv(1) == b""


def test_too_many_connections_are_closed(serving, monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 1)
    with socket.create_connection(where(serving), TIMEOUT) as first:
        first.sendall(b"\0")
        with socket.create_connection(where(serving), TIMEOUT) as second:
            assert second.recv(1) == b""


def test_a_look_up_that_fails_is_logged_and_gets_no_answer(serving, world, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("on purpose")

    monkeypatch.setattr(serving._names, "_lookup", fail)
    with socket.create_connection(where(serving), TIMEOUT) as sock:
        wire = query(POOL).to_wire()
        sock.sendall(struct.pack("!H", len(wire)) + wire)
        assert sock.recv(1) == b""
    assert "on purpose" in caplog.text


def test_the_server_ends_with_connections_open(world, authority, entrance_port):
    dns_options = Dns(port=0, entrance_port=entrance_port)
    with Server(world.emulator, authority, dns=dns_options).in_thread(0.1) as running:
        sock = socket.create_connection(where(running), TIMEOUT)
    with sock:
        assert sock.recv(1) == b""
    assert not [thread for thread in threading.enumerate() if thread.name == "mhsmregion-server"]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_is_taken_is_named_and_all_others_are_given_back(world, authority, entrance_port, kind):
    port = free_port()
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", port))
        made = Server(world.emulator, authority, dns=Dns(port=port, entrance_port=entrance_port))
        with pytest.raises(OSError, match=f"127.0.0.1:{port}") as caught, made.in_thread(0.1):
            pass
    assert caught.value.filename.startswith(f"127.0.0.1:{port}")
    with Server(world.emulator, authority, dns=Dns(port=port, entrance_port=entrance_port)).in_thread(0.1):
        pass


def test_an_entrance_that_is_taken_is_named(world, authority, entrance_port):
    with socket.socket() as taken:
        taken.bind((addresses.of_region(EXTENDED), entrance_port))
        made = Server(world.emulator, authority, dns=Dns(port=0, entrance_port=entrance_port))
        with pytest.raises(OSError) as caught, made.in_thread(0.1):
            pass
    assert caught.value.filename == f"{addresses.of_region(EXTENDED)}:{entrance_port}"


def test_without_dns_there_are_no_entrances(world, authority):
    with Server(world.emulator, authority).in_thread(0.1) as running:
        assert running.dns_addresses == {}
        with pytest.raises(ConnectionRefusedError), socket.create_connection((CONTROL_ADDRESS, running.port)):
            pass


# -- the regions' addresses ----------------------------------------------------------------


@contextlib.contextmanager
def entered(authority, at, port, host=POOL, of="127.0.0.1"):
    """TLS for ``host`` to an address, of a client at another."""
    context = ssl.create_default_context(cafile=str(authority.bundle_path))
    with (
        socket.create_connection((at, port), TIMEOUT, (of, 0)) as raw,
        context.wrap_socket(raw, server_hostname=host) as sock,
    ):
        yield sock


def get(world, sock, host=POOL, path="/keys?api-version=7.4"):
    """Status, and the region that says it answered."""
    request = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {world.token('owner')}"]
    sock.sendall("\r\n".join([*request, "", ""]).encode())
    response = HTTPResponse(sock, method="GET")
    response.begin()
    response.read()
    return response.status, response.headers.get("x-ms-keyvault-region")


@pytest.mark.parametrize("region", [PRIMARY, EXTENDED])
def test_the_address_decides_whatever_the_name_says(serving, world, authority, entrance_port, region):
    for host in (POOL, f"{PRIMARY}.{POOL}", f"{EXTENDED}.{POOL}"):
        with entered(authority, addresses.of_region(region), entrance_port, host) as sock:
            assert get(world, sock, host) == (200, region)


def test_a_clients_label_is_its_address(serving, world, authority, entrance_port):
    clients = ["127.0.0.8", "127.0.0.9"]
    for client in clients:
        with entered(authority, addresses.of_region(PRIMARY), entrance_port, of=client) as sock:
            assert get(world, sock) == (200, PRIMARY)
    seen = world.emulator.parts.witness.since(0)
    assert [one.client for one in seen if one.kind == OPENED] == clients


def test_each_label_counts_its_own_connections(world):
    """Where they land is not moved by what others do meanwhile."""
    clients = ("127.0.0.8", "127.0.0.9")
    landed = {client: [] for client in clients}
    for client in clients * 6:
        landed[client].append(world.emulator.enter(POOL, client, PRIMARY).partition)
    with world.emulator.parts.reading() as unit:
        pool, seen = traffic.pool_of(unit, POOL), traffic.conditions(unit)
        alone = [routing.land(pool, PRIMARY, unit.now, f"{clients[0]}/{n}", seen).partition for n in range(6)]
    assert landed[clients[0]] == alone
    assert landed[clients[0]] != landed[clients[1]]


def test_a_client_that_cached_the_address_gets_the_old_region_again(serving, world, authority, entrance_port):
    """F7, F10: it fails while the region is out, whatever DNS says meanwhile."""
    cached = address(by_udp(serving, POOL))
    with entered(authority, cached, entrance_port) as opened:
        assert get(world, opened) == (200, PRIMARY)
        fault = world.break_("region", PRIMARY, effect="reset")
        with pytest.raises(ConnectionResetError):
            get(world, opened)
    for _ in range(2):
        with pytest.raises(ConnectionResetError), entered(authority, cached, entrance_port):
            pass
        world.advance(60)
        assert address(by_udp(serving, POOL)) == addresses.of_region(EXTENDED)
    world.clear(fault).ok()
    with entered(authority, cached, entrance_port) as sock:
        assert get(world, sock) == (200, PRIMARY)


def test_a_region_that_hangs_says_nothing_and_then_resets(
    serving, world, authority, entrance_port, monkeypatch
):
    monkeypatch.setattr(outage, "LONGEST_SILENCE", 0.3)
    world.break_("region", PRIMARY, effect="hang")
    with pytest.raises(ConnectionResetError), entered(authority, addresses.of_region(PRIMARY), entrance_port):
        pass


def test_a_region_without_the_pool_refuses_it(serving, authority, entrance_port):
    with pytest.raises(ConnectionResetError), entered(authority, addresses.of_region(THIRD), entrance_port):
        pass


@pytest.mark.parametrize(
    ("at", "host"),
    [
        (addresses.of_region(PRIMARY), NOBODY),
        (addresses.of_region(PRIMARY), ARM),
        (addresses.of_region(PRIMARY), "example.com"),
        (CONTROL_ADDRESS, POOL),
        (CONTROL_ADDRESS, "example.com"),
    ],
)
def test_a_name_that_is_not_served_there(serving, authority, entrance_port, at, host):
    with (
        pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"),
        entered(authority, at, entrance_port, host),
    ):
        pass


def test_the_control_plane_has_an_address_too(serving, world, authority, entrance_port):
    with entered(authority, CONTROL_ADDRESS, entrance_port, ARM) as sock:
        assert get(world, sock, ARM, "/")[0] == 401


@pytest.mark.parametrize("said", [b"CONNECT x:443 HTTP/1.1\r\n\r\n", b"GET /health HTTP/1.1\r\n\r\n"])
def test_an_entrance_takes_tls_alone(serving, entrance_port, said):
    with socket.create_connection((addresses.of_region(PRIMARY), entrance_port), TIMEOUT) as sock:
        sock.sendall(said)
        assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")
