"""L3, L5, L5b, E1, E6: writes whose sender is gone, dead or forgotten. Each was found by the simulation
(tests/simulation); the case is cut down to what matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Optional, Tuple

import pytest

from azext_mhsmregion.model import extension, lifecycle, replication, routing
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.extension import Conditions
from azext_mhsmregion.model.faults import Effect, Fault, FaultKind, Scope
from azext_mhsmregion.model.lifecycle import Act, NewPool
from azext_mhsmregion.model.network import Network, Outage, Slowdown, arrival
from azext_mhsmregion.model.pool import Pool, PoolRegion
from azext_mhsmregion.model.profile import profile
from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.model.replication import Kind, Row, Stamp

HOME, ONE, TWO = "uksouth", "australiaeast", "japaneast"
DAY = 86_400_000


def row(
    region: str, visible: int, origin: str = HOME, lag: int = 10, accepted: int = 0, via: str = ""
) -> Row:
    stamp = Stamp(accepted + 1, origin)
    return Row(region, Kind.SETTING, "s", "", stamp, accepted, lag, visible, False, {}, via)


def moved(rows: Tuple[Row, ...], now: int, network: Network, ready: Optional[Dict[str, int]] = None) -> Dict:  # type: ignore[type-arg]
    """(region, stamp) → when it shows the write, of the rows that move."""
    ready = ready or {HOME: 0, ONE: 0, TWO: 0}
    changed = replication.rearranged(rows, ready, now, {}, network).rows
    return {(one.region, one.stamp.hlc): one.visible_from for one in changed}


@pytest.mark.rule("L5")
def test_l5_a_write_that_a_forgotten_outage_held_still_waits_for_the_one_that_is_on() -> None:
    """Faults are kept for a day: the first of two overlapping outages is forgotten by now."""
    rows = (row(HOME, 0), row(ONE, NEVER))
    still = Outage(HOME, ONE, 1_000, 3 * DAY)

    found = moved(rows, 2 * DAY, Network((still,)))

    assert found[ONE, 1] == 3 * DAY + 10


@pytest.mark.rule("L5")
def test_l5_a_write_that_was_slowed_down_goes_between_two_outages() -> None:
    """It left over a slow link and would have been under way in both outages; sent again after the
    first, over a link that is slow no more, it is there before the second."""
    slow = Slowdown(HOME, ONE, 0, 50, extra=5_000)
    links = Network((Outage(HOME, ONE, 40, 50), Outage(HOME, ONE, 1_000, 9_000)), (slow,))

    assert arrival(HOME, ONE, 0, 10, links) == 60


@pytest.mark.rule("L5b")
def test_l5b_what_was_lost_does_not_come_back_when_what_held_it_is_forgotten() -> None:
    rows = (row(HOME, 0), row(ONE, NEVER), row(TWO, NEVER))
    dead = tuple(Outage(HOME, other, 1_000, NEVER) for other in (ONE, TWO))

    known = Outage(HOME, TWO, 0, NEVER)  # the one between HOME and ONE has ended, and is forgotten
    ready = {HOME: 0, ONE: 0, TWO: 3 * DAY}
    found = moved(rows, 2 * DAY, Network((*dead, known), destroyed={HOME: 1_000}), ready)

    assert found == {(ONE, 1): NEVER, (TWO, 1): NEVER}


@pytest.mark.rule("L5b")
def test_l5b_what_a_removed_region_had_to_send_comes_from_who_shows_it_and_not_out_of_nowhere() -> None:
    ready = {HOME: 0, TWO: 0}  # ONE, the origin, is gone
    shown = (row(TWO, 50, origin=ONE), row(HOME, NEVER, origin=ONE))
    lost = (row(HOME, NEVER, origin=ONE, accepted=60), row(TWO, NEVER, origin=ONE, accepted=60))

    found = moved((*shown, *lost), 1_000, Network(), ready)

    assert found[HOME, 1] == 1_010
    assert found[HOME, 61] == found[TWO, 61] == NEVER


@pytest.mark.rule("L5b")
def test_l5b_nobody_sends_on_what_it_does_not_show_yet() -> None:
    """TWO has it only when its own link is up again; until then HOME cannot have it from TWO."""
    own, late = row(ONE, 0, origin=ONE), row(TWO, 5_010, origin=ONE)
    rows = (own, late, row(HOME, NEVER, origin=ONE, via=TWO))

    found = moved(rows, 1_000, Network((Outage(ONE, TWO, 0, 5_000),)))

    assert found == {(TWO, 1): 5_010, (HOME, 1): 5_020}


@pytest.mark.rule("L5b")
def test_l5b_what_a_region_was_to_be_seeded_with_comes_from_others_once_the_primary_is_destroyed() -> None:
    rows = (row(HOME, 20, origin=ONE), row(ONE, 0, origin=ONE), row(TWO, NEVER, origin=ONE, via=HOME, lag=0))
    dead = tuple(Outage(HOME, other, 1_000, NEVER) for other in (ONE, TWO))

    found = moved(rows, 1_000, Network(dead, destroyed={HOME: 1_000}))

    assert found[TWO, 1] == 1_001


@pytest.mark.rule("E1")
def test_e1_a_region_that_is_being_added_is_not_sent_a_dead_regions_writes_before_it_is_ready() -> None:
    rows = (row(HOME, 5, origin=ONE), row(ONE, 0, origin=ONE), row(TWO, 5_010, origin=ONE))
    dead = tuple(Outage(ONE, other, 1_000, NEVER) for other in (HOME, TWO))

    found = moved(rows, 1_000, Network(dead, destroyed={ONE: 1_000}), {HOME: 0, ONE: 0, TWO: 5_000})

    assert found[TWO, 1] == 5_010


@pytest.mark.rule("E1")
def test_e1_a_new_region_is_seeded_with_what_another_region_sends_on_to_the_primary() -> None:
    held = (row(HOME, NEVER, origin=ONE, via=TWO),)

    seeded = replication.seed(held, "francecentral", 100, 200, {}, Network(), (HOME, TWO))

    assert [(one.via, one.visible_from) for one in seeded.rows] == [(TWO, 210)]


@pytest.mark.rule("L3")
def test_l3_what_a_removed_region_hands_over_keeps_its_order() -> None:
    first = (row(TWO, 5, origin=ONE, lag=300), row(HOME, NEVER, origin=ONE, lag=300))
    second = tuple(replace(one, stamp=Stamp(2, ONE), lag=1) for one in first)

    handed = replication.handed_over((*first, *second), ONE, 1_000, Network())

    assert [one.visible_from for one in handed] == [1_300, 1_300]
    assert {one.via for one in handed} == {TWO}


@pytest.mark.rule("L5b")
def test_l5b_what_is_handed_over_waits_for_the_link_of_who_sends_it_on() -> None:
    """Marked as that one's, so that nobody takes it for lost."""
    rows = (row(TWO, 5, origin=ONE), row(HOME, NEVER, origin=ONE))

    handed = replication.handed_over(rows, ONE, 1_000, Network((Outage(TWO, HOME, 0, NEVER),)))

    assert [(one.via, one.visible_from) for one in handed] == [(TWO, NEVER)]


