"""L1 to L6 and L5b: what clients of two regions see, and the model's own functions by example."""

from __future__ import annotations

import math
import random
import statistics
from typing import Callable, List, Tuple

import pytest

from azext_mhsmregion.model import merge, replication
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.network import Network, Outage, arrival
from azext_mhsmregion.model.replication import Kind, Row, Stamp, Write

from .harness import CRYPTO_AUDITOR, EXTENDED, OTHER, POOL, PRIMARY, SIX_MINUTES, THIRD, World
from .outages import CUSTOM, ROLES, role_body

MAX_LAG = 360_000
ASSIGNMENT = "11111111-2222-4333-8444-555555555555"


def row(kind: Kind, stamp: int, version: str = "", origin: str = "a", visible: int = 0, name: str = "k",
        body: object = None, region: str = "a", tombstone: bool = False) -> Row:  # fmt: skip
    """A row by hand; a version's body carries its first attributes."""
    made = {"attributes": {"made": stamp}} if kind is Kind.KEY_VERSION else {"set": stamp}
    return Row(region, kind, name, version, Stamp(stamp, origin), 0, 0, visible, tombstone, body or made)  # type: ignore[arg-type]


# -- L1, L2 -----------------------------------------------------------------------------


@pytest.mark.rule("L1")
@pytest.mark.parametrize(("here", "there"), [(PRIMARY, EXTENDED), (EXTENDED, PRIMARY)])
def test_l1_a_write_is_visible_in_the_other_region_after_six_minutes(
    world: World, here: str, there: str
) -> None:
    world.extended_pool()

    world.put_key("k", here).ok()
    at_once = world.get_key("k", there).status
    world.advance(SIX_MINUTES)

    assert at_once == 404
    assert world.get_key("k", there).status == 200


@pytest.mark.rule("L1")
def test_l1_holds_for_changes_and_deletes_and_rights_alike(world: World) -> None:
    world.extended_pool()
    for name in ("k", "changed"):
        world.put_key(name, PRIMARY).ok()
    world.data("PUT", f"{ROLES}/{CUSTOM}", role_body("before"), region=PRIMARY).ok()
    world.advance(SIX_MINUTES)

    def tags_and_role() -> Tuple[object, object]:
        role = world.data("GET", f"{ROLES}/{CUSTOM}", region=PRIMARY).ok().body
        return world.get_key("changed", PRIMARY).ok().body.get("tags"), role["properties"]["roleName"]

    world.data("DELETE", "/keys/k", region=EXTENDED).ok()
    world.data("PATCH", "/keys/changed", {"tags": {"a": "b"}}, region=EXTENDED).ok()
    world.data("PUT", f"{ROLES}/{CUSTOM}", role_body("after"), region=EXTENDED).ok()
    world.assign(CRYPTO_AUDITOR, OTHER, region=EXTENDED).ok()
    before = world.get_key("k", PRIMARY).status, world.get_key("k", PRIMARY, OTHER).status
    not_yet = tags_and_role()
    world.advance(SIX_MINUTES)

    assert before == (200, 403)
    assert (not_yet, tags_and_role()) == ((None, "before"), ({"a": "b"}, "after"))
    assert world.get_key("k", PRIMARY).status == 404
    assert world.data("GET", "/deletedkeys/k", region=PRIMARY, who=OTHER).status == 200


@pytest.mark.rule("L1")
def test_l1_a_burst_of_writes_is_not_later_than_a_single_one(world: World) -> None:
    world.extended_pool()

    for number in range(30):
        world.put_key(f"k{number}", PRIMARY).ok()
        world.advance(0.1)

    burst = [row for row in world.rows(EXTENDED) if row.name.startswith("k")]
    assert len(burst) == 30
    assert not [row for row in burst if row.visible_from - row.accepted > MAX_LAG]


@pytest.mark.rule("L2")
def test_l2_lags_are_log_normal_with_a_median_of_a_72nd_and_cut_at_the_maximum() -> None:
    source = random.Random(1)

    lags = [replication.draw_lag(source, MAX_LAG) for _ in range(20_000)]

    assert min(lags) > 0 and max(lags) <= MAX_LAG
    assert statistics.median(lags) == pytest.approx(5_000, rel=0.05)
    logs = [math.log(lag) for lag in lags if lag < MAX_LAG]
    assert statistics.fmean(logs) == pytest.approx(math.log(5_000), abs=0.05)
    assert statistics.stdev(logs) == pytest.approx(1, abs=0.05)


