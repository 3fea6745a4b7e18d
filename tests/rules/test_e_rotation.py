"""E8: rotation on demand, rotation policies, and rotations that are due: made once, by the primary, else by
the oldest living region, dated when they were due; L6 and L1 for policies."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from azext_mhsmregion.model.clock import SECOND
from azext_mhsmregion.model.spans import span

from .harness import (
    CRYPTO_AUDITOR,
    DAY,
    EXTENDED,
    OTHER,
    PRIMARY,
    SIX_MINUTES,
    THIRD,
    Answer,
    World,
)

BOTH = (PRIMARY, EXTENDED)


def policy(
    after: Optional[str] = None,
    before: Optional[str] = None,
    expiry: Optional[str] = "P1Y",
    kind: str = "rotate",
) -> Dict[str, Any]:
    trigger = {"timeAfterCreate": after, "timeBeforeExpiry": before}
    return {
        "lifetimeActions": [{"trigger": trigger, "action": {"type": kind}}],
        "attributes": {"expiryTime": expiry},
    }


def put_policy(world: World, name: str, body: Any, region: str = "", who: str = "owner") -> Answer:
    return world.data("PUT", f"/keys/{name}/rotationpolicy", body, region=region, who=who)


def get_policy(world: World, name: str, region: str = "") -> Any:
    return world.data("GET", f"/keys/{name}/rotationpolicy", region=region).ok().body


def rotate(world: World, name: str, region: str = "", who: str = "owner") -> Answer:
    return world.data("POST", f"/keys/{name}/rotate", region=region, who=who)


def created(world: World, name: str, region: str = "") -> List[int]:
    """When the versions of a key were made, as a region lists them."""
    answer = world.data("GET", f"/keys/{name}/versions", region=region).ok().body
    listed: List[Any] = answer["value"]
    while answer.get("nextLink"):
        link = urlsplit(answer["nextLink"])
        answer = world.call("GET", link.netloc, link.path, query=dict(parse_qsl(link.query))).ok().body
        listed += answer["value"]
    return sorted(item["attributes"]["created"] for item in listed)


def origins(world: World, region: str = PRIMARY) -> List[str]:
    """The regions that made the key versions, in the order of their stamps."""
    rows = [row for row in world.rows(region) if row.kind.value == "key_version"]
    return [row.stamp.origin for row in sorted(rows, key=lambda row: row.stamp)]


def with_key(world: World, body: Dict[str, Any], *extended: str, **more: Any) -> int:
    """A key with a policy in an extended pool, seen everywhere; when it was made, in seconds."""
    world.extended_pool(*extended)
    world.put_key("k", PRIMARY, **more).ok()
    put_policy(world, "k", body, PRIMARY).ok()
    made = created(world, "k", PRIMARY)[0]
    world.advance(SIX_MINUTES)
    return made


# -- on demand --------------------------------------------------------------------------------


@pytest.mark.rule("E8")
def test_e8_a_rotation_makes_a_version_of_the_same_kind_that_expires_by_the_policy(world: World) -> None:
    world.active_pool()
    old = (
        world.put_key("k", kty="RSA-HSM", crv=None, key_size=2048, key_ops=["sign"], tags={"a": "1"})
        .ok()
        .body
    )
    put_policy(world, "k", policy("P90D", expiry="P2Y")).ok()

    new = rotate(world, "k").ok().body

    assert new == world.get_key("k").ok().body
    assert new["key"]["kid"] != old["key"]["kid"] and new["key"]["n"] != old["key"]["n"]
    assert len(new["key"]["n"]) == len(old["key"]["n"])
    assert (new["key"]["kty"], new["key"]["key_ops"], new["tags"]) == ("RSA-HSM", ["sign"], {"a": "1"})
    assert (new["attributes"]["enabled"], "exp" in old["attributes"]) == (True, False)
    begun = datetime.fromtimestamp(world.now // SECOND, timezone.utc)
    assert new["attributes"]["exp"] == begun.replace(year=begun.year + 2).timestamp()


@pytest.mark.rule("E8")
def test_e8_the_new_version_is_used_from_now_on_and_the_old_one_still_verifies(world: World) -> None:
    world.active_pool()
    old = world.put_key("k").ok().body["key"]["kid"]
    signed = world.sign("k").ok().body["value"]
    put_policy(world, "k", policy("P90D")).ok()

    new = rotate(world, "k").ok().body["key"]["kid"]

    assert world.sign("k").ok().body["kid"] == new
    path = old.partition(".net")[2] + "/verify"
    verdict = world.data("POST", path, {"alg": "ES256", "digest": "A" * 43, "value": signed}).ok().body
    assert verdict["value"] is True


@pytest.mark.rule("E8")
def test_e8_a_key_without_a_policy_one_that_is_disabled_and_none_are_not_rotated(world: World) -> None:
    world.active_pool()
    for name in ("bare", "off", "blank"):
        world.put_key(name).ok()
    put_policy(world, "off", policy("P90D")).ok()
    put_policy(world, "blank", policy("P90D")).ok()
    put_policy(world, "blank", {"lifetimeActions": [], "attributes": {}}).ok()
    world.data("PATCH", "/keys/off", {"attributes": {"enabled": False}}).ok()

    answers = [rotate(world, name) for name in ("bare", "blank", "off", "none")]

    assert [answer.status for answer in answers] == [400, 400, 403, 404]
    assert [answer.code for answer in answers] == [
        "BadParameter",
        "BadParameter",
        "KeyDisabled",
        "KeyNotFound",
    ]
    assert len(created(world, "bare")) == len(created(world, "off")) == 1


@pytest.mark.rule("E8")
def test_e8_rotating_and_setting_a_policy_need_their_rights(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.assign(CRYPTO_AUDITOR, OTHER).ok()

    refused = [rotate(world, "k", who=OTHER), put_policy(world, "k", policy("P90D"), who=OTHER)]

    assert [answer.status for answer in refused] == [403, 403]
    assert "keys/rotate/action" in refused[0].message and "keys/write/action" in refused[1].message
    assert world.data("GET", "/keys/k/rotationpolicy", who=OTHER).status == 200


# -- the policy -------------------------------------------------------------------------------


@pytest.mark.rule("E8")
def test_e8_a_policy_is_shown_as_it_was_set_and_none_is_there_before(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    url = "https://contosomhsm.managedhsm.azure.net/keys/k/rotationpolicy"

    before = get_policy(world, "k")
    first = put_policy(world, "k", policy("P18M", expiry="P2Y")).ok().body
    world.advance(100)
    second = put_policy(world, "k", policy(before="P28D", expiry="P1Y", kind="ROTATE")).ok().body

    assert before == {"id": url, "lifetimeActions": [], "attributes": {"expiryTime": None}}
    assert first["lifetimeActions"] == [
        {"trigger": {"timeAfterCreate": "P18M", "timeBeforeExpiry": None}, "action": {"type": "Rotate"}}
    ]
    assert second == get_policy(world, "k")
    assert second["lifetimeActions"][0]["trigger"] == {"timeAfterCreate": None, "timeBeforeExpiry": "P28D"}
    dates = [(one["attributes"]["created"], one["attributes"]["updated"]) for one in (first, second)]
    assert dates == [(dates[0][0], dates[0][0]), (dates[0][0], dates[0][0] + 100)]


@pytest.mark.rule("E8")
@pytest.mark.parametrize(
    "body",
    [
        policy("P27D"),
        policy("PT48H"),
        policy("P"),
        policy("P90D", expiry="P27D"),
        policy("P90D", expiry=None),
        policy(before="P29D", expiry="P56D"),
        policy("P90D", "P30D"),
        policy(),
        policy("P90D", kind="Notify"),
        policy("P90D", kind="Delete"),
        {**policy("P90D"), "lifetimeActions": 2 * policy("P90D")["lifetimeActions"]},
        {"lifetimeActions": ["Rotate"]},
        {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}}]},
    ],
)
def test_e8_a_policy_that_managed_hsm_does_not_take_is_refused_and_changes_nothing(
    world: World, body: Any
) -> None:
    world.active_pool()
    world.put_key("k").ok()
    before = put_policy(world, "k", policy("P28D", expiry="P28D")).ok().body

    refused = put_policy(world, "k", body)

    assert (refused.status, refused.code) == (400, "BadParameter"), refused.body
    assert get_policy(world, "k") == before


@pytest.mark.rule("E8")
def test_e8_a_key_that_is_not_there_has_no_policy(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.data("DELETE", "/keys/k").ok()

    for name in ("k", "none"):
        assert world.data("GET", f"/keys/{name}/rotationpolicy").code == "KeyNotFound"
        assert put_policy(world, name, policy("P90D")).code == "KeyNotFound"


@pytest.mark.rule("E8")
@pytest.mark.parametrize(
    ("begin", "text", "sign", "end"),
    [
        ((2025, 1, 31), "P1M", 1, (2025, 2, 28)),
        ((2024, 2, 29), "P1Y", 1, (2025, 2, 28)),
        ((2025, 11, 30), "P3M", 1, (2026, 2, 28)),
        ((2025, 1, 1), "P1Y2M3D", 1, (2026, 3, 4)),
        ((2025, 3, 31), "P1M", -1, (2025, 2, 28)),
        ((2025, 1, 1), "P90D", -1, (2024, 10, 3)),
        ((2025, 1, 1), "P9000Y", 1, None),
    ],
)
def test_e8_durations_are_of_the_calendar(
    begin: Tuple[int, int, int], text: str, sign: int, end: Optional[Tuple[int, int, int]]
) -> None:
    def seconds(day: Tuple[int, int, int]) -> int:
        return int(datetime(*day, tzinfo=timezone.utc).timestamp())

    assert span(text, "x").after(seconds(begin), sign) == (None if end is None else seconds(end))


# -- due ----------------------------------------------------------------------------------------


@pytest.mark.rule("E8")
def test_e8_nothing_is_made_before_it_is_due_and_it_is_dated_when_it_was(world: World) -> None:
    made = with_key(world, policy("P30D"))
    due = made + 30 * DAY
    world.advance(due - world.now / SECOND - 0.001)

    before = created(world, "k", PRIMARY)
    world.advance(0.001)
    at_once = created(world, "k", PRIMARY)

    assert (before, at_once) == ([made], [made, due])


@pytest.mark.rule("E8")
@pytest.mark.parametrize("region", BOTH)
def test_e8_any_read_in_any_region_finds_it_made_in_the_primary_when_it_was_due(
    world: World, region: str
) -> None:
    made = with_key(world, policy("P30D", expiry="P60D"))
    world.advance(31 * DAY)

    shown = world.get_key("k", region).ok().body["attributes"]

    assert (shown["created"], shown["exp"]) == (made + 30 * DAY, made + 90 * DAY)
    assert origins(world) == [PRIMARY, PRIMARY]
    rows = [row for row in world.rows(EXTENDED) if row.kind.value == "key_version"]
    assert {row.visible_from >= row.accepted for row in rows} == {True}
    assert max(row.accepted for row in rows) == (made + 30 * DAY) * SECOND


@pytest.mark.rule("E8")
def test_e8_the_other_region_shows_it_after_its_lag(world: World) -> None:
    made = with_key(world, policy("P30D"))
    world.advance(made + 30 * DAY - world.now / SECOND)

    seen = {region: created(world, "k", region) for region in BOTH}
    world.advance(SIX_MINUTES)

    assert seen == {PRIMARY: [made, made + 30 * DAY], EXTENDED: [made]}
    assert created(world, "k", EXTENDED) == [made, made + 30 * DAY]
    assert world.shown(PRIMARY) == world.shown(EXTENDED)


@pytest.mark.rule("E8")
def test_e8_a_signature_is_made_with_the_version_that_is_due(world: World) -> None:
    made = with_key(world, policy("P30D"))
    world.advance(31 * DAY)

    signed = world.sign("k", EXTENDED).ok().body

    assert created(world, "k", EXTENDED) == [made, made + 30 * DAY]
    assert signed["kid"] == world.get_key("k", EXTENDED).body["key"]["kid"]


@pytest.mark.rule("E8")
def test_e8_before_expiry_counts_from_the_expiry_of_the_current_version(world: World) -> None:
    world.extended_pool()
    expires = world.now // SECOND + 100 * DAY
    world.put_key("k", PRIMARY, attributes={"exp": expires}).ok()
    world.put_key("lasting", PRIMARY).ok()
    for name in ("k", "lasting"):
        put_policy(world, name, policy(before="P28D", expiry="P60D"), PRIMARY).ok()
    world.advance(120 * DAY)

    due = [expires - 28 * DAY, expires + 4 * DAY]

    assert created(world, "k", PRIMARY)[1:] == due
    assert world.get_key("k", PRIMARY).body["attributes"]["exp"] == due[1] + 60 * DAY
    assert len(created(world, "lasting", PRIMARY)) == 1, "it never expires"


@pytest.mark.rule("E8")
def test_e8_as_many_versions_are_made_as_periods_have_passed(world: World) -> None:
    made = with_key(world, policy("P30D"))
    world.put_key("other", EXTENDED).ok()
    put_policy(world, "other", policy("P70D"), EXTENDED).ok()
    second = created(world, "other", EXTENDED)[0]
    world.advance(100 * DAY)

    world.get_key("k", EXTENDED).ok()

    assert created(world, "k", PRIMARY) == [made + 30 * DAY * count for count in range(4)]
    assert created(world, "other", PRIMARY) == [second, second + 70 * DAY]
    rows = [row for row in world.rows(EXTENDED) if row.stamp.origin == PRIMARY]
    in_order = sorted(rows, key=lambda row: row.stamp)
    assert [row.visible_from for row in in_order] == sorted(row.visible_from for row in rows), "L3"
    assert [row.accepted for row in in_order] == sorted(row.accepted for row in rows)
    assert all(row.visible_from - row.accepted <= SIX_MINUTES * SECOND for row in rows if not row.via), "L1"


@pytest.mark.rule("E8")
def test_e8_steps_of_the_clock_make_no_difference(new_world: Callable[..., World]) -> None:
    """One jump, or many with reads between."""
    seen = []
    for steps in (1, 13):
        world = new_world()
        made = with_key(world, policy("P30D"))
        for _ in range(steps):
            world.advance(130 * DAY / steps)
            world.get_key("k", EXTENDED).ok()
        seen.append([one - made for one in created(world, "k", PRIMARY)])

    assert seen == 2 * [[30 * DAY * count for count in range(5)]]


@pytest.mark.rule("E8")
def test_e8_at_the_most_versions_it_stops(world: World) -> None:
    with_key(world, policy("P28D"))
    world.advance(120 * 28 * DAY)

    assert len(created(world, "k", PRIMARY)) == 100
    assert rotate(world, "k", PRIMARY).status == 400


@pytest.mark.rule("E8")
def test_e8_neither_a_deleted_nor_a_disabled_key_is_rotated_until_it_is_back(world: World) -> None:
    made = with_key(world, policy("P30D"))
    world.put_key("gone", PRIMARY).ok()
    put_policy(world, "gone", policy("P30D"), PRIMARY).ok()
    world.data("PATCH", "/keys/k", {"attributes": {"enabled": False}}, region=PRIMARY).ok()
    world.advance(29 * DAY)
    world.data("DELETE", "/keys/gone", region=PRIMARY).ok()
    world.advance(5 * DAY)

    asleep = created(world, "k", PRIMARY)
    world.data("POST", "/deletedkeys/gone/recover", region=PRIMARY).ok()
    world.data("PATCH", "/keys/k", {"attributes": {"enabled": True}}, region=PRIMARY).ok()
    back = world.now // SECOND

    assert asleep == [made]
    assert created(world, "k", PRIMARY) == [made, back]
    assert created(world, "gone", PRIMARY)[1:] == [back]


@pytest.mark.rule("E8")
def test_e8_a_rotation_on_demand_and_a_policy_taken_away_put_off_what_was_due(world: World) -> None:
    made = with_key(world, policy("P30D"))
    world.put_key("plain", PRIMARY).ok()
    put_policy(world, "plain", policy("P30D"), PRIMARY).ok()
    world.advance(20 * DAY)
    by_hand = rotate(world, "k", PRIMARY).ok().body["attributes"]["created"]
    put_policy(world, "plain", {"lifetimeActions": [], "attributes": {}}, PRIMARY).ok()

    world.advance(29 * DAY)
    then = created(world, "k", PRIMARY)
    world.advance(2 * DAY)

    assert then == [made, by_hand]
    assert created(world, "k", PRIMARY) == [made, by_hand, by_hand + 30 * DAY]
    assert len(created(world, "plain", PRIMARY)) == 1


@pytest.mark.rule("E8")
def test_e8_a_policy_for_a_key_that_is_old_enough_already_is_due_at_once(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(50 * DAY)
    put_policy(world, "k", policy("P30D"), PRIMARY).ok()
    begun = world.now // SECOND

    assert created(world, "k", PRIMARY)[1:] == [begun]
    world.advance(29 * DAY)
    assert created(world, "k", PRIMARY)[1:] == [begun]


# -- once ---------------------------------------------------------------------------------------


@pytest.mark.rule("E8")
def test_e8_it_is_made_once_though_every_region_is_asked_at_the_same_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them have found it due and made material before the first one writes."""
    made = with_key(world, policy("P30D"), EXTENDED, THIRD)
    world.advance(31 * DAY)
    regions = (PRIMARY, EXTENDED, THIRD)
    gate = threading.Barrier(len(regions), timeout=20)
    keyring = world.emulator.keyring()
    make = keyring.make

    def make_together(asked: Any) -> Any:
        gate.wait()
        return make(asked)

    monkeypatch.setattr(keyring, "make", make_together)
    answers: List[int] = []
    threads = [
        threading.Thread(target=lambda where=region: answers.append(world.get_key("k", where).status))
        for region in regions
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200, 200, 200]
    assert created(world, "k", PRIMARY) == [made, made + 30 * DAY]
    assert len(world.events("rotated")) == 1


