"""Faults, status, routes, events and metrics over the control API: what is answered, and what is
refused, with nothing changed."""

import json

import pytest

from azext_mhsmregion.emulator.service import CONTROL_HOST
from azext_mhsmregion.emulator.wire import Caller, Request

POOL = "ContosoMHSM"
PRIMARY, EXTENDED = "uksouth", "australiaeast"
NOW = "2030-01-01T00:00:00Z"


@pytest.fixture
def broken(control):
    """The control API of an emulator whose clock stands still, with an extended pool."""
    control("PATCH", "/clock", {"mode": "manual", "now": NOW})
    control("PATCH", "/settings", {"profile": "documented"})
    control.seed({"name": POOL, "location": PRIMARY, "regions": [EXTENDED]})
    return control


def listed(control):
    return control("GET", "/faults")[1]["value"]


def error(answer):
    status, body = answer
    return status, body["error"]["code"], body["error"]["message"]


# -- inject, list, clear ---------------------------------------------------------------------


def test_a_fault_is_shown_as_it_was_understood(broken):
    spec = {"hsmName": POOL.lower(), "region": "UK South", "after": "1m", "for": 90}
    status, made = broken("POST", "/faults", spec)
    assert status == 201
    assert made == {
        "id": made["id"],
        "scope": "pool",
        "hsmName": POOL,
        "region": PRIMARY,
        "partition": None,
        "to": None,
        "oneWay": None,
        "effect": "refuse",
        "kind": "transient",
        "rate": 1.0,
        "milliseconds": None,
        "start": "2030-01-01T00:01:00.000Z",
        "end": "2030-01-01T00:02:30.000Z",
        "state": "planned",
    }
    assert listed(broken) == [made]


@pytest.mark.parametrize(
    ("spec", "scope", "effect"),
    [
        ({"region": PRIMARY}, "region", "refuse"),
        ({"region": PRIMARY, "hsmName": POOL}, "pool", "refuse"),
        ({"region": PRIMARY, "scope": "service", "effect": "hang"}, "service", "hang"),
        ({"region": PRIMARY, "scope": "link", "to": EXTENDED}, "link", "down"),
        ({"region": PRIMARY, "scope": "partition", "hsmName": POOL, "partition": 0}, "partition", "refuse"),
    ],
)
def test_what_is_not_said_has_a_default(broken, spec, scope, effect):
    _, made = broken("POST", "/faults", spec)
    assert (made["scope"], made["effect"], made["end"], made["state"]) == (scope, effect, None, "on")


def test_clearing_ends_one_or_all_and_says_which(broken):
    ids = [broken("POST", "/faults", {"region": region})[1]["id"] for region in (PRIMARY, EXTENDED)]
    status, cleared = broken("DELETE", f"/faults/{ids[0]}")
    assert (status, cleared["id"]) == (200, ids[0])
    assert [fault["id"] for fault in listed(broken)] == ids[1:]
    assert [fault["id"] for fault in broken("DELETE", "/faults")[1]["value"]] == ids[1:]
    assert listed(broken) == []
    assert broken("DELETE", "/faults")[1]["value"] == []


def test_only_the_owner_breaks_things(broken):
    for method, path in (("POST", "/faults"), ("GET", "/faults"), ("DELETE", "/faults"), ("GET", "/events")):
        assert broken(method, path, {"region": PRIMARY}, who="other")[0] == 403
    assert listed(broken) == []


def test_faults_survive_in_a_snapshot_and_go_with_a_reset(broken):
    broken("POST", "/faults", {"region": PRIMARY})
    broken("PUT", "/snapshots/broken")
    broken("POST", "/reset")
    assert listed(broken) == []
    broken("POST", "/snapshots/broken/restore")
    assert [fault["region"] for fault in listed(broken)] == [PRIMARY]


# -- what does not exist ---------------------------------------------------------------------


LINKED = {"hsmName": POOL, "scope": "link"}


