"""The proxy's password: who gets in, by which door, and from where."""

import base64
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from floor import FOREIGN, POOL, client_context, connect_line, dial, get, say, tunnel

from azext_mhsmregion.emulator.http import admission, hello
from azext_mhsmregion.emulator.http.environment import proxy_url
from azext_mhsmregion.emulator.http.proxypassword import label_of, problem_of, word_of
from azext_mhsmregion.emulator.http.server import Server
from azext_mhsmregion.emulator.wire import Caller

PASSWORD = "top.secret:1"
IDENTITY = (
    "GET http://169.254.169.254/metadata/identity/oauth2/token?resource=x HTTP/1.1\r\nMetadata: true\r\n"
)


@pytest.fixture
def locked(gateway, authority):
    """A server with a password, on every address of this machine."""
    with Server(gateway, authority, "0.0.0.0", password=PASSWORD).in_thread() as running:
        yield running
        gateway.release.set()


def basic(credentials):
    return f"Proxy-Authorization: Basic {base64.b64encode(credentials.encode()).decode()}\r\n"


@pytest.mark.socket
@pytest.mark.parametrize(
    ("credentials", "place", "client"),
    [
        (f"uksouth:app-1.{PASSWORD}", "uksouth", "app-1"),
        (f"uksouth:a.b.{PASSWORD}", "uksouth", "a.b"),
        (f"uksouth:{PASSWORD}", "uksouth", "-"),
        (f"-:{PASSWORD}", "", "-"),
        (f":.{PASSWORD}", "", "-"),
    ],
)
def test_the_password_stands_behind_the_clients_label(locked, bundle, gateway, credentials, place, client):
    with tunnel(locked.port, bundle, credentials=credentials) as sock:
        assert get(sock).status == 200
    assert gateway.resolved == [(POOL, place, client)]
    assert (gateway.requests[0][1].place, gateway.requests[0][1].client) == (place, client)


@pytest.mark.socket
@pytest.mark.parametrize(
    "credentials",
    [
        None,
        "uksouth:-",
        "uksouth:",
        "uksouth:app-1",
        f"{PASSWORD}:app-1",
        f"uksouth:app-1{PASSWORD}",
        f"uksouth:{PASSWORD}.app-1",
        f"uksouth:{PASSWORD[:-1]}",
        f"uksouth:{PASSWORD}x",
        f"uksouth:{PASSWORD.upper()}",
        "uksouth:app-1.secret:1",
    ],
)
@pytest.mark.parametrize("host", [POOL, FOREIGN])
def test_without_the_password_a_tunnel_is_a_407_and_nothing_is_asked(locked, gateway, credentials, host):
    answer = say(locked.port, connect_line(host, credentials))
    assert answer.status == 407
    assert answer.headers["proxy-authenticate"].startswith("Basic realm=")
    assert PASSWORD.encode() not in answer.body
    assert gateway.resolved == []


@pytest.mark.socket
@pytest.mark.parametrize("value", ["Bearer abc", "Basic !!", "Basic /w=="])
def test_credentials_that_are_none_are_a_407(locked, value):
    head = f"CONNECT {POOL}:443 HTTP/1.1\r\nProxy-Authorization: {value}\r\n\r\n"
    assert say(locked.port, head.encode()).status == 407


@pytest.mark.socket
@pytest.mark.parametrize(
    "line", ["GET http://example.com/ HTTP/1.1\r\n", "GET /health/x HTTP/1.1\r\n", IDENTITY]
)
def test_plain_requests_need_it_too(locked, gateway, line):
    assert say(locked.port, f"{line}Host: x\r\n\r\n".encode()).status == 407
    assert gateway.requests == []


@pytest.mark.socket
def test_with_it_they_are_what_they_were(locked):
    head = f"GET http://example.com/ HTTP/1.1\r\nHost: x\r\n{basic('-:' + PASSWORD)}\r\n"
    assert say(locked.port, head.encode()).status == 403