@pytest.mark.rule("E8")
def test_e8_while_the_primary_is_out_the_oldest_living_region_makes_it(world: World) -> None:
    made = with_key(world, policy("P30D"), EXTENDED)
    world.extend(THIRD)
    due = made + 30 * DAY
    world.advance(due - world.now / SECOND - 60)
    world.break_("region", PRIMARY, 600)
    world.advance(120)

    during = {region: created(world, "k", region) for region in (EXTENDED, THIRD)}
    world.advance(600)
    returned = created(world, "k", PRIMARY)
    world.advance(SIX_MINUTES)

    assert during[EXTENDED] == [made, due]
    assert origins(world, EXTENDED) == [PRIMARY, EXTENDED]
    assert returned in ([made], [made, due]), "it may not have arrived; another is not made"
    assert {region: created(world, "k", region) for region in (PRIMARY, EXTENDED, THIRD)} == dict.fromkeys(
        (PRIMARY, EXTENDED, THIRD), [made, due]
    )


@pytest.mark.rule("E8")
def test_e8_asked_after_the_outage_it_is_still_made_by_who_lived_when_it_was_due(world: World) -> None:
    made = with_key(world, policy("P30D"))
    due = made + 30 * DAY
    world.advance(due - world.now / SECOND - 60)
    world.break_("region", PRIMARY, 600)
    world.advance(3600)

    assert created(world, "k", PRIMARY) == [made, due]
    assert origins(world) == [PRIMARY, EXTENDED]


