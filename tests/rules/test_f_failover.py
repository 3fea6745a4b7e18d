"""F1 to F4: the failover table of the user's document, row by row and scope by scope."""

from __future__ import annotations

from typing import Callable

import pytest

from azext_mhsmregion.emulator.wire import ConnectionBroken

from .harness import DAY, DIGEST, EXTENDED, POOL, PRIMARY, SIX_MINUTES, THIRD, Answer, World
from .outages import OUTAGES, answers, furnished, reads, refused, writes

EDITIONS = ("2025-04", "2026-04")
HOUR = 3600
FAILED_OVER = 60
"""Seconds after which everybody has noticed: more than F7's 50."""

New = Callable[..., World]


def out(world: World, scope: str, region: str) -> None:
    """Break it for an hour, and wait until everybody has noticed."""
    world.break_(scope, region, HOUR)
    world.advance(FAILED_OVER)


# -- F1 ----------------------------------------------------------------------------------


@pytest.mark.rule("F1")
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("scope", OUTAGES)
def test_f1_the_extended_region_is_out_and_the_primary_reads_and_writes(
    new_world: New, scope: str, edition: str
) -> None:
    world = furnished(new_world(edition=edition))
    calls = reads(world)

    out(world, scope, EXTENDED)

    assert refused(answers(calls, PRIMARY)) == {}
    assert refused(answers(writes(world), PRIMARY)) == {}
    assert world.client("australiaeast").answered_by() == PRIMARY


@pytest.mark.rule("F1")
@pytest.mark.parametrize("scope", OUTAGES)
def test_f1_the_control_plane_of_the_pool_goes_on(world: World, scope: str) -> None:
    world.extended_pool()

    out(world, scope, EXTENDED)

    assert world.show().status == 200
    assert world.patch(publicNetworkAccess="Disabled").status == 202


@pytest.mark.rule("F1")
def test_f1_what_was_written_meanwhile_is_in_the_extended_region_when_it_is_back(world: World) -> None:
    world.extended_pool()
    out(world, "region", EXTENDED)
    world.put_key("meanwhile").ok()

    world.advance(HOUR - FAILED_OVER + SIX_MINUTES)

    assert world.get_key("meanwhile", EXTENDED).status == 200


# -- F2 ----------------------------------------------------------------------------------


@pytest.mark.rule("F2")
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("scope", OUTAGES)
def test_f2_the_primary_is_out_and_every_read_goes_on_in_the_extended_region(
    new_world: New, scope: str, edition: str
) -> None:
    world = furnished(new_world(edition=edition))
    calls = reads(world)

    out(world, scope, PRIMARY)

    assert refused(answers(calls, EXTENDED)) == {}
    assert refused(answers(calls, "")) == {}, "by the global name, from nowhere in particular"
    assert world.client("uksouth").answered_by() == EXTENDED


@pytest.mark.rule("F2")
@pytest.mark.parametrize("scope", OUTAGES)
def test_f2_the_region_that_is_out_answers_nothing_under_its_own_name(world: World, scope: str) -> None:
    furnished(world)
    calls = reads(world)

    out(world, scope, PRIMARY)

    for name, call in calls.items():
        with pytest.raises(ConnectionBroken) as broken:
            call(PRIMARY)
        assert (broken.value.region, broken.value.effect) == (PRIMARY, "refuse"), name


@pytest.mark.rule("F2")
def test_f2_what_was_made_in_the_primary_is_opened_and_verified_in_the_extended_region(world: World) -> None:
    furnished(world)
    calls = reads(world)

    out(world, "region", PRIMARY)

    assert calls["verify"](EXTENDED).body["value"] is True
    assert calls["decrypt"](EXTENDED).body["value"] == calls["unwrap"](EXTENDED).body["value"] == DIGEST
    names = [item["kid"].rsplit("/", 1)[-1] for item in calls["list keys"](EXTENDED).body["value"]]
    assert names == ["aes", "k", "spare"]


@pytest.mark.rule("F2")
def test_f2_with_three_regions_the_nearest_that_is_left_serves(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)

    out(world, "region", EXTENDED)

    assert world.client("australiasoutheast").answered_by() == THIRD
    assert world.client("westeurope").answered_by() == PRIMARY


# -- F3 ----------------------------------------------------------------------------------


@pytest.mark.rule("F3")
@pytest.mark.parametrize(
    ("scope", "edition", "go_on"),
    [
        ("pool", "2025-04", True),
        ("service", "2025-04", False),
        ("region", "2025-04", False),
        ("pool", "2026-04", True),
        ("service", "2026-04", True),
        ("region", "2026-04", True),
    ],
)
def test_f3_the_primary_is_out_and_writes_go_on_or_not_by_scope_and_edition(
    new_world: New, scope: str, edition: str, go_on: bool
) -> None:
    world = furnished(new_world(edition=edition))
    calls = writes(world)
    before = world.shown(EXTENDED)

    out(world, scope, PRIMARY)

    seen = answers(calls, EXTENDED)
    assert refused(seen) == ({} if go_on else dict.fromkeys(calls, 503))
    assert (world.shown(EXTENDED) == before) is not go_on