@pytest.mark.rule("L2")
def test_l2_no_lag_is_above_the_maximum_however_unlikely_the_draw() -> None:
    class Unlucky:
        def gauss(self, mu: float, sigma: float) -> float:
            return mu + 9 * sigma

    assert replication.draw_lag(Unlucky(), MAX_LAG) == MAX_LAG
    assert replication.draw_lag(Unlucky(), 2_000) == 2_000


@pytest.mark.rule("L2")
def test_l2_a_draw_in_the_middle_is_the_median_which_is_a_millisecond_at_least() -> None:
    class Plain:
        def gauss(self, mu: float, sigma: float) -> float:
            return mu + 1e-9

    assert [replication.draw_lag(Plain(), longest) for longest in (MAX_LAG, 720, 72, 3)] == [5_000, 10, 1, 1]


@pytest.mark.rule("L2")
def test_l2_the_same_seed_gives_the_same_lags_and_another_seed_others(
    new_world: Callable[..., World],
) -> None:
    def lags(seed: int) -> List[int]:
        world = new_world(seed=seed).extended_pool()
        for number in range(8):
            world.put_key(f"k{number}").ok()
        return [row.lag for row in sorted(world.rows(PRIMARY), key=lambda row: row.stamp)]

    assert lags(3) == lags(3)
    assert lags(3) != lags(4)


@pytest.mark.rule("L2")
def test_l2_each_write_draws_a_lag_of_its_own(world: World) -> None:
    world.extended_pool()

    for number in range(12):
        world.put_key(f"k{number}").ok()

    drawn = [row.lag for row in world.rows(EXTENDED) if row.name.startswith("k")]
    assert len(set(drawn)) == 12
    assert all(0 < lag <= MAX_LAG for lag in drawn)


# -- L3, L4, L5 ------------------------------------------------------------------------------


@pytest.mark.rule("L3")
def test_l3_own_writes_show_at_once_and_reach_the_other_region_in_order_without_gaps(world: World) -> None:
    world.extended_pool()
    names = [f"k{number:02}" for number in range(12)]
    for name in names:
        world.put_key(name, EXTENDED).ok()
        assert world.get_key(name, EXTENDED).status == 200
        world.advance(1)

    seen = []
    for _ in range(SIX_MINUTES):
        shown = world.keys(PRIMARY)
        assert shown == names[: len(shown)]
        seen.append(len(shown))
        world.advance(1)

    assert seen[-1] == 12 and len(set(seen)) > 2


@pytest.mark.rule("L4")
def test_l4_six_minutes_after_writes_in_both_regions_they_agree_byte_for_byte(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    world.put_key("a", PRIMARY).ok()
    world.put_key("a", EXTENDED).ok()
    world.put_key("b", THIRD).ok()
    world.assign(CRYPTO_AUDITOR, OTHER, region=EXTENDED).ok()
    world.data("DELETE", "/keys/a", region=PRIMARY).ok()
    agreed = world.shown(PRIMARY) == world.shown(EXTENDED)

    world.advance(SIX_MINUTES)

    assert not agreed
    assert world.shown(PRIMARY) == world.shown(EXTENDED) == world.shown(THIRD)
    assert world.emulator.replication(POOL)[:2] == (True, 0)


@pytest.mark.rule("L5")
def test_l5_writes_wait_for_a_broken_link_and_arrive_within_six_minutes_of_its_return(world: World) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED, 3600)
    world.put_key("here", PRIMARY).ok()
    world.put_key("there", EXTENDED).ok()

    world.advance(3600 - 1)
    meanwhile = world.keys(PRIMARY), world.keys(EXTENDED)
    world.advance(1 + SIX_MINUTES)

    assert meanwhile == (["here"], ["there"])
    assert world.keys(PRIMARY) == world.keys(EXTENDED) == ["here", "there"]


@pytest.mark.rule("L5")
def test_l5_of_overlapping_outages_the_last_to_end_counts() -> None:
    outages = [Outage("a", "b", 0, 100), Outage("b", "a", 50, 300), Outage("a", "c", 0, 9_000)]

    assert arrival("a", "b", 10, 7, Network(tuple(outages))) == 307
    assert arrival("b", "a", 10, 7, Network(tuple(reversed(outages)))) == 307
    assert arrival("a", "b", 301, 7, Network(tuple(outages))) == 308


