"""E1, E2, E3 and E5: the life of an extended region."""

from __future__ import annotations

from typing import Callable

import pytest

from azext_mhsmregion.model.messages import being_activated, not_activated

from .harness import CRYPTO_USER, EXTENDED, OTHER, POOL, PRIMARY, SIX_MINUTES, THIRD, World

ADD, REMOVE, TTL = 1470, 1500, 5
"""Seconds that an add and a removal take, as recorded (facts/limits.json)."""


def state_of(world: World, region: str) -> str:
    return next((state for name, state, _ in world.regions() if name == region), "absent")


# -- E1 ----------------------------------------------------------------------------------


@pytest.mark.rule("E1")
def test_e1_the_traffic_manager_uses_a_new_region_from_succeeded_on(world: World) -> None:
    world.active_pool()
    world.hold_time_still()
    world.set_regions(EXTENDED)

    seen = []
    for wait in (0, ADD - 1, 1):
        world.advance(wait)
        by_name = world.data("GET", "/keys", region=EXTENDED)
        seen.append((state_of(world, EXTENDED), world.route("australiasoutheast"), by_name.status))

    assert seen == [
        ("Provisioning", PRIMARY, 502),
        ("Provisioning", PRIMARY, 502),
        ("Succeeded", EXTENDED, 200),
    ]
    world.advance(TTL)
    answer = world.data("GET", "/keys", place="australiasoutheast")
    assert answer.headers["x-ms-keyvault-region"] == EXTENDED


@pytest.mark.rule("E1")
def test_e1_everything_that_the_primary_had_is_there_at_succeeded(world: World) -> None:
    world.active_pool()
    world.put_key("live").ok()
    world.put_key("gone").ok()
    world.data("DELETE", "/keys/gone").ok()
    world.assign(CRYPTO_USER, OTHER).ok()

    world.extend(EXTENDED)

    assert world.shown(EXTENDED) == world.shown(PRIMARY)
    assert world.sign("live", EXTENDED, OTHER).status == 200
    assert world.data("GET", "/deletedkeys/gone", region=EXTENDED).status == 200


@pytest.mark.rule("E1")
def test_e1_a_write_during_the_add_arrives_within_six_minutes_of_succeeded(world: World) -> None:
    world.active_pool()
    world.hold_time_still()
    world.set_regions(EXTENDED)
    world.advance(10)
    world.put_key("meanwhile").ok()

    world.advance(ADD - 10)
    arrives = next(row for row in world.rows(EXTENDED) if row.name == "meanwhile").visible_from
    at_succeeded = world.get_key("meanwhile", EXTENDED).status
    world.advance(SIX_MINUTES)

    assert world.now - SIX_MINUTES * 1000 < arrives <= world.now
    assert at_succeeded == 404
    assert world.get_key("meanwhile", EXTENDED).status == 200


@pytest.mark.rule("E1")
def test_e1_what_is_still_in_flight_to_the_primary_is_seeded_too(world: World) -> None:
    world.extended_pool(EXTENDED)
    world.break_link(PRIMARY, EXTENDED, ADD + 600)
    world.put_key("far", EXTENDED).ok()

    world.extend(THIRD)
    before = world.keys(PRIMARY), world.keys(THIRD)
    world.advance(600 + SIX_MINUTES)

    assert before == ([], [])
    assert world.keys(THIRD) == world.keys(PRIMARY) == ["far"]


# -- E2 ----------------------------------------------------------------------------------


@pytest.mark.rule("E2")
def test_e2_other_changes_are_refused_with_409_while_a_region_is_added(world: World) -> None:
    world.active_pool()
    world.hold_time_still()
    world.set_regions(EXTENDED)

    refused = [
        world.set_regions(EXTENDED, THIRD),
        world.set_regions(),
        world.patch(publicNetworkAccess="Disabled"),
        world.put_pool(enablePurgeProtection=True),
    ]

    assert [answer.status for answer in refused] == [409] * 4
    assert all("under way" in answer.message for answer in refused)
    assert world.show().body["properties"]["publicNetworkAccess"] == "Enabled"
    assert state_of(world, THIRD) == "absent"


@pytest.mark.rule("E2")
def test_e2_the_data_plane_goes_on_and_the_add_ends_within_thirty_minutes(world: World) -> None:
    world.extended_pool(EXTENDED)
    world.hold_time_still()
    world.set_regions(EXTENDED, THIRD)

    made = [world.put_key(f"in-{region}", region).status for region in (PRIMARY, EXTENDED)]
    updating = world.show().body["properties"]["provisioningState"]
    world.advance(1800)

    assert made == [200, 200]
    assert updating == "Updating"
    assert world.show().body["properties"]["provisioningState"] == "Succeeded"
    assert world.patch(publicNetworkAccess="Disabled").status == 202


