"""The traffic manager's and the probes' pure functions by themselves (F6 to F8, A2, E9): every word and
number of a decision, at the instants where it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Optional, Tuple

import pytest

from azext_mhsmregion.model import health, lifecycle, routing
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.faults import Effect, Fault, Scope
from azext_mhsmregion.model.health import Probes
from azext_mhsmregion.model.lifecycle import Act, NewPool
from azext_mhsmregion.model.pool import Pool, PoolRegion
from azext_mhsmregion.model.profile import profile
from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.model.routing import Step, Traffic

HOME, ONE, TWO = "uksouth", "australiaeast", "eastus"
PROBES = Probes(1000, 400, 2)
NOW = 1_000_000


def pool(*extended: PoolRegion) -> Pool:
    """A pool whose primary serves since 0, with ``extended`` regions."""
    act = Act(0, "admin", "operation", profile("quick", {}))
    made = lifecycle.create(NewPool("p", "contoso", "s", "g", "t", HOME, ("admin",)), None, act, catalogue())
    home = made.regions[0]._replace(ready=0)
    return made._replace(regions=(home, *extended), activated=0)


def there(name: str, **changes: Any) -> PoolRegion:
    return PoolRegion(name, False, 0, 100)._replace(**changes)


def seen(*faults: Fault, **changes: Any) -> Traffic:
    return replace(Traffic(catalogue(), faults, PROBES, PROBES, 1000), **changes)


def out(region: str, **changes: Any) -> Fault:
    return replace(Fault("f", Scope.REGION, region, Effect.REFUSE, 0), **changes)


# -- F6: what is shown of a decision -------------------------------------------------------------------


def explained(made: Pool, place: str, traffic: Traffic) -> Tuple[Optional[str], List[Step]]:
    route = routing.explain(made, place, NOW, traffic)
    assert route.region == routing.resolve(made, place, NOW, traffic).region
    return route.region, list(route.steps)


@pytest.mark.rule("F6")
def test_f6_regions_that_are_not_used_come_first_with_their_state_then_the_others_by_rank() -> None:
    made = pool(
        there("japaneast", ready=NOW + 1),
        there("francecentral", failed=True),
        there("koreacentral", removing=NOW - 1, gone=NOW + 1),
        there("brazilsouth", removing=NOW - 2, gone=NOW),
        there(ONE),
        there(TWO),
    )

    region, steps = explained(made, "uksouth", seen(out(ONE)))

    assert region == HOME
    assert [(step.region, step.verdict) for step in steps] == [
        ("japaneast", "not used: Provisioning"),
        ("francecentral", "not used: Failed"),
        ("koreacentral", "not used: Deleting"),
        ("brazilsouth", "not used: gone"),
        (HOME, "taken"),
        (TWO, "healthy, not first"),
        (ONE, "passed over: unhealthy"),
    ]


@pytest.mark.rule("F6")
def test_f6_where_none_is_healthy_the_nearest_is_taken_and_the_words_say_so() -> None:
    region, steps = explained(pool(there(ONE)), "australiaeast", seen(out(ONE), out(HOME)))

    assert region == ONE
    assert [(step.region, step.verdict) for step in steps] == [
        (ONE, "taken: no region is healthy"),
        (HOME, "passed over: unhealthy"),
    ]


@pytest.mark.rule("F6")
def test_f6_a_pool_that_nobody_serves_leads_nowhere() -> None:
    made = pool()._replace(regions=(pool().regions[0]._replace(ready=NOW + 1),))

    assert explained(made, "uksouth", seen()) == (
        None,
        [Step(HOME, "0 km", "not used: Provisioning")],
    )


@pytest.mark.rule("F6")
@pytest.mark.parametrize(
    ("traffic", "place", "measures"),
    [
        (seen(), "UK South", {HOME: "0 km", ONE: "17065 km"}),
        (seen(method="primary-first"), "australiaeast", {HOME: "primary", ONE: "0 km"}),
        (seen(), "my-laptop", {HOME: "primary", ONE: "-"}),
        (
            seen(method="latency", latency={"westeurope": {HOME: 9, ONE: 250.5}}),
            "West Europe",
            {HOME: "9 ms", ONE: "250.5 ms"},
        ),
        (
            seen(method="latency", latency={"uksouth": {ONE: 250}}),
            "uksouth",
            {HOME: "0 km", ONE: "250 ms"},
        ),
        (seen(latency={"uksouth": {ONE: 250}}), "uksouth", {HOME: "0 km", ONE: "17065 km"}),
    ],
    ids=["distance", "primary-first", "no place", "measured", "half measured", "measured, not asked for"],
)
def test_f6_each_region_is_shown_with_what_decided_its_rank(
    traffic: Traffic, place: str, measures: Any
) -> None:
    _, steps = explained(pool(there(ONE)), place, traffic)

    assert {step.region: step.measure for step in steps} == measures


@pytest.mark.rule("F6")
def test_f6_regions_of_the_same_rank_come_by_name_and_the_primary_before_all_for_a_place_on_no_map() -> None:
    made = pool(there(TWO), there(ONE))

    _, steps = explained(made, "my-laptop", seen())
    assert [step.region for step in steps] == [HOME, ONE, TWO]
    _, steps = explained(made, "eastus", seen(method="primary-first"))
    assert [step.region for step in steps] == [HOME, TWO, ONE]


# -- A2, E9: where a connection lands --------------------------------------------------------------------


@pytest.mark.rule("A2")
def test_a2_a_connection_gets_one_of_the_region_s_own_partitions_by_seed_pool_region_and_itself() -> None:
    other = pool().primary.partitions[0]._replace(number=7)
    made = pool(there(ONE, partitions=(other,)))

    assert {routing.land(made, ONE, NOW, number, seen()).partition for number in range(20)} == {7}
    assert {routing.land(made, HOME, NOW, number, seen()).partition for number in range(20)} == {0, 1, 2}

    def landings(pool_id: str = "p", region: str = HOME, seed: int = 0) -> List[int]:
        owner = pool(there(ONE))._replace(id=pool_id)
        return [routing.land(owner, region, NOW, one, seen(seed=seed)).partition for one in range(40)]

    first = landings()
    assert landings() == first
    assert all(first != changed for changed in (landings("q"), landings(region=ONE), landings(seed=1)))


@pytest.mark.rule("E9")
def test_e9_a_region_has_an_address_from_the_instant_that_it_is_ready() -> None:
    made = pool(there(ONE, ready=NOW))

    assert not routing.has_address(made, ONE, NOW - 1)
    assert routing.has_address(made, ONE, NOW)


@pytest.mark.rule("F10")
def test_f10_a_connection_meets_its_own_partition_s_fault_or_the_region_s_and_no_other() -> None:
    made, dead = pool(there(ONE)), out(HOME, scope=Scope.PARTITION, pool="p", partition=1, start=NOW)

    assert [routing.fault_at(made, HOME, number, NOW, (dead,)) for number in range(3)] == [None, dead, None]
    assert routing.fault_at(made, HOME, None, NOW, (dead,)) is None
    for whole in (out(HOME, start=NOW), out(HOME, scope=Scope.POOL, pool="p", start=NOW)):
        assert routing.fault_at(made, HOME, None, NOW, (whole,)) is whole
        assert routing.fault_at(made, HOME, None, NOW - 1, (whole,)) is None
        assert routing.fault_at(made, ONE, None, NOW, (whole,)) is None
        assert routing.fault_at(made._replace(id="q"), ONE, None, NOW, (whole,)) is None
    landing = routing.land(made, HOME, NOW, 1, seen(out(HOME)))
    assert (landing.region, landing.fault) == (HOME, out(HOME))


@pytest.mark.rule("F7")
def test_f7_a_name_without_an_answer_is_asked_for_anew_from_the_client_s_own_place() -> None:
    made = pool(there(ONE, ready=NOW))._replace(
        regions=(pool().primary._replace(ready=NOW), there(ONE, ready=NOW))
    )
    traffic = seen(ttl=1_000_000)
    assert routing.window_start(NOW, "me", traffic) < NOW

    assert routing.resolve_cached(made, HOME, "me", NOW - 1, traffic).region is None
    assert routing.resolve_cached(made, HOME, "me", NOW, traffic).region == HOME
    assert routing.resolve_cached(made, "australiasoutheast", "me", NOW, traffic).region == ONE
    assert routing.resolve_cached(made, HOME, "me", NOW, traffic).at == NOW
    later = NOW + traffic.ttl
    told = routing.window_start(later, "me", traffic)
    assert NOW < told < later
    assert routing.resolve_cached(made, HOME, "me", later, traffic).at == told


# -- F7, F8: what probes meet ----------------------------------------------------------------------------


def probed(fault: Fault, seed: int = 0, ticks: int = 400) -> List[bool]:
    """Whether the region is healthy behind each tick, with probes that tolerate no failure."""
    strict = Probes(PROBES.interval, PROBES.timeout, 0)
    return [
        health.region_is_healthy((fault,), "p", HOME, strict, tick * strict.interval, seed=seed)
        for tick in range(ticks)
    ]


@pytest.mark.rule("F7")
def test_f7_of_errors_at_a_rate_probes_meet_their_share_by_seed_fault_and_tick() -> None:
    half = out(HOME, effect=Effect.ERROR, rate=0.5)

    met = probed(half)

    assert 0.4 < met.count(False) / len(met) < 0.6
    assert met != sorted(met) and met != [met[0], *met[:-1]]
    assert probed(half) == met
    assert probed(half, seed=1) != met
    assert probed(replace(half, id="g")) != met
    assert all(probed(replace(half, rate=0.0)))
    assert not any(probed(replace(half, rate=1.0)))


@pytest.mark.rule("F8")
def test_f8_a_region_that_was_just_added_is_used_until_its_own_probes_have_failed() -> None:
    made = pool()._replace(regions=(pool().primary._replace(ready=5000), there(ONE)))

    at = [routing.resolve(made, HOME, tick, seen(out(HOME))).region for tick in (4999, 5000, 6999, 7000)]

    assert at == [ONE, HOME, HOME, ONE]


@pytest.mark.rule("F7")
def test_f7_what_a_seed_lets_probes_meet_decides_where_clients_are_sent() -> None:
    half = out(HOME, effect=Effect.ERROR, rate=0.9)

    def sent(seed: int) -> List[Optional[str]]:
        made = pool(there(ONE))
        traffic = seen(half, seed=seed)
        return [routing.resolve(made, HOME, tick * 1000, traffic).region for tick in range(1, 200)]

    assert {HOME, ONE} == set(sent(0)) and sent(0) != sent(1) and sent(0) == sent(0)
    assert health.region_is_healthy((), "p", HOME, PROBES, NOW)
    assert probed(half) == [
        health.region_is_healthy((half,), "p", HOME, Probes(1000, 400, 0), tick * 1000) for tick in range(400)
    ]


@pytest.mark.rule("F8")
@pytest.mark.parametrize(("since", "healthy"), [(0, False), (1000, False), (1001, True), (3001, True)])
def test_f8_probes_sent_before_a_region_served_count_as_answered(since: int, healthy: bool) -> None:
    """At 3,000 ms the last three probes are those of 1,000, 2,000 and 3,000."""
    assert health.region_is_healthy((out(HOME),), "p", HOME, PROBES, 3000, since=since) is healthy


@pytest.mark.rule("F8")
def test_f8_changes_are_told_when_they_come_to_be_known_and_not_at_the_beginning() -> None:
    fault = out(HOME, start=1, end=5500)

    def healthy(instant: int) -> bool:
        return health.region_is_healthy((fault,), "p", HOME, PROBES, instant)

    assert list(health.changes(healthy, PROBES, 0, 10_000)) == [(3000, False), (6000, True)]
    assert list(health.changes(healthy, PROBES, 3000, 6000)) == [(6000, True)]
    assert list(health.changes(healthy, PROBES, 3000, 5999)) == []
    assert list(health.changes(healthy, PROBES, 2999, 3000)) == [(3000, False)]


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    ("fault", "spans"),
    [
        (out(HOME, start=10_000, end=60_000), [(9_999, 14_400), (59_999, 64_400)]),
        (out(HOME, start=10_000, end=11_000), [(9_999, 15_400)]),
        (out(HOME, start=10_000), [(9_999, 14_400)]),
        (out(HOME, effect=Effect.ERROR, start=10_000, end=60_000), [(9_999, 64_400)]),
        (out(HOME, effect=Effect.ERROR, start=10_000), [(9_999, NEVER)]),
        (out(ONE, start=10_000, end=60_000), []),
    ],
    ids=["an outage", "a short one", "without an end", "errors", "errors without an end", "elsewhere"],
)
def test_f8_health_can_change_only_for_as_long_as_detection_takes(fault: Fault, spans: Any) -> None:
    """Detection takes (2 + 1) × 1,000 + 400 ms, and one interval more until a probe looks."""
    assert [tuple(span) for span in health.unsettled((fault,), "p", HOME, PROBES)] == spans