@pytest.mark.parametrize(
    ("spec", "status", "code", "said"),
    [
        ({"region": PRIMARY, "hsmName": "Nobody"}, 404, "PoolNotFound", "'Nobody'"),
        ({"region": "japaneast", "hsmName": POOL}, 404, "RegionNotFound", "is not in japaneast"),
        (
            {"region": "japaneast", "hsmName": POOL, "scope": "region"},
            404,
            "RegionNotFound",
            "is not in japaneast",
        ),
        ({**LINKED, "region": PRIMARY, "to": "japaneast"}, 404, "RegionNotFound", "is not in japaneast"),
        ({**LINKED, "region": "japaneast", "to": PRIMARY}, 404, "RegionNotFound", "is not in japaneast"),
        (
            {"scope": "link", "region": "japaneast", "to": "westus"},
            404,
            "LinkNotFound",
            "japaneast and westus",
        ),
        (
            {"scope": "link", "region": PRIMARY, "to": "westus"},
            404,
            "LinkNotFound",
            "in both uksouth and westus",
        ),
        ({"region": "uksoth"}, 400, "BadRequest", "uksouth"),
        ({**LINKED, "region": PRIMARY, "to": "atlantis"}, 400, "BadRequest", "atlantis"),
    ],
)
def test_a_fault_on_what_does_not_exist(broken, spec, status, code, said):
    found = error(broken("POST", "/faults", spec))
    assert found[:2] == (status, code)
    assert said in found[2]
    assert listed(broken) == []


@pytest.mark.parametrize("member", ["scope", "hsmName", "region", "to", "effect", "kind", "after", "for"])
def test_a_text_that_is_empty_breaks_nothing(broken, member):
    spec = {"region": PRIMARY, member: ""}
    assert error(broken("POST", "/faults", spec)) == (400, "BadParameter", f"'{member}' is empty.")
    assert listed(broken) == []


def test_an_empty_id_clears_nothing(broken):
    made = broken("POST", "/faults", {"region": PRIMARY})[1]["id"]
    assert error(broken("DELETE", "/faults/"))[:2] == (404, "FaultNotFound")
    assert [one["id"] for one in listed(broken)] == [made]


def test_a_fault_that_is_cleared_in_its_first_instant_was_on(broken):
    made = broken("POST", "/faults", {"region": PRIMARY})[1]
    assert made["state"] == "on"
    cleared = broken("DELETE", f"/faults/{made['id']}")[1]
    assert (cleared["state"], cleared["end"]) == ("over", cleared["start"])
    told = [one for one in broken("GET", "/events")[1]["value"] if one["kind"] == "fault-cleared"]
    assert len(told) == 1 and "never_began" not in told[0]
    assert listed(broken) == []


def test_a_fault_that_is_not_there_cannot_be_cleared(broken):
    made = broken("POST", "/faults", {"region": PRIMARY, "for": 10})[1]
    broken("POST", "/clock/advance", {"seconds": 10})
    for fault in ("nosuch", made["id"]):
        status, code, message = error(broken("DELETE", f"/faults/{fault}"))
        assert (status, code) == (404, "FaultNotFound")
        assert fault in message and "fault list" in message


@pytest.mark.parametrize("path", ["status", "route"])
def test_the_status_of_no_pool(broken, path):
    assert error(broken("GET", f"/pools/Nobody/{path}"))[:2] == (404, "PoolNotFound")


# -- what contradicts ------------------------------------------------------------------------


