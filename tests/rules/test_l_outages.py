"""L5, L5b and L7 with faults: what becomes of writes under way, what is lost, what can be read."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Set

import pytest

from azext_mhsmregion.emulator.wire import ConnectionBroken
from azext_mhsmregion.model.clock import NEVER

from .harness import (
    CRYPTO_AUDITOR,
    DAY,
    EXTENDED,
    OTHER,
    POOL,
    PRIMARY,
    SIX_MINUTES,
    THIRD,
    World,
)
from .outages import ASSIGNMENTS, OUTAGES

New = Callable[..., World]
HOUR = 3600
ASSIGNMENT = "11111111-2222-4333-8444-555555555555"


def burst(world: World, region: str, count: int = 8, name: str = "k") -> List[str]:
    """Keys made at once; their rows are on their way."""
    names = [f"{name}{number:02}" for number in range(count)]
    for each in names:
        world.put_key(each, region).ok()
    return names


def arrivals(world: World, region: str, names: List[str]) -> List[int]:
    """When each key becomes visible in a region."""
    found = {row.name: row.visible_from for row in world.rows(region)}
    return [found[name] for name in names]


def without_gaps(world: World, region: str, names: List[str], seconds: int, step: int = 5) -> None:
    """Look at the region for a while: it shows a beginning of ``names`` at every look (L3)."""
    for _ in range(0, seconds, step):
        shown = [name for name in world.keys(region) if name in names]
        assert shown == names[: len(shown)]
        world.advance(step)


# -- L5 ----------------------------------------------------------------------------------


def breaks(world: World, scope: str, dead: str, seconds: float, **more: Any) -> str:
    """An outage of a scope; three of them for partitions. The id of the last."""
    if scope == "partition":
        ids = [world.break_(scope, dead, seconds, partition=number, **more) for number in range(3)]
        return ids[-1]
    if scope == "link":
        return world.break_link(PRIMARY, EXTENDED, seconds, **more)
    return world.break_(scope, dead, seconds, **more)


@pytest.mark.rule("L5")
@pytest.mark.parametrize("dead", [PRIMARY, EXTENDED])
@pytest.mark.parametrize("scope", [*OUTAGES, "partition", "link"])
def test_l5_an_outage_holds_what_is_on_its_way_and_loses_nothing(world: World, scope: str, dead: str) -> None:
    world.extended_pool()
    sent, received = burst(world, EXTENDED, 6, "from"), burst(world, PRIMARY, 6, "to")

    breaks(world, scope, dead, HOUR)
    held = arrivals(world, PRIMARY, sent) + arrivals(world, EXTENDED, received)
    end = world.now + HOUR * 1000

    assert all(end < instant <= end + SIX_MINUTES * 1000 for instant in held)
    world.advance(HOUR)
    without_gaps(world, PRIMARY, sent, SIX_MINUTES)
    assert world.shown(PRIMARY) == world.shown(EXTENDED)
    assert world.keys(PRIMARY) == sorted([*sent, *received])
    assert world.events("loss") == []


@pytest.mark.rule("L5")
def test_l5_what_had_arrived_before_the_outage_stays(world: World) -> None:
    world.extended_pool()
    names = burst(world, EXTENDED, 12)
    due = sorted(arrivals(world, PRIMARY, names))
    world.advance((due[5] - world.now) / 1000)
    before = world.keys(PRIMARY)

    world.break_link(EXTENDED, PRIMARY, HOUR)
    world.advance(HOUR - 1)

    assert 6 <= len(before) < 12
    assert world.keys(PRIMARY) == before


@pytest.mark.rule("L5")
def test_l5_an_outage_that_is_cleared_early_lets_its_writes_go_then(world: World) -> None:
    world.extended_pool()
    names = burst(world, EXTENDED)
    fault = world.break_("region", PRIMARY)
    assert set(arrivals(world, PRIMARY, names)) == {NEVER}
    world.advance(600)

    world.clear(fault).ok()

    due = arrivals(world, PRIMARY, names)
    assert all(world.now < instant <= world.now + SIX_MINUTES * 1000 for instant in due)
    assert due == sorted(due)
    world.advance(SIX_MINUTES)
    assert world.keys(PRIMARY) == names


@pytest.mark.rule("L5")
def test_l5_a_planned_outage_holds_what_it_will_meet(new_world: New) -> None:
    early, late = 0, 0
    for seed in range(6):
        world = new_world(seed=seed).extended_pool()
        world.break_("region", PRIMARY, HOUR, after=3)
        begin, end = world.now + 3_000, world.now + 3_000 + HOUR * 1000

        due = arrivals(world, PRIMARY, burst(world, EXTENDED, 3))

        assert not [instant for instant in due if begin < instant < end]
        assert max(due) <= end + SIX_MINUTES * 1000
        early += sum(instant <= begin for instant in due)
        late += sum(instant >= end for instant in due)

    assert early and late, "else nothing was tried"


@pytest.mark.rule("L5")
def test_l5_a_planned_outage_moves_what_is_stored_already_and_gives_it_back_when_it_is_called_off(
    world: World,
) -> None:
    world.extended_pool()
    names = burst(world, EXTENDED, 12)
    first = arrivals(world, PRIMARY, names)
    fault = world.break_("region", PRIMARY, HOUR, after=0.5)
    moved = arrivals(world, PRIMARY, names)

    assert world.clear(fault).body["state"] == "planned"

    assert moved != first
    assert arrivals(world, PRIMARY, names) == first


@pytest.mark.rule("L5")
def test_l5_of_two_outages_the_one_that_ends_last_counts_whichever_is_cleared(world: World) -> None:
    world.extended_pool()
    names = burst(world, EXTENDED)
    world.break_("pool", PRIMARY, 600)
    longer = world.break_link(PRIMARY, EXTENDED, HOUR)
    held = min(arrivals(world, PRIMARY, names)) - world.now

    world.clear(longer).ok()

    assert held > HOUR * 1000
    assert 600_000 < min(arrivals(world, PRIMARY, names)) - world.now < HOUR * 1000


@pytest.mark.rule("L5")
def test_l5_a_link_that_is_broken_one_way_carries_the_other(world: World) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED, HOUR, oneWay=True)
    world.put_key("here", PRIMARY).ok()
    world.put_key("there", EXTENDED).ok()

    world.advance(SIX_MINUTES)

    assert world.keys(PRIMARY) == ["here", "there"]
    assert world.keys(EXTENDED) == ["there"]


@pytest.mark.rule("L5")
@pytest.mark.parametrize("one_way", [False, True])
def test_l5_added_lag_comes_on_top_while_it_lasts(world: World, one_way: bool) -> None:
    world.extended_pool()

    def added(name: str, here: str, there: str) -> int:
        """By how much the write takes longer than the lag that was drawn for it."""
        world.put_key(name, here).ok()
        row = next(row for row in world.rows(there) if row.name == name)
        return row.visible_from - row.accepted - row.lag

    world.break_link(PRIMARY, EXTENDED, 600, effect="lag", milliseconds=90_000, oneWay=one_way)
    while_it_lasts = added("a", PRIMARY, EXTENDED), added("b", EXTENDED, PRIMARY)
    world.advance(600)
    after = added("c", PRIMARY, EXTENDED), added("d", EXTENDED, PRIMARY)

    assert while_it_lasts == (90_000, 0 if one_way else 90_000)
    assert after == (0, 0)


@pytest.mark.rule("L5")
def test_l5_another_pool_s_outage_moves_nothing_here(world: World) -> None:
    world.extended_pool()
    world.create_pool("Second", PRIMARY)
    names = burst(world, EXTENDED)
    due = arrivals(world, PRIMARY, names)

    world.break_("pool", PRIMARY, HOUR, hsmName="Second")

    assert arrivals(world, PRIMARY, names) == due


@pytest.mark.rule("L5")
def test_l5_slow_and_throttled_regions_still_replicate(world: World) -> None:
    world.extended_pool()
    for effect, more in (("slow", {"milliseconds": 100}), ("throttle", {}), ("error", {"rate": 0.5})):
        world.break_("region", PRIMARY, HOUR, effect=effect, **more)

    world.put_key("k", EXTENDED).ok()
    world.advance(SIX_MINUTES)

    assert [row.name for row in world.rows(PRIMARY) if row.name == "k" and row.visible_from <= world.now]


# -- L5b ---------------------------------------------------------------------------------


def lost(world: World) -> Dict[str, Dict[str, Any]]:
    return {item["region"]: item for item in world.status()["lost"]}


def written(world: World, region: str, count: int, pause: float) -> Dict[str, int]:
    """What a client was told is done, and when (milliseconds), one write after the other."""
    acknowledged = {}
    for number in range(count):
        name = f"k{number:02}"
        world.put_key(name, region).ok()
        acknowledged[name] = world.now
        world.advance(pause)
    return acknowledged


@pytest.mark.rule("L5b")
@pytest.mark.parametrize("scope", OUTAGES)
@pytest.mark.parametrize(("dying", "living"), [(EXTENDED, PRIMARY), (PRIMARY, EXTENDED)])
def test_l5b_the_loss_that_is_reported_is_the_one_that_the_client_finds(
    new_world: New, scope: str, dying: str, living: str
) -> None:
    losses = []
    for seed in range(4):
        world = new_world(seed=seed).extended_pool()
        acknowledged = written(world, dying, 12, 1.5)
        at = world.now

        world.destroy(scope, dying)
        world.advance(HOUR)

        missing = {name: when for name, when in acknowledged.items() if name not in world.keys(living)}
        told = lost(world)[dying]
        assert told["writes"] == len(missing)
        assert told["seconds"] == (at - min(missing.values()) if missing else 0) / 1000
        losses.append(len(missing))

    assert max(losses) > 0, "else nothing was tried"
    assert min(losses) < 12


@pytest.mark.rule("L5b")
def test_l5b_a_destruction_that_is_planned_loses_what_will_not_be_sent_in_time(new_world: New) -> None:
    world = new_world(seed=3).extended_pool()
    world.destroy("region", EXTENDED, after=10)
    acknowledged = written(world, EXTENDED, 9, 1)
    assert world.status()["lost"] == []
    world.advance(1)

    told = lost(world)[EXTENDED]
    world.advance(HOUR)

    missing = [when for name, when in acknowledged.items() if name not in world.keys(PRIMARY)]
    assert missing and len(missing) < 9
    assert (told["writes"], told["seconds"]) == (
        len(missing),
        10 - (min(missing) - min(acknowledged.values())) / 1000,
    )


@pytest.mark.rule("L5b")
def test_l5b_what_the_survivor_shows_is_a_beginning_of_what_was_written(new_world: New) -> None:
    world = new_world(seed=1).extended_pool()
    names = list(written(world, EXTENDED, 15, 1))

    world.destroy("region", EXTENDED)

    without_gaps(world, PRIMARY, names, 2 * SIX_MINUTES, 20)
    assert 0 < len(world.keys(PRIMARY)) < 15


@pytest.mark.rule("L5b")
def test_l5b_of_three_regions_the_survivors_agree_and_one_s_knowledge_is_enough(new_world: New) -> None:
    kept_by_one = 0
    for seed in range(4):
        world = new_world(seed=seed).extended_pool(EXTENDED, THIRD)
        world.break_link(EXTENDED, THIRD)  # so that one survivor knows more than the other
        acknowledged = written(world, EXTENDED, 12, 1.5)
        before = set(world.keys(PRIMARY)), set(world.keys(THIRD))

        world.destroy("region", EXTENDED)
        world.advance(SIX_MINUTES)

        assert world.shown(PRIMARY) == world.shown(THIRD)
        assert before[0] | before[1] <= set(world.keys(THIRD)), "what a living region showed is not lost"
        missing = set(acknowledged) - set(world.keys(THIRD))
        assert lost(world)[EXTENDED]["writes"] == len(missing)
        kept_by_one += len(before[0] - before[1])

    assert kept_by_one > 0, "else nothing was tried"


@pytest.mark.rule("L5b")
def test_l5b_what_only_another_dead_region_had_seen_is_lost_with_it(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    world.break_link(EXTENDED, PRIMARY)
    world.break_link(THIRD, PRIMARY)
    acknowledged = written(world, EXTENDED, 5, 1)
    world.advance(SIX_MINUTES)
    assert set(world.keys(THIRD)) == set(acknowledged)

    world.destroy("region", THIRD)
    world.destroy("region", EXTENDED)
    world.advance(HOUR)

    assert world.keys(PRIMARY) == []
    assert {region: item["writes"] for region, item in lost(world).items()} == {EXTENDED: 5, THIRD: 0}


@pytest.mark.rule("L5b")
def test_l5b_a_transient_outage_loses_nothing_and_says_so(world: World) -> None:
    world.extended_pool()
    written(world, EXTENDED, 5, 1)

    world.break_("region", EXTENDED, HOUR)

    assert world.status()["lost"] == []
    assert world.emulator.loss_if_removed(POOL, EXTENDED) == 0


@pytest.mark.rule("L5b")
def test_l5b_a_destroyed_region_stays_silent_and_its_clients_go_elsewhere(world: World) -> None:
    world.extended_pool()
    world.put_key("k").ok()
    world.advance(SIX_MINUTES)
    world.destroy("pool", EXTENDED)

    world.advance(30 * 24 * HOUR)

    with pytest.raises(ConnectionBroken):
        world.get_key("k", EXTENDED)
    assert world.client("australiasoutheast").answered_by() == PRIMARY
    assert world.status_of(EXTENDED)["destroyed"] is True
    assert world.status_of(PRIMARY)["destroyed"] is False


# -- L7 ----------------------------------------------------------------------------------


def lacks(world: World, region: str) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = world.status_of(region)["lacks"]
    return found


@pytest.mark.rule("L7")
def test_l7_backlog_and_lag_of_each_region_can_be_read(world: World) -> None:
    world.extended_pool()
    assert (lacks(world, PRIMARY), lacks(world, EXTENDED)) == ([], [])
    world.break_link(PRIMARY, EXTENDED, HOUR)
    world.advance(7)

    world.put_key("a", PRIMARY).ok()
    world.advance(100)
    world.put_key("b", PRIMARY).ok()
    world.put_key("c", EXTENDED).ok()
    world.advance(23.5)

    (there,), (here,) = lacks(world, EXTENDED), lacks(world, PRIMARY)
    assert (there["from"], there["writes"], there["lagSeconds"]) == (PRIMARY, 2, 123.5)
    assert (here["from"], here["writes"], here["lagSeconds"]) == (EXTENDED, 1, 23.5)
    world.advance(HOUR + SIX_MINUTES)
    assert (lacks(world, PRIMARY), lacks(world, EXTENDED)) == ([], [])


@pytest.mark.rule("L7")
def test_l7_with_three_regions_the_backlog_is_told_by_sender_and_receiver(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    for other in (PRIMARY, THIRD):
        world.break_link(EXTENDED, other, HOUR)
    for region, count in ((PRIMARY, 1), (EXTENDED, 2), (THIRD, 3)):
        for number in range(count):
            world.put_key(f"{region}{number}", region).ok()
    world.advance(SIX_MINUTES)

    seen = {
        (item["from"], region["name"]): item["writes"]
        for region in world.status()["regions"]
        for item in region["lacks"]
    }
    assert seen == {
        (EXTENDED, PRIMARY): 2, (EXTENDED, THIRD): 2, (PRIMARY, EXTENDED): 1, (THIRD, EXTENDED): 3,
    }  # fmt: skip


@pytest.mark.rule("L7")
def test_l7_the_lag_of_a_revoked_right_is_told_by_itself(world: World) -> None:
    world.extended_pool()
    world.assign(CRYPTO_AUDITOR, OTHER, name=ASSIGNMENT, region=PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED, HOUR)
    world.assign(CRYPTO_AUDITOR, OTHER, "/keys", region=PRIMARY).ok()
    world.advance(50)
    (before,) = lacks(world, EXTENDED)

    world.data("DELETE", f"{ASSIGNMENTS}/{ASSIGNMENT}", region=PRIMARY).ok()
    world.advance(70)

    (after,) = lacks(world, EXTENDED)
    assert (before["revokedRights"], before["revokedRightsLagSeconds"]) == (0, 0)
    assert (after["revokedRights"], after["revokedRightsLagSeconds"], after["lagSeconds"]) == (1, 70, 120)
    assert world.data("GET", "/keys", region=EXTENDED, who=OTHER).status == 200, "that is what it warns of"
    assert world.get_key("k", EXTENDED, OTHER).status == 404
    assert world.data("GET", ASSIGNMENTS, region=PRIMARY, who=OTHER).status == 403


@pytest.mark.rule("L7")
def test_l7_the_last_applied_write_of_every_region_can_be_read(world: World) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED, HOUR)
    world.put_key("old", EXTENDED).ok()
    first = world.status()["time"]
    world.advance(90)
    world.put_key("new", PRIMARY).ok()
    second = world.status()["time"]

    assert world.status_of(EXTENDED)["lastAppliedWrite"] == first
    assert world.status_of(PRIMARY)["lastAppliedWrite"] == second
    world.advance(HOUR + SIX_MINUTES)
    assert world.status_of(EXTENDED)["lastAppliedWrite"] == second


@pytest.mark.rule("L7")
def test_l7_what_will_never_come_from_a_destroyed_region_is_lost_and_no_backlog(world: World) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED)
    world.put_key("k", EXTENDED).ok()
    world.put_key("here", PRIMARY).ok()
    (before,) = lacks(world, PRIMARY)
    assert (before["from"], before["writes"]) == (EXTENDED, 1), "a link may come back"

    world.destroy("region", EXTENDED)
    world.advance(60)

    assert (lacks(world, PRIMARY), lacks(world, EXTENDED)) == ([], [])
    assert [(one["region"], one["writes"]) for one in world.status()["lost"]] == [(EXTENDED, 1)]
    assert world.emulator.replication(POOL) == (True, 0, 0, 1)
    assert world.emulator.replication(POOL, "k") == (True, 0, 0, 1)
    assert world.emulator.replication(POOL, "here") == (True, 0, 0, 0)


@pytest.mark.rule("L7")
def test_l7_what_others_send_on_for_a_destroyed_region_is_backlog_still(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    outage = world.break_link(EXTENDED, PRIMARY)
    world.put_key("k", EXTENDED).ok()
    world.advance(SIX_MINUTES)
    world.break_link(THIRD, PRIMARY)

    world.destroy("pool", EXTENDED)
    world.clear(outage)
    world.advance(60)

    (lack,) = lacks(world, PRIMARY)
    assert (lack["from"], lack["writes"], lack["fromDestroyed"]) == (EXTENDED, 1, True)
    assert [one["writes"] for one in world.status()["lost"]] == [0]
    assert world.emulator.replication(POOL)[:2] == world.emulator.replication(POOL, "k")[:2] == (False, 1)


# -- L6: what is reported --------------------------------------------------------------------


def two_writes_of_one_assignment(world: World) -> None:
    """Concurrent, both acknowledged; the second has the higher stamp."""
    world.break_link(PRIMARY, EXTENDED, HOUR)
    world.assign(CRYPTO_AUDITOR, OTHER, name=ASSIGNMENT, region=PRIMARY).ok()
    world.advance(30)
    world.assign(CRYPTO_AUDITOR, OTHER, "/keys", name=ASSIGNMENT, region=EXTENDED).ok()


@pytest.mark.rule("L6")
def test_l6_with_the_link_down_both_are_acknowledged_and_one_wins_everywhere(world: World) -> None:
    world.extended_pool()

    two_writes_of_one_assignment(world)
    before = world.shown(PRIMARY) == world.shown(EXTENDED)
    world.advance(HOUR + SIX_MINUTES)

    assert not before
    assert world.shown(PRIMARY) == world.shown(EXTENDED)
    body = world.data("GET", f"{ASSIGNMENTS}/{ASSIGNMENT}", region=PRIMARY).ok().body
    assert body["properties"]["scope"] == "/keys"


@pytest.mark.rule("L6")
def test_l6_the_loser_is_reported_superseded_in_events_status_and_metrics(world: World) -> None:
    world.extended_pool()
    assert (world.status()["conflicts"], world.status()["superseded"]) == (0, 0)
    first = world.now

    two_writes_of_one_assignment(world)

    (superseded,) = world.events("superseded")
    assert superseded["object"] == ASSIGNMENT and superseded["object_kind"] == "role_assignment"
    assert (superseded["origin"], superseded["accepted"]) == (PRIMARY, first)
    streamed = [event["kind"] for event in world.stream()[0]]
    assert streamed.count("superseded") == streamed.count("conflict") == 1
    assert (world.status()["conflicts"], world.status()["superseded"]) == (1, 1)
    metrics = world.metrics()
    assert metrics["mhsm_conflicts_total"] == {(("pool", POOL),): 1}
    assert metrics["mhsm_superseded_writes_total"] == {(("pool", POOL),): 1}


@pytest.mark.rule("L6")
def test_l6_conflicts_are_counted_one_for_each_pair(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED, HOUR)

    for number in range(3):
        world.data("PATCH", "/keys/k", {"tags": {"n": f"p{number}"}}, region=PRIMARY).ok()
        world.advance(1)
    world.data("PATCH", "/keys/k", {"tags": {"n": "e"}}, region=EXTENDED).ok()

    assert world.status()["conflicts"] == len(world.events("conflict")) == 3
    assert {event["origin"] for event in world.events("conflict")} == {EXTENDED}


@pytest.mark.rule("L6")
@pytest.mark.parametrize("fault_in", [PRIMARY, EXTENDED])
def test_l6_a_wrong_clock_shifts_stamps_and_neither_visibility_nor_tokens(
    world: World, fault_in: str
) -> None:
    world.extended_pool()
    skewed, other = fault_in, EXTENDED if fault_in == PRIMARY else PRIMARY
    token = world.token("owner")
    world.break_("region", skewed, HOUR, effect="skew", milliseconds=2 * HOUR * 1000)

    world.put_key("k", skewed).ok()

    row = next(row for row in world.rows(skewed) if row.name == "k")
    assert row.stamp.hlc >> 16 == world.now + 2 * HOUR * 1000
    assert row.visible_from == row.accepted == world.now
    assert world.now < arrivals(world, other, ["k"])[0] <= world.now + SIX_MINUTES * 1000
    assert world.data("GET", "/keys/k", region=skewed, who=None, token=token).status == 200
    made = world.get_key("k", skewed).body["attributes"]["created"]
    assert made == world.now // 1000


@pytest.mark.rule("L6")
@pytest.mark.parametrize("days", [365, -365])
def test_l6_a_region_whose_clock_is_as_wrong_as_it_can_be_still_takes_writes(world: World, days: int) -> None:
    world.extended_pool()
    world.inject(scope="region", region=PRIMARY, effect="skew", milliseconds=days * DAY * 1000).ok()

    world.put_key("k", PRIMARY).ok()

    assert world.now < arrivals(world, EXTENDED, ["k"])[0] <= world.now + SIX_MINUTES * 1000


@pytest.mark.rule("L6")
@pytest.mark.parametrize(("shift", "winner"), [(0, "late"), (-60_000, "early"), (60_000, "late")])
def test_l6_a_clock_that_is_behind_lets_the_later_write_lose(world: World, shift: int, winner: str) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED, HOUR)
    if shift:
        world.break_("region", EXTENDED, HOUR, effect="skew", milliseconds=shift)

    world.data("PATCH", "/keys/k", {"tags": {"by": "early"}}, region=PRIMARY).ok()
    world.advance(5)
    world.data("PATCH", "/keys/k", {"tags": {"by": "late"}}, region=EXTENDED).ok()
    world.advance(HOUR + SIX_MINUTES)

    tags: Set[str] = {world.get_key("k", region).body["tags"]["by"] for region in (PRIMARY, EXTENDED)}
    assert tags == {winner}
    (superseded,) = world.events("superseded")
    assert superseded["origin"] == (PRIMARY if winner == "late" else EXTENDED)
