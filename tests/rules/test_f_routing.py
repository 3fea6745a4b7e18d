"""F5 to F10: what a name leads to, for whom, and how long it takes until it leads elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import pytest

from azext_mhsmregion.emulator import traffic
from azext_mhsmregion.emulator.http import outage
from azext_mhsmregion.emulator.wire import ConnectionBroken, NameKind
from azext_mhsmregion.model import routing
from azext_mhsmregion.model.faults import Effect, Fault, Scope
from azext_mhsmregion.model.health import Probes
from azext_mhsmregion.model.routing import Traffic

from .harness import EXTENDED, PRIMARY, SIX_MINUTES, THIRD, Client, World

New = Callable[..., World]
HOUR = 3600
INTERVAL, TIMEOUT, TOLERATED, TTL = 10, 5, 3, 5
"""Of the documented profile, seconds; the bounds below are computed from them."""

FASTEST = TOLERATED * INTERVAL
SLOWEST = (TOLERATED + 1) * INTERVAL + TIMEOUT + TTL
STEP = 0.25


def clients(world: World, count: int = 8, place: str = "uksouth") -> List[Client]:
    return [world.client(place, f"client{number}") for number in range(count)]


def to_the_tick(world: World, past: float) -> None:
    """Move to ``past`` seconds after a tick of the probes."""
    world.advance((-world.now / 1000) % INTERVAL + past)


def watched(world: World, crowd: List[Client], region: str, begin: float, end: float) -> List[float]:
    """Seconds from now until each client first reaches ``region``, looked at from ``begin`` on in
    small steps up to ``end``; nobody may have reached it at ``begin``."""
    found: Dict[str, float] = {}
    world.advance(begin)
    passed = begin
    while passed < end:
        for client in crowd:
            if client.name not in found and client.reaches() == region:
                found[client.name] = passed
        world.advance(STEP)
        passed += STEP
    assert begin not in found.values(), "too early"
    assert len(found) == len(crowd), "too late"
    return [found[client.name] for client in crowd]


# -- F5 ----------------------------------------------------------------------------------


@pytest.mark.rule("F5")
def test_f5_answers_live_for_five_seconds_by_default(world: World) -> None:
    world.extended_pool()

    found = world.control("GET", f"/pools/{world.record().name}/route", query={"from": "uksouth"}).ok().body

    assert found["ttlSeconds"] == 5
    assert world.status()["failoverWithinSeconds"] == SLOWEST == 50


@pytest.mark.rule("F5")
@pytest.mark.parametrize(("ttl", "durations"), [(5, {}), (30, {"dns.ttl": 30}), (0, {"dns.ttl": 0})])
def test_f5_a_client_holds_an_answer_until_its_ttl_ends_each_client_s_at_a_time_of_its_own(
    new_world: New, ttl: int, durations: Dict[str, float]
) -> None:
    world = new_world(durations=durations).extended_pool()
    crowd = clients(world, 16, "australiasoutheast")
    world.hold_time_still()
    before = {client.reaches() for client in crowd}

    world.set_regions()  # nobody is sent there from now on (E3); those who have the address may go on
    changed: Dict[str, float] = {}
    for tick in range(int(ttl / STEP) + 1):
        for client in crowd:
            if client.reaches() == PRIMARY:
                changed.setdefault(client.name, tick * STEP)
        world.advance(STEP)

    assert before == {EXTENDED}
    assert len(changed) == len(crowd)
    if ttl:
        assert min(changed.values()) < 0.3 * ttl and max(changed.values()) > 0.7 * ttl


@pytest.mark.rule("F5")
def test_f5_one_client_s_answers_follow_one_another_without_a_gap(world: World) -> None:
    world.extended_pool()

    def asked() -> str:
        query = {"from": "uksouth", "client": "me"}
        found = world.control("GET", "/pools/ContosoMHSM/route", query=query).ok().body
        return found["resolvedAt"]

    moments = []
    for _ in range(40):
        moments.append(asked())
        world.advance(0.5)

    assert len(set(moments)) in (4, 5)
    assert max(moments.count(moment) for moment in moments) == TTL / 0.5


# -- F6 ----------------------------------------------------------------------------------


@pytest.mark.rule("F6")
@pytest.mark.parametrize(
    ("place", "nearest"),
    [
        ("uksouth", PRIMARY),
        ("northeurope", PRIMARY),
        ("eastus", PRIMARY),
        ("australiacentral", EXTENDED),
        ("japaneast", THIRD),
        ("koreacentral", THIRD),
        ("southeastasia", THIRD),
    ],
)
def test_f6_each_place_is_sent_to_the_region_nearest_to_it(world: World, place: str, nearest: str) -> None:
    world.extended_pool(EXTENDED, THIRD)

    assert world.client(place).answered_by() == nearest


@pytest.mark.rule("F6")
def test_f6_with_a_latency_table_the_fastest_is_taken_and_distance_where_nothing_was_measured(
    new_world: New,
) -> None:
    table = {"uksouth": {PRIMARY: 80.0, EXTENDED: 20.0, THIRD: 21.0}}
    world = new_world(routing="latency", latency=table).extended_pool(EXTENDED, THIRD)

    assert world.client("uksouth").answered_by() == EXTENDED
    assert world.client("northeurope").answered_by() == PRIMARY
    world.configure(routing="nearest")
    world.advance(TTL)
    assert world.client("uksouth").answered_by() == PRIMARY


@pytest.mark.rule("F6")
def test_f6_a_region_that_was_measured_goes_before_one_that_was_not(new_world: New) -> None:
    table = {"uksouth": {THIRD: 250.0}}
    world = new_world(routing="latency", latency=table).extended_pool(EXTENDED, THIRD)

    assert world.client("uksouth").answered_by() == THIRD


@pytest.mark.rule("F6")
def test_f6_primary_first_sends_everybody_to_the_primary_while_it_is_healthy(new_world: New) -> None:
    world = new_world(routing="primary-first").extended_pool(EXTENDED, THIRD)
    places = ("uksouth", "australiasoutheast", "koreacentral")

    healthy = [world.client(place).answered_by() for place in places]
    world.break_("pool", PRIMARY, HOUR)
    world.advance(SLOWEST)

    assert healthy == [PRIMARY] * 3
    assert [world.client(place).answered_by() for place in places] == [THIRD, EXTENDED, THIRD]


@pytest.mark.rule("F6")
def test_f6_every_step_of_the_decision_can_be_read(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    world.break_("region", EXTENDED, HOUR)
    world.advance(SLOWEST)

    found = world.control("GET", "/pools/ContosoMHSM/route", query={"from": "Australia South East"}).ok().body

    assert (found["region"], found["answers"], found["method"]) == (THIRD, True, "nearest")
    assert [(step["region"], step["verdict"]) for step in found["steps"]] == [
        (EXTENDED, "passed over: unhealthy"),
        (THIRD, "taken"),
        (PRIMARY, "healthy, not first"),
    ]
    assert [step["measure"].endswith(" km") for step in found["steps"]] == [True] * 3


# -- F7 ----------------------------------------------------------------------------------


def failovers(world: World, effect: str, scope: str, past: float, crowd: List[Client]) -> List[float]:
    """Begin an outage ``past`` seconds after a tick; seconds until each client reaches the other region."""
    to_the_tick(world, past)
    fault = world.break_(scope, PRIMARY, effect=effect)
    hangs = TIMEOUT if effect == "hang" else 0
    times = watched(world, crowd, EXTENDED, FASTEST + hangs - STEP, SLOWEST + STEP)
    world.clear(fault).ok()
    world.advance(INTERVAL + TTL)
    return times


@pytest.mark.rule("F7")
@pytest.mark.parametrize("effect", ["refuse", "hang"])
def test_f7_failover_takes_as_long_as_detection_and_ttl_and_both_bounds_are_reached(
    world: World, effect: str
) -> None:
    world.extended_pool()
    crowd = clients(world)
    times: List[float] = []

    for scope, past in (("pool", 0.001), ("service", 2.5), ("region", 5), ("pool", 7.5), ("region", 9.999)):
        times += failovers(world, effect, scope, past, crowd)

    hangs = TIMEOUT if effect == "hang" else 0
    assert min(times) >= FASTEST + hangs
    assert max(times) <= SLOWEST - TIMEOUT + hangs <= SLOWEST
    assert min(times) <= FASTEST + hangs + 2
    assert max(times) >= SLOWEST - TIMEOUT + hangs - 2


def pure(pool: Any, world: World, fault: Fault, seed: int) -> Tuple[Traffic, Callable[[int, str], Any]]:
    with world.emulator.parts.reading() as unit:
        seen = traffic.conditions(unit)
    probes = Probes(INTERVAL * 1000, TIMEOUT * 1000, TOLERATED)
    seen = Traffic(seen.regions, (fault,), probes, seen.balancer, TTL * 1000, seed=seed)
    return seen, lambda now, client: routing.resolve_cached(pool, "uksouth", client, now, seen).region


@pytest.mark.rule("F7")
def test_f7_the_bounds_hold_to_the_millisecond_and_are_tight(world: World) -> None:
    """The model's own function, asked at every instant at which anything can change."""
    world.extended_pool()
    pool = world.record()
    base = world.now - world.now % (INTERVAL * 1000) + 100 * INTERVAL * 1000
    times: List[int] = []
    for effect in (Effect.REFUSE, Effect.HANG):
        for past in (1, 9_999, 3_333):
            fault = Fault("f", Scope.REGION, PRIMARY, effect, base + past, base + HOUR * 1000)
            for number in range(60):
                seen, region = pure(pool, world, fault, number)
                start = routing.window_start(fault.start, "me", seen)
                first = next(
                    now
                    for window in range(start, start + 12 * TTL * 1000, TTL * 1000)
                    for now in (max(window, fault.start),)
                    if region(now, "me") == EXTENDED
                )
                assert region(first - 1, "me") == PRIMARY
                times.append(first - fault.start)

    assert FASTEST * 1000 <= min(times) < FASTEST * 1000 + 200
    assert SLOWEST * 1000 - 200 < max(times) <= SLOWEST * 1000