LINK = {"scope": "link", "region": PRIMARY, "to": EXTENDED}
BACK = {"scope": "link", "region": EXTENDED, "to": PRIMARY}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"region": PRIMARY, "effect": "hang"}, {"region": PRIMARY, "effect": "refuse"}),
        ({"region": PRIMARY, "effect": "hang", "after": 10, "for": 20}, {"region": PRIMARY, "after": 29}),
        (
            {"region": PRIMARY, "effect": "error", "rate": 0.1},
            {"region": PRIMARY, "effect": "error", "rate": 0.2},
        ),
        (
            {"region": PRIMARY, "effect": "skew", "milliseconds": 5},
            {"region": PRIMARY, "effect": "skew", "milliseconds": -5},
        ),
        (
            {**LINK, "effect": "lag", "milliseconds": 5},
            {**LINK, "effect": "lag", "milliseconds": 6},
        ),
        ({"region": PRIMARY, "kind": "destroyed"}, {"region": PRIMARY, "kind": "destroyed"}),
        ({"region": PRIMARY, "kind": "destroyed", "after": 60},
         {"region": PRIMARY, "kind": "destroyed", "after": 60}),
        ({"region": PRIMARY, "kind": "destroyed", "after": 60},
         {"region": PRIMARY, "kind": "destroyed", "hsmName": POOL, "after": 61}),
        ({**LINK, "effect": "lag", "milliseconds": 5}, {**BACK, "effect": "lag", "milliseconds": 5}),
        ({**LINK, "effect": "lag", "milliseconds": 5, "oneWay": True},
         {**BACK, "effect": "lag", "milliseconds": 5, "hsmName": POOL}),
    ],
)  # fmt: skip
def test_two_faults_that_contradict_each_other(broken, first, second):
    made = broken("POST", "/faults", first)[1]
    status, code, message = error(broken("POST", "/faults", second))
    assert (status, code) == (409, "FaultsContradict")
    assert made["id"] in message
    assert listed(broken) == [made]


DEATH = {"region": PRIMARY, "kind": "destroyed", "after": 60}
PARTS = [
    {"region": PRIMARY},
    {"region": PRIMARY, "effect": "slow", "milliseconds": 5},
    {"region": PRIMARY, "scope": "service", "effect": "hang"},
    {"region": PRIMARY, "hsmName": POOL},
    {"region": PRIMARY, "hsmName": POOL, "scope": "partition", "partition": 1},
]
BOTH_ORDERS = pytest.mark.parametrize("dies_first", [True, False], ids=["death first", "death last"])


@BOTH_ORDERS
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("lasts", [None, 3600])
def test_what_begins_before_a_planned_destruction_is_taken_in_either_order(broken, part, lasts, dies_first):
    plan = [DEATH, {**part, "after": 59.999, "for": lasts}]
    for spec in plan if dies_first else reversed(plan):
        assert broken("POST", "/faults", spec)[0] == 201
    assert len(listed(broken)) == 2


@BOTH_ORDERS
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("after", [60, 3600])
def test_what_would_begin_once_it_is_destroyed_contradicts_in_either_order(broken, part, after, dies_first):
    plan = [DEATH, {**part, "after": after}]
    first, second = plan if dies_first else reversed(plan)
    made = broken("POST", "/faults", first)[1]

    found = error(broken("POST", "/faults", second))

    assert found[:2] == (409, "FaultsContradict")
    assert made["id"] in found[2]
    assert ("before this one begins" if dies_first else "clear that one first") in found[2]
    assert listed(broken) == [made]


@pytest.mark.parametrize("sooner", [DEATH, {**DEATH, "scope": "service"}, {**DEATH, "hsmName": POOL}])
def test_what_is_to_be_destroyed_may_be_destroyed_sooner_and_the_sooner_counts(broken, sooner):
    broken("POST", "/faults", DEATH)
    assert broken("POST", "/faults", {**sooner, "after": 30})[0] == 201
    for seconds, destroyed in ((29, False), (1, True)):
        broken("POST", "/clock/advance", {"seconds": seconds})
        regions = broken("GET", f"/pools/{POOL}/status")[1]["regions"]
        assert [region["destroyed"] for region in regions] == [destroyed, False]


@pytest.mark.parametrize(
    "second",
    [
        {"region": PRIMARY, "effect": "hang", "after": 30},
        {"region": PRIMARY, "effect": "refuse", "after": 5},
        {"region": PRIMARY, "effect": "slow", "milliseconds": 5},
        {"region": EXTENDED, "effect": "hang"},
        {"region": PRIMARY, "scope": "service", "effect": "hang"},
        {"region": PRIMARY, "hsmName": POOL, "effect": "hang"},
    ],
)
def test_two_that_do_not_are_taken(broken, second):
    broken("POST", "/faults", {"region": PRIMARY, "for": 30})
    assert broken("POST", "/faults", second)[0] == 201
    assert len(listed(broken)) == 2


