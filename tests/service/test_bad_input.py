"""Bad input over the socket: the service's own status and body where it has one, a clear message
otherwise; and the server is there for the next one."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from servicekit import (
    ARM,
    ARM_API,
    ARM_HOST,
    DATA_API,
    HSM,
    LOGIN_HOST,
    POOL,
    POOL_HOST,
    TIMEOUT,
    Answer,
    Home,
    ServerProcess,
    environment,
    seeded,
)
from support import disk

from azext_mhsmregion.emulator.directory import Directory
from azext_mhsmregion.emulator.entra.tokens import LIFETIME, Tokens
from azext_mhsmregion.emulator.service import SystemSources

pytestmark = pytest.mark.socket

STRANGE_ID = "99999999-9999-9999-9999-999999999999"


@pytest.fixture(autouse=True)
def still_up(service: ServerProcess, seeded_home: Home) -> Iterator[None]:
    """After every test the server answers, and it is the same process."""
    yield
    with service.client(POOL_HOST, seeded_home.token(HSM)) as client:
        assert client.ask("GET", f"/keys?{DATA_API}").status == 200
    assert service.process.poll() is None


@pytest.fixture
def arm(service: ServerProcess, seeded_home: Home) -> Any:
    """Ask the control plane; with the owner's token unless another is given."""

    def ask(method: str, path: str, body: Any = None, token: str = "") -> Answer:
        with service.client(ARM_HOST, token or seeded_home.token(ARM)) as client:
            return client.ask(method, f"{path}?{ARM_API}", body)

    return ask


@pytest.fixture
def hsm(service: ServerProcess, seeded_home: Home) -> Any:
    """Ask the data plane."""

    def ask(method: str, path: str, body: Any = None, token: str = "") -> Answer:
        with service.client(POOL_HOST, token or seeded_home.token(HSM)) as client:
            return client.ask(method, f"{path}?{DATA_API}", body)

    return ask


def pool_path(home: Home, group: str = "default", subscription: str = "") -> str:
    return (
        f"/subscriptions/{subscription or home.subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.KeyVault/managedHSMs/{POOL}"
    )


def error(answer: Answer) -> Any:
    return answer.status, answer.json()["error"]["code"]


def made_token(home: Path, audience: str, now: float) -> str:
    sources = SystemSources()
    directory = Directory.load(home, sources.new_id, lambda: "secret")
    return Tokens(home, directory, lambda: now).issue(directory.owner, audience)


# -- tokens ------------------------------------------------------------------------------
@pytest.mark.rule("K2")
def test_no_token_gets_the_recorded_challenge(service: ServerProcess, seeded_home: Home) -> None:
    with service.client(POOL_HOST) as client:
        answer = client.ask("GET", f"/keys?{DATA_API}")
    assert (answer.status, answer.body) == (401, b"OK")
    tenant = f"https://login.microsoftonline.com/{seeded_home.tenant}"
    assert answer.headers["www-authenticate"] == f'Bearer authorization="{tenant}", resource="{HSM}"'
    assert "x-ms-keyvault-region" not in answer.headers


@pytest.mark.parametrize("token", ["junk", "a.b.c", "x" * 4000])
def test_a_wrong_token(arm: Any, hsm: Any, seeded_home: Home, token: str) -> None:
    assert error(arm("GET", pool_path(seeded_home), token=token)) == (401, "InvalidAuthenticationToken")
    answer = hsm("GET", "/keys", token=token)
    assert error(answer) == (401, "Unauthorized")
    assert token not in answer.body.decode()


@pytest.mark.rule("K2")
def test_a_wrong_audience_is_told_in_the_services_words(arm: Any, hsm: Any, seeded_home: Home) -> None:
    answer = hsm("GET", "/keys", token=seeded_home.token(ARM))
    assert error(answer) == (401, "Unauthorized")
    assert f"Found token with aud={ARM}, but expected aud={HSM}" in answer.json()["error"]["message"]
    answer = arm("GET", pool_path(seeded_home), token=seeded_home.token(HSM))
    assert error(answer) == (401, "InvalidAuthenticationTokenAudience")
    assert f"wrong audience or resource '{HSM}'" in answer.json()["error"]["message"]


def test_an_expired_token(arm: Any, hsm: Any, seeded_home: Home) -> None:
    then = time.time() - LIFETIME - 1
    told = (
        (arm, ARM, "ExpiredAuthenticationToken", "is earlier than current UTC time"),
        (hsm, HSM, "Unauthorized", "expired"),
    )
    for ask, audience, code, words in told:
        answer = ask("GET", "/keys", token=made_token(seeded_home.folder, audience, then))
        assert error(answer) == (401, code)
        assert words in answer.json()["error"]["message"]