@pytest.mark.rule("F7")
def test_f7_the_same_seed_gives_the_same_times_and_another_seed_others(new_world: New) -> None:
    def times(seed: int) -> List[float]:
        world = new_world(seed=seed).extended_pool()
        return failovers(world, "refuse", "region", 4, clients(world, 5))

    assert times(1) == times(1) != times(2)


@pytest.mark.rule("F7")
def test_f7_who_has_the_name_cached_goes_on_failing_until_the_cache_ends(world: World) -> None:
    world.extended_pool()
    crowd = clients(world, 12)
    to_the_tick(world, 9.5)
    world.break_("region", PRIMARY, HOUR)
    world.advance(0.5 + FASTEST + TTL / 2)

    told_anew = world.route("uksouth")
    cached = [client.answered_by() for client in crowd]
    world.advance(TTL / 2)

    assert told_anew == EXTENDED
    assert set(cached) == {None, EXTENDED}
    assert {client.answered_by() for client in crowd} == {EXTENDED}


@pytest.mark.rule("F7")
def test_f7_where_no_region_is_healthy_an_answer_that_may_fail_is_given(world: World) -> None:
    world.extended_pool()
    world.break_("pool", PRIMARY, HOUR)
    world.break_("pool", EXTENDED, HOUR)
    world.advance(SLOWEST)

    found = world.client("uksouth").connect()

    assert (found.kind, found.region, found.effect) == (NameKind.OURS, PRIMARY, "refuse")
    body = world.control("GET", "/pools/ContosoMHSM/route", query={"from": "uksouth"}).ok().body
    assert (body["region"], body["answers"]) == (PRIMARY, False)


