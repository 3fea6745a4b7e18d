"""L5, E3, E6, E9: regions that are destroyed while they are made, or slow, or gone. Each case was found by
the simulation (tests/simulation) and is cut down to what matters."""

from __future__ import annotations

import pytest

from azext_mhsmregion.model import extension, lifecycle, routing
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.extension import Conditions
from azext_mhsmregion.model.faults import Effect, Fault, FaultKind, Scope
from azext_mhsmregion.model.lifecycle import Act, NewPool
from azext_mhsmregion.model.network import Network, Outage, Slowdown, arrival
from azext_mhsmregion.model.pool import Pool, PoolRegion
from azext_mhsmregion.model.profile import profile
from azext_mhsmregion.model.regions import catalogue

HOME, ONE, TWO = "uksouth", "australiaeast", "japaneast"


@pytest.mark.rule("L5")
def test_l5_a_write_that_was_slowed_down_goes_between_two_outages() -> None:
    """It left over a slow link and would have been under way in both outages; sent again after the
    first, over a link that is slow no more, it is there before the second."""
    slow = Slowdown(HOME, ONE, 0, 50, extra=5_000)
    links = Network((Outage(HOME, ONE, 40, 50), Outage(HOME, ONE, 1_000, 9_000)), (slow,))

    assert arrival(HOME, ONE, 0, 10, links) == 60


@pytest.mark.rule("L5")
def test_l5_a_write_that_an_outage_held_leaves_over_a_link_that_is_slow_by_then() -> None:
    slow = (Slowdown(HOME, ONE, 50, 100, extra=500), Slowdown(ONE, HOME, 50, 100, one_way=True, extra=7))
    links = Network((Outage(HOME, ONE, 0, 60), Outage(HOME, ONE, 569, 800)), slow)

    assert arrival(HOME, ONE, 0, 10, links) == 810, "slow, it is under way in the second outage"
    assert arrival(HOME, ONE, 0, 9, links) == 569, "and a moment sooner it is not"


# -- a pool that is extended into what is destroyed ------------------------------------------------


def _pool() -> Pool:
    asked = NewPool("p", "contoso", "s", "g", "t", HOME, ("admin",))
    return lifecycle.create(asked, None, _act(0), catalogue())._replace(activated=0)


def _act(now: int) -> Act:
    return Act(now, "admin", "operation", profile("quick", {}))


def _destroyed(region: str, start: int) -> Fault:
    return Fault("f", Scope.POOL, region, Effect.REFUSE, start, pool="p", kind=FaultKind.DESTROYED)


@pytest.mark.rule("E6")
@pytest.mark.parametrize(("region", "start"), [(HOME, 500), (ONE, 500), (ONE, 10_400)])
def test_e6_an_add_fails_where_the_region_or_the_primary_is_destroyed_already_or_will_be_by_plan(
    region: str, start: int
) -> None:
    where = Conditions(catalogue(), "2025-04", faults=(_destroyed(region, start),))

    change = extension.change_regions(_pool(), [ONE], _act(10_000), where)

    assert [one.state(max(start, 10_000)) for one in change.added] == ["Failed"]
    assert change.pool.operation is not None
    told = change.pool.operation.destroyed or ""
    assert ("the primary region uksouth is destroyed" in told) is (region == HOME), told
    assert (f"{ONE} was destroyed" in told) is (region == ONE), told
    assert [span.region for span in change.pool.spans] == [HOME]


@pytest.mark.rule("E6")
def test_e6_of_two_regions_that_are_added_the_one_that_lives_is_made_and_the_pool_busy_till_then() -> None:
    where = Conditions(catalogue(), "2025-04")
    pool = extension.change_regions(_pool(), [ONE, TWO], _act(10_000), where).pool
    made = pool.regions[-1]

    pool = extension.struck(pool, (_destroyed(ONE, 10_100),), 10_100)

    assert [one.state(made.ready) for one in pool.regions[1:]] == ["Failed", "Succeeded"]
    assert pool.operation is not None and pool.operation.destroyed
    assert pool.is_busy(made.ready - 1) and not pool.is_busy(made.ready)


@pytest.mark.rule("E9")
@pytest.mark.parametrize(
    ("made", "answers"),
    [
        (PoolRegion(ONE, False, 0, 100), True),
        (PoolRegion(ONE, False, 0, 100, removing=900, gone=2_000), True),
        (PoolRegion(ONE, False, 0, 2_000), False),
        (PoolRegion(ONE, False, 0, 100, failed=True, removing=900, gone=2_000), False),
        (PoolRegion(ONE, False, 0, 100, removing=200, gone=900), False),
    ],
)
def test_e9_a_region_answers_at_its_address_from_succeeded_until_it_is_gone(
    made: PoolRegion, answers: bool
) -> None:
    pool = _pool()._replace(regions=(*_pool().regions, made))

    assert routing.has_address(pool, ONE, 1_000) is answers


@pytest.mark.rule("E3")
def test_e3_a_removal_that_nothing_holds_any_more_ends_now_and_not_in_the_past() -> None:
    """What it waited for can never be sent: the receiver was destroyed meanwhile."""
    leaving = PoolRegion(ONE, False, 0, 100, removing=1_000, gone=NEVER)
    pool = _pool()._replace(regions=(*_pool().regions, leaving))
    pool = lifecycle.begin(pool, "region-remove", _act(1_000), NEVER)

    waits = extension.removal_waits(pool, {ONE: 0}, 50_000)

    assert waits.regions[1].gone == 50_000
    assert waits.operation is not None and waits.operation.done == 50_000
