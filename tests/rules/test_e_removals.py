"""E3, E6, L5b, L6: what goes with a region that is removed, what others send on of it, and how long it waits
for that. Most cases were found by the simulation (tests/simulation) and are cut down to what matters."""

from __future__ import annotations

from typing import Callable, List, Tuple

import pytest

from azext_mhsmregion.model.replication import Kind

from .harness import CRYPTO_USER, EXTENDED, OTHER, POOL, PRIMARY, SIX_MINUTES, THIRD, World

New = Callable[..., World]
HOUR = 3600
ALONE = "aaaaaaaa-1111-4222-8333-444444444444"


@pytest.fixture
def three(new_world: New) -> World:
    """A pool in three regions, under a clock that polls do not move; a removal takes a second."""
    world = new_world(durations={"region-remove": 1}).extended_pool(EXTENDED, THIRD)
    world.hold_time_still()
    return world


def state_of(world: World, region: str) -> str:
    return next((state for name, state, _ in world.regions() if name == region), "absent")


def losses(world: World) -> List[Tuple[str, int]]:
    """As the audit log has them."""
    return [(event["region"], event["writes"]) for event in world.events("loss")]


def lost(world: World, region: str) -> int:
    return next((item["writes"] for item in world.status()["lost"] if item["region"] == region), 0)


def only_third_has(world: World, *names: str) -> None:
    """Keys that EXTENDED accepted, that THIRD shows, and that EXTENDED will never send to the primary."""
    world.break_link(EXTENDED, PRIMARY)
    for name in names:
        world.put_key(name, EXTENDED).ok()
    world.advance(SIX_MINUTES)
    assert world.keys(THIRD) == list(names) and world.keys(PRIMARY) == []


# -- what a removed region leaves to others -------------------------------------------------------


@pytest.mark.rule("E3")
def test_e3_what_a_survivor_has_to_send_on_is_not_dropped_with_what_is_lost(three: World) -> None:
    """The dead region's first write is the primary's to send on, as soon as THIRD is up again; the second
    is lost with it."""
    outage = three.break_("pool", THIRD)
    three.put_key("kept", EXTENDED).ok()
    three.advance(SIX_MINUTES)
    three.break_link(EXTENDED, PRIMARY)
    three.put_key("lost", EXTENDED).ok()
    three.destroy("pool", EXTENDED)

    three.set_regions(THIRD)
    three.advance(SIX_MINUTES)
    three.clear(outage).ok()
    three.advance(SIX_MINUTES)

    assert losses(three) == [(EXTENDED, 1)]
    assert three.keys(PRIMARY) == three.keys(THIRD) == ["kept"]


@pytest.mark.rule("E3")
def test_e3_a_removal_waits_until_what_was_handed_to_the_region_is_sent_on(three: World) -> None:
    only_third_has(three, "k")
    three.break_link(THIRD, PRIMARY, 2 * HOUR)
    three.set_regions(THIRD)
    three.advance(60)

    three.set_regions()
    three.advance(2 * HOUR - 61)
    waiting = state_of(three, THIRD)
    three.advance(1 + SIX_MINUTES)

    assert (waiting, state_of(three, THIRD)) == ("Deleting", "absent")
    assert three.keys(PRIMARY) == ["k"] and losses(three) == []


@pytest.mark.rule("E3")
def test_e3_of_two_regions_that_go_together_one_sends_on_what_the_other_cannot(three: World) -> None:
    only_third_has(three, "k")
    three.break_link(THIRD, PRIMARY, 2 * HOUR)

    three.set_regions()
    three.advance(2 * HOUR - 1)
    waiting = state_of(three, THIRD)
    three.advance(1 + SIX_MINUTES)

    assert (waiting, state_of(three, THIRD)) == ("Deleting", "absent")
    assert three.keys(PRIMARY) == ["k"] and losses(three) == []


@pytest.mark.rule("E3")
def test_e3_a_link_that_fails_under_a_dead_regions_writes_delays_who_alone_has_them(three: World) -> None:
    only_third_has(three, "k")
    three.break_link(THIRD, PRIMARY, 2 * HOUR)
    three.destroy("pool", EXTENDED)
    three.set_regions(EXTENDED)

    outage = three.break_link(THIRD, PRIMARY)
    three.advance(10 * HOUR)
    waiting = state_of(three, THIRD)
    three.clear(outage).ok()
    three.advance(SIX_MINUTES)

    assert (waiting, state_of(three, THIRD)) == ("Deleting", "absent")
    assert three.keys(PRIMARY) == ["k"] and losses(three) == []


