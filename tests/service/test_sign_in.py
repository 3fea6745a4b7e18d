"""Sign-ins at a real server, and what their tokens open."""

from __future__ import annotations

import json
import socket
from urllib.parse import quote, urlencode

import pytest
from servicekit import ARM, ARM_HOST, DATA_API, HSM, LOGIN_HOST, POOL_HOST, TIMEOUT, Home, ServerProcess

pytestmark = pytest.mark.socket

CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def test_a_users_password_opens_the_pool(service: ServerProcess, seeded_home: Home) -> None:
    people = json.loads((seeded_home.folder / "directory.json").read_text())["principals"]
    owner = next(one for one in people if one["name"] == "owner")
    form = {
        "grant_type": "password",
        "client_id": CLI,
        "username": "owner@mhsmregion.onmicrosoft.com",
        "password": owner["password"],
        "scope": f"{HSM}/.default",
    }
    with service.client(LOGIN_HOST) as client:
        answer = client.ask("POST", "/organizations/oauth2/v2.0/token", urlencode(form).encode())
    assert answer.status == 200
    with service.client(POOL_HOST, answer.json()["access_token"]) as client:
        assert client.ask("GET", f"/keys?{DATA_API}").status == 200


def test_the_metadata_address_gives_a_token_for_the_control_plane(service: ServerProcess) -> None:
    target = (
        f"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource={quote(ARM)}"
    )
    with socket.create_connection(("127.0.0.1", service.port), TIMEOUT) as sock:
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: 169.254.169.254\r\nMetadata: true\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: sock.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    with service.client(ARM_HOST, json.loads(body)["access_token"]) as client:
        assert client.ask("GET", "/subscriptions?api-version=2021-01-01").status == 200