@pytest.mark.rule("F3")
def test_f3_a_refused_write_says_why_and_is_not_lost_but_never_accepted(world: World) -> None:
    world.extended_pool()
    out(world, "service", PRIMARY)

    answer = world.put_key("k", EXTENDED)
    world.advance(HOUR + SIX_MINUTES)

    assert (answer.status, answer.code) == (503, "ServiceUnavailable")
    assert PRIMARY in answer.message
    assert answer.headers["x-ms-keyvault-region"] == EXTENDED
    assert (world.keys(PRIMARY), world.keys(EXTENDED)) == ([], [])
    assert world.put_key("k", EXTENDED).status == 200


@pytest.mark.rule("F3")
def test_f3_writes_are_refused_from_the_outage_on_and_not_from_its_detection(world: World) -> None:
    world.extended_pool()
    world.break_("service", PRIMARY, 10)

    at_once = world.put_key("k", EXTENDED).status
    world.advance(10)

    assert (at_once, world.put_key("k", EXTENDED).status) == (503, 200)


@pytest.mark.rule("F3")
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(("scope", "status"), [("pool", 200), ("service", 503), ("region", 503)])
def test_f3_the_control_plane_goes_by_where_the_primary_is(
    new_world: New, scope: str, status: int, edition: str
) -> None:
    world = new_world(edition=edition).extended_pool()
    world.create_pool("Elsewhere", "northeurope")

    out(world, scope, PRIMARY)
    asked = [
        world.show(),
        world.arm("GET", world.pool_path() + "/regions"),
        world.set_regions(EXTENDED),
        world.patch(publicNetworkAccess="Disabled"),
        world.delete_pool(),
        world.put_pool("Another"),
    ]

    if status == 503:
        assert [answer.status for answer in asked] == [503] * len(asked)
        assert {answer.code for answer in asked} == {"ServiceUnavailable"}
    else:
        assert 503 not in [answer.status for answer in asked]
    assert world.show("Elsewhere").status == 200
    world.advance(HOUR)
    assert world.show().status == 200


@pytest.mark.rule("F3")
def test_f3_deleted_pools_of_a_region_that_is_out_wait_for_it(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()
    world.break_("region", PRIMARY, HOUR)

    refusals = [world.arm("GET", world.deleted_path()), world.recover_pool(), world.purge_pool()]
    world.advance(HOUR)

    assert [answer.status for answer in refusals] == [503] * 3
    assert world.finish(world.recover_pool()).status == 200


# -- F4 ----------------------------------------------------------------------------------


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    ("scope", "second"), [("pool", PRIMARY), ("service", None), ("region", None), ("partition", PRIMARY)]
)
def test_f4_a_pool_s_own_outage_leaves_other_pools_alone_a_wider_one_does_not(
    world: World, scope: str, second: str
) -> None:
    world.extended_pool()
    world.create_pool("Second", PRIMARY)
    more = {"partition": 0} if scope == "partition" else {}

    world.break_(scope, PRIMARY, HOUR, **more)

    tried = [world.client("uksouth", f"c{number}") for number in range(20)]
    assert {client.reaches(PRIMARY, "Second") for client in tried} == {second}
    assert None in {client.reaches(PRIMARY) for client in tried}
    assert {client.reaches(EXTENDED) for client in tried} == {EXTENDED}


@pytest.mark.rule("F4")
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("region", [PRIMARY, EXTENDED])
def test_f4_one_partition_out_of_three_takes_neither_reads_nor_writes(
    new_world: New, region: str, edition: str
) -> None:
    world = furnished(new_world(edition=edition))
    calls = reads(world)

    world.break_("partition", region, HOUR, partition=1)
    world.advance(FAILED_OVER)

    for where in (PRIMARY, EXTENDED):
        assert refused(answers(calls, where)) == {}, where
    assert refused(answers(writes(world), region)) == {}
    assert world.show().status == 200
    assert world.client(region).answered_by() == region


@pytest.mark.rule("F4")
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(("one", "other"), [(PRIMARY, EXTENDED), (EXTENDED, PRIMARY)])
def test_f4_a_link_that_is_down_takes_neither_reads_nor_writes(
    new_world: New, one: str, other: str, edition: str
) -> None:
    world = furnished(new_world(edition=edition))
    calls = reads(world)

    world.break_link(one, other, HOUR)
    world.advance(FAILED_OVER)

    for where in (PRIMARY, EXTENDED):
        assert refused(answers(calls, where)) == {}, where
    assert refused(answers(writes(world), one)) == {}
    assert world.put_key("other", other).status == 200
    assert world.show().status == 200
    assert [world.client(region).answered_by() for region in (one, other)] == [one, other]