@pytest.mark.rule("L5")
def test_l5_an_outage_that_begins_while_a_write_is_under_way_holds_it() -> None:
    outages = [Outage("a", "b", 50, 100)]

    assert arrival("a", "b", 10, 60, Network(tuple(outages))) == 160
    assert arrival("a", "b", 10, 40, Network(tuple(outages))) == 50
    assert arrival("a", "b", 10, 60, Network((Outage("a", "b", 50, NEVER),))) == NEVER
    assert arrival("a", "b", 50, 0, Network((Outage("a", "b", 50, 90),))) == 90, "no lag at all"


# -- L5b ---------------------------------------------------------------------------------------


@pytest.mark.rule("L5b")
def test_l5b_a_link_with_no_planned_end_leaves_a_tail_that_is_counted(world: World) -> None:
    world.extended_pool()
    world.put_key("sent", EXTENDED).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED, None)

    world.put_key("lost", EXTENDED).ok()
    world.put_key("kept", PRIMARY).ok()

    assert world.emulator.loss_if_removed(POOL, EXTENDED) == 1
    assert [item.name for item in world.rows(PRIMARY) if item.visible_from == NEVER] == ["lost"]


@pytest.mark.rule("L5b")
def test_l5b_a_transient_outage_loses_nothing(world: World) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED, 3600)

    world.put_key("waits", EXTENDED).ok()

    assert world.emulator.loss_if_removed(POOL, EXTENDED) == 0


# -- L6 -----------------------------------------------------------------------------------------


@pytest.mark.rule("L6")
def test_l6_key_versions_are_only_added_and_the_highest_stamp_is_current(world: World) -> None:
    world.extended_pool()
    first = world.put_key("k", PRIMARY).ok().body["key"]["kid"]
    world.advance(0.001)
    second = world.put_key("k", EXTENDED).ok().body["key"]["kid"]

    world.advance(SIX_MINUTES)

    for region in (PRIMARY, EXTENDED):
        listed = world.data("GET", "/keys/k/versions", region=region).ok().body["value"]
        assert [item["kid"] for item in listed] == [first, second]
        assert world.get_key("k", region).body["key"]["kid"] == second
    assert world.events("conflict") == []


@pytest.mark.rule("L6")
def test_l6_two_writes_of_one_assignment_conflict_and_the_later_stamp_wins_in_both(world: World) -> None:
    world.extended_pool()
    world.assign(CRYPTO_AUDITOR, OTHER, name=ASSIGNMENT, region=PRIMARY).ok()
    world.advance(0.001)
    world.assign(CRYPTO_AUDITOR, OTHER, "/keys", name=ASSIGNMENT, region=EXTENDED).ok()

    world.advance(SIX_MINUTES)

    path = f"/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT}"
    for region in (PRIMARY, EXTENDED):
        assert world.data("GET", path, region=region).ok().body["properties"]["scope"] == "/keys"
    (conflict,) = world.events("conflict")
    assert (conflict["origin"], conflict["other_origin"]) == (EXTENDED, PRIMARY)
    assert conflict["object"] == ASSIGNMENT and conflict["object_kind"] == "role_assignment"


@pytest.mark.rule("L6")
def test_l6_a_write_that_has_seen_the_other_is_no_conflict(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)

    world.data("DELETE", "/keys/k", region=EXTENDED).ok()
    world.advance(SIX_MINUTES)
    world.data("POST", "/deletedkeys/k/recover", region=PRIMARY).ok()

    assert world.events("conflict") == []