@pytest.mark.socket
def test_health_stays_open(locked):
    assert say(locked.port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").json()["status"] == "ok"


@pytest.mark.socket
def test_direct_tls_carries_no_password_and_is_refused(locked, bundle, gateway):
    with dial(locked.port) as raw, pytest.raises(ssl.SSLError, match="(?i)access.denied"):
        client_context(bundle).wrap_socket(raw, server_hostname=POOL)
    assert gateway.resolved == []
    assert admission.ACCESS_DENIED != hello.UNRECOGNIZED_NAME


@pytest.mark.socket
def test_a_token_goes_to_this_machine_with_the_password(locked, gateway):
    head = f"{IDENTITY}{basic('uksouth:app-1.' + PASSWORD)}\r\n"
    assert say(locked.port, head.encode()).status == 200
    assert gateway.requests[0][1] == Caller("uksouth", "app-1")


@pytest.mark.socket
def test_a_token_goes_to_no_other_machine(locked, gateway, monkeypatch):
    monkeypatch.setattr(admission, "peer_of", lambda sock: "192.0.2.1")
    assert say(locked.port, f"{IDENTITY}{basic('-:' + PASSWORD)}\r\n".encode()).status == 403
    assert gateway.requests == []


@pytest.mark.socket
def test_requests_shows_it_as_emulator_env_prints_it(locked, bundle, gateway):
    proxy = proxy_url(locked.port, "westus2", "lab 1", password=PASSWORD)
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"https://{POOL}/x", proxies={"https": proxy}, verify=bundle)
    assert answer.status_code == 200
    assert (gateway.requests[0][1].place, gateway.requests[0][1].client) == ("westus2", "lab 1")


@pytest.mark.socket
def test_a_refusal_is_logged_without_what_was_shown(locked, caplog):
    caplog.set_level("INFO")
    assert say(locked.port, connect_line(POOL, "uksouth:guessed-1")).status == 407
    (record,) = [one for one in caplog.records if "CONNECT" in one.getMessage()]
    assert f"CONNECT {POOL}:443 407" in record.getMessage()
    assert "guessed" not in caplog.text


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::"])
def test_other_addresses_than_loopback_need_a_password(gateway, authority, address):
    with pytest.raises(ValueError, match="loopback"):
        Server(gateway, authority, host=address)
    Server(gateway, authority, host=address, password=PASSWORD)


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False), ("::ffff:192.0.2.1", False), ("fe80::1%eth0", False), ("0.0.0.0", False),
    ],
)  # fmt: skip
def test_which_peers_are_this_machine(address, is_own):
    assert admission.is_loopback(address) is is_own


@pytest.mark.parametrize("client", ["-", "app-1", "a.b", "ü"])
def test_what_is_written_is_read(client):
    assert label_of(word_of(client, PASSWORD), PASSWORD) == client
    assert label_of(word_of(client, PASSWORD), PASSWORD + "x") is None


def test_a_password_is_long_enough_and_can_be_typed():
    assert problem_of("12345678") is None
    assert "fewer than 8" in problem_of("1234567")
    assert "printed" in problem_of("12345678\n")


FROM_ANOTHER_ADDRESS = """
import socket, sys
sys.path[:0] = {path!r}
from floor import POOL, FakeGateway, connect_line, read_answer
from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.server import Server
import time
from pathlib import Path
gateway = FakeGateway()
server = Server(gateway, Authority(Path(sys.argv[1]), time.time), "0.0.0.0", password={password!r})
with server.in_thread():
    for own in ("192.0.2.1", "127.0.0.1"):
        with socket.create_connection((own, server.port), 20, (own, 0)) as sock:
            sock.sendall({request!r})
            print(read_answer(sock).status)
print(len(gateway.requests))
"""


@pytest.mark.socket
@pytest.mark.skipif(not (shutil.which("unshare") and shutil.which("ip")), reason="no unshare or ip here")
def test_a_peer_at_another_address_gets_no_token(tmp_path):
    """In a network of loopback alone, which has one address more."""
    here = Path(__file__).resolve().parent
    program = FROM_ANOTHER_ADDRESS.format(
        path=[str(here), str(here.parents[1])],
        password=PASSWORD,
        request=f"{IDENTITY}{basic('-:' + PASSWORD)}\r\n".encode(),
    )
    network = 'ip link set lo up && ip addr add 192.0.2.1/32 dev lo && exec "$@"'
    command = ["unshare", "--map-root-user", "--net", "sh", "-c", network, "sh"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("no network namespace can be made here")
    done = subprocess.run(
        [*command, sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["403", "200", "1"], done.stderr