@pytest.mark.rule("F4")
def test_f4_an_outage_is_over_when_its_time_is_up_or_it_is_cleared(world: World) -> None:
    world.extended_pool()
    client = world.client("uksouth")

    world.break_("pool", PRIMARY, 30)
    seen = [client.reaches(PRIMARY)]
    world.advance(29.999)
    seen.append(client.reaches(PRIMARY))
    world.advance(0.001)
    seen.append(client.reaches(PRIMARY))
    fault = world.break_("pool", PRIMARY)
    world.advance(DAY)
    seen.append(client.reaches(PRIMARY))
    world.clear(fault).ok()
    seen.append(client.reaches(PRIMARY))

    assert seen == [None, None, PRIMARY, None, PRIMARY]


@pytest.mark.rule("F4")
def test_f4_a_planned_outage_begins_at_its_time(world: World) -> None:
    world.extended_pool()
    client = world.client("uksouth")
    world.break_("region", PRIMARY, "1m", after="2m")

    seen = []
    for wait in (0, 119.999, 0.001, 59.999, 0.001):
        world.advance(wait)
        seen.append(client.reaches(PRIMARY))

    assert seen == [PRIMARY, PRIMARY, None, None, PRIMARY]


@pytest.mark.rule("F4")
@pytest.mark.parametrize("effect", ["refuse", "reset", "hang"])
def test_f4_the_connection_meets_the_effect_that_was_asked_for(world: World, effect: str) -> None:
    world.extended_pool()

    world.break_("pool", PRIMARY, HOUR, effect=effect)

    found = world.client("uksouth").connect(PRIMARY)
    assert (found.region, found.effect) == (PRIMARY, effect)
    assert world.status_of(PRIMARY)["outage"]["effect"] == effect
    assert world.status_of(EXTENDED)["outage"] is None


def troubled(world: World, count: int = 600) -> list[Answer]:
    """The answers to many calls of the primary."""
    return [world.data("GET", "/keys", region=PRIMARY) for _ in range(count)]


@pytest.mark.rule("F4")
@pytest.mark.parametrize(("effect", "status"), [("error", 500), ("throttle", 429)])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_f4_a_share_of_the_requests_is_hit_near_the_share_that_was_asked_for(
    new_world: New, effect: str, status: int, rate: float
) -> None:
    def share(seed: int) -> list[int]:
        world = new_world(seed=seed).extended_pool()
        world.break_("pool", PRIMARY, HOUR, effect=effect, rate=rate)
        found = troubled(world)
        assert {answer.status for answer in found} == {200, status}
        assert {answer.status for answer in (world.data("GET", "/keys", region=EXTENDED),)} == {200}
        hit = [answer for answer in found if answer.status == status]
        assert {answer.headers.get("retry-after") for answer in hit} == ({"1"} if status == 429 else {None})
        return [answer.status for answer in found]

    first, again, other = share(3), share(3), share(4)

    assert first == again != other
    for statuses in (first, other):
        assert statuses.count(status) / len(statuses) == pytest.approx(rate, abs=0.06)


@pytest.mark.rule("F4")
def test_f4_without_a_rate_every_request_is_hit_and_a_partition_hits_its_own_only(world: World) -> None:
    world.extended_pool()
    fault = world.break_("region", PRIMARY, effect="error")
    assert {answer.status for answer in troubled(world, 20)} == {500}
    world.clear(fault).ok()

    world.break_("partition", PRIMARY, partition=2, effect="throttle")

    client = world.client("uksouth")
    connections = [client.open(PRIMARY) for _ in range(30)]
    seen = {(one.partition, world.data("GET", "/keys", caller=one).status) for one in connections}
    assert seen == {(0, 200), (1, 200), (2, 429)}


@pytest.mark.rule("F4")
def test_f4_an_error_comes_after_the_token_was_looked_at(world: World) -> None:
    world.extended_pool()
    world.break_("pool", PRIMARY, effect="error")

    assert world.data("GET", "/keys", region=PRIMARY, who=None).status == 401


@pytest.mark.rule("F4")
def test_f4_a_slow_region_holds_its_answers_back_and_answers_them(world: World) -> None:
    world.extended_pool()
    world.break_("pool", PRIMARY, HOUR, effect="slow", milliseconds=700)
    world.break_("service", PRIMARY, HOUR, effect="slow", milliseconds=50)

    here, there = (world.data("GET", "/keys", region=region) for region in (PRIMARY, EXTENDED))

    assert (here.status, here.delay, there.delay) == (200, 750, 0)
    assert world.put_key("k", PRIMARY).delay == 750
    world.advance(HOUR)
    assert world.data("GET", "/keys", region=PRIMARY).delay == 0


@pytest.mark.rule("F4")
def test_f4_another_pool_in_the_same_region_is_not_slowed(world: World) -> None:
    world.extended_pool()
    world.create_pool("Second", PRIMARY)
    world.activate("Second")
    world.break_("pool", PRIMARY, HOUR, effect="slow", milliseconds=700)

    path = "/providers/Microsoft.Authorization/roleAssignments"
    assert world.data("GET", path, region=PRIMARY, pool="Second").ok().delay == 0
    assert world.data("GET", path, region=PRIMARY, pool=POOL).ok().delay == 700
