"""What can be seen of a pool, whatever has become of it: losses of regions that are gone (E3), regions
that are not in use (E1, E5), faults that are on, and pages of events (L6, L7)."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from azext_mhsmregion.emulator import events
from azext_mhsmregion.model import routing
from azext_mhsmregion.model.pool import Pool, PoolRegion

from .harness import EXTENDED, POOL, PRIMARY, SIX_MINUTES, THIRD, World

HOUR = 3600
Page = Dict[str, Any]


# -- losses ----------------------------------------------------------------------------------


@pytest.mark.rule("E3")
def test_e3_what_a_removal_loses_stands_in_status_and_metrics_when_the_region_is_gone(world: World) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED)
    for number in range(5):
        world.put_key(f"k{number}", EXTENDED).ok()
    world.advance(2)
    world.destroy("pool", PRIMARY)
    would = world.emulator.loss_if_removed(POOL, EXTENDED)
    world.shrink(EXTENDED)
    world.advance(HOUR)

    (event,) = world.events("loss")
    assert (event["region"], event["writes"]) == (EXTENDED, would) and would >= 5
    lost = {one["region"]: one for one in world.status()["lost"]}
    assert set(lost) == {PRIMARY, EXTENDED}
    assert (lost[EXTENDED]["writes"], lost[EXTENDED]["seconds"]) == (would, event["seconds"])
    samples = world.metrics()["mhsm_lost_writes"]
    assert samples[(("pool", POOL), ("region", EXTENDED))] == would


@pytest.mark.rule("E3")
@pytest.mark.rule("L5b")
def test_e3_the_loss_of_a_destroyed_region_is_told_once_before_and_after_its_removal(world: World) -> None:
    world.extended_pool()
    for number in range(3):
        world.put_key(f"k{number}", EXTENDED).ok()
    world.advance(1.5)
    world.destroy("pool", EXTENDED)
    world.advance(60)
    told = world.status()["lost"]

    answer = world.set_regions().ok()
    leaving = world.status()["lost"]
    world.finish(answer)
    world.advance(HOUR)

    assert told == [{"region": EXTENDED, "writes": 3, "seconds": 1.5}]
    assert leaving == world.status()["lost"] == told


@pytest.mark.rule("E3")
@pytest.mark.rule("E9")
def test_e3_losses_of_two_lives_of_a_region_are_added(world: World) -> None:
    world.extended_pool()
    for life in (1, 2):
        world.break_link(PRIMARY, EXTENDED)
        for number in range(life):
            world.put_key(f"k{life}{number}", EXTENDED).ok()
        world.advance(life)
        world.shrink(EXTENDED)
        world.control("DELETE", "/faults").ok()
        world.extend(EXTENDED)
        world.advance(SIX_MINUTES)

    assert [event["writes"] for event in world.events("loss")] == [1, 2]
    assert world.status()["lost"] == [{"region": EXTENDED, "writes": 3, "seconds": 2.0}]


# -- regions that are not in use --------------------------------------------------------------


@pytest.mark.rule("E5")
@pytest.mark.rule("L7")
def test_e5_a_failed_region_is_neither_healthy_nor_serving(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=(EXTENDED,))
    world.finish(world.set_regions(EXTENDED))
    world.break_("region", EXTENDED, 60)
    world.advance(120)

    _not_in_use(world, "Failed")
    told = [event for event in world.stream()[0] if event.get("region") == EXTENDED]
    assert [(event["kind"], event.get("state")) for event in told] == [("fault", None), ("fault", "ended")]


@pytest.mark.rule("E1")
@pytest.mark.rule("L7")
def test_e1_a_region_that_is_being_added_is_neither_healthy_nor_serving(world: World) -> None:
    world.active_pool()
    world.set_regions(EXTENDED).ok()

    _not_in_use(world, "Provisioning")


def _not_in_use(world: World, state: str) -> None:
    found = world.status_of(EXTENDED)
    assert (found["provisioningState"], found["health"], found["serving"]) == (state, None, False)
    assert {(part["state"], part["inRotation"]) for part in found["partitions"]} == {("down", False)}
    metrics = world.metrics()
    labels = (("pool", POOL), ("region", EXTENDED))
    assert metrics["mhsm_region_healthy"][labels] == metrics["mhsm_region_serving"][labels] == 0
    assert metrics["mhsm_partition_up"][(*labels, ("partition", "0"))] == 0


@pytest.mark.rule("L7")
def test_l7_a_link_on_which_nothing_waits_has_zeros(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    world.advance(SIX_MINUTES)
    names = ("backlog_writes", "lag_seconds")
    found = world.metrics()

    pairs = {(one, two) for one in (PRIMARY, EXTENDED, THIRD) for two in (PRIMARY, EXTENDED, THIRD)}
    wanted = {
        (("pool", POOL), ("region", one), ("from", two)): 0.0 for one, two in sorted(pairs) if one != two
    }
    for name in (*(f"mhsm_replication_{name}" for name in names), "mhsm_revoked_rights_lag_seconds"):
        assert found[name] == wanted


# -- faults ----------------------------------------------------------------------------------


@pytest.mark.rule("L7")
def test_l7_status_shows_the_faults_that_are_on_links_too(world: World) -> None:
    world.extended_pool()
    world.create_pool("Second", "northeurope")
    link = world.break_link(PRIMARY, EXTENDED, oneWay=True)
    capacity = world.break_("region", EXTENDED, effect="capacity")
    world.break_("pool", PRIMARY, 60, after=60)
    world.break_("region", "japaneast")
    world.break_("pool", "northeurope", hsmName="Second")

    found = world.status()["faults"]

    assert sorted(fault["id"] for fault in found) == sorted((link, capacity))
    assert {(fault["scope"], fault["region"], fault["to"], fault["oneWay"]) for fault in found} == {
        ("link", PRIMARY, EXTENDED, True),
        ("region", EXTENDED, None, None),
    }


@pytest.mark.rule("L7")
def test_l7_a_fault_s_event_says_what_exactly_is_broken(world: World) -> None:
    world.extended_pool()
    world.break_("partition", PRIMARY, partition=1, effect="error", rate=0.5)
    world.break_("link", PRIMARY, to=EXTENDED, oneWay=True, effect="lag", milliseconds=500)

    first, second = world.events("fault")

    assert (first["partition"], first["rate"]) == (1, 0.5)
    assert (second["to"], second["one_way"], second["milliseconds"]) == (EXTENDED, True, 500)
    assert "partition" not in second and "to" not in first


@pytest.mark.rule("L7")
def test_l7_a_fault_that_is_cleared_has_nothing_ahead_of_it(world: World) -> None:
    world.extended_pool()
    for fault in (world.break_("pool", PRIMARY, 60), world.break_("pool", EXTENDED, 60, after=60)):
        world.advance(1)
        world.clear(fault).ok()

    on, planned = world.events("fault-cleared")

    assert not {"in_seconds", "for_seconds"} & {*on, *planned}
    assert "never_began" not in on and planned["never_began"] is True


# -- whose events ----------------------------------------------------------------------------


@pytest.mark.rule("L6")
@pytest.mark.rule("L7")
def test_l6_a_pool_of_the_same_name_has_nothing_of_the_one_that_is_gone(world: World) -> None:
    world.extended_pool()
    _conflict(world)
    world.break_("region", PRIMARY, 1)
    world.advance(SIX_MINUTES)
    world.shrink(EXTENDED)
    world.finish(world.delete_pool()).ok()
    deleted = _page(world, hsmName=POOL)["value"]
    world.finish(world.purge_pool()).ok()
    gone = world.control("GET", "/events", query={"hsmName": POOL})
    world.extended_pool()

    assert {"conflict", "superseded", "fault"} <= {event["kind"] for event in deleted}
    assert (gone.status, gone.code) == (404, "PoolNotFound")
    assert (world.status()["conflicts"], world.status()["superseded"]) == (0, 0)
    assert _page(world, hsmName=POOL)["value"] == _page(world, hsmName=POOL, newest="9")["value"] == []
    before = [event for event in world.stream()[0] if event["kind"] == "conflict"]
    assert [event["hsmName"] for event in before] == [POOL], "the audit log forgets nothing"
    _conflict(world)
    assert world.status()["conflicts"] == 1


def _conflict(world: World) -> None:
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    for region in (PRIMARY, EXTENDED):
        world.data("PATCH", "/keys/k", {"tags": {"by": region}}, region=region).ok()


@pytest.mark.rule("L6")
def test_l6_an_event_s_kind_is_its_own_wherever_it_is_read(world: World) -> None:
    world.extended_pool()
    _conflict(world)

    (stored,) = world.events("conflict")
    (told,) = (event for event in world.stream()[0] if event["kind"] == "conflict")

    assert (stored["kind"], stored["object_kind"]) == ("conflict", "key_attributes")
    assert told["object_kind"] == "key_attributes"


# -- pages -----------------------------------------------------------------------------------


def _page(world: World, **query: str) -> Page:
    return world.control("GET", "/events", query=query).ok().body  # type: ignore[no-any-return]


def _flapping(world: World) -> World:
    """Many changes of health of two regions, and stored events between them."""
    world.extended_pool()
    world.break_("pool", PRIMARY, effect="error", rate=0.7)
    world.break_("region", EXTENDED, effect="error", rate=0.7)
    for _ in range(12):
        world.advance(300)
        world.clear(world.break_link(PRIMARY, EXTENDED)).ok()
    return world


def _counted(monkeypatch: pytest.MonkeyPatch) -> List[int]:
    """The instants at which the health of a region is asked for, as it is."""
    asked: List[int] = []
    is_healthy = routing.is_healthy

    def counting(pool: Pool, region: PoolRegion, at: int, traffic: routing.Traffic) -> bool:
        asked.append(at)
        return is_healthy(pool, region, at, traffic)

    monkeypatch.setattr(routing, "is_healthy", counting)
    return asked


def _every(page: List[Dict[str, Any]]) -> List[str]:
    return sorted(str(sorted(event.items(), key=str)) for event in page)


@pytest.mark.rule("L7")
@pytest.mark.parametrize("size", [1, 3, 10])
def test_l7_pages_of_events_are_bounded_and_together_everything_once(
    world: World, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    _flapping(world)
    whole = _page(world)
    assert not whole["more"] and len(whole["value"]) > 40
    monkeypatch.setattr(events, "PAGE", size)

    read: List[Dict[str, Any]] = []
    page: Page = {"after": "", "more": True}
    while page["more"]:
        page = _page(world, after=page["after"])
        assert len(page["value"]) <= 2 * size + 2
        read += page["value"]

    assert _every(read) == _every(whole["value"])
    assert [event["time"] for event in read] == sorted(event["time"] for event in read)
    assert page["after"] == whole["after"]


@pytest.mark.rule("L7")
def test_l7_events_of_an_earlier_instant_bring_no_change_of_health_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was due and is made late is dated as of then (E8)."""
    _flapping(world)
    _, mark = world.stream()
    with world.emulator.parts.writing("test") as unit:
        for number in range(5):
            unit.tx.put_event(POOL, "late", unit.now - 3_000_000, unit.real, {"number": number})
    monkeypatch.setattr(events, "PAGE", 2)

    assert [event["kind"] for event in world.stream(mark)[0]] == 5 * ["late"]