def test_the_two_directions_of_a_link_are_two_things(broken):
    for link in (LINK, BACK):
        assert (
            broken("POST", "/faults", {**link, "effect": "lag", "milliseconds": 5, "oneWay": True})[0] == 201
        )


def test_a_pool_that_is_destroyed_leaves_the_others_of_its_region_to_break(broken):
    broken("POST", "/faults", {"region": PRIMARY, "hsmName": POOL, "kind": "destroyed"})
    assert broken("POST", "/faults", {"region": PRIMARY, "effect": "hang"})[0] == 201


def test_a_service_or_region_is_broken_for_every_pool_whichever_is_named(broken):
    for scope in ("service", "region"):
        made = broken("POST", "/faults", {"scope": scope, "region": PRIMARY, "hsmName": POOL})[1]
        assert made["hsmName"] is None


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"rate": 0.5}, "The effect refuse has no rate."),
        ({"effect": "capacity", "rate": 0.5}, "The effect capacity has no rate."),
        ({"effect": "error", "milliseconds": 7}, "The effect error has no milliseconds."),
    ],
)
def test_what_an_effect_does_not_have(broken, extra, words):
    assert error(broken("POST", "/faults", {"region": PRIMARY, **extra}))[2] == words


@pytest.mark.parametrize("path", ["/faults", "/seed"])
def test_a_member_that_stands_twice_is_refused(broken, path):
    owner = Caller(principal=broken.emulator.directory.by_name("owner").object_id)
    text = b'{"faults": [{"region": "uksouth", "region": "ukwest"}]}'
    answer = broken.emulator.handle(Request("POST", CONTROL_HOST, path, {}, {}, text), owner)
    status, _, message = error((answer.status, json.loads(answer.body)))
    assert (status, message) == (400, "'region' stands twice in one object.")
    assert listed(broken) == []


@pytest.mark.parametrize("made", [[], None])
def test_a_schedule_without_a_fault(broken, made):
    status, code, message = error(broken("POST", "/faults", {"faults": made}))
    assert (status, code) == (400, "BadParameter")
    assert made is None or message == "A schedule has one fault at least."


@pytest.mark.parametrize(
    "spec", [{"region": "atlantis"}, {"region": PRIMARY, "hsmName": "Nobody"}, {"regoin": 1}, "uksouth", {}]
)
def test_every_error_of_a_schedule_names_its_entry(broken, spec):
    message = error(broken("POST", "/faults", {"faults": [{"region": PRIMARY}, spec]}))[2]
    assert message.startswith("faults[1]: ")
    assert listed(broken) == []


def test_two_of_one_schedule_contradict_each_other_too(broken):
    plan = [{"region": EXTENDED}, {"region": PRIMARY}, {"region": PRIMARY, "effect": "hang"}]
    status, code, message = error(broken("POST", "/faults", {"faults": plan}))
    assert (status, code) == (409, "FaultsContradict")
    assert message.startswith("faults[2]: The fault contradicts faults[1], which")
    assert listed(broken) == []


def test_an_entry_of_a_schedule_that_contradicts_what_is_there_names_it(broken):
    there = broken("POST", "/faults", {"region": PRIMARY})[1]["id"]
    plan = [{"region": EXTENDED}, {"region": PRIMARY, "effect": "hang"}]
    message = error(broken("POST", "/faults", {"faults": plan}))[2]
    assert message.startswith(f"faults[1]: The fault contradicts fault {there}, which")
    assert [one["id"] for one in listed(broken)] == [there]


def test_what_is_destroyed_is_not_cleared(broken):
    made = broken("POST", "/faults", {"region": EXTENDED, "kind": "destroyed"})[1]
    status, code, message = error(broken("DELETE", f"/faults/{made['id']}"))
    assert (status, code) == (409, "Destroyed")
    assert "security domain" in message and "emulator reset" in message
    assert broken("DELETE", "/faults") == (200, {"value": []})
    assert listed(broken) == [made]