@pytest.mark.rule("E2")
def test_e2_a_pool_under_change_is_not_deleted(world: World) -> None:
    world.active_pool()
    world.hold_time_still()
    world.patch(publicNetworkAccess="Disabled")

    assert world.delete_pool().status == 409
    assert world.show().status == 200


# -- E3 ----------------------------------------------------------------------------------


@pytest.mark.rule("E3")
def test_e3_a_region_being_removed_gets_no_clients_and_takes_no_writes_but_reads_go_on(world: World) -> None:
    world.extended_pool()
    world.put_key("k").ok()
    world.advance(SIX_MINUTES)
    world.hold_time_still()

    world.set_regions()

    assert state_of(world, EXTENDED) == "Deleting"
    assert world.route("australiasoutheast") == PRIMARY
    assert world.get_key("k", EXTENDED).status == 200
    refused = [
        world.put_key("n", EXTENDED),
        world.data("DELETE", "/keys/k", region=EXTENDED),
        world.assign(CRYPTO_USER, OTHER, region=EXTENDED),
    ]
    assert [answer.status for answer in refused] == [409, 409, 409]
    assert "takes no more writes" in refused[0].message
    assert world.put_key("n", PRIMARY).status == 200


@pytest.mark.rule("E3")
def test_e3_what_the_region_had_accepted_is_sent_before_it_is_purged(world: World) -> None:
    world.extended_pool()
    world.put_key("last", EXTENDED).ok()

    world.shrink(EXTENDED)

    assert state_of(world, EXTENDED) == "absent"
    assert world.get_key("last", PRIMARY).status == 200


@pytest.mark.rule("E3")
def test_e3_the_removal_waits_for_writes_that_a_link_holds(new_world: Callable[..., World]) -> None:
    world = new_world(durations={"region-remove": 1}).extended_pool()
    world.break_link(PRIMARY, EXTENDED, 7200)
    world.put_key("held", EXTENDED).ok()
    world.hold_time_still()
    world.set_regions()

    world.advance(7200 - 1)
    still = state_of(world, EXTENDED), world.show().body["properties"]["provisioningState"]
    world.advance(1 + SIX_MINUTES)

    assert still == ("Deleting", "Updating")
    assert state_of(world, EXTENDED) == "absent"
    assert world.get_key("held", PRIMARY).status == 200


@pytest.mark.rule("E3")
def test_e3_writes_in_flight_to_the_removed_region_do_not_delay_it(new_world: Callable[..., World]) -> None:
    world = new_world(durations={"region-remove": 1}).extended_pool()
    world.break_link(PRIMARY, EXTENDED, 7200)
    world.put_key("here", PRIMARY).ok()
    world.hold_time_still()

    world.set_regions()
    world.advance(1)

    assert state_of(world, EXTENDED) == "absent"


@pytest.mark.rule("E3")
def test_e3_over_the_wire_a_removal_that_loses_writes_is_accepted_and_the_loss_can_be_read(
    world: World,
) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED, None)
    world.put_key("lost", EXTENDED).ok()

    loss = world.emulator.loss_if_removed(POOL, EXTENDED)

    assert loss == 1
    assert world.set_regions().status == 202
    with world.emulator.parts.reading() as unit:
        (event,) = unit.tx.events("loss")
    assert (event["region"], event["writes"]) == (EXTENDED, 1)


@pytest.mark.rule("E3")
def test_e3_a_write_that_a_third_region_gets_is_not_lost(world: World) -> None:
    world.extended_pool()
    world.finish(world.set_regions(EXTENDED, "japaneast")).ok()
    world.break_link(PRIMARY, EXTENDED, None)
    world.put_key("safe", EXTENDED).ok()

    assert world.emulator.loss_if_removed(POOL, EXTENDED) == 0


@pytest.mark.rule("E3")
def test_e3_a_removal_that_no_one_knows_the_end_of_does_not_carry_the_clock_away(world: World) -> None:
    world.extended_pool()
    world.put_key("waits", EXTENDED).ok()
    before = world.now
    accepted = world.set_regions()
    world.break_link(PRIMARY, EXTENDED, None)

    answer = world.poll(accepted)

    assert answer.status == 202
    assert world.now == before
    assert state_of(world, EXTENDED) == "Deleting"


# -- E5 ----------------------------------------------------------------------------------


@pytest.mark.rule("E5")
def test_e5_an_add_without_capacity_ends_in_failed_is_listed_and_not_used(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=(EXTENDED,))

    answer = world.finish(world.set_regions(EXTENDED))

    assert answer.status == 400 and "capacity" in answer.message and EXTENDED in answer.message
    assert world.regions() == [(PRIMARY, "Succeeded", True), (EXTENDED, "Failed", False)]
    near = world.data("GET", "/keys", place="australiasoutheast")
    assert near.headers["x-ms-keyvault-region"] == PRIMARY
    assert world.data("GET", "/keys", region=EXTENDED).status == 502
    assert world.rows(EXTENDED) == []