@pytest.mark.rule("L7")
@pytest.mark.parametrize("query", [{}, {"newest": "500"}])
def test_l7_a_page_of_seldom_events_does_not_look_far(
    world: World, monkeypatch: pytest.MonkeyPatch, query: Dict[str, str]
) -> None:
    world.extended_pool()
    world.break_("pool", PRIMARY, effect="error", rate=0.4)
    world.advance(HOUR)
    whole = _page(world)
    monkeypatch.setattr(events, "_PROBES", 20)
    monkeypatch.setattr(events, "_STEP", 7)
    asked = _counted(monkeypatch)

    page = _page(world, **query)

    assert 0 < len(asked) < 80
    assert page["more"] == (not query)
    assert _every(world.stream()[0]) == _every(whole["value"])


@pytest.mark.rule("L7")
def test_l7_events_all_of_one_instant_are_paged_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.extended_pool()
    for _ in range(4):
        world.clear(world.break_link(PRIMARY, EXTENDED)).ok()
    monkeypatch.setattr(events, "PAGE", 3)

    read, _ = world.stream()

    assert [event["kind"] for event in read] == 4 * ["fault", "fault-cleared"]


@pytest.mark.rule("L7")
@pytest.mark.parametrize("most", [0, 1, 8, 30, 500])
def test_l7_the_newest_events_are_the_end_of_the_stream(world: World, most: int) -> None:
    _flapping(world)
    whole, mark = world.stream()

    page = _page(world, newest=str(most))

    wanted = [event["time"] for event in whole][len(whole) - min(most, len(whole)) :]
    assert [event["time"] for event in page["value"]] == wanted
    assert (page["after"], page["more"]) == (mark, False)


@pytest.mark.rule("L7")
def test_l7_the_newest_events_do_not_work_out_what_they_do_not_show(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.extended_pool()
    world.break_("pool", PRIMARY, effect="error", rate=0.7)
    world.advance(3 * 24 * HOUR)
    asked = _counted(monkeypatch)

    assert len(_page(world, newest="8")["value"]) == 8
    assert 0 < len(asked) < 2000
    asked.clear()
    assert _page(world, newest="0")["value"] == asked == []


@pytest.mark.rule("L7")
@pytest.mark.parametrize("newest", ["-1", "x", "1.5", "501", ""])
def test_l7_a_number_of_newest_events_that_is_none_is_refused(world: World, newest: str) -> None:
    assert world.control("GET", "/events", query={"newest": newest}).status == 400


@pytest.mark.rule("L7")
def test_l7_the_events_of_no_pool_are_not_found(world: World) -> None:
    world.extended_pool()
    world.break_("region", PRIMARY)
    for more in ({}, {"newest": "5"}):
        found = world.control("GET", "/events", query={"hsmName": "Nope", **more})
        assert (found.status, found.code) == (404, "PoolNotFound")