@pytest.mark.rule("E8")
@pytest.mark.parametrize("scope", ["pool", "service", "region"])
def test_e8_with_everything_out_it_is_made_when_the_first_region_returns(world: World, scope: str) -> None:
    made = with_key(world, policy("P30D"))
    due = made + 30 * DAY
    world.advance(due - world.now / SECOND - 60)
    world.break_(scope, PRIMARY, 900)
    back = (world.now + 300 * SECOND) // SECOND
    world.break_(scope, EXTENDED, 300)
    world.advance(3600)

    assert created(world, "k", PRIMARY) == [made, back]
    assert origins(world) == [PRIMARY, EXTENDED]


@pytest.mark.rule("E8")
def test_e8_what_a_destroyed_primary_made_and_never_sent_is_made_again(world: World) -> None:
    made = with_key(world, policy("P30D"))
    due = made + 30 * DAY
    world.advance(due - world.now / SECOND - 60)
    world.break_link(PRIMARY, EXTENDED)
    world.advance(120)
    assert created(world, "k", PRIMARY) == [made, due]

    world.destroy("region", PRIMARY)
    lost = world.now // SECOND
    world.advance(60)

    assert created(world, "k", EXTENDED) == [made, lost]


@pytest.mark.rule("E8")
def test_e8_a_region_that_is_being_removed_makes_none(world: World) -> None:
    made = with_key(world, policy("P30D"), EXTENDED, THIRD)
    due = made + 30 * DAY
    world.advance(due - world.now / SECOND - 60)
    world.hold_time_still()
    world.set_regions(THIRD).ok()
    world.break_("pool", PRIMARY, 600)
    world.advance(120)

    assert created(world, "k", THIRD) == [made, due]
    assert origins(world, THIRD) == [PRIMARY, THIRD]