@pytest.mark.rule("E3")
def test_e3_a_removal_that_takes_no_time_waits_for_what_is_to_be_sent_all_the_same(new_world: New) -> None:
    world = new_world(durations={"region-remove": 0}).extended_pool()
    world.hold_time_still()
    world.break_link(EXTENDED, PRIMARY, HOUR)
    world.put_key("k", EXTENDED).ok()

    world.set_regions()
    waiting = state_of(world, EXTENDED)
    world.advance(HOUR + SIX_MINUTES)

    assert (waiting, state_of(world, EXTENDED)) == ("Deleting", "absent")
    assert world.keys(PRIMARY) == ["k"] and losses(world) == []


@pytest.mark.rule("L5b")
def test_l5b_a_region_that_is_added_sends_on_what_it_is_seeded_with_of_one_that_will_die(
    new_world: New,
) -> None:
    """THIRD is out and the primary will be destroyed; EXTENDED, added meanwhile, has what THIRD lacks."""
    world = new_world(durations={"region-add": 60}).extended_pool(THIRD)
    world.hold_time_still()
    outage = world.break_("pool", THIRD, HOUR)
    world.destroy("pool", PRIMARY, after=HOUR / 2)
    world.put_key("k", PRIMARY).ok()
    world.set_regions(THIRD, EXTENDED)

    world.advance(HOUR + SIX_MINUTES)

    assert outage and state_of(world, EXTENDED) == "Succeeded"
    assert world.keys(EXTENDED) == world.keys(THIRD) == ["k"]


@pytest.mark.rule("L5b")
def test_l5b_what_is_accepted_while_a_region_goes_it_sends_on_if_nobody_else_can(new_world: New) -> None:
    """THIRD is out, and the primary will be destroyed before that is back; EXTENDED, which goes, waits."""
    world = new_world(durations={"region-remove": 60}).extended_pool(EXTENDED, THIRD)
    world.hold_time_still()
    world.break_("pool", THIRD, HOUR)
    world.destroy("pool", PRIMARY, after=HOUR / 2)
    world.set_regions(THIRD)
    world.put_key("k", PRIMARY).ok()

    world.advance(HOUR + SIX_MINUTES)

    assert world.keys(THIRD) == ["k"] and state_of(world, EXTENDED) == "absent"


# -- what goes with it ------------------------------------------------------------------------------


@pytest.mark.rule("E3")
def test_e3_what_a_region_alone_has_of_one_that_is_gone_is_lost_with_it(three: World) -> None:
    only_third_has(three, "k")
    three.break_link(THIRD, PRIMARY)
    three.set_regions(THIRD)
    three.advance(60)
    assert three.emulator.loss_if_removed(POOL, THIRD) == 1

    three.set_regions()
    three.advance(SIX_MINUTES)

    assert (state_of(three, THIRD), losses(three)) == ("absent", [(THIRD, 1)])


@pytest.mark.rule("E3")
def test_e3_what_is_lost_is_told_once(three: World) -> None:
    """A dead region's write goes with the last region that has it, and is not told again with the dead."""
    only_third_has(three, "k")
    three.break_link(THIRD, PRIMARY)
    three.destroy("pool", EXTENDED)
    before = lost(three, EXTENDED), three.emulator.loss_if_removed(POOL, THIRD)

    three.set_regions(EXTENDED)
    three.advance(60)
    three.set_regions()

    assert before == (0, 1)
    assert losses(three) == [(THIRD, 1)]


@pytest.mark.rule("E3")
def test_e3_of_two_that_go_together_the_last_tells_what_they_have_of_a_dead_one(new_world: New) -> None:
    world = new_world().extended_pool(EXTENDED, THIRD, "francecentral")
    for other in (EXTENDED, THIRD, "francecentral"):
        world.break_link(other, PRIMARY)
    world.put_key("k", EXTENDED).ok()
    world.advance(SIX_MINUTES)
    world.destroy("pool", EXTENDED)

    world.set_regions(EXTENDED)

    assert losses(world) == [("francecentral", 1)]


