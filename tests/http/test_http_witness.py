"""What clients saw, told to the server's witness."""

from __future__ import annotations

import floor
import pytest

from azext_mhsmregion.emulator import witness
from azext_mhsmregion.emulator.wire import Caller
from azext_mhsmregion.emulator.witness import Witness

HOST = floor.POOL


def caller(client="app"):
    return Caller("uksouth", client, "uksouth")


def test_connections_and_requests_are_kept_in_order_with_real_time():
    times = iter([10, 20, 30])
    seen_by = Witness(lambda: next(times))
    number = seen_by.opened(caller(), HOST, is_broken=False)
    seen_by.asked(number, caller(), HOST, ("GET", "/keys/a"), 200, 0.005)
    seen_by.closed(number, caller(), HOST)
    kept = seen_by.since(0)
    assert [(one.kind, one.at, one.connection) for one in kept] == [
        ("opened", 10, 1),
        ("request", 20, 1),
        ("closed", 30, 1),
    ]
    asked = kept[1]
    assert (asked.method, asked.path, asked.status) == ("GET", "/keys/a", 200)
    assert asked.milliseconds == 5.0


def test_a_connection_that_an_outage_broke_has_the_status_of_none():
    seen_by = Witness(lambda: 0)
    seen_by.opened(caller(), HOST, is_broken=True)
    assert seen_by.since(0)[0].status == witness.BROKEN


def test_one_clients_own_and_only_what_is_new():
    seen_by = Witness(lambda: 0)
    for client in ("a", "b", "a"):
        seen_by.opened(caller(client), HOST, is_broken=False)
    assert [one.client for one in seen_by.since(0, "a")] == ["a", "a"]
    assert [one.number for one in seen_by.since(1)] == [2, 3]


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(witness, "KEPT", 2)
    seen_by = Witness(lambda: 0)
    for _ in range(3):
        seen_by.opened(caller(), HOST, is_broken=False)
    assert [one.number for one in seen_by.since(0)] == [2, 3]


@pytest.mark.socket
def test_a_server_tells_of_a_clients_connection(gateway, authority, bundle):
    import requests

    from azext_mhsmregion.emulator.http.server import Server

    seen_by = Witness(lambda: 0)
    with Server(gateway, authority, witness=seen_by).in_thread() as server:
        proxies = {"https": f"http://uksouth:app@127.0.0.1:{server.port}"}
        with requests.Session() as session:
            session.trust_env = False
            session.get(f"https://{HOST}/keys/a?secret=1", proxies=proxies, verify=bundle, timeout=30)
    kept = seen_by.since(0, "app")
    assert [one.kind for one in kept] == ["opened", "request", "closed"]
    assert {one.connection for one in kept} == {kept[0].connection}
    assert (kept[1].method, kept[1].path, kept[1].place) == ("GET", "/keys/a", "uksouth")
