"""Sockets: nobody there, a truncated answer, a slow one; and the in-process transport."""

from __future__ import annotations

import socket
import threading

import pytest
from scripted import SUBSCRIPTION

from azext_mhsmregion.emulator import wire
from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.arm import ArmProvider
from azext_mhsmregion.provider.client import Settings
from azext_mhsmregion.provider.service import Endpoints
from azext_mhsmregion.provider.transport import Call, InProcessTransport, RequestsTransport

pytestmark = pytest.mark.socket


class Secret:
    def get_token(self, audience):
        return f"token-for-{audience}"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def served():
    """served(bytes): a port that answers one request with these bytes; the requests as read."""
    listeners, requests = [], []

    def serve(reply):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def once():
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(65536))
                if reply is not None:
                    connection.sendall(reply)
                else:
                    connection.recv(1)

        threading.Thread(target=once, daemon=True).start()
        return listener.getsockname()[1]

    serve.requests = requests
    yield serve
    for listener in listeners:
        listener.close()


def test_no_network_is_an_error_with_a_hint():
    endpoint = f"https://127.0.0.1:{closed_port()}"
    settings = Settings(SUBSCRIPTION, lambda: "t", lambda: "me", endpoints=Endpoints(arm=endpoint))
    with pytest.raises(errors.NetworkError, match="127.0.0.1 cannot be reached") as caught:
        ArmProvider(RequestsTransport(Secret()), settings).list_pools()
    assert "--provider emulator" in caught.value.hint


def test_a_proxy_that_is_not_there_is_named():
    proxy = f"http://127.0.0.1:{closed_port()}"
    transport = RequestsTransport(None, {"https": proxy, "http": proxy})
    with pytest.raises(errors.NetworkError, match="proxy did not let us reach example.invalid"):
        transport.send(Call("GET", "https://example.invalid/"))


def test_an_answer_that_ends_early_is_a_bad_answer(served):
    port = served(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"value": [')
    with pytest.raises(errors.BadAnswerError, match="truncated"):
        RequestsTransport(None).send(Call("GET", f"http://127.0.0.1:{port}/"))


def test_an_answer_that_does_not_come_is_a_time_out(served):
    port = served(None)
    with pytest.raises(errors.NetworkError, match="did not answer in time"):
        RequestsTransport(None, timeouts=(1, 0.05)).send(Call("GET", f"http://127.0.0.1:{port}/"))


def test_what_is_no_tls_is_a_tls_failure(served):
    port = served(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(errors.NetworkError, match="TLS") as caught:
        RequestsTransport(None).send(Call("GET", f"https://127.0.0.1:{port}/"))
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint


def test_the_token_is_for_the_calls_audience_and_netrc_does_not_replace_it(served, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    port = served(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Thing: a\r\n\r\n{}")
    url = f"http://127.0.0.1:{port}/"
    answer = RequestsTransport(Secret()).send(Call("GET", url, audience="https://managedhsm.azure.net"))
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (200, b"{}", "a")
    request = served.requests[0].lower()
    assert b"authorization: bearer token-for-https://managedhsm.azure.net\r\n" in request
    assert b"x-ms-client-request-id: " in request


def test_without_an_audience_no_token_is_sent(served):
    port = served(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert RequestsTransport(Secret()).send(Call("GET", f"http://127.0.0.1:{port}/")).status == 204
    assert b"authorization" not in served.requests[0].lower()


def test_in_process_the_handler_sees_what_a_server_would_parse():
    seen = []

    def handle(request, caller):
        seen.append((request, caller))
        return wire.Response(202, (("location", "https://management.azure.com/x"),), b"{}")

    transport = InProcessTransport(handle, "owner-id", "uksouth", "blue")
    url = "https://uksouth.Contoso.managedhsm.azure.net/keys/a%20b?api-version=7.4&x="
    answer = transport.send(Call("post", url, {"Content-Type": "application/json"}, b"{}", "aud"))
    assert (answer.status, answer.headers["location"]) == (202, "https://management.azure.com/x")
    query = {"api-version": "7.4", "x": ""}
    headers = {"content-type": "application/json"}
    host = "uksouth.contoso.managedhsm.azure.net"
    assert seen == [
        (
            wire.Request("POST", host, "/keys/a%20b", query, headers, b"{}"),
            wire.Caller("uksouth", "blue", None, "owner-id"),
        )
    ]
