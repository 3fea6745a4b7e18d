"""Foreign hosts that are relayed to: opaque, both ways, and none but those listed."""

import asyncio
import contextlib
import datetime
import hashlib
import logging
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from floor import ARM, NOBODY, POOL, TIMEOUT, connect_line, dial, read_answer, read_established, say, tunnel

from azext_mhsmregion.emulator.http import listener, passthrough
from azext_mhsmregion.emulator.http.passthrough import Passthrough
from azext_mhsmregion.emulator.http.server import Server

pytestmark = pytest.mark.socket

ELSEWHERE = "elsewhere.test"
METADATA = ("169.254.169.254", 80)


class Elsewhere:
    """A server on loopback for one connection, which ``serve(sock)`` gets in a thread."""

    def __init__(self, serve):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self._serve = serve
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with contextlib.suppress(OSError):
            sock, _ = self.listening.accept()
            with sock:
                sock.settimeout(TIMEOUT)
                self._serve(sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.close()
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive()


class Resolver:
    """Every name is at ``addresses``; ``asked`` names the hosts that were looked up."""

    def __init__(self, *addresses):
        self.addresses, self.asked = addresses, []

    async def __call__(self, host, port):
        self.asked.append(host)
        return [(socket.AF_INET, address or ("127.0.0.1", port)) for address in self.addresses or [None]]


@pytest.fixture
def serving(gateway, authority):
    """Makes servers that pass to ``patterns``."""
    with contextlib.ExitStack() as stack:

        def make(*patterns, **settings):
            passing = Passthrough(passthrough.parse(patterns), **settings)
            return stack.enter_context(Server(gateway, authority, passthrough=passing).in_thread())

        yield make
        gateway.release.set()


@contextlib.contextmanager
def passed(server, host, port):
    """A tunnel to a foreign host."""
    with dial(server.port) as sock:
        sock.sendall(connect_line(host, port=port))
        read_established(sock)
        yield sock


def everything(sock):
    return b"".join(iter(lambda: sock.recv(65536), b""))


def digest_of_all(sock):
    """Answers only when the client has ended: half-close must arrive."""
    sock.sendall(hashlib.sha256(everything(sock)).digest())


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def certificate_of(folder):
    """A certificate for :data:`ELSEWHERE` that is not the emulator's."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]),
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(ELSEWHERE)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "elsewhere.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_the_hosts_own_tls_reaches_the_client(serving, tmp_path):
    pem = certificate_of(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def greet(sock):
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.sendall(b"hello " + tls.recv(100))

    server = serving(ELSEWHERE, resolve=Resolver())
    with Elsewhere(greet) as there, passed(server, ELSEWHERE, there.port) as sock:
        trusting = ssl.create_default_context(cafile=str(pem))
        with trusting.wrap_socket(sock, server_hostname=ELSEWHERE) as tls:
            tls.sendall(b"you")
            assert tls.recv(100) == b"hello you"


def test_this_machines_resolver_finds_localhost(serving):
    with Elsewhere(digest_of_all) as there, passed(serving("localhost"), "LocalHost", there.port) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock) == hashlib.sha256().digest()


def test_the_clients_end_is_passed_on_and_the_answer_still_comes(serving):
    data = bytes(range(256)) * 4096
    with Elsewhere(digest_of_all) as there, passed(serving("127.0.0.1"), "127.0.0.1", there.port) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert everything(sock) == hashlib.sha256(data).digest()


def test_the_hosts_end_is_passed_on_and_the_client_still_speaks(serving):
    heard = []

    def speak_first(sock):
        sock.sendall(b"that is all")
        sock.shutdown(socket.SHUT_WR)
        heard.append(everything(sock))

    with Elsewhere(speak_first) as there, passed(serving("127.0.0.1"), "127.0.0.1", there.port) as sock:
        assert everything(sock) == b"that is all"
        sock.sendall(b"thanks")
    assert heard == [b"thanks"]


def test_words_right_behind_connect_are_not_lost(serving):
    server = serving("127.0.0.1")
    with Elsewhere(digest_of_all) as there, dial(server.port) as sock:
        sock.sendall(connect_line("127.0.0.1", port=there.port) + b"early")
        sock.shutdown(socket.SHUT_WR)
        read_established(sock)
        assert everything(sock) == hashlib.sha256(b"early").digest()


def test_no_more_is_read_than_the_host_takes(serving):
    """A host that does not read holds its client up; what was sent arrives whole in the end."""
    may_read, taken = threading.Event(), []

    def late(sock):
        assert may_read.wait(TIMEOUT)
        taken.append(len(everything(sock)))

    with Elsewhere(late) as there, passed(serving("127.0.0.1"), "127.0.0.1", there.port) as sock:
        sock.settimeout(0.5)
        sent, piece = 0, bytes(65536)
        with pytest.raises(socket.timeout):
            while sent < 256 * 1024 * 1024:
                sent += sock.send(piece)
        may_read.set()
    assert taken == [sent]


def test_a_host_that_breaks_off_ends_the_tunnel(serving):
    def break_off(sock):
        assert sock.recv(1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with Elsewhere(break_off) as there, passed(serving("127.0.0.1"), "127.0.0.1", there.port) as sock:
        sock.sendall(b"x")
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""


def test_a_tunnel_lives_longer_than_a_client_may_take_to_say_whom_it_wants(serving, monkeypatch):
    monkeypatch.setattr(listener, "PREFACE_TIMEOUT", 0.2)

    def echo(sock):
        while data := sock.recv(100):
            sock.sendall(data)

    with Elsewhere(echo) as there, passed(serving("127.0.0.1"), "127.0.0.1", there.port) as sock:
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"


@pytest.mark.parametrize("host", ["example.com", "elsewhere.test", "not-listed.test", "127.0.0.2"])
def test_what_is_not_listed_is_refused_and_never_looked_up(serving, host):
    resolver = Resolver()
    server = serving("listed.test", ".elsewhere.test", "127.0.0.1", resolve=resolver)
    answer = say(server.port, connect_line(host))
    assert answer.status == 403
    assert b"--proxy-passthrough HOST" in answer.body
    assert resolver.asked == []


@pytest.mark.parametrize("line", ["GET http://listed.test/", "POST http://listed.test/"])
def test_plain_http_is_relayed_to_nobody(serving, line):
    server = serving("*", resolve=Resolver())
    assert say(server.port, f"{line} HTTP/1.1\r\nHost: listed.test\r\n\r\n".encode()).status == 403


@pytest.mark.parametrize(
    ("host", "port", "status"),
    [
        (ARM, 80, 403),
        (POOL, 8443, 403),
        (NOBODY, 443, 502),
        (f"{POOL}.", 80, 403),
        ("a.graph.microsoft.com", 443, 403),
    ],
)
def test_our_own_names_never_pass(serving, host, port, status):
    resolver = Resolver()
    assert say(serving("*", resolve=resolver).port, connect_line(host, port=port)).status == status
    assert resolver.asked == []


def test_our_own_names_are_served_as_before(serving, bundle):
    with tunnel(serving("*", resolve=Resolver()).port, bundle) as sock:
        sock.sendall(f"GET /x HTTP/1.1\r\nHost: {POOL}\r\n\r\n".encode())
        assert read_answer(sock).status == 200


@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.test", "2852039166"])
def test_the_metadata_address_never_passes_whatever_its_name(serving, host):
    answer = say(serving("*", resolve=Resolver(METADATA)).port, connect_line(host, port=80))
    assert answer.status == 403
    assert b"metadata" in answer.body


def test_a_host_that_refuses_is_a_502(serving):
    answer = say(serving("127.0.0.1").port, connect_line("127.0.0.1", port=free_port()))
    assert (answer.status, b"Connection refused" in answer.body) == (502, True)


def test_a_name_that_nobody_knows_is_a_502(serving):
    async def unknown(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    answer = say(serving("*", resolve=unknown).port, connect_line("nowhere.test"))
    assert (answer.status, b"not known" in answer.body) == (502, True)


def test_the_next_address_is_tried(serving):
    with Elsewhere(digest_of_all) as there:
        resolver = Resolver(("127.0.0.1", free_port()), ("127.0.0.1", there.port))
        with passed(serving("*", resolve=resolver), ELSEWHERE, 1) as sock:
            sock.shutdown(socket.SHUT_WR)
            assert everything(sock) == hashlib.sha256().digest()


def test_a_lookup_that_hangs_is_a_504_and_holds_nobody_up(serving, bundle):
    looking = threading.Event()

    async def hang(host, port):
        looking.set()
        await asyncio.sleep(TIMEOUT)

    server = serving("*", resolve=hang, patience=0.3)
    with dial(server.port) as waiting:
        waiting.sendall(connect_line("slow.test"))
        assert looking.wait(TIMEOUT)
        with tunnel(server.port, bundle) as sock:
            sock.sendall(f"GET /x HTTP/1.1\r\nHost: {POOL}\r\n\r\n".encode())
            assert read_answer(sock).status == 200
        assert read_answer(waiting).status == 504


def test_tunnels_are_counted_and_given_back(serving):
    server = serving("127.0.0.1", most=1)
    with Elsewhere(digest_of_all) as first, Elsewhere(digest_of_all) as second:
        line = connect_line("127.0.0.1", port=second.port)
        with passed(server, "127.0.0.1", first.port):
            assert say(server.port, line).status == 503
        deadline = time.monotonic() + TIMEOUT
        while True:  # until the server has noticed that the first is gone
            with dial(server.port) as sock:
                sock.sendall(line)
                if sock.recv(12) == b"HTTP/1.1 200":
                    break
            assert time.monotonic() < deadline


def test_stop_ends_tunnels_on_both_sides(gateway, authority):
    heard = []
    passing = Passthrough(["127.0.0.1"])
    with Elsewhere(lambda sock: heard.append(everything(sock))) as there, contextlib.ExitStack() as stack:
        with Server(gateway, authority, passthrough=passing).in_thread() as server:
            sock = stack.enter_context(passed(server, "127.0.0.1", there.port))
            sock.sendall(b"x")
        assert everything(sock) == b""
    assert heard == [b"x"]


def test_each_tunnel_is_a_line_of_the_request_log(serving, caplog):
    caplog.set_level(logging.INFO)
    server, closed = serving("127.0.0.1"), free_port()
    with Elsewhere(digest_of_all) as there, passed(server, "127.0.0.1", there.port):
        pass
    assert say(server.port, connect_line("127.0.0.1", "uksouth:app-1", closed)).status == 502
    lines = [record.getMessage() for record in caplog.records if record.name.endswith("requestlog")]
    assert lines[0].startswith(f"CONNECT 127.0.0.1:{there.port} 200 ")
    assert lines[1].startswith(f"CONNECT 127.0.0.1:{closed} 502 ")
    assert "client=app-1 place=uksouth" in lines[1]


def test_patterns_are_read():
    assert passthrough.parse(["pypi.org, .Example.com", "*,pypi.org", "::1"]) == (
        "pypi.org",
        ".example.com",
        "*",
        "::1",
    )


@pytest.mark.parametrize(
    "text", ["https://pypi.org", "pypi.org:443", "a/b", "*.example.com", "a..b", ARM, f".{ARM}", POOL]
)
def test_a_pattern_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="is no host|never passes"):
        passthrough.parse([text])
