"""E3 to E6 and E9 with faults, and B5: extending, removing and destroying while things are broken."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pytest

from .harness import EXTENDED, POOL, PRIMARY, SIX_MINUTES, THIRD, World
from .outages import OUTAGES, answers, furnished, reads, refused, writes

New = Callable[..., World]
ADD, TTL, HOUR = 1470, 5, 3600
SITES = ("service", "region")
"""Scopes under which the control plane of a region is out."""


def state_of(world: World, region: str) -> str:
    return next((state for name, state, _ in world.regions() if name == region), "absent")


def hours(world: World) -> Dict[str, float]:
    return {region: amount for _, region, amount, _ in world.emulator.cost(POOL)}


# -- E3 ----------------------------------------------------------------------------------


@pytest.mark.rule("E3")
def test_e3_a_link_that_fails_after_the_removal_was_accepted_delays_its_end_until_it_returns(
    new_world: New,
) -> None:
    world = new_world(durations={"region-remove": 1}).extended_pool()
    for number in range(6):
        world.put_key(f"k{number}", EXTENDED).ok()
    world.hold_time_still()
    world.set_regions()

    fault = world.break_link(PRIMARY, EXTENDED)
    world.advance(10 * HOUR)
    waiting = state_of(world, EXTENDED), world.show().body["properties"]["provisioningState"]
    world.clear(fault).ok()
    world.advance(SIX_MINUTES)

    assert waiting == ("Deleting", "Updating")
    assert state_of(world, EXTENDED) == "absent"
    assert world.keys(PRIMARY) == [f"k{number}" for number in range(6)]
    assert world.events("loss") == []


@pytest.mark.rule("E3")
def test_e3_two_regions_that_go_together_count_what_only_the_two_had(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    world.break_link(EXTENDED, PRIMARY)
    world.break_link(THIRD, PRIMARY)
    for number in range(3):
        world.put_key(f"k{number}", EXTENDED).ok()
    world.advance(SIX_MINUTES)
    assert world.keys(THIRD) == ["k0", "k1", "k2"]

    world.shrink(EXTENDED, THIRD)

    assert [(event["region"], event["writes"]) for event in world.events("loss")] == [(EXTENDED, 3)]


@pytest.mark.rule("E3")
def test_e3_the_last_region_alive_takes_everything_with_it_and_says_so(world: World) -> None:
    world.active_pool()
    before = len(world.rows(PRIMARY))
    world.put_key("k").ok()
    world.extend(EXTENDED)
    world.advance(SIX_MINUTES)

    safe = world.emulator.loss_if_removed(POOL, EXTENDED)
    world.destroy("pool", PRIMARY)

    assert safe == 0
    assert world.emulator.loss_if_removed(POOL, EXTENDED) == before + 1


# -- E4 ----------------------------------------------------------------------------------


@pytest.mark.rule("E4")
@pytest.mark.parametrize("scope", SITES)
@pytest.mark.parametrize("out", [PRIMARY, EXTENDED])
def test_e4_adding_while_either_region_s_control_plane_is_down_is_refused(
    world: World, scope: str, out: str
) -> None:
    world.active_pool()
    world.break_(scope, out, HOUR)

    answer = world.set_regions(EXTENDED)
    world.advance(HOUR)

    assert (answer.status, answer.code) == (503, "ServiceUnavailable") and out in answer.message
    assert world.regions() == [(PRIMARY, "Succeeded", True)]
    world.extend(EXTENDED)
    assert state_of(world, EXTENDED) == "Succeeded"


@pytest.mark.rule("E4")
def test_e4_a_region_that_is_there_already_and_out_does_not_hinder_another(world: World) -> None:
    world.extended_pool()
    world.break_("region", EXTENDED, 100 * HOUR)

    world.extend(THIRD)
    world.advance(TTL)

    assert state_of(world, THIRD) == "Succeeded"
    assert world.client("koreacentral").answered_by() == THIRD


@pytest.mark.rule("E4")
@pytest.mark.parametrize("scope", OUTAGES)
def test_e4_a_dead_extended_region_can_be_removed_and_its_lost_tail_is_reported(
    new_world: New, scope: str
) -> None:
    tried = 0
    for seed in range(3):
        world = new_world(seed=seed).extended_pool()
        acknowledged = {}
        for number in range(8):
            world.put_key(f"k{number}", EXTENDED).ok()
            acknowledged[f"k{number}"] = world.now
            world.advance(2)
        world.destroy(scope, EXTENDED)
        told = world.status()["lost"][0]["writes"]
        before_yes = world.emulator.loss_if_removed(POOL, EXTENDED)
        removed_at = world.now

        world.shrink(EXTENDED)

        missing = [when for name, when in acknowledged.items() if name not in world.keys(PRIMARY)]
        assert state_of(world, EXTENDED) == "absent"
        assert told == before_yes == len(missing)
        reports = [(event["region"], event["writes"], event["seconds"]) for event in world.events("loss")]
        assert reports == ([(EXTENDED, len(missing), (removed_at - min(missing)) / 1000)] if missing else [])
        tried += len(missing)

    assert tried > 0, "else nothing was tried"


@pytest.mark.rule("E4")
def test_e4_its_bill_ends_with_the_removal(world: World) -> None:
    world.extended_pool()
    world.destroy("region", EXTENDED)
    world.advance(HOUR)
    before = hours(world)[EXTENDED]

    world.shrink(EXTENDED)
    world.advance(HOUR)

    assert hours(world)[EXTENDED] == pytest.approx(before)


# -- E5 ----------------------------------------------------------------------------------


@pytest.mark.rule("E5")
@pytest.mark.parametrize(("effect", "word"), [("capacity", "capacity"), ("provisioning", "failed")])
@pytest.mark.parametrize("scope", SITES)
def test_e5_a_fault_makes_an_add_end_in_failed_and_it_can_be_tried_again_when_it_is_over(
    world: World, scope: str, effect: str, word: str
) -> None:
    world.active_pool()
    fault = world.break_(scope, EXTENDED, effect=effect)

    answer = world.finish(world.set_regions(EXTENDED, THIRD))
    listed, billed = world.regions()[1:], hours(world)
    world.clear(fault).ok()
    world.finish(world.set_regions(EXTENDED, THIRD)).ok()

    assert answer.status == 400 and word in answer.message and EXTENDED in answer.message
    assert listed == [(EXTENDED, "Failed", False), (THIRD, "Succeeded", False)]
    assert EXTENDED not in billed
    assert state_of(world, EXTENDED) == "Succeeded"
    assert world.shown(EXTENDED) == world.shown(PRIMARY)


@pytest.mark.rule("G3")
def test_g3_no_capacity_in_one_region_says_nothing_of_another(world: World) -> None:
    world.active_pool()
    world.break_("region", EXTENDED, HOUR, effect="capacity")

    world.extend(THIRD)

    assert state_of(world, THIRD) == "Succeeded"
    assert world.client("uksouth").answered_by() == PRIMARY


# -- E6 ----------------------------------------------------------------------------------


@pytest.mark.rule("E6")
@pytest.mark.parametrize(("scope", "writes_go_on"), [("pool", True), ("service", False), ("region", False)])
def test_e6_a_destroyed_primary_is_not_replaced_and_the_pool_is_served_as_f2_and_f3_say(
    world: World, scope: str, writes_go_on: bool
) -> None:
    furnished(world)
    calls, changes = reads(world), writes(world)

    world.destroy(scope, PRIMARY)
    world.advance(6 * 24 * HOUR)

    assert refused(answers(calls, EXTENDED)) == {}
    seen = answers(changes, EXTENDED)
    assert refused(seen) == ({} if writes_go_on else dict.fromkeys(changes, 503))
    assert world.record().primary.name == PRIMARY
    assert world.show().status == (200 if writes_go_on else 503)


@pytest.mark.rule("E6")
def test_e6_destroyed_is_for_ever_and_the_refusal_names_the_way_out(world: World) -> None:
    world.extended_pool()
    fault = world.destroy("region", PRIMARY)
    passing = world.break_("pool", EXTENDED)
    world.advance(HOUR)

    refusal = world.clear(fault)
    cleared = world.control("DELETE", "/faults").ok().body["value"]

    assert (refusal.status, refusal.code) == (409, "Destroyed")
    assert "security domain" in refusal.message and "backup" in refusal.message
    assert [item["id"] for item in cleared] == [passing]
    listed = world.control("GET", "/faults").ok().body["value"]
    assert [(item["id"], item["kind"], item["end"]) for item in listed] == [(fault, "destroyed", None)]
    assert world.client("uksouth").reaches(PRIMARY) is None


@pytest.mark.rule("E6")
def test_e6_a_destruction_that_is_only_planned_can_be_called_off(world: World) -> None:
    world.extended_pool()
    fault = world.destroy("region", PRIMARY, after=60)

    world.clear(fault).ok()
    world.advance(HOUR)

    assert world.status_of(PRIMARY)["destroyed"] is False
    assert world.client("uksouth").reaches(PRIMARY) == PRIMARY


@pytest.mark.rule("E6")
@pytest.mark.parametrize("doomed", [PRIMARY, EXTENDED])
def test_e6_an_add_that_a_planned_destruction_would_fail_goes_on_once_that_is_called_off(
    new_world: Callable[..., World], doomed: str
) -> None:
    world = new_world(durations={"region-add": 60}).active_pool()
    world.hold_time_still()
    world.put_key("k").ok()
    fault = world.destroy("region", doomed, after=30)
    world.set_regions(EXTENDED)

    planned = world.status_of(EXTENDED)["provisioningState"]
    world.clear(fault).ok()
    world.advance(60)

    assert (planned, world.status_of(EXTENDED)["provisioningState"]) == ("Provisioning", "Succeeded")
    assert world.keys(EXTENDED) == ["k"]
    assert [span.region for span in world.record().spans] == [PRIMARY, EXTENDED], "B2"


@pytest.mark.rule("E6")
def test_e6_an_add_that_a_destruction_fails_says_so_when_it_happens(new_world: Callable[..., World]) -> None:
    world = new_world(durations={"region-add": 60}).active_pool()
    world.hold_time_still()
    world.destroy("region", EXTENDED, after=30)
    add = world.set_regions(EXTENDED)

    before = world.status_of(EXTENDED)["provisioningState"]
    world.advance(30)
    done = world.finish(add)

    assert (before, world.status_of(EXTENDED)["provisioningState"]) == ("Provisioning", "Failed")
    assert (done.status, done.code) == (400, "RegionDestroyed")
    assert [span.region for span in world.record().spans] == [PRIMARY], "B2"


@pytest.mark.rule("E3")
def test_e3_a_removal_under_way_ends_when_it_was_to_whatever_is_broken_beside_it(
    new_world: Callable[..., World],
) -> None:
    """Nor do other durations, set meanwhile, change it."""
    world = new_world(durations={"region-remove": 600}).extended_pool()
    world.hold_time_still()
    world.set_regions()
    world.configure(durations={"region-remove": 5})

    world.break_("region", "eastus", 10)
    world.break_("pool", PRIMARY, 10)
    world.advance(599)
    still = [region for region, _, _ in world.regions()]
    world.advance(1)

    assert still == [PRIMARY, EXTENDED]
    assert [region for region, _, _ in world.regions()] == [PRIMARY]


@pytest.mark.rule("E6")
def test_e6_what_is_to_be_destroyed_breaks_before_and_may_be_destroyed_sooner(world: World) -> None:
    world.extended_pool()
    world.destroy("region", PRIMARY, after=3 * HOUR)

    world.break_("pool", PRIMARY, 60)
    world.destroy("region", PRIMARY, after=2 * HOUR)
    world.destroy("pool", PRIMARY, after=HOUR)

    for step, destroyed in ((HOUR - 1, False), (1, True), (HOUR, True), (HOUR, True)):
        world.advance(step)
        assert world.status_of(PRIMARY)["destroyed"] is destroyed


@pytest.mark.rule("E6")
@pytest.mark.parametrize("dies_first", [True, False])
def test_e6_nothing_of_what_is_destroyed_begins_to_be_broken_afterwards(
    world: World, dies_first: bool
) -> None:
    world.extended_pool()
    plan = [
        {"scope": "region", "region": PRIMARY, "kind": "destroyed", "after": 60},
        {"scope": "pool", "region": PRIMARY, "after": 60},
    ]

    first, second = plan if dies_first else reversed(plan)

    world.inject(**first).ok()
    assert world.inject(**second).status == 409


@pytest.mark.rule("E6")
@pytest.mark.parametrize(
    "spec",
    [
        {"scope": "partition", "partition": 0},
        {"scope": "link", "to": EXTENDED},
        {"scope": "region", "effect": "slow", "milliseconds": 5},
        {"scope": "region", "effect": "capacity"},
        {"scope": "region", "lasts": 60},
    ],
)
def test_e6_only_outages_of_pool_service_and_region_destroy_and_they_have_no_end(
    world: World, spec: Dict[str, Any]
) -> None:
    world.extended_pool()

    answer = world.inject(region=PRIMARY, kind="destroyed", **spec)

    assert answer.status == 400
    assert world.control("GET", "/faults").body["value"] == []


@pytest.mark.rule("E6")
@pytest.mark.parametrize("dies", [EXTENDED, PRIMARY])
@pytest.mark.parametrize("planned", [False, True])
@pytest.mark.parametrize("scope", OUTAGES)
def test_e6_a_region_destroyed_while_it_is_added_ends_in_failed_and_is_not_billed(
    world: World, scope: str, planned: bool, dies: str
) -> None:
    world.active_pool()
    world.hold_time_still()
    asked = world.set_regions(EXTENDED)

    if planned:
        world.destroy(scope, dies, after=ADD / 2)
        assert state_of(world, EXTENDED) == "Provisioning"
    world.advance(ADD / 2)
    if not planned:
        world.destroy(scope, dies)

    record = world.record()
    extended = record.region(EXTENDED, world.now)
    assert extended is not None and extended.state(world.now) == "Failed"
    assert not record.is_busy(world.now), "its operation has ended too"
    world.advance(HOUR)
    assert set(hours(world)) == {PRIMARY}
    if dies == EXTENDED or scope == "pool":
        answer = world.poll(asked)
        assert answer.status == 400 and EXTENDED in answer.message and "destroyed" in answer.message
        assert world.client("australiasoutheast").connect(EXTENDED).region is None


@pytest.mark.rule("E6")
def test_e6_one_of_two_that_are_added_dies_and_the_other_succeeds(world: World) -> None:
    world.active_pool()
    world.hold_time_still()
    world.set_regions(EXTENDED, THIRD)
    world.advance(100)

    world.destroy("region", EXTENDED)
    world.advance(ADD)

    assert world.regions()[1:] == [(EXTENDED, "Failed", False), (THIRD, "Succeeded", False)]
    assert THIRD in hours(world) and EXTENDED not in hours(world)


# -- E9 ----------------------------------------------------------------------------------


@pytest.mark.rule("E9")
def test_e9_clients_that_cached_the_address_of_a_removed_region_fail_until_their_ttl_ends(
    new_world: New,
) -> None:
    world = new_world(durations={"region-remove": 1}).extended_pool()
    crowd = [world.client("australiasoutheast", f"c{number}") for number in range(12)]
    assert {client.answered_by() for client in crowd} == {EXTENDED}
    world.hold_time_still()

    world.set_regions()
    going = {client.answered_by() for client in crowd}
    world.advance(1)
    gone = [client.answered_by() for client in crowd]
    found = next(client for client, at in zip(crowd, gone) if at is None).connect()
    world.advance(TTL - 1)

    assert going == {EXTENDED}, "it answers what it still gets (E3)"
    assert set(gone) == {None, PRIMARY}
    assert (found.region, found.effect) == (EXTENDED, "refuse")
    assert {client.answered_by() for client in crowd} == {PRIMARY}


@pytest.mark.rule("E9")
@pytest.mark.parametrize("then", ["a write", "an add"])
def test_e9_whatever_happens_to_the_pool_meanwhile(new_world: New, then: str) -> None:
    durations = {"region-remove": 1, "dns.ttl": 60}
    world = new_world(durations=durations).extended_pool()
    crowd = [world.client("australiasoutheast", f"c{number}") for number in range(12)]
    world.hold_time_still()
    world.set_regions()
    world.advance(20)
    before = [client.reaches() for client in crowd]

    if then == "a write":
        world.put_key("k", PRIMARY).ok()
    else:
        assert world.set_regions(EXTENDED).status == 202

    assert None in before and PRIMARY in before
    assert [client.reaches() for client in crowd] == before
    world.advance(60)
    assert {client.answered_by() for client in crowd} == {PRIMARY}


@pytest.mark.rule("E9")
def test_e9_it_can_be_added_again_right_after_its_removal_and_starts_anew(world: World) -> None:
    world.extended_pool()
    world.put_key("old").ok()
    world.advance(SIX_MINUTES)
    world.shrink(EXTENDED)
    world.put_key("new").ok()
    before = world.client("australiasoutheast", "me")
    assert before.answered_by() == PRIMARY

    accepted = world.set_regions(EXTENDED)
    meanwhile = world.client("australiasoutheast", "you").answered_by()
    world.finish(accepted).ok()
    world.advance(TTL)

    assert accepted.status == 202
    assert meanwhile == PRIMARY
    assert world.shown(EXTENDED) == world.shown(PRIMARY)
    assert before.answered_by() == EXTENDED


@pytest.mark.rule("E9")
def test_e9_an_old_fault_of_the_region_s_first_life_does_not_strike_the_second(world: World) -> None:
    world.extended_pool()
    world.break_("pool", EXTENDED, 60)
    world.advance(HOUR)
    world.shrink(EXTENDED)

    world.extend(EXTENDED)
    world.advance(TTL)

    assert world.status_of(EXTENDED)["health"] == "healthy"
    assert world.client("australiasoutheast").answered_by() == EXTENDED


# -- B5 ----------------------------------------------------------------------------------


@pytest.mark.rule("B5")
def test_b5_status_shows_the_documented_sla_for_one_region_and_for_two(world: World) -> None:
    world.active_pool()
    one = world.status()["documentedSlaPercent"]
    world.hold_time_still()
    world.set_regions(EXTENDED)
    while_added = world.status()["documentedSlaPercent"]
    world.advance(ADD)
    two = world.status()["documentedSlaPercent"]
    world.set_regions()

    assert (one, while_added, two) == (99.9, 99.9, 99.99)
    assert world.status()["documentedSlaPercent"] == 99.9, "it is being removed"


@pytest.mark.rule("B5")
def test_b5_a_failed_region_adds_nothing_to_it(world: World) -> None:
    world.active_pool()
    world.break_("region", EXTENDED, effect="capacity")

    world.finish(world.set_regions(EXTENDED))

    assert world.status()["documentedSlaPercent"] == 99.9


# -- B4 ----------------------------------------------------------------------------------


@pytest.mark.rule("B4")
def test_b4_an_outage_changes_no_bill(world: World) -> None:
    world.extended_pool()
    before = hours(world)
    world.break_("region", EXTENDED, 2 * HOUR)
    world.break_("pool", PRIMARY, HOUR)

    world.advance(3 * HOUR)

    grown = {region: amount - before[region] for region, amount in hours(world).items()}
    assert grown == pytest.approx({PRIMARY: 3, EXTENDED: 3})