# -- what cannot be right --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "'region' must be given"),
        ({"region": PRIMARY, "regoin": 1}, "'regoin'"),
        ({"region": PRIMARY, "scope": "planet"}, "partition, link, pool, service, region"),
        ({"region": PRIMARY, "effect": "explode"}, "refuse"),
        ({"region": PRIMARY, "kind": "temporary"}, "transient, destroyed"),
        ({"region": PRIMARY, "scope": "pool"}, "names its pool"),
        ({"region": PRIMARY, "scope": "pool", "hsmName": POOL, "partition": 0}, "partition"),
        ({"region": PRIMARY, "scope": "partition", "hsmName": POOL}, "partition"),
        ({"region": PRIMARY, "scope": "partition", "hsmName": POOL, "partition": -1}, "0 to 2"),
        ({"region": PRIMARY, "scope": "link"}, "to"),
        ({"region": PRIMARY, "scope": "link", "to": PRIMARY}, "from one region to another"),
        ({"region": PRIMARY, "to": EXTENDED}, "to"),
        ({"region": PRIMARY, "effect": "down"}, "cannot have the effect down"),
        ({**LINK, "effect": "hang"}, "down, lag"),
        ({"region": PRIMARY, "hsmName": POOL, "effect": "skew", "milliseconds": 5}, "cannot have"),
        ({"region": PRIMARY, "scope": "service", "effect": "skew", "milliseconds": 5}, "cannot have"),
        ({"region": PRIMARY, "effect": "slow"}, "milliseconds"),
        ({"region": PRIMARY, "effect": "slow", "milliseconds": -5}, "negative"),
        ({"region": PRIMARY, "effect": "slow", "milliseconds": 1.5}, "'milliseconds' must be an integer"),
        ({"region": PRIMARY, "effect": "slow", "milliseconds": 3_600_001}, "3600000 milliseconds at most"),
        ({"region": PRIMARY, "effect": "skew", "milliseconds": 31_536_000_001}, "31536000000 milliseconds"),
        ({"region": PRIMARY, "effect": "skew", "milliseconds": -31_536_000_001}, "31536000000 milliseconds"),
        ({**LINK, "effect": "lag", "milliseconds": 31_536_000_001}, "31536000000 milliseconds at most"),
        ({"region": PRIMARY, "effect": "error", "rate": 0}, "share"),
        ({"region": PRIMARY, "effect": "error", "rate": 1.01}, "share"),
        ({"region": PRIMARY, "effect": "error", "rate": "half"}, "rate"),
        ({"region": PRIMARY, "effect": "error", "rate": True}, "rate"),
        ({"region": PRIMARY, "for": 0}, "ends before it begins"),
        ({"region": PRIMARY, "for": "soon"}, "'for'"),
        ({"region": PRIMARY, "for": -1}, "'for'"),
        ({"region": PRIMARY, "for": True}, "'for'"),
        ({"region": PRIMARY, "for": "1e9"}, "'for'"),
        ({"region": PRIMARY, "after": [1, 2, 3]}, "'after'"),
        ({"region": PRIMARY, "after": [1, "x"]}, "'after'"),
        ({"region": PRIMARY, "after": {}}, "'after'"),
        ({"region": PRIMARY, "after": [60, 5]}, "'after' is a range"),
        ({"region": PRIMARY, "for": ["2m", 119]}, "'for' is a range"),
        ({"region": PRIMARY, "after": 200_000_000_000}, "ends with the year 5999"),
        ({"region": PRIMARY, "for": 200_000_000_000}, "ends with the year 5999"),
        ({"region": 5}, "'region' must be a string"),
        ({"region": PRIMARY, "oneWay": "yes"}, "'oneWay' must be a boolean"),
        ({"region": PRIMARY, "kind": "destroyed", "for": 60}, "has no end"),
        ({**LINK, "kind": "destroyed"}, "can be destroyed"),
    ],
)
def test_a_fault_that_makes_no_sense(broken, spec, said):
    status, _, message = error(broken("POST", "/faults", spec))
    assert status == 400
    assert said in message
    assert listed(broken) == []


