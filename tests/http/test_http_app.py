"""Requests and answers on a connection that stands."""

from email.utils import parsedate_to_datetime

import pytest
from floor import POOL, get, post, read_answer, tunnel

from azext_mhsmregion.emulator.http.app import LONGEST_BODY

pytestmark = pytest.mark.socket


@pytest.fixture
def sock(server, bundle):
    with tunnel(server.port, bundle) as opened:
        yield opened


def test_a_request_arrives_whole(sock, gateway):
    head = "PUT /a%20b/c%2Fd?x=1&y=a%26b+c&x=2&z= HTTP/1.1\r\nHost: Pool.managedhsm.azure.net:443\r\n"
    sock.sendall(f"{head}X-Two: a\r\nx-two: b\r\nContent-Length: 4\r\n\r\n".encode() + b"\x00\xff{}")
    assert read_answer(sock).status == 200
    request = gateway.requests[0][0]
    assert (request.method, request.host, request.path) == ("PUT", POOL, "/a%20b/c%2Fd")
    assert request.query == {"x": "2", "y": "a&b c", "z": ""}
    assert request.headers["x-two"] == "a, b"
    assert request.body == b"\x00\xff{}"


def test_an_answer_carries_length_and_date_and_no_name_of_a_server(sock):
    answer = get(sock)
    assert answer.headers["content-length"] == str(len(answer.body))
    assert parsedate_to_datetime(answer.headers["date"]).year >= 2024
    assert "server" not in answer.headers


def test_an_answer_without_a_body_has_no_length(sock):
    answer = get(sock, "/empty")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers
    assert get(sock).status == 200


def test_head_gets_the_headers_alone(sock):
    sock.sendall(f"HEAD /x HTTP/1.1\r\nHost: {POOL}\r\n\r\n".encode())
    assert int(read_answer(sock, "HEAD").headers["content-length"]) > 0
    assert get(sock).status == 200


def test_a_chunked_body_is_put_together(sock, gateway):
    head = f"POST /p HTTP/1.1\r\nHost: {POOL}\r\nTransfer-Encoding: chunked\r\n\r\n"
    sock.sendall(head.encode() + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert read_answer(sock).json()["length"] == 5
    assert gateway.requests[0][0].body == b"abcde"


def test_a_client_that_expects_100_continue_gets_it(sock):
    head = f"POST /p HTTP/1.1\r\nHost: {POOL}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    sock.sendall(head.encode())
    assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(b"{}")
    assert read_answer(sock).json()["length"] == 2


def test_the_longest_body_is_taken(sock):
    assert post(sock, b"x" * LONGEST_BODY).json()["length"] == LONGEST_BODY


@pytest.mark.parametrize("length", [LONGEST_BODY + 1, 5 * LONGEST_BODY])
def test_a_longer_body_gets_a_413_that_the_client_can_read(sock, gateway, length):
    answer = post(sock, b"x" * length)
    assert (answer.status, answer.json()["error"]["code"]) == (413, "RequestBodyTooLarge")
    assert gateway.requests == []


@pytest.mark.parametrize("path", ["/boom", "/header"])
def test_a_failing_handler_is_a_500_and_the_next_request_is_fine(sock, path, caplog):
    answer = get(sock, path)
    assert (answer.status, answer.json()["error"]["code"]) == (500, "InternalError")
    assert "on purpose" not in answer.body.decode()
    assert f"GET https://{POOL}{path} failed" in caplog.text
    assert get(sock).status == 200


@pytest.mark.parametrize("host", ["other.managedhsm.azure.net", f"{POOL}:8443", "example.com"])
def test_a_host_that_is_not_the_tunnels_is_a_421(sock, gateway, host):
    answer = get(sock, host=host)
    assert answer.status == 421
    assert gateway.requests == []


def test_a_malformed_request_is_a_400_that_is_logged(sock, caplog):
    caplog.set_level("INFO")
    sock.sendall(b"not http at all\r\n\r\n")
    answer = read_answer(sock)
    assert (answer.status, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert [one for one in caplog.records if f"- {POOL} 400" in one.getMessage()]
