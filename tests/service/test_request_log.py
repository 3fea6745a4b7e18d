"""The request log: every request one line, and no secret in it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from servicekit import ARM, ARM_HOST, DATA_API, HSM, POOL_HOST, TIMEOUT, Home, ServerProcess, environment

pytestmark = pytest.mark.socket

LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<method>\S+) (?P<where>\S+) (?P<status>\d{3}) "
    r"(?P<took>\d+\.\dms|-) client=(?P<client>\S+) place=(?P<place>\S+) region=(?P<region>\S+) id=(?P<id>\S+)"
)


def test_every_request_is_one_line_and_no_secret(seeded_home: Home) -> None:
    tokens = seeded_home.token(HSM), seeded_home.token(ARM)
    server = ServerProcess(seeded_home.folder)
    with server.client(POOL_HOST, tokens[0], "japaneast:app-1") as client:
        sent = {"x_ms_client_request_id": "0c3a"}
        client.ask(
            "POST", f"/keys/logged/create?{DATA_API}", {"kty": "EC-HSM", "tags": {"a": "b0dy"}}, **sent
        )
        client.ask("GET", f"/keys/none?{DATA_API}&sig=s3cret")
    with server.client(ARM_HOST, tokens[1]) as client:
        client.ask("GET", "/subscriptions?api-version=2021-01-01", x_ms_client_request_id="a b\tc")
    for line in ("CONNECT example.com:443", "CONNECT nobody.managedhsm.azure.net:443", "GET /health"):
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as sock:
            sock.sendall(f"{line} HTTP/1.1\r\n\r\n".encode())
            assert sock.recv(65536)
    logged = server.stop()

    rows = [LINE.fullmatch(line) for line in logged]
    assert all(rows), logged
    facts = [row.group("method", "where", "status", "client", "place", "region", "id") for row in rows if row]
    assert facts == [
        ("POST", f"{POOL_HOST}/keys/logged/create", "200", "app-1", "japaneast", "australiaeast", "0c3a"),
        ("GET", f"{POOL_HOST}/keys/none", "404", "app-1", "japaneast", "australiaeast", "-"),
        ("GET", f"{ARM_HOST}/subscriptions", "200", "-", "-", "-", "a%20b%09c"),
        ("CONNECT", "example.com:443", "403", "-", "-", "-", "-"),
        ("CONNECT", "nobody.managedhsm.azure.net:443", "502", "-", "-", "-", "-"),
        ("GET", "/health", "200", "-", "-", "-", "-"),
    ]
    for secret in (*tokens, "s3cret", "b0dy", "Bearer"):
        assert secret not in "\n".join(logged)


def test_the_command_logs_shows_them(tmp_path: Path) -> None:
    def mhsm(*arguments: str) -> str:
        command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", "emulator", *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=environment(tmp_path / "home"),
        ).stdout

    port = json.loads(mhsm("start"))["port"]
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock:
            sock.sendall(b"GET /health HTTP/1.1\r\n\r\n")
            assert sock.recv(65536)
        *_, last = mhsm("logs").splitlines()
    finally:
        mhsm("stop")
    found = LINE.fullmatch(last)
    assert found is not None, last
    assert found.group("method", "where", "status") == ("GET", "/health", "200")