@pytest.mark.parametrize(
    "spec",
    [
        {"region": PRIMARY, "effect": "slow", "milliseconds": 3_600_000},
        {"region": PRIMARY, "effect": "skew", "milliseconds": 31_536_000_000},
        {"region": PRIMARY, "effect": "skew", "milliseconds": -31_536_000_000},
        {**LINK, "effect": "lag", "milliseconds": 31_536_000_000},
        {"region": PRIMARY, "after": [5, 5], "for": ["1m", 60]},
    ],
)
def test_the_most_that_a_fault_can_be(broken, spec):
    """What is taken can be lived with: the pool's keys are still written and shown."""
    assert broken("POST", "/faults", spec)[0] == 201
    for step in ({"seconds": 1}, {"seconds": 86_400}):
        assert broken("POST", "/clock/advance", step)[0] == 200
        assert broken("GET", f"/pools/{POOL}/status")[0] == 200
        assert broken("GET", "/events")[0] == 200


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"faults": [{"region": PRIMARY}], "sede": 1}, "'sede'"),
        ({"faults": [{"region": PRIMARY, "until": 5}]}, "'until'"),
        ({"faults": {"region": PRIMARY}}, "'faults' must be an array"),
        ({"faults": ["uksouth"]}, "faults[0]: A fault must be an object."),
        ({"faults": []}, "one fault at least"),
        ({"faults": [{"region": PRIMARY}, {"region": EXTENDED, "effect": ""}]}, "faults[1]: 'effect' is"),
        ({"faults": [{"region": PRIMARY}, {"region": "atlantis"}]}, "faults[1]: "),
        ({"faults": [{"region": PRIMARY}], "seed": "x"}, "'seed' must be an integer"),
        ({"faults": None}, "'faults' must be given"),
    ],
)
def test_a_schedule_that_makes_no_sense(broken, document, said):
    status, _, message = error(broken("POST", "/faults", document))
    assert status == 400
    assert said in message
    assert listed(broken) == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400"])
@pytest.mark.parametrize("member", ["for", "after", "rate", "milliseconds"])
def test_numbers_that_are_none(broken, member, value):
    from azext_mhsmregion.emulator.service import CONTROL_HOST
    from azext_mhsmregion.emulator.wire import Caller, Request

    principal = broken.emulator.directory.owner.object_id
    body = f'{{"region": "{PRIMARY}", "effect": "error", "{member}": {value}}}'.encode()
    request = Request("POST", CONTROL_HOST, "/faults", {}, {}, body)
    assert broken.emulator.handle(request, Caller(principal=principal)).status == 400
    assert listed(broken) == []


# -- places and clocks -----------------------------------------------------------------------


@pytest.mark.parametrize(("place", "guess"), [("uksoth", "uksouth"), ("atlantis", ""), ("vnet.x", "")])
def test_a_place_that_does_not_parse(broken, place, guess):
    answer = broken("GET", f"/pools/{POOL}/route", query={"from": place})
    status, _, message = error(answer)
    assert status == 400
    assert place in message and guess in message


@pytest.mark.parametrize("place", ["uksouth", "UK South", "-"])
def test_places_that_do(broken, place):
    status, found = broken("GET", f"/pools/{POOL}/route", query={"from": place})
    assert (status, found["region"], found["answers"]) == (200, PRIMARY, True)


def test_a_place_that_is_empty_is_none(broken):
    found = error(broken("GET", f"/pools/{POOL}/route", query={"from": ""}))
    assert found == (400, "BadParameter", "'from' is empty.")


def test_a_clock_that_goes_backwards_moves_neither_time_nor_faults(broken):
    made = broken("POST", "/faults", {"region": PRIMARY, "after": 60, "for": 60})[1]
    for step in (
        ("POST", "/clock/advance", {"seconds": -30}),
        ("PATCH", "/clock", {"now": "2029-12-31T00:00:00Z"}),
    ):
        status, _, message = error(broken(*step))
        assert status == 400 and "never goes back" in message
    assert broken("GET", "/clock")[1]["now"] == "2030-01-01T00:00:00.000Z"
    assert listed(broken) == [made]
