"""L3, L5, L5b, E1, E3, E9: who brings a write to whom, and who waits for it (``model/sending.py``).
Most cases were found by the simulation (tests/simulation) and are cut down to what matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Tuple

import pytest

from azext_mhsmregion.model import replication
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.network import PEACE, Network, Outage
from azext_mhsmregion.model.replication import Accepted, Kind, Row, Stamp, Write
from azext_mhsmregion.model.sending import Situation, Way, ways

HOME, ONE, TWO, THREE = "uksouth", "australiaeast", "japaneast", "westeurope"
DAY = 86_400_000
ALL = {HOME: 0, ONE: 0, TWO: 0}


def row(region: str, visible: int, origin: str = ONE, lag: int = 10, accepted: int = 0, via: str = "") -> Row:
    stamp = Stamp(accepted + 1, origin)
    return Row(region, Kind.SETTING, "s", "", stamp, accepted, lag, visible, False, {}, via)


def dies(region: str, when: int, *more: Outage) -> Network:
    """A network that a region is in until ``when``."""
    dead = tuple(Outage(region, other, when, NEVER) for other in (HOME, ONE, TWO, THREE) if other != region)
    return Network((*dead, *more), destroyed={region: when})


def cut(one: str, other: str, end: int = NEVER, start: int = 0) -> Outage:
    return Outage(one, other, start, end)


def found(
    copies: Tuple[Row, ...],
    now: int,
    network: Network = PEACE,
    ready: Mapping[str, int] = ALL,
    **more: Any,
) -> Dict[str, Way]:
    return ways(copies, {}, Situation(now, ready, network, **more))


def moved(
    rows: Tuple[Row, ...], now: int, network: Network = PEACE, ready: Mapping[str, int] = ALL, **more: Any
) -> Accepted:
    return replication.rearranged(rows, {}, Situation(now, ready, network, **more))


def arrivals(result: Accepted) -> List[Tuple[str, int, int]]:
    """(region, hybrid time, when it shows the write) of the rows that move."""
    return sorted((one.region, one.stamp.hlc, one.visible_from) for one in result.rows)


# -- its origin ---------------------------------------------------------------------------------------


@pytest.mark.rule("L1")
def test_l1_its_origin_brings_it_once_its_lag_has_passed_and_nobody_else_does() -> None:
    copies = (row(ONE, 0), row(HOME, NEVER, lag=500), row(TWO, 20, lag=500))

    assert found(copies, 30)[HOME] == Way(ONE, 500)


@pytest.mark.rule("L5")
def test_l5_a_write_that_a_forgotten_outage_held_still_waits_for_the_one_that_is_on() -> None:
    """Faults are kept for a day: the first of two overlapping outages is forgotten by now."""
    links = Network((cut(ONE, HOME, 3 * DAY, start=1_000),))

    assert found((row(ONE, 0), row(HOME, NEVER)), 2 * DAY, links)[HOME].due == 3 * DAY + 10


@pytest.mark.rule("L5")
def test_l5_what_a_forgotten_outage_held_leaves_when_it_was_to_leave() -> None:
    """It was under way already: it arrives no later than it was to."""
    copies = (row(ONE, 0), row(HOME, 2 * DAY + 400, lag=1_000))

    assert found(copies, 2 * DAY)[HOME].due == 2 * DAY + 400


@pytest.mark.rule("L5")
@pytest.mark.parametrize(("lag", "due"), [(10, 20), (5, 15), (0, 11)])
def test_l5_what_should_be_here_and_is_not_leaves_now_and_is_never_here_at_once(lag: int, due: int) -> None:
    assert found((row(ONE, 0), row(HOME, NEVER, lag=lag)), 10)[HOME] == Way(ONE, due)


@pytest.mark.rule("L5b")
@pytest.mark.parametrize(("least", "due"), [(499, 499), (500, NEVER), (501, NEVER)])
def test_l5b_what_waits_for_the_one_before_it_comes_only_while_its_sender_lives(least: int, due: int) -> None:
    at = Situation(0, ALL, dies(ONE, 500))

    assert at.brings(ONE, row(HOME, NEVER), 0, least) == due


@pytest.mark.rule("E1")
def test_e1_what_a_region_is_seeded_with_is_there_at_succeeded_whatever_the_links_do() -> None:
    seeds = replication.seed((row(HOME, 0, HOME), row(HOME, 900, ONE, 850)), TWO, 150, 300)
    ready, links = {**ALL, TWO: 300}, Network((cut(HOME, TWO),))

    rows = (row(HOME, 0, HOME), row(ONE, 50, ONE, 850), row(HOME, 900, ONE, 850), *seeds)
    result = moved(rows, 150, links, ready)

    assert [(one.region, one.via, one.visible_from) for one in seeds] == [(TWO, HOME, 300), (TWO, "", NEVER)]
    assert (TWO, 1, 300) in arrivals(result) and (TWO, 1, 300 + 850) in arrivals(result)


@pytest.mark.rule("E1")
def test_e1_seeded_rows_keep_the_order_of_their_link() -> None:
    sent = [row(HOME, 500, lag=450, accepted=50), row(HOME, 900, lag=1, accepted=60)]
    seeds = replication.seed(sent, THREE, 150, 300)
    own = [one._replace(region=ONE, visible_from=one.accepted) for one in sent]

    result = moved((*sent, *own, *seeds), 150, ready={**ALL, THREE: 300})

    assert [when for region, _, when in arrivals(result) if region == THREE] == [750, 750]
    later = replication.accept(
        [Write(Kind.SETTING, "next")], ONE, {THREE: 300}, 400, 1, lambda: 1, result.links
    )
    assert later.rows[-1].visible_from == 750
    assert {one.stamp.hlc for one in later.rows} == {400 << 16}, "no clock is wrong"


@pytest.mark.rule("L3")
def test_l3_writes_that_an_outage_held_come_in_the_order_of_their_acceptance_whatever_they_are() -> None:
    first = [one._replace(name="z") for one in (row(ONE, 0), row(HOME, NEVER, lag=50))]
    second = [one._replace(name="a") for one in (row(ONE, 5, accepted=5), row(HOME, NEVER, accepted=5))]
    links = Network((cut(ONE, HOME, 100),))

    result = replication.rearranged((*second, *first), {}, Situation(50, ALL, links))

    assert [(one.name, one.visible_from) for one in result.rows] == [("z", 150), ("a", 150)]


@pytest.mark.rule("L3")
def test_l3_how_far_a_link_has_come_is_kept_where_nothing_moves() -> None:
    """What is accepted as of an earlier instant (E8) may not overtake what is there already."""
    result = replication.rearranged((), {(ONE, HOME): 5}, Situation(10, ALL))

    assert result.links == {(ONE, HOME): 5}


# -- others, in its place -----------------------------------------------------------------------------


@pytest.mark.rule("L5b")
def test_l5b_what_a_destroyed_region_had_sent_to_one_the_others_get_from_that() -> None:
    copies = (row(ONE, 0), row(HOME, 20), row(TWO, NEVER))

    assert found(copies, 1_000, dies(ONE, 1_000))[TWO] == Way(HOME, 1_010)
    assert found(copies, 500, dies(ONE, 1_000, cut(ONE, TWO)))[TWO] == Way(HOME, 1_010), "by plan"
    assert found(copies, 500, Network((cut(ONE, TWO),)))[TWO] == Way("", NEVER), "its own to send"


@pytest.mark.rule("L5b")
def test_l5b_what_was_lost_does_not_come_back_when_what_held_it_is_forgotten() -> None:
    """The outage between ONE and HOME has ended, and is forgotten."""
    ready = {ONE: 0, HOME: 0, TWO: 3 * DAY}
    copies = (row(ONE, 0), row(HOME, NEVER), row(TWO, NEVER))

    result = found(copies, 2 * DAY, dies(ONE, 1_000), ready)

    assert (result[HOME].due, result[TWO].due) == (NEVER, NEVER)


@pytest.mark.rule("L5b")
def test_l5b_what_a_removed_region_had_to_send_comes_from_who_shows_it_and_not_out_of_nowhere() -> None:
    ready = {HOME: 0, TWO: 0}  # ONE, the origin, is gone

    assert found((row(TWO, 50), row(HOME, NEVER)), 1_000, ready=ready)[HOME] == Way(TWO, 1_010)
    assert found((row(TWO, NEVER), row(HOME, NEVER)), 1_000, ready=ready)[HOME].due == NEVER


@pytest.mark.rule("L5b")
def test_l5b_nobody_sends_on_what_it_does_not_show_yet() -> None:
    """TWO gets it only when its link to HOME is up again; until then THREE cannot have it from TWO."""
    copies = (row(HOME, 5), row(TWO, NEVER), row(THREE, NEVER))
    links = Network((cut(HOME, TWO, 5_000), cut(HOME, THREE)))

    result = found(copies, 1_000, links, {HOME: 0, TWO: 0, THREE: 0})

    assert (result[TWO], result[THREE]) == (Way(HOME, 5_010), Way(TWO, 5_020))


@pytest.mark.rule("L5b")
def test_l5b_of_those_who_show_it_the_first_that_can_sends_it_on() -> None:
    copies = (row(HOME, 5), row(TWO, 8), row(THREE, NEVER))
    links = Network((cut(HOME, THREE, 9_000),))

    assert found(copies, 1_000, links, {HOME: 0, TWO: 0, THREE: 0})[THREE] == Way(TWO, 1_010)


@pytest.mark.rule("E1")
def test_e1_a_region_that_is_being_added_is_not_sent_a_dead_regions_writes_before_it_is_ready() -> None:
    copies = (row(HOME, 5), row(ONE, 0), row(TWO, NEVER))

    assert found(copies, 1_000, dies(ONE, 1_000), {**ALL, TWO: 5_000})[TWO] == Way(HOME, 5_010)


@pytest.mark.rule("L5b")
def test_l5b_what_a_leaving_region_cannot_send_or_only_later_those_send_on_that_get_it_before() -> None:
    copies = (row(ONE, 0), row(HOME, NEVER), row(TWO, 1_005, lag=10))
    held = Network((cut(ONE, HOME, 9_000), cut(ONE, TWO, 995)))

    assert found(copies, 1_000, held)[HOME] == Way(ONE, 9_010)
    assert found(copies, 1_000, held, leaving={ONE: 1_000})[HOME] == Way(TWO, 1_015)


@pytest.mark.rule("L3")
def test_l3_what_is_sent_on_keeps_its_order() -> None:
    rows = tuple(
        one
        for accepted, lag in ((0, 300), (5, 1))
        for one in (row(TWO, 8, lag=lag, accepted=accepted), row(HOME, NEVER, lag=lag, accepted=accepted))
    )

    assert arrivals(moved(rows, 1_000, ready={HOME: 0, TWO: 0})) == [(HOME, 1, 1_300), (HOME, 6, 1_300)]


@pytest.mark.rule("L5b")
def test_l5b_a_write_that_waits_for_the_one_before_it_is_lost_where_its_sender_dies_meanwhile() -> None:
    """ONE is destroyed at 500. Its first write, which takes 600 ms, comes to TWO from HOME, whose link is up
    again at 900; its second would be there at 30, and stands behind it. HOME gets the second from nobody."""
    links = dies(ONE, 500, cut(HOME, TWO, 900), cut(ONE, HOME, start=20))
    first = (row(ONE, 0), row(HOME, 10), row(TWO, NEVER, lag=600))
    second = (row(ONE, 20, accepted=20), row(HOME, NEVER, accepted=20), row(TWO, 30, accepted=20))

    result = replication.rearranged((*first, *second), {}, Situation(21, ALL, links))

    assert arrivals(result) == [(TWO, 1, 1_500), (TWO, 21, NEVER), (HOME, 21, NEVER)]


@pytest.mark.rule("E9")
def test_e9_a_region_that_was_added_again_sends_what_it_accepts_now_whoever_sends_what_it_did_before() -> (
    None
):
    """HOME alone has what ONE accepted in its first life, and cannot reach TWO."""
    out, lives = Network((cut(HOME, TWO),)), {HOME: (0,), ONE: (0, 50)}
    before = (row(HOME, 5), row(TWO, NEVER))
    after = (row(ONE, 60, accepted=60), row(TWO, NEVER, accepted=60))

    result = moved((*before, *after), 100, out, {HOME: 0, ONE: 50, TWO: 0}, lives=lives)

    assert arrivals(result) == [(TWO, 1, NEVER), (TWO, 61, 110)]


@pytest.mark.rule("E9")
def test_e9_what_it_accepts_now_is_its_own_to_send_though_others_show_it() -> None:
    copies = (row(ONE, 60, accepted=60), row(HOME, 70, accepted=60), row(TWO, NEVER, accepted=60))
    ready = {HOME: 0, ONE: 50, TWO: 0}

    result = found(copies, 100, Network((cut(ONE, TWO),)), ready, lives={ONE: (0, 50)})

    assert result[TWO] == Way("", NEVER)


@pytest.mark.rule("E9")
def test_e9_what_a_region_accepted_in_a_former_life_it_sends_on_like_anybody_who_shows_it() -> None:
    copies = (row(ONE, 100), row(TWO, NEVER))

    result = found(copies, 200, ready={ONE: 50, TWO: 0}, lives={ONE: (0, 50)})

    assert result[TWO] == Way(ONE, 210)


# -- who waits, and until when ------------------------------------------------------------------------


@pytest.mark.rule("E3")
def test_e3_a_region_is_waited_for_until_what_it_accepted_is_where_it_can_be() -> None:
    copies = (row(ONE, 0), row(HOME, NEVER, lag=500), row(TWO, NEVER, lag=700))

    assert moved(copies, 10).unsent_until == {HOME: 0, ONE: 700, TWO: 0}


@pytest.mark.rule("E3")
def test_e3_nobody_waits_for_what_is_sent_to_a_region_that_goes_or_is_dead() -> None:
    copies = (row(ONE, 0), row(HOME, NEVER, lag=500), row(TWO, NEVER, lag=700))

    assert moved(copies, 10, leaving={TWO: 5, ONE: 5}).unsent_until[ONE] == 500
    assert moved(copies, 10, dies(TWO, 9)).unsent_until[ONE] == 500


@pytest.mark.rule("E3")
def test_e3_who_brings_it_to_one_that_sends_it_on_is_waited_for_and_that_one_too() -> None:
    """ONE and TWO go together; HOME can have it by TWO only."""
    copies = (row(ONE, 0), row(TWO, NEVER), row(HOME, NEVER))
    links = Network((cut(ONE, HOME),))

    result = moved(copies, 100, links, leaving={ONE: 100, TWO: 100})

    assert arrivals(result) == [(TWO, 1, 110), (HOME, 1, 120)]
    assert result.unsent_until == {HOME: 0, ONE: 110, TWO: 120}


@pytest.mark.rule("E3")
def test_e3_what_no_region_that_stays_can_get_is_waited_for_while_one_of_them_lives() -> None:
    copies = (row(ONE, 0), row(HOME, NEVER), row(TWO, NEVER))
    links = Network((cut(ONE, HOME), cut(ONE, TWO)))
    dead = replace(dies(HOME, 5_000), outages=(*links.outages, *dies(HOME, 5_000).outages))

    assert moved(copies, 100, links, leaving={ONE: 100}).unsent_until[ONE] == NEVER
    assert moved(copies[:2], 100, dead, leaving={ONE: 100}).unsent_until[ONE] == 5_000
    assert moved(copies, 100, dead, leaving={ONE: 100}).unsent_until[ONE] == NEVER


@pytest.mark.rule("E3")
def test_e3_nobody_waits_for_a_write_that_it_does_not_have() -> None:
    links = Network((cut(ONE, HOME), cut(ONE, TWO)))
    copies = (row(ONE, 0), row(HOME, NEVER), row(TWO, NEVER))

    result = moved(copies, 100, links, leaving={ONE: 100, TWO: 100})

    assert result.unsent_until == {HOME: 0, ONE: NEVER, TWO: 0}


@pytest.mark.rule("E3")
def test_e3_of_a_dead_regions_writes_only_who_alone_has_them_waits_for_a_link() -> None:
    alone = (row(HOME, 0), row(TWO, NEVER))
    both = (*alone, row(THREE, 0))
    links = dies(ONE, 50, cut(HOME, TWO), cut(THREE, TWO))

    assert moved(alone, 100, links, leaving={HOME: 100}).unsent_until[HOME] == NEVER
    assert moved(both, 100, links, {**ALL, THREE: 0}, leaving={HOME: 100}).unsent_until[HOME] == 0


@pytest.mark.rule("E3")
def test_e3_nobody_waits_beyond_the_planned_end_of_who_has_it() -> None:
    copies = (row(ONE, 0), row(HOME, NEVER))

    assert moved(copies, 100, dies(ONE, 300, cut(ONE, HOME)), leaving={ONE: 100}).unsent_until[ONE] == 300