@pytest.mark.rule("L5b")
def test_l5b_what_is_handed_over_comes_from_who_can_send_it_first_and_shows_it_by_then() -> None:
    """FOUR has it and is cut off from HOME; THREE gets it from FOUR, and sends it on to HOME."""
    three, four = "westeurope", "francecentral"
    rows = (row(four, 5, origin=ONE), row(three, NEVER, origin=ONE), row(HOME, NEVER, origin=ONE))

    handed = replication.handed_over(rows, ONE, 1_000, Network((Outage(four, HOME, 0, 9_000),)))

    found = {one.region: (one.via, one.visible_from) for one in handed}
    assert found == {three: (four, 1_010), HOME: (three, 1_020)}


@pytest.mark.rule("L5b")
def test_l5b_what_a_leaving_region_was_handed_of_another_it_hands_on() -> None:
    rows = (row(TWO, 5, origin=ONE), row(HOME, NEVER, origin=ONE, via=TWO), row("westeurope", 5, origin=ONE))

    handed = replication.handed_over(rows, TWO, 1_000, Network())

    assert [(one.region, one.via, one.visible_from) for one in handed] == [(HOME, "westeurope", 1_010)]


@pytest.mark.rule("L3")
def test_l3_what_is_handed_over_does_not_overtake_what_another_is_to_send() -> None:
    """The first write is FOUR's to send on, once its link is up; the second comes behind it."""
    four = "francecentral"
    first = (row(four, 5, origin=ONE), row(HOME, NEVER, origin=ONE, via=four), row(TWO, 5, origin=ONE))
    second = (row(HOME, NEVER, origin=ONE), row(TWO, 6, origin=ONE))
    later = tuple(replace(one, stamp=Stamp(2, ONE)) for one in second)

    handed = replication.handed_over((*first, *later), ONE, 1_000, Network((Outage(four, HOME, 0, NEVER),)))

    assert [(one.stamp.hlc, one.via, one.visible_from) for one in handed] == [(2, TWO, NEVER)]


# -- a pool that is extended into what is destroyed ------------------------------------------------


def _pool() -> Pool:
    asked = NewPool("p", "contoso", "s", "g", "t", HOME, ("admin",))
    return replace(lifecycle.create(asked, None, _act(0), catalogue()), activated=0)


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

    assert [one.failed for one in change.added] == [True]
    assert change.pool.operation is not None and change.pool.operation.failure
    assert [span.region for span in change.pool.spans] == [HOME]


@pytest.mark.rule("E6")
def test_e6_of_two_regions_that_are_added_the_one_that_lives_is_made_and_the_pool_busy_till_then() -> None:
    where = Conditions(catalogue(), "2025-04")
    pool = extension.change_regions(_pool(), [ONE, TWO], _act(10_000), where).pool
    made = pool.regions[-1]

    pool = extension.struck(pool, (_destroyed(ONE, 10_100),), 10_100)

    assert [one.state(made.ready) for one in pool.regions[1:]] == ["Failed", "Succeeded"]
    assert pool.operation is not None and pool.operation.failure
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
    pool = replace(_pool(), regions=(*_pool().regions, made))

    assert routing.has_address(pool, ONE, 1_000) is answers


@pytest.mark.rule("E3")
def test_e3_a_removal_that_nothing_holds_any_more_ends_now_and_not_in_the_past() -> None:
    """What it waited for can never be sent: the receiver was destroyed meanwhile."""
    leaving = PoolRegion(ONE, False, 0, 100, removing=1_000, gone=NEVER)
    pool = replace(_pool(), regions=(*_pool().regions, leaving))
    pool = lifecycle.begin(pool, "region-remove", _act(1_000), NEVER)

    waits = extension.removal_waits(pool, {ONE: 0}, profile("quick", {}), 50_000)

    assert waits.regions[1].gone == 50_000
    assert waits.operation is not None and waits.operation.done == 50_000
