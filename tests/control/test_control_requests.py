"""What clients saw, over the control API; only the owner may look."""

from __future__ import annotations

import pytest

from azext_mhsmregion.emulator.wire import Caller

HOST = "contosomhsm.managedhsm.azure.net"


def saw(control, client="app", status=200):
    """A client's connection with one request, as a server would tell it."""
    witness, caller = control.emulator.parts.witness, Caller("uksouth", client, "uksouth")
    number = witness.opened(caller, HOST, is_broken=False)
    witness.asked(number, caller, HOST, ("GET", "/keys/a"), status, 0.0042)
    witness.closed(number, caller, HOST)


def test_a_clients_connections_and_requests_are_listed(control):
    saw(control)
    saw(control, "another")
    status, body = control("GET", "/requests", query={"client": "app"})
    assert status == 200
    assert [one["kind"] for one in body["value"]] == ["opened", "request", "closed"]
    asked = body["value"][1]
    assert {name: asked[name] for name in ("method", "path", "status", "region", "milliseconds")} == {
        "method": "GET", "path": "/keys/a", "status": 200, "region": "uksouth", "milliseconds": 4.2,
    }  # fmt: skip
    saw(control)
    assert len(control("GET", "/requests", query={"client": "app", "after": body["after"]})[1]["value"]) == 3
    assert len(control("GET", "/requests")[1]["value"]) == 9


def test_times_are_service_time_and_writes_since_do_not_move_them(control):
    """The clock never falls behind the last write; what came before it came before it."""
    saw(control)
    before = control("GET", "/requests")[1]["value"]
    control("PATCH", "/settings", {"seed": 7})
    assert control("GET", "/requests")[1]["value"] == before


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "²", "9" * 30])
def test_a_mark_that_is_none_is_refused(control, after):
    status, body = control("GET", "/requests", query={"after": after})
    assert (status, body["error"]["code"]) == (400, "BadParameter")


def test_nobody_but_the_owner_looks(control):
    assert control("GET", "/requests", who="other")[0] == 403
