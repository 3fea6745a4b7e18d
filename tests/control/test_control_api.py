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
    message = body["error"]["message"]
    assert status == 400 and message.startswith(
        "service time never goes back, and it is 2030-01-01T00:00:00.000Z now."
    )
    assert "later time" in message and "emulator reset" in message
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


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"profile": 7}, "'profile' must be a string"),
        ({"edition": ["2026-04"]}, "'edition' must be a string"),
        ({"seed": "x"}, "'seed' must be an integer"),
        ({"seed": 1.5}, "'seed' must be an integer"),
        ({"seed": True}, "'seed' must be an integer"),
        ({"seed": 2**63}, "'seed' must be an integer of 64 bits"),
        ({"advance_on_poll": "no"}, "'advance_on_poll' must be a boolean"),
        ({"advance_on_poll": 0}, "'advance_on_poll' must be a boolean"),
        ({"durations": [1]}, "'durations' must be an object"),
        ({"durations": {"create": "1"}}, "'durations.create' must be a number"),
        ({"durations": {"create": True}}, "'durations.create' must be a number"),
        ({"durations": {"create": -1}}, "create must be from 0"),
        ({"durations": {"create": float("inf")}}, "'durations.create' must be a number"),
        ({"durations": {"create": float("nan")}}, "'durations.create' must be a number"),
        ({"durations": {"create": 10**400}}, "'durations.create' must be a number"),
        ({"durations": {"create": 366 * 86400 + 1}}, "create must be from 0"),
        ({"durations": {"nosuch": 1}}, "nosuch"),
        ({"without_capacity": "uksouth"}, "'without_capacity' must be an array"),
        ({"without_capacity": [7]}, "'without_capacity' must be an array of strings"),
        ({"place": 7}, "'place' must be a string"),
        ({"place": "uksoth"}, "Did you mean uksouth"),
        ({"place": "region.atlantis"}, "region.atlantis"),
        ({"place": "vnet.mine"}, "vnet.mine"),
        ({"place": "vnet..net"}, "vnet..net"),
        ({"routing": None, "seed": []}, "'seed' must be an integer"),
        ({"routing": "random"}, "random"),
        ({"pacing": "fast"}, "'pacing' must be a boolean"),
        ({"latency": {"uksouth": 7}}, "'uksouth' must be an object"),
        ({"latency": {"uksouth": {"australiaeast": -1}}}, "'latency' must be milliseconds"),
        ({"latency": {"uksouth": {"atlantis": 1}}}, "atlantis"),
    ],
    ids=str,
)
def test_a_setting_of_the_wrong_type_is_refused_shortly_and_changes_nothing(control, setting, words):
    before = control("GET", "/status")[1]["settings"]
    status, body = control("PATCH", "/settings", setting)
    assert status == 400, body
    assert words in body["error"]["message"]
    assert len(body["error"]["message"]) < 200
    assert control("GET", "/status")[1]["settings"] == before


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("UK South", "uksouth"),
        ("region.uksouth", "uksouth"),
        ("-", ""),
        ("", ""),
    ],
)
def test_a_place_is_a_region_or_what_a_proxys_user_name_may_be(control, given, kept):
    control("PATCH", "/settings", {"place": "ukwest"})
    assert control("PATCH", "/settings", {"place": given})[1]["place"] == kept


def test_a_place_in_a_virtual_network_is_not_implemented(control):
    status, body = control("PATCH", "/settings", {"place": "vnet.my group.net"})
    assert (status, body["error"]["code"]) == (501, "NotImplemented")
    assert "vnet.my group.net" in body["error"]["message"]


def test_a_place_that_is_set_decides_who_answers(control):
    control.seed({"name": "ContosoMHSM", "regions": ["australiaeast"]})
    control("PATCH", "/settings", {"place": "Region.Australia Southeast"})
    resolved = control.emulator.resolve("contosomhsm.managedhsm.azure.net", "", "somebody")
    assert resolved.region == "australiaeast"


def test_latencies_are_kept_by_canonical_names(control):
    made = control("PATCH", "/settings", {"routing": "latency", "latency": {"UK South": {"UK West": 3}}})[1]
    assert made["latency"] == {"uksouth": {"ukwest": 3.0}}


@pytest.mark.parametrize("size", ["\u00b2", "\u0663", "9" * 5000, "1_0", " 1"])
def test_digits_that_are_none_are_no_number(control, size):
    """int() refuses some that isdigit() takes, takes others, and gives up on very many."""
    control.seed({"name": "ContosoMHSM"})
    subscription = control.emulator.directory.subscription_id
    azure = {"host": "management.azure.com", "query": {"api-version": "2023-07-01", "$top": size}}
    status, body = control(
        "GET", f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/managedHSMs", **azure
    )
    assert (status, body["error"]["code"]) == (400, "BadParameter")
    status, body = control("POST", "/seed", {"pools": [{"name": "Other", "retentionDays": size}]})
    assert (status, body["error"]["message"]) == (400, "'retentionDays' must be an integer.")