def test_a_token_of_another_tenant(arm: Any, hsm: Any, tmp_path: Path) -> None:
    told = (
        (arm, ARM, "InvalidAuthenticationTokenTenant", "wrong issuer"),
        (hsm, HSM, "Unauthorized", "Invalid issuer"),
    )
    for ask, audience, code, words in told:
        answer = ask("GET", "/keys", token=made_token(tmp_path, audience, time.time()))
        assert error(answer) == (401, code)
        assert words in answer.json()["error"]["message"]


def test_sign_in_at_another_tenant(service: ServerProcess, seeded_home: Home) -> None:
    with service.client(LOGIN_HOST) as client:
        answer = client.ask("POST", f"/{STRANGE_ID}/oauth2/v2.0/token", b"grant_type=client_credentials")
    assert (answer.status, answer.json()["error_codes"]) == (400, [90002])


# -- what does not exist -----------------------------------------------------------------
def test_an_unknown_subscription(arm: Any, seeded_home: Home) -> None:
    path = pool_path(seeded_home, subscription=STRANGE_ID)
    assert error(arm("GET", path)) == (404, "SubscriptionNotFound")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_unknown_group(arm: Any, seeded_home: Home, method: str) -> None:
    sku = {"family": "B", "name": "Standard_B1"}
    body = {"location": "uksouth", "sku": sku, "properties": {"initialAdminObjectIds": [seeded_home.owner]}}
    answer = arm(method, pool_path(seeded_home, group="nogroup"), None if method == "GET" else body)
    if method == "DELETE" and answer.status == 204:
        return  # as ARM answers for what is gone
    assert error(answer) == (404, "ResourceGroupNotFound")


# -- bodies ------------------------------------------------------------------------------
@pytest.mark.parametrize("body", [b'{"tags":', b"\xff", b"[]", b'"text"', b"tags=1"])
def test_malformed_json(arm: Any, hsm: Any, seeded_home: Home, body: bytes) -> None:
    assert error(arm("PATCH", pool_path(seeded_home), body)) == (400, "InvalidRequestContent")
    assert hsm("POST", "/keys/k/create", body).status == 400


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"tags": ["a"]}, "tags"),
        ({"tags": {"a": 1}}, "tags"),
        ({"properties": 7}, "properties"),
        ({"properties": {"regions": "uksouth"}}, "regions"),
        ({"properties": {"enablePurgeProtection": "yes"}}, "enablePurgeProtection"),
    ],
)
def test_wrong_types_are_named(arm: Any, seeded_home: Home, body: Any, named: str) -> None:
    answer = arm("PATCH", pool_path(seeded_home), body)
    assert error(answer) == (400, "BadParameter")
    assert f"'{named}'" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "body", [{"kty": 7}, {"kty": "EC-HSM", "key_ops": "sign"}, {"kty": "EC-HSM", "attributes": {"exp": "x"}}]
)
def test_wrong_types_at_the_data_plane(hsm: Any, body: Any) -> None:
    assert error(hsm("POST", "/keys/wrong/create", body)) == (400, "BadParameter")
    assert hsm("GET", "/keys/wrong").status == 404


def test_unknown_properties_are_ignored(hsm: Any, arm: Any, seeded_home: Home) -> None:
    body = {"kty": "EC-HSM", "colour": "red", "attributes": {"shiny": True}}
    answer = hsm("POST", "/keys/coloured/create", body)
    assert answer.status == 200
    assert "colour" not in answer.json() and "shiny" not in answer.json()["attributes"]


def test_an_oversized_body(arm: Any, hsm: Any, seeded_home: Home) -> None:
    body = b'{"tags":{"a":"' + b"x" * 1_100_000 + b'"}}'
    assert error(arm("PATCH", pool_path(seeded_home), body)) == (413, "RequestBodyTooLarge")
    assert error(hsm("POST", "/keys/k/create", body)) == (413, "RequestBodyTooLarge")