@pytest.mark.rule("E3")
def test_e3_what_a_dead_region_accepted_is_told_as_its_own_though_another_dead_one_had_it(
    three: World,
) -> None:
    three.break_link(THIRD, PRIMARY)
    only_third_has(three, "k")
    three.put_key("third", THIRD).ok()
    three.destroy("pool", THIRD)
    three.destroy("pool", EXTENDED)

    three.set_regions(EXTENDED)
    three.advance(60)
    three.set_regions()

    assert losses(three) == [(THIRD, 1), (EXTENDED, 1)]


# -- when nobody is left -----------------------------------------------------------------------------


@pytest.mark.rule("E6")
def test_e6_the_last_region_that_died_took_everything_with_it_and_says_so(world: World) -> None:
    world.active_pool()
    before = len(world.rows(PRIMARY))
    world.extend(EXTENDED)
    world.put_key("sent", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED)
    world.put_key("unsent", PRIMARY).ok()

    world.destroy("pool", PRIMARY)
    alive = world.emulator.loss_if_removed(POOL, EXTENDED)
    world.advance(1)
    world.destroy("pool", EXTENDED)

    assert alive == before + 1
    assert world.emulator.loss_if_removed(POOL, EXTENDED) == before + 1
    assert (lost(world, PRIMARY), lost(world, EXTENDED)) == (1, before + 1)


# -- stamps ---------------------------------------------------------------------------------------------


def stamp_of(world: World, name: str, region: str = PRIMARY) -> int:
    return max(row.stamp.hlc for row in world.rows(region) if row.name == name)


@pytest.mark.rule("L6")
def test_l6_a_write_is_above_a_tombstone_that_has_left_the_store(world: World) -> None:
    """The region's clock was an hour ahead when a right was taken away; nothing is left of that."""
    world.active_pool()
    skew = world.break_("region", PRIMARY, effect="skew", milliseconds=HOUR * 1000)
    world.assign(CRYPTO_USER, OTHER, name=ALONE).ok()
    given = stamp_of(world, ALONE)
    world.data("DELETE", f"/providers/Microsoft.Authorization/roleAssignments/{ALONE}").ok()
    world.clear(skew).ok()

    world.put_key("k").ok()

    assert all(row.name != ALONE for row in world.rows(PRIMARY))
    assert stamp_of(world, "k") > given + 1


@pytest.mark.rule("L6")
def test_l6_a_write_is_above_a_purge_that_has_left_the_store(world: World) -> None:
    world.active_pool()
    skew = world.break_("region", PRIMARY, effect="skew", milliseconds=HOUR * 1000)
    world.put_key("k").ok()
    world.data("DELETE", "/keys/k").ok()
    world.data("DELETE", "/deletedkeys/k").ok()
    purged = stamp_of(world, "k")
    world.clear(skew).ok()

    world.put_key("k").ok()

    assert {row.kind for row in world.rows(PRIMARY) if row.name == "k"} == {Kind.KEY_VERSION}
    assert stamp_of(world, "k") > purged


@pytest.mark.rule("L6")
def test_l6_a_region_that_is_added_again_writes_above_its_former_life(world: World) -> None:
    """Of which nobody saw the end: its clock was an hour ahead, and its link was down."""
    world.extended_pool()
    skew = world.break_("region", EXTENDED, effect="skew", milliseconds=HOUR * 1000)
    link = world.break_link(PRIMARY, EXTENDED)
    world.put_key("k", EXTENDED).ok()
    former = stamp_of(world, "k", EXTENDED)
    world.shrink(EXTENDED)
    world.clear(skew).ok()
    world.clear(link).ok()
    world.extend(EXTENDED)

    world.put_key("k", EXTENDED).ok()

    assert losses(world) == [(EXTENDED, 1)]
    assert stamp_of(world, "k", EXTENDED) > former


# -- E5 --------------------------------------------------------------------------------------------------


@pytest.mark.rule("E5")
def test_e5_a_failed_region_that_is_being_removed_does_not_answer(new_world: New) -> None:
    world = new_world(durations={"region-remove": HOUR}).active_pool()
    world.configure(without_capacity=(EXTENDED,))
    world.finish(world.set_regions(EXTENDED))
    failed = world.client("uksouth").connect(EXTENDED).region
    world.hold_time_still()

    world.set_regions()

    assert state_of(world, EXTENDED) == "Deleting"
    assert (failed, world.client("uksouth").connect(EXTENDED).region) == (None, None)
    assert world.data("GET", "/keys", region=EXTENDED).status == 502