@pytest.mark.rule("F7")
def test_f7_a_region_that_answers_too_slowly_or_with_errors_only_is_unhealthy_too(world: World) -> None:
    world.extended_pool()
    world.break_("pool", PRIMARY, 120, effect="slow", milliseconds=TIMEOUT * 1000)
    world.advance(SLOWEST)
    still = world.route("uksouth")
    world.advance(120)

    seen = []
    for more in ({"effect": "slow", "milliseconds": TIMEOUT * 1000 + 1}, {"effect": "error"}):
        world.break_("pool", PRIMARY, 120, **more)
        world.advance(SLOWEST)
        seen.append(world.route("uksouth"))
        world.advance(120)

    assert still == PRIMARY
    assert seen == [EXTENDED, EXTENDED]
    assert world.route("uksouth") == PRIMARY


# -- F8 ----------------------------------------------------------------------------------


@pytest.mark.rule("F8")
def test_f8_the_defaults_are_ten_seconds_and_three_tolerated_failures(world: World) -> None:
    world.extended_pool()

    assert world.status()["detectionTakesSeconds"] == [30, 45]


@pytest.mark.rule("F8")
def test_f8_probes_can_be_set(new_world: New) -> None:
    durations = {"probe.interval": 2, "probe.timeout": 1, "probe.tolerated_failures": 0, "dns.ttl": 1}
    world = new_world(durations=durations).extended_pool()
    crowd = clients(world, 6)
    to_the_tick(world, 0.5)
    world.break_("region", PRIMARY, HOUR, effect="hang")

    times = watched(world, crowd, EXTENDED, 1, 5)

    assert world.status()["detectionTakesSeconds"] == [0, 3]
    assert 2.5 <= min(times) <= max(times) <= 3.5, "the probe at 1.5 s, its timeout, and the TTL"


