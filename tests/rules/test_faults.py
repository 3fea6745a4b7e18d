"""F4 and L7: schedules of faults that repeat, and what can be seen of all of it (events, metrics)."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest

from azext_mhsmregion.emulator import metrics

from .harness import CRYPTO_AUDITOR, DAY, EXTENDED, OTHER, POOL, PRIMARY, SIX_MINUTES, THIRD, World, samples

New = Callable[..., World]
HOUR = 3600

METRICS = {
    "mhsm_region_healthy", "mhsm_region_serving", "mhsm_partition_up", "mhsm_partition_in_rotation",
    "mhsm_replication_backlog_writes", "mhsm_replication_lag_seconds", "mhsm_revoked_rights_lag_seconds",
    "mhsm_conflicts_total", "mhsm_superseded_writes_total", "mhsm_lost_writes", "mhsm_faults",
}  # fmt: skip
"""Fixed: dashboards and alerts of users name them. A name goes only with a major version."""

EVENTS = {
    "fault", "fault-cleared", "conflict", "superseded", "loss", "region-unhealthy", "region-healthy",
}  # fmt: skip
ASSIGNMENT = "11111111-2222-4333-8444-555555555555"


# -- schedules -----------------------------------------------------------------------------


def planned(world: World, seed: int) -> List[Dict[str, Any]]:
    """The faults that a schedule with ranges comes to."""
    spec = {"hsmName": POOL, "region": PRIMARY, "after": [5, 300], "for": ["1m", "10m"]}
    answer = world.control("POST", "/faults", {"seed": seed, "faults": [spec, {**spec, "region": EXTENDED}]})
    assert answer.status == 201, answer.body
    return [
        {name: fault[name] for name in ("region", "start", "end", "state")} for fault in answer.body["value"]
    ]


@pytest.mark.rule("F4")
def test_f4_a_schedule_with_a_seed_repeats_and_another_seed_does_not(new_world: New) -> None:
    first, again, other = (planned(new_world().extended_pool(), seed) for seed in (7, 7, 8))

    assert first == again != other
    assert len({fault["start"] for fault in first}) == 2, "each fault draws for itself"
    assert {fault["state"] for fault in first} == {"planned"}


@pytest.mark.rule("F4")
def test_f4_what_a_schedule_draws_lies_in_its_ranges(world: World) -> None:
    world.extended_pool()
    spec = {"scope": "region", "region": PRIMARY, "after": [10, "20s"], "for": [1, 3]}

    plan = {"seed": 1, "faults": [spec] * 40}
    made = world.control("POST", "/faults", plan).ok().body["value"]
    with world.emulator.parts.reading() as unit:
        faults = unit.faults

    assert len(made) == len(faults) == 40
    waits = [(fault.start - world.now) / 1000 for fault in faults]
    lasts = [(fault.end - fault.start) / 1000 for fault in faults]
    assert 10 <= min(waits) < 11.5 and 18.5 < max(waits) < 20
    assert 1 <= min(lasts) < 1.3 and 2.7 < max(lasts) < 3


@pytest.mark.rule("F4")
def test_f4_a_schedule_is_taken_whole_or_not_at_all(world: World) -> None:
    world.extended_pool()
    good = {"scope": "region", "region": PRIMARY}

    answer = world.control("POST", "/faults", {"faults": [good, {**good, "region": "atlantis"}]})

    assert answer.status == 400
    assert world.control("GET", "/faults").body["value"] == []
    assert world.client("uksouth").reaches() == PRIMARY


@pytest.mark.rule("F4")
def test_f4_faults_are_listed_while_they_are_on_or_planned(world: World) -> None:
    world.extended_pool()
    world.break_("region", PRIMARY, 60, after=60)

    seen = []
    for _ in range(3):
        seen.append([fault["state"] for fault in world.control("GET", "/faults").body["value"]])
        world.advance(60)

    assert seen == [["planned"], ["on"], []]


@pytest.mark.rule("F4")
@pytest.mark.parametrize("scope", ["service", "region"])
def test_f4_a_service_or_region_is_out_for_every_pool_there_whichever_was_named(
    world: World, scope: str
) -> None:
    world.extended_pool().active_pool("OtherMHSM")

    world.inject(scope=scope, region=PRIMARY, hsmName=POOL).ok()

    for pool in (POOL, "OtherMHSM"):
        assert world.client("uksouth").reaches(PRIMARY, pool) is None


# -- events --------------------------------------------------------------------------------


def story(world: World) -> None:
    """Something of every kind: an outage, a conflict, a loss."""
    world.break_link(PRIMARY, EXTENDED, 60)
    world.assign(CRYPTO_AUDITOR, OTHER, name=ASSIGNMENT, region=PRIMARY).ok()
    world.advance(5)
    world.assign(CRYPTO_AUDITOR, OTHER, "/keys", name=ASSIGNMENT, region=EXTENDED).ok()
    world.advance(60 + SIX_MINUTES)
    fault = world.break_("region", PRIMARY)
    world.advance(100)
    world.clear(fault).ok()
    world.advance(100)
    world.break_link(PRIMARY, EXTENDED)
    world.put_key("lost", EXTENDED).ok()
    world.finish(world.set_regions()).ok()


@pytest.mark.rule("L7")
def test_l7_the_kinds_of_events_are_fixed_and_each_tells_its_time(world: World) -> None:
    world.extended_pool()

    story(world)

    events, _ = world.stream()
    assert {event["kind"] for event in events} == EVENTS
    times = [event["time"] for event in events]
    assert times == sorted(times)
    assert all(time.endswith("Z") and len(time) == 24 for time in times)
    assert {event["hsmName"] for event in events} == {POOL, None}, "the region's own outage is no pool's"


@pytest.mark.rule("L7")
@pytest.mark.parametrize("step", [1, 7, 10, 45])
def test_l7_who_reads_on_from_the_last_mark_gets_every_event_once(world: World, step: int) -> None:
    world.extended_pool(EXTENDED, THIRD)
    spec = {"for": 50, "hsmName": POOL}
    plan = [
        {**spec, "region": PRIMARY, "after": 3},
        {**spec, "region": EXTENDED, "after": 40, "effect": "hang"},
        {**spec, "region": THIRD, "after": 44.444},
        {"scope": "region", "region": PRIMARY, "after": 100, "for": 90, "effect": "error", "rate": 0.9},
        {"scope": "region", "region": THIRD, "after": 120, "for": 90, "effect": "slow", "milliseconds": 9000},
    ]
    world.control("POST", "/faults", {"faults": plan}).ok()

    read, mark = world.stream()
    for number in range(315 // step):
        if number == 20:
            world.clear(world.break_("link", EXTENDED, to=THIRD)).ok()
        world.advance(step)
        page, mark = world.stream(mark)
        read += page
        assert world.stream(mark) == ([], mark)

    whole, _ = world.stream()
    key = [sorted(str(sorted(event.items(), key=str)) for event in events) for events in (read, whole)]
    assert key[0] == key[1]
    assert sum(event["kind"] == "region-unhealthy" for event in whole) >= 4


@pytest.mark.rule("L7")
@pytest.mark.parametrize("effect", ["refuse", "hang"])
def test_l7_the_events_of_health_say_when_clients_can_tell(world: World, effect: str) -> None:
    world.extended_pool()
    world.advance((-world.now / 1000) % 10 + 4)
    began = world.now
    fault = world.break_("pool", PRIMARY, effect=effect)
    world.advance(120)
    world.clear(fault).ok()
    cleared = world.now
    world.advance(60)

    found = {event["kind"]: event for event in world.stream()[0] if event["kind"].startswith("region-")}

    def after(moment: int, seconds: float) -> str:
        with world.emulator.parts.reading():
            from azext_mhsmregion.emulator.arm.bodies import stamp

            return stamp(moment + int(seconds * 1000), milliseconds=True)

    hangs = 5 if effect == "hang" else 0
    assert found["region-unhealthy"]["time"] == after(began, 36 + hangs)
    assert found["region-unhealthy"]["clientsKnowBy"] == after(began, 36 + hangs + 5)
    assert found["region-healthy"]["time"] == after(cleared, 6)
    assert {event["region"] for event in found.values()} == {PRIMARY}


@pytest.mark.rule("L7")
def test_l7_changes_of_health_are_told_a_day_back_however_long_a_fault_has_lasted(world: World) -> None:
    world.extended_pool()
    world.break_("pool", PRIMARY, effect="error", rate=0.9)

    world.advance(365 * DAY)

    changes = [event for event in world.stream()[0] if event["kind"].startswith("region-")]
    assert 800 < len(changes) < 1600, "a tick in ten succeeds: twice 864, less those that come together"
    assert min(event["time"] for event in changes).startswith("2026-04-13")


@pytest.mark.rule("L7")
def test_l7_a_pool_s_events_are_its_own_and_those_of_its_regions(world: World) -> None:
    world.extended_pool()
    world.create_pool("Second", "northeurope")
    world.break_("pool", "northeurope", 60, hsmName="Second")
    world.break_("pool", PRIMARY, 60)
    world.advance(120)

    for name in (POOL, POOL.lower()):
        page = world.control("GET", "/events", query={"hsmName": name}).ok().body["value"]
        assert {event["hsmName"] for event in page} == {POOL}
        told = [(event["kind"], event.get("state")) for event in page]
        assert told == [
            ("fault", None), ("region-unhealthy", None), ("fault", "ended"), ("region-healthy", None)
        ]  # fmt: skip


def turns(events: List[Dict[str, Any]]) -> List[Any]:
    return [(event["time"], event["state"]) for event in events if "state" in event]


@pytest.mark.rule("L7")
@pytest.mark.parametrize("query", [{}, {"newest": "9"}, {"hsmName": POOL}, {"hsmName": POOL, "newest": "9"}])
@pytest.mark.parametrize("scope", ["pool", "region", "link"])
def test_l7_a_planned_fault_tells_when_it_begins_and_when_it_ends(
    world: World, scope: str, query: Dict[str, str]
) -> None:
    world.extended_pool()
    made = world.break_(scope, PRIMARY, 20, after=10, **({"to": EXTENDED} if scope == "link" else {}))
    (shown,) = world.control("GET", "/faults").body["value"]
    seen = []
    for step in (9, 1, 19, 1):
        world.advance(step)
        seen.append(turns(world.control("GET", "/events", query=query).ok().body["value"]))

    begun, ended = (shown["start"], "begun"), (shown["end"], "ended")
    assert seen == [[], [begun], [begun], [begun, ended]]
    told = [event for event in world.stream()[0] if "state" in event]
    assert {(event["kind"], event["fault"], event["scope"]) for event in told} == {("fault", made, scope)}
    assert {event["hsmName"] for event in told} == {None if scope == "region" else POOL}


@pytest.mark.rule("L7")
def test_l7_what_begins_or_ends_by_hand_is_told_once(world: World) -> None:
    world.extended_pool()
    world.clear(world.break_("pool", PRIMARY, 60)).ok()
    fault = world.break_("pool", PRIMARY, 60)
    world.advance(1)
    world.clear(fault).ok()
    world.clear(world.break_("pool", PRIMARY, 60, after=60)).ok()
    world.advance(200)

    events, _ = world.stream()
    assert [event["kind"] for event in events] == 3 * ["fault", "fault-cleared"]
    assert turns(events) == []


@pytest.mark.rule("L7")
def test_l7_a_new_pool_is_told_no_turn_of_a_fault_before_it_was_there(world: World) -> None:
    world.break_("region", PRIMARY, 1, after=1)
    world.advance(60)
    world.extended_pool()

    page = world.control("GET", "/events", query={"hsmName": POOL}).ok().body["value"]
    assert turns(page) == []
    assert [state for _, state in turns(world.stream()[0])] == ["begun", "ended"]


@pytest.mark.rule("L7")
@pytest.mark.parametrize("mark", ["x", "1", "1.x", "-1.5", "1.2.3", "٣.٤", f"{'9' * 400}.1"])
def test_l7_a_mark_that_is_none_is_refused(world: World, mark: str) -> None:
    assert world.control("GET", "/events", query={"after": mark}).status == 400


# -- metrics -------------------------------------------------------------------------------


@pytest.mark.rule("L7")
def test_l7_the_names_of_the_metrics_are_fixed(world: World) -> None:
    assert set(metrics.HELP) == METRICS
    assert set(world.metrics()) == METRICS, "also where there is nothing to tell yet"


@pytest.mark.rule("L7")
def test_l7_metrics_say_what_status_says(world: World) -> None:
    world.extended_pool()
    world.assign(CRYPTO_AUDITOR, OTHER, name=ASSIGNMENT, region=PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED)
    world.break_("partition", EXTENDED, partition=2)
    path = f"/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT}"
    world.data("DELETE", path, region=PRIMARY).ok()
    world.advance(60)
    world.put_key("k", PRIMARY).ok()
    world.put_key("lost", EXTENDED).ok()
    world.advance(63.5)
    waiting = world.metrics()
    world.destroy("pool", EXTENDED)
    world.advance(60)

    found = world.metrics()

    pool, here, there = ("pool", POOL), ("region", PRIMARY), ("region", EXTENDED)
    lag = (pool, there, ("from", PRIMARY))
    assert found["mhsm_faults"] == {(): 3}
    assert found["mhsm_region_healthy"] == {(pool, here): 1, (pool, there): 0}
    assert found["mhsm_region_serving"] == {(pool, here): 1, (pool, there): 0}
    assert found["mhsm_partition_up"][(pool, here, ("partition", "2"))] == 1
    assert found["mhsm_partition_up"][(pool, there, ("partition", "2"))] == 0
    assert found["mhsm_partition_in_rotation"][(pool, there, ("partition", "2"))] == 0
    assert len(found["mhsm_partition_up"]) == 6
    for name, value in (
        ("mhsm_replication_backlog_writes", 2),
        ("mhsm_replication_lag_seconds", 123.5),
        ("mhsm_revoked_rights_lag_seconds", 123.5),
    ):
        assert (waiting[name][lag], found[name][lag]) == (value, 0), "what is destroyed waits for nothing"
    assert found["mhsm_lost_writes"] == {(pool, there): 1}


@pytest.mark.rule("L7")
def test_l7_large_numbers_keep_their_digits(world: World) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED)
    world.put_key("k", PRIMARY).ok()

    world.advance(1_234_567.891)

    lags = world.metrics()["mhsm_replication_lag_seconds"]
    assert sorted(lags.values()) == [0, 1_234_567.891]


@pytest.mark.rule("L7")
def test_l7_pools_that_are_gone_are_not_measured(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()

    assert world.metrics()["mhsm_region_healthy"] == {}


@pytest.mark.parametrize(
    "text",
    [
        "a 1",
        "# HELP a b\n# TYPE a gauge\nb 1\n",
        "# HELP a b\n# TYPE a gauge\na 1\na 2\n",
        '# HELP a b\n# TYPE a gauge\na{x="1" 1\n',
        "# HELP a b\n# TYPE a gauge\na{x=1} 1\n",
        "# HELP a b\n# TYPE a counter\na 1\n",
        "# HELP a b\n# TYPE a gauge\na one\n",
    ],
)
@pytest.mark.rule("L7")
def test_l7_the_reader_of_metrics_refuses_what_is_none(text: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        samples(text)
