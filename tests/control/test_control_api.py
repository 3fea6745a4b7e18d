"""Status, clock and settings over the control API; only the owner may."""

import pytest

from azext_mhsmregion.emulator.service import CONTROL_HOST
from azext_mhsmregion.emulator.wire import Caller, Request

SECONDS = "2030-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/status"), ("PATCH", "/clock"), ("POST", "/reset"), ("POST", "/seed"), ("PUT", "/snapshots/a")],
)
def test_nobody_but_the_owner_controls_the_emulator(control, method, path):
    assert control(method, path, {}, who="other")[0] == 403
    no_token = control.emulator.handle(Request(method, CONTROL_HOST, path), Caller())
    assert no_token.status == 401


def test_a_token_for_another_audience_is_not_enough(control):
    token = control.emulator.tokens().issue(control.emulator.directory.owner, "https://management.azure.com")
    headers = {"authorization": f"Bearer {token}"}
    answer = control.emulator.handle(Request("GET", CONTROL_HOST, "/status", {}, headers), Caller())
    assert answer.status == 401


def test_an_owners_token_opens_it(control):
    token = control.emulator.tokens().issue(control.emulator.directory.owner, f"https://{CONTROL_HOST}")
    headers = {"authorization": f"Bearer {token}"}
    answer = control.emulator.handle(Request("GET", CONTROL_HOST, "/status", {}, headers), Caller())
    assert answer.status == 200


def test_a_manual_clock_stands_still_and_is_advanced(control):
    _, held = control("PATCH", "/clock", {"mode": "manual", "now": SECONDS})
    assert (held["mode"], held["now"]) == ("manual", "2030-01-01T00:00:00.000Z")
    assert control("GET", "/clock")[1]["now"] == held["now"]
    assert control("POST", "/clock/advance", {"seconds": 90.5})[1]["now"] == "2030-01-01T00:01:30.500Z"


@pytest.mark.parametrize(
    "step",
    [("POST", "/clock/advance", {"seconds": -1}), ("PATCH", "/clock", {"now": "2001-01-01T00:00:00Z"})],
)
def test_service_time_never_goes_back(control, step):
    control("PATCH", "/clock", {"mode": "manual", "now": SECONDS})
    status, body = control(*step)
    assert (status, body["error"]["message"]) == (400, "service time never goes back")
    assert control("GET", "/clock")[1]["now"] == "2030-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "body",
    [{"mode": "lunar"}, {"mode": "scaled", "scale": 0}, {"mode": "scaled", "scale": "2"}, {"now": "soon"}],
)
def test_what_a_clock_cannot_be_is_refused(control, body):
    assert control("PATCH", "/clock", body)[0] == 400
    assert control("GET", "/clock")[1]["mode"] == "real"


def test_settings_are_changed_one_by_one_and_checked(control):
    assert control("PATCH", "/settings", {"profile": "documented", "seed": 3})[1]["seed"] == 3
    for wrong in (
        {"profile": "x"},
        {"edition": "1999-01"},
        {"nosuch": 1},
        {"without_capacity": ["atlantis"]},
    ):
        assert control("PATCH", "/settings", wrong)[0] == 400
    assert control("GET", "/status")[1]["settings"]["profile"] == "documented"


def test_status_says_which_operation_waits(control):
    control("PATCH", "/clock", {"mode": "manual"})
    control("PATCH", "/settings", {"profile": "documented", "advance_on_poll": False})
    control.seed({"name": "ContosoMHSM"})
    subscription = control.emulator.directory.subscription_id
    path = f"/subscriptions/{subscription}/resourceGroups/default/providers/Microsoft.KeyVault/managedHSMs"
    change = {"properties": {"regions": [{"name": "australiaeast"}]}}
    query = {"api-version": "2023-07-01"}
    control("PATCH", f"{path}/ContosoMHSM", change, host="management.azure.com", query=query)
    pool = control.pools()["ContosoMHSM"]
    assert (pool["state"], pool["operation"]["kind"]) == ("Updating", "region-add")
    assert pool["operation"]["secondsLeft"] == 1470


def test_an_unknown_path_says_so(control):
    status, body = control("GET", "/nowhere")
    assert status == 404 and "/nowhere" in body["error"]["message"]