@pytest.mark.rule("E8")
def test_e8_a_region_added_after_it_was_due_shows_it_too(world: World) -> None:
    made = with_key(world, policy("P30D"))
    world.advance(40 * DAY)
    world.extend(THIRD)
    world.advance(SIX_MINUTES)
    world.get_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)

    assert created(world, "k", THIRD) == [made, made + 30 * DAY]
    assert world.shown(PRIMARY) == world.shown(THIRD)


@pytest.mark.rule("E8")
def test_e8_pools_without_policies_and_without_anything_due_are_not_written_to(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    plain = world.record()
    world.advance(1000 * DAY)
    world.get_key("k", PRIMARY).ok()

    assert world.record() == plain and plain.rotation_due is None
    put_policy(world, "k", policy("P2Y", expiry="P5Y"), PRIMARY)
    world.get_key("k", PRIMARY).ok()
    revision = world.record().revision
    world.advance(100 * DAY)
    world.get_key("k", EXTENDED).ok()
    assert world.record().revision == revision


# -- L1, L6 -------------------------------------------------------------------------------------


@pytest.mark.rule("L1")
def test_l1_a_policy_and_a_rotation_are_in_the_other_region_after_six_minutes(world: World) -> None:
    world.extended_pool()
    world.put_key("k", EXTENDED).ok()
    set_there = put_policy(world, "k", policy("P90D"), EXTENDED).ok().body
    new = rotate(world, "k", EXTENDED).ok().body

    world.advance(SIX_MINUTES)

    assert get_policy(world, "k", PRIMARY) == set_there
    assert world.get_key("k", PRIMARY).ok().body == new
    assert world.shown(PRIMARY) == world.shown(EXTENDED)


@pytest.mark.rule("D5")
def test_d5_a_policy_that_did_not_know_of_a_purge_leaves_the_store_with_its_key(world: World) -> None:
    """Set in one region while the other purged the key, and stamped above that."""
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.hold_time_still()
    world.data("DELETE", "/keys/k", region=EXTENDED).ok()
    world.data("DELETE", "/deletedkeys/k", region=EXTENDED).ok()
    world.advance(0.001)
    put_policy(world, "k", policy(before="P30D"), region=PRIMARY).ok()
    world.advance(SIX_MINUTES)

    world.put_key("other", PRIMARY).ok()

    assert [row.name for region in BOTH for row in world.rows(region) if row.name == "k"] == []


@pytest.mark.rule("L6")
def test_l6_of_two_policies_the_highest_stamp_wins_everywhere_and_the_conflict_is_audited(
    world: World,
) -> None:
    world.extended_pool(EXTENDED, THIRD)
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    put_policy(world, "k", policy("P90D"), PRIMARY).ok()
    world.advance(0.001)
    later = put_policy(world, "k", policy("P120D"), EXTENDED).ok().body
    world.advance(SIX_MINUTES)

    assert [get_policy(world, "k", region) for region in (PRIMARY, EXTENDED, THIRD)] == 3 * [later]
    assert len(world.events("conflict")) == len(world.events("superseded")) == 1


@pytest.mark.rule("L6")
def test_l6_a_policy_and_attributes_changed_at_once_are_both_kept(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    set_here = put_policy(world, "k", policy("P90D"), PRIMARY).ok().body
    world.data("PATCH", "/keys/k", {"tags": {"a": "1"}}, region=EXTENDED).ok()
    world.advance(SIX_MINUTES)

    for region in BOTH:
        assert get_policy(world, "k", region) == set_here
        assert world.get_key("k", region).body["tags"] == {"a": "1"}
    assert not world.events("conflict")


@pytest.mark.rule("L6")
def test_l6_a_purge_supersedes_the_policy_whatever_its_stamp(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    put_policy(world, "k", policy("P90D"), PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.data("DELETE", "/keys/k", region=PRIMARY).ok()
    world.data("DELETE", "/deletedkeys/k", region=PRIMARY).ok()
    world.put_key("k", PRIMARY).ok()
    world.advance(0.001)
    put_policy(world, "k", policy("P120D"), EXTENDED).ok()
    world.advance(SIX_MINUTES)

    for region in BOTH:
        assert get_policy(world, "k", region)["lifetimeActions"] == []
    world.advance(200 * DAY)
    assert len(created(world, "k", PRIMARY)) == 1


@pytest.mark.rule("L6")
def test_l6_a_key_that_is_recovered_has_its_policy_again(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    before = put_policy(world, "k", policy("P90D")).ok().body
    world.data("DELETE", "/keys/k").ok()
    world.data("POST", "/deletedkeys/k/recover").ok()

    assert get_policy(world, "k") == before