# -- clients that are slow, or speak something else ---------------------------------------
def test_slow_clients_hold_nobody_up(service: ServerProcess, seeded_home: Home, hsm: Any) -> None:
    """Forty clients stop in the middle of their headers, half of them before TLS."""
    request = f"GET /keys?{DATA_API} HTTP/1.1\r\nHost: {POOL_HOST}\r\n".encode()
    token = seeded_home.token(HSM)
    slow, raw = [service.client(POOL_HOST, token) for _ in range(20)], []
    for client in slow:
        client.connection.connect()
        client.connection.sock.sendall(request)
    for _ in range(20):
        sock = socket.create_connection(("127.0.0.1", service.port), TIMEOUT)
        sock.sendall(b"CONNECT manage")
        raw.append(sock)
    assert hsm("GET", "/keys").status == 200
    for sock in raw:
        sock.close()
    last = slow.pop()
    for byte in f"Authorization: Bearer {token}\r\n\r\n".encode():
        last.connection.sock.sendall(bytes([byte]))  # it trickles on and gets its answer
    assert last.connection.sock.recv(12) == b"HTTP/1.1 200"
    for client in [*slow, last]:
        client.close()


def said(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock:
        sock.sendall(data)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def test_an_unknown_host_by_connect(service: ServerProcess) -> None:
    answer = said(service.port, b"CONNECT example.com:443 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"refused a connection to example.com:443" in answer and b"NO_PROXY" in answer


def test_a_pool_that_does_not_exist(service: ServerProcess) -> None:
    answer = said(service.port, b"CONNECT nobody.managedhsm.azure.net:443 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"x-mhsmregion-dns: NXDOMAIN" in answer


def test_tls_without_a_server_name(service: ServerProcess) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = socket.create_connection(("127.0.0.1", service.port), TIMEOUT)
    with raw, pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        context.wrap_socket(raw)


def test_plain_http_on_the_tls_port(service: ServerProcess) -> None:
    answer = said(service.port, f"GET /keys HTTP/1.1\r\nHost: {POOL_HOST}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ") and b"over plain HTTP" in answer


def test_plain_http_in_a_tunnel(service: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", service.port), TIMEOUT) as sock:
        sock.sendall(f"CONNECT {POOL_HOST}:443 HTTP/1.1\r\n\r\n".encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        sock.sendall(b"GET /keys HTTP/1.1\r\n\r\n")
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"ClientHello" in answer


# -- the process ---------------------------------------------------------------------------
def mhsm(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", "emulator", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment(home)
    )


@pytest.mark.parametrize("options", [["--foreground"], []])
def test_two_starts_on_one_home(service: ServerProcess, seeded_home: Home, options: Any) -> None:
    second = mhsm(seeded_home.folder, "start", *options)
    assert second.returncode == 1
    assert f"process {service.process.pid}, port {service.port}" in second.stderr
    assert service.is_found()


@pytest.mark.parametrize("options", [["--foreground"], []])
def test_a_port_in_use(service: ServerProcess, tmp_path: Path, options: Any) -> None:
    second = mhsm(tmp_path / "home", "start", "--port", str(service.port), *options)
    assert second.returncode == 1
    assert "cannot listen on 127.0.0.1" in second.stderr and "in use" in second.stderr
    assert not (tmp_path / "home" / "server.json").exists()


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    with disk.mounting(request.node, tmp_path) as mount:
        yield mount("size=8m")


def fill(path: Path) -> None:
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


def test_a_full_disk(small_disk: Path) -> None:
    home = seeded(small_disk / "home")
    server = ServerProcess(home.folder)
    try:
        with server.client(POOL_HOST, home.token(HSM)) as client:
            acknowledged, refused = ["before"], []
            assert client.ask("POST", f"/keys/before/create?{DATA_API}", {"kty": "EC-HSM"}).status == 200
            fill(small_disk / "filler")
            while len(refused) < 10:  # the write-ahead log has some room left, perhaps
                name = f"full-{len(acknowledged) + len(refused)}"
                answer = client.ask("POST", f"/keys/{name}/create?{DATA_API}", {"kty": "EC-HSM"})
                (acknowledged if answer.status == 200 else refused).append(name)
            assert error(answer) == (507, "HomeUnusable")
            assert "disk is full" in answer.json()["error"]["message"]
            assert client.ask("GET", f"/keys/before?{DATA_API}").status == 200
            os.unlink(small_disk / "filler")
            assert client.ask("POST", f"/keys/after/create?{DATA_API}", {"kty": "EC-HSM"}).status == 200
            there = client.ask("GET", f"/keys?{DATA_API}").json()["value"]
        names = {item["kid"].rsplit("/", 1)[1] for item in there}
        assert names == {*acknowledged, "after"}
        assert json.loads((home.folder / "server.json").read_text())["pid"] == server.process.pid
    finally:
        lines = server.stop()
    assert any("disk is full" in line for line in lines)