@pytest.mark.rule("F8")
@pytest.mark.parametrize(("past", "seconds", "noticed"), [(0.001, 39.998, False), (9.999, 30.002, True)])
def test_f8_as_many_failures_as_are_tolerated_change_nothing_one_more_does(
    world: World, past: float, seconds: float, noticed: bool
) -> None:
    world.extended_pool()
    to_the_tick(world, past)
    world.break_("region", PRIMARY, seconds)

    seen = set()
    for _ in range(60):
        world.advance(1)
        seen.add(world.route("uksouth"))

    assert seen == ({PRIMARY, EXTENDED} if noticed else {PRIMARY})


@pytest.mark.rule("F8")
def test_f8_failures_must_come_one_after_the_other(world: World) -> None:
    world.extended_pool()
    to_the_tick(world, 5)
    spec = {"scope": "region", "region": PRIMARY, "for": 30}
    plan = [{**spec, "after": 40 * number} for number in range(6)]
    world.control("POST", "/faults", {"faults": plan}).ok()

    seen = set()
    for _ in range(260):
        world.advance(1)
        seen.add(world.status_of(PRIMARY)["health"])

    assert seen == {"healthy"}, "three ticks fail, the fourth succeeds, six times over"


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    "wrong",
    [
        {"probe.tolerated_failures": 1.5},
        {"probe.tolerated_failures": -1},
        {"probe.timeout": 11},
        {"probe.timeout": 0},
        {"probe.interval": 0},
    ],
)
def test_f8_probes_that_make_no_sense_are_refused(world: World, wrong: Mapping[str, float]) -> None:
    assert world.control("PATCH", "/settings", {"durations": wrong}).status == 400


# -- F9 ----------------------------------------------------------------------------------