@pytest.mark.rule("E5")
def test_e5_a_failed_region_is_not_billed(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=(EXTENDED,))

    world.finish(world.set_regions(EXTENDED))
    world.advance(3600)

    assert {region: hours for _, region, hours, _ in world.emulator.cost(POOL) if hours} == {
        PRIMARY: pytest.approx(
            world.emulator.cost(POOL)[0][2],
        )
    }


@pytest.mark.rule("E5")
def test_e5_a_failed_region_can_be_tried_again(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=(EXTENDED,))
    world.finish(world.set_regions(EXTENDED))
    world.configure(without_capacity=())

    world.finish(world.set_regions(EXTENDED)).ok()

    assert world.regions() == [(PRIMARY, "Succeeded", True), (EXTENDED, "Succeeded", False)]
    assert world.shown(EXTENDED) == world.shown(PRIMARY)


@pytest.mark.rule("E5")
def test_e5_a_failed_region_can_be_removed(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=(EXTENDED,))
    world.finish(world.set_regions(EXTENDED))

    world.shrink(EXTENDED)

    assert world.regions() == [(PRIMARY, "Succeeded", True)]
    assert world.finish(world.delete_pool()).status == 200


@pytest.mark.rule("E5")
def test_e5_of_two_regions_added_at_once_the_one_with_capacity_succeeds(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=("Japan East",))

    world.finish(world.set_regions(EXTENDED, THIRD))

    assert world.regions()[1:] == [(EXTENDED, "Succeeded", False), (THIRD, "Failed", False)]
    assert world.put_key("k").status == 200


def pool_with_a_failed_region(world: World, *others: str) -> World:
    """Extended into ``others``; Australia East is Failed, and would have capacity now."""
    world.active_pool()
    world.configure(without_capacity=(EXTENDED,))
    world.finish(world.set_regions(EXTENDED, *others))
    world.configure(without_capacity=())
    assert state_of(world, EXTENDED) == "Failed"
    return world


@pytest.mark.rule("E5")
def test_e5_a_failed_region_stays_failed_and_unbilled_while_others_are_added_and_removed(
    world: World,
) -> None:
    pool_with_a_failed_region(world)

    world.finish(world.set_regions(EXTENDED, THIRD)).ok()
    assert world.regions()[1:] == [(EXTENDED, "Failed", False), (THIRD, "Succeeded", False)]
    world.finish(world.set_regions(EXTENDED)).ok()
    world.advance(3600)

    assert world.regions()[1:] == [(EXTENDED, "Failed", False)]
    assert {region for _, region, _, _ in world.emulator.cost(POOL)} == {PRIMARY, THIRD}


@pytest.mark.rule("E5")
def test_e5_a_failed_region_that_is_left_out_is_removed_while_another_is_added(world: World) -> None:
    pool_with_a_failed_region(world)

    world.finish(world.set_regions(THIRD)).ok()

    assert world.regions()[1:] == [(THIRD, "Succeeded", False)]


@pytest.mark.rule("E5")
def test_e5_the_same_list_again_tries_the_failed_one_and_leaves_the_others(world: World) -> None:
    pool_with_a_failed_region(world, THIRD)
    before = world.shown(THIRD)

    world.finish(world.set_regions(EXTENDED, THIRD)).ok()

    assert {name: state for name, state, _ in world.regions()[1:]} == {
        EXTENDED: "Succeeded",
        THIRD: "Succeeded",
    }
    assert world.shown(EXTENDED) == world.shown(THIRD) == before


@pytest.mark.rule("E5")
def test_e5_an_update_that_sends_the_regions_back_does_not_try_a_failed_one_again(world: World) -> None:
    pool_with_a_failed_region(world)
    body = world.show().ok().body

    world.finish(world.arm("PATCH", world.pool_path(), {**body, "tags": {"team": "red"}})).ok()
    assert (state_of(world, EXTENDED), world.show().body["tags"]) == ("Failed", {"team": "red"})

    world.finish(world.arm("PATCH", world.pool_path(), world.show().body)).ok()
    assert state_of(world, EXTENDED) == "Succeeded"


@pytest.mark.rule("C4d")
def test_c4d_an_extension_while_the_pool_is_being_activated_is_told_so(world: World) -> None:
    world.create_pool()
    world.hold_time_still()

    before = world.set_regions(EXTENDED)
    world.download().ok()
    while_activating = world.set_regions(EXTENDED)

    assert (before.message, while_activating.message) == (not_activated(POOL), being_activated(POOL))
    assert before.code == while_activating.code == "HsmNotActivated"