@pytest.mark.rule("L6")
def test_l6_two_deletes_of_a_key_conflict_whatever_version_each_region_had_as_current(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.put_key("k", EXTENDED).ok()

    world.data("DELETE", "/keys/k", region=PRIMARY).ok()
    world.data("DELETE", "/keys/k", region=EXTENDED).ok()

    told = [(event["object_kind"], event["other_kind"]) for event in world.events("conflict")]
    assert told == [("key_state", "key_version"), ("key_state", "key_state")]


@pytest.mark.rule("L6")
def test_l6_a_version_made_above_a_purge_survives_as_a_new_key(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.data("DELETE", "/keys/k", region=PRIMARY).ok()
    world.data("DELETE", "/deletedkeys/k", region=PRIMARY).ok()
    world.advance(0.001)
    made = world.put_key("k", EXTENDED).ok().body["key"]["kid"]

    world.advance(SIX_MINUTES)

    assert world.shown(PRIMARY) == world.shown(EXTENDED)
    listed = world.data("GET", "/keys/k/versions", region=PRIMARY).ok().body["value"]
    assert [item["kid"] for item in listed] == [made]


@pytest.mark.rule("L6")
@pytest.mark.parametrize("first", ["delete", "create"])
def test_l6_a_version_that_is_made_while_its_key_is_deleted_elsewhere_is_a_conflict_and_can_be_recovered(
    world: World, first: str
) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    for step in (first, "create" if first == "delete" else "delete"):
        if step == "delete":
            world.data("DELETE", "/keys/k", region=PRIMARY).ok()
        else:
            made = world.put_key("k", EXTENDED).ok().body["key"]["kid"]
        world.advance(0.001)

    world.advance(SIX_MINUTES)

    assert world.get_key("k", EXTENDED).status == 404
    (conflict,) = world.events("conflict")
    kinds = ["key_version", "key_state"] if first == "delete" else ["key_state", "key_version"]
    assert [conflict["object_kind"], conflict["other_kind"]] == kinds
    world.data("POST", "/deletedkeys/k/recover", region=EXTENDED).ok()
    assert world.get_key("k", EXTENDED).ok().body["key"]["kid"] == made


@pytest.mark.rule("L6")
def test_l6_a_version_that_is_made_while_its_key_is_recovered_elsewhere_is_no_conflict(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.data("DELETE", "/keys/k", region=PRIMARY).ok()
    world.data("POST", "/deletedkeys/k/recover", region=PRIMARY).ok()
    before = len(world.events("conflict"))
    world.put_key("k", EXTENDED).ok()

    assert len(world.events("conflict")) == before + 1, "with the delete, not with the recovery"


KEPT = row(Kind.KEY_VERSION, 30, "v2")
PURGED = (row(Kind.KEY_VERSION, 10, "v1"), row(Kind.KEY_STATE, 20, "v1", body={"deleted": 1}))
PURGE = row(Kind.KEY_PURGE, 25)


@pytest.mark.rule("L6")
@pytest.mark.parametrize("kind", [Kind.KEY_ATTRIBUTES, Kind.KEY_STATE])
def test_l6_what_hangs_on_a_purged_version_is_superseded_whatever_its_stamp(kind: Kind) -> None:
    late = row(kind, 99, "v1", origin="b")
    rows = [*PURGED, PURGE, KEPT, late]

    key = merge.objects(rows).keys["k"]

    assert [item.version for item in key.versions] == ["v2"]
    assert key.state == {} and key.current.attributes == {"made": 30}
    expected = {(*item.object, item.stamp) for item in (*PURGED, late)}
    assert merge.superseded(rows) == expected


@pytest.mark.rule("L6")
@pytest.mark.parametrize("kind", [Kind.KEY_ATTRIBUTES, Kind.KEY_STATE])
def test_l6_a_row_whose_version_has_not_arrived_is_not_shown_and_not_lost(kind: Kind) -> None:
    early = row(kind, 40, "v9", origin="b")

    assert merge.objects([early]).keys == {}
    assert merge.superseded([early]) == frozenset()
    key = merge.objects([early, row(Kind.KEY_VERSION, 39, "v9", origin="b")]).keys["k"]
    assert {"set": 40} in (key.state, key.current.attributes)


@pytest.mark.rule("L6")
def test_l6_a_policy_whose_version_has_not_arrived_waits_unless_a_purge_ends_it() -> None:
    old, early = (row(Kind.KEY_ATTRIBUTES, stamp, merge.policy_of("v9"), origin="b") for stamp in (20, 40))

    assert merge.superseded([early]) == merge.superseded([PURGE, early]) == frozenset()
    assert merge.superseded([PURGE, old]) == {(*old.object, old.stamp)}
    key = merge.objects([PURGE, early, row(Kind.KEY_VERSION, 39, "v9", origin="b")]).keys["k"]
    assert key.policy == {"set": 40}


@pytest.mark.rule("L6")
def test_l6_a_restored_version_does_not_inherit_the_state_that_was_purged() -> None:
    restored = row(Kind.KEY_VERSION, 50, "v1")
    old = row(Kind.KEY_ATTRIBUTES, 15, "v1")

    key = merge.objects([*PURGED, old, PURGE, restored]).keys["k"]

    assert key.state == {}
    assert key.current.attributes == {"made": 50}


@pytest.mark.rule("L6")
def test_l6_a_key_has_one_state_whatever_version_it_hangs_on() -> None:
    versions = [row(Kind.KEY_VERSION, 1, "v1"), row(Kind.KEY_VERSION, 2, "v2")]
    lower, higher = (
        row(Kind.KEY_STATE, 3, "v2", body={"deleted": 3}),
        row(Kind.KEY_STATE, 4, "v1", body={"n": 4}),
    )

    assert merge.objects([*versions, lower, higher]).keys["k"].state == {"n": 4}
    assert merge.superseded([*versions, lower, higher]) == {(*lower.object, lower.stamp)}


@pytest.mark.rule("L6")
def test_l6_a_key_has_one_rotation_policy_whatever_version_it_hangs_on() -> None:
    versions = [row(Kind.KEY_VERSION, 1, "v1"), row(Kind.KEY_VERSION, 2, "v2")]
    lower, higher = (
        row(Kind.KEY_ATTRIBUTES, stamp, merge.policy_of(version), body={"policy": stamp})
        for stamp, version in ((3, "v2"), (4, "v1"))
    )

    assert merge.objects([*versions, lower, higher]).keys["k"].policy == {"policy": 4}
    assert merge.superseded([*versions, lower, higher]) == {(*lower.object, lower.stamp)}


DELETED = {"deleted": 1, "purge_at": 2}


@pytest.mark.rule("L6")
@pytest.mark.parametrize(
    ("write", "other", "clash"),
    [
        (Write(Kind.SETTING, "k"), row(Kind.SETTING, 1), True),
        (Write(Kind.SETTING, "k"), row(Kind.SETTING, 1, name="other"), False),
        (Write(Kind.SETTING, "k"), row(Kind.ROLE_DEFINITION, 1), False),
        (Write(Kind.KEY_VERSION, "k", "v1"), row(Kind.KEY_VERSION, 1, "v2"), False),
        (Write(Kind.KEY_VERSION, "k", "v1"), row(Kind.KEY_VERSION, 1, "v1"), False),
        (Write(Kind.KEY_ATTRIBUTES, "k", "v1"), row(Kind.KEY_ATTRIBUTES, 1, "v1"), True),
        (Write(Kind.KEY_ATTRIBUTES, "k", "v1"), row(Kind.KEY_ATTRIBUTES, 1, "v2"), False),
        (Write(Kind.KEY_STATE, "k", "v1"), row(Kind.KEY_STATE, 1, "v2"), True),
        (Write(Kind.KEY_STATE, "k", "v1", DELETED), row(Kind.KEY_VERSION, 1, "v2"), True),
        (Write(Kind.KEY_STATE, "k", "v1"), row(Kind.KEY_VERSION, 1, "v2"), False),
        (Write(Kind.KEY_VERSION, "k", "v2"), row(Kind.KEY_STATE, 1, "v1", body=DELETED), True),
        (Write(Kind.KEY_VERSION, "k", "v2"), row(Kind.KEY_STATE, 1, "v1", body={"recovered": 1}), False),
    ],
)
def test_l6_what_conflicts_with_what_is_not_seen_yet_and_with_nothing_that_is(
    write: Write, other: Row, clash: bool
) -> None:
    unseen, seen = other._replace(visible_from=101), other._replace(visible_from=100)

    assert replication.conflicts(write, [unseen, seen], 100) == ((unseen,) if clash else ())


@pytest.mark.rule("L6")
def test_l6_objects_are_in_the_order_of_their_names_whatever_came_first() -> None:
    rows = [row(Kind.SETTING, stamp, name=name) for stamp, name in enumerate("bca")]

    assert list(merge.objects(rows).settings) == ["a", "b", "c"]


@pytest.mark.rule("L6")
def test_l6_equal_times_are_told_apart_by_their_origin() -> None:
    one = row(Kind.SETTING, 5, origin="a", body={"by": "a"})
    other = row(Kind.SETTING, 5, origin="b", body={"by": "b"})

    for rows in ([one, other], [other, one]):
        assert merge.objects(rows).settings == {"k": {"by": "b"}}


@pytest.mark.rule("L6")
def test_l6_a_stamp_is_above_its_time_and_above_everything_seen() -> None:
    def check(now: int, seen: int) -> Tuple[bool, bool]:
        made = replication.next_hlc(now, seen)
        return made > seen, made >> 16 >= now

    assert check(1_000, 0) == check(1_000, 2_000 << 16) == check(1_000, (1_000 << 16) + 7) == (True, True)