@pytest.mark.rule("F9")
def test_f9_traffic_returns_within_a_probe_and_a_ttl(world: World) -> None:
    world.extended_pool()
    crowd = clients(world)
    times: List[float] = []

    for past in (0.001, 3, 6, 9.999):
        to_the_tick(world, past)
        fault = world.break_("region", PRIMARY)
        world.advance(60)
        assert {client.reaches() for client in crowd} == {EXTENDED}
        world.clear(fault).ok()
        assert {client.reaches() for client in crowd} == {EXTENDED}, "nobody knows yet"
        times += watched(world, crowd, PRIMARY, 0, INTERVAL + TTL + STEP)

    assert INTERVAL + TTL - 2 <= max(times) <= INTERVAL + TTL
    assert min(times) <= 2


@pytest.mark.rule("F9")
def test_f9_one_answered_probe_is_enough(world: World) -> None:
    world.extended_pool()
    to_the_tick(world, 5)
    world.break_("region", PRIMARY, 60)

    world.advance(60)
    before = world.route("uksouth")
    world.advance(5)

    assert (before, world.route("uksouth")) == (EXTENDED, PRIMARY)


# -- F10 ---------------------------------------------------------------------------------


def call(world: World, connection: Any) -> Optional[str]:
    """The region that answers on an open connection, None where the connection breaks."""
    try:
        return world.data("GET", "/keys", caller=connection).ok().headers["x-ms-keyvault-region"]
    except ConnectionBroken:
        return None


@pytest.mark.rule("F10")
def test_f10_a_connection_stays_with_its_region_past_the_ttl(world: World) -> None:
    world.extended_pool()
    world.break_("region", PRIMARY, 120)
    world.advance(SLOWEST)
    client = world.client("uksouth", "pooled")
    connection = client.open()

    world.advance(HOUR)

    assert connection.region == EXTENDED
    assert call(world, connection) == EXTENDED, "though the nearest region is back since long"
    assert client.answered_by() == PRIMARY


@pytest.mark.rule("F10")
@pytest.mark.parametrize(("scope", "effect"), [("pool", "refuse"), ("service", "reset"), ("region", "hang")])
def test_f10_connections_to_a_dead_region_break_at_once_and_others_go_on(
    world: World, scope: str, effect: str
) -> None:
    world.extended_pool()
    here, there = world.client("uksouth").open(), world.client("australiasoutheast").open()

    world.break_(scope, PRIMARY, HOUR, effect=effect)

    with pytest.raises(ConnectionBroken) as broken:
        world.data("GET", "/keys", caller=here)
    assert (broken.value.region, broken.value.effect) == (PRIMARY, effect)
    assert call(world, there) == EXTENDED
    with pytest.raises(ConnectionBroken):
        world.data("POST", "/keys/k/create", {"kty": "EC-HSM", "crv": "P-256"}, caller=here)
    world.advance(HOUR + SIX_MINUTES)
    assert world.keys(PRIMARY) == []


@pytest.mark.rule("F10")
def test_f10_a_connection_to_a_region_that_was_removed_breaks(world: World) -> None:
    world.extended_pool()
    connection = world.client("australiasoutheast").open()

    world.shrink(EXTENDED)

    assert call(world, connection) is None


@pytest.mark.rule("F10")
def test_f10_silence_ends_in_a_broken_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region that hangs: the socket's side of it, without the two minutes."""
    monkeypatch.setattr(outage, "LONGEST_SILENCE", 0)
    seen: List[str] = []

    async def life() -> None:
        gone = asyncio.Event()

        async def receive() -> Mapping[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        def drop() -> None:
            seen.append("dropped")
            gone.set()

        await asyncio.wait_for(outage.break_off(receive, drop, "hang"), 5)

    asyncio.run(life())

    assert seen == ["dropped"]


@pytest.mark.rule("F10")
def test_f10_silence_is_bounded_by_minutes() -> None:
    assert 0 < outage.LONGEST_SILENCE <= 300
