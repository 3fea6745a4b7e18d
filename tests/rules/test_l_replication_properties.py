"""L1, L3 to L6 for two and three regions: random interleavings of writes with random lags,
outages and clock steps, against an oracle that replays a log."""

from __future__ import annotations

from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azext_mhsmregion.model import merge
from azext_mhsmregion.model.network import Outage
from azext_mhsmregion.model.replication import Row

from .harness import PROPERTY, canonical
from .simulation import (
    MAX_LAG,
    REGIONS,
    Regions,
    Step,
    applied,
    counts,
    earliest,
    oracle,
    row_id,
    steps,
    told,
    transient,
)


def played(count: int, script: List[Step], outages: List[Outage]) -> Regions:
    regions = Regions(REGIONS[:count], tuple(outages))
    regions.run(script)
    return regions


@pytest.mark.rule("L1")
@PROPERTY
@given(count=counts, script=steps)
def test_l1_with_no_outage_no_write_takes_longer_than_six_minutes(count: int, script: List[Step]) -> None:
    regions = played(count, script, [])

    for rows in regions.rows.values():
        for row in rows:
            assert row.accepted <= row.visible_from <= row.accepted + MAX_LAG


@pytest.mark.rule("L3")
@PROPERTY
@given(count=counts, script=steps, outages=transient)
def test_l3_a_region_shows_its_own_writes_at_once(
    count: int, script: List[Step], outages: List[Outage]
) -> None:
    regions = played(count, script, outages)

    for name in regions.names:
        own = [row for row in regions.rows[name] if row.stamp.origin == name]
        assert len(own) == len(regions.log[name])
        assert all(row.visible_from == row.accepted for row in own)


@pytest.mark.rule("L3")
@PROPERTY
@given(count=counts, script=steps, outages=transient)
def test_l3_at_every_instant_another_region_has_seen_a_beginning_of_the_log(
    count: int, script: List[Step], outages: List[Outage]
) -> None:
    regions = played(count, script, outages)

    for name in regions.names:
        instants = sorted({row.visible_from for row in regions.rows[name]})
        for at in (moment + edge for moment in instants for edge in (-1, 0)):
            for origin in regions.names:
                seen = {
                    row_id(row)
                    for row in regions.rows[name]
                    if row.stamp.origin == origin and row.visible_from <= at
                }
                assert seen == set(regions.log[origin][: len(seen)])


@pytest.mark.rule("L4")
@PROPERTY
@given(count=counts, script=steps)
def test_l4_six_minutes_after_the_last_write_all_regions_are_equal_byte_for_byte(
    count: int, script: List[Step]
) -> None:
    regions = played(count, script, [])

    at = regions.now + MAX_LAG

    shown = {canonical(regions.shown(name, at)) for name in regions.names}
    assert len(shown) == 1


@pytest.mark.rule("L5")
@PROPERTY
@given(count=counts, script=steps, outages=transient)
def test_l5_after_transient_outages_every_region_has_every_write_and_the_same_objects(
    count: int, script: List[Step], outages: List[Outage]
) -> None:
    regions = played(count, script, outages)
    ends = [outage.end for outage in outages]

    at = max([regions.now, *ends]) + MAX_LAG

    acknowledged = {entry for log in regions.log.values() for entry in log}
    for name in regions.names:
        assert {row_id(row) for row in merge.visible(regions.rows[name], at)} == acknowledged
    assert len({canonical(regions.shown(name, at)) for name in regions.names}) == 1


@pytest.mark.rule("L5")
@PROPERTY
@given(count=counts, script=steps, outages=transient)
def test_l5_a_write_arrives_its_lag_after_its_link_came_back_and_never_overtakes(
    count: int, script: List[Step], outages: List[Outage]
) -> None:
    regions = played(count, script, outages)

    for name in regions.names:
        for origin in regions.names:
            if origin == name:
                continue
            down, last = regions.links_of(origin, name), 0
            mine = {row_id(row): row for row in regions.rows[name] if row.stamp.origin == origin}
            for entry in regions.log[origin]:
                row = mine[entry]
                last = max(last, earliest(row.accepted, row.lag, down))
                assert row.visible_from == last
                assert not any(outage.start < last < outage.end for outage in down)


@pytest.mark.rule("L6")
@PROPERTY
@given(count=counts, script=steps, outages=transient)
def test_l6_every_region_shows_what_a_replay_of_its_log_shows_at_every_instant(
    count: int, script: List[Step], outages: List[Outage]
) -> None:
    regions = played(count, script, outages)

    for name in regions.names:
        for at in sorted({row.visible_from for row in regions.rows[name]}):
            assert told(regions.shown(name, at)) == oracle(
                row for row in regions.rows[name] if row.visible_from <= at
            )


@pytest.mark.rule("L6")
@PROPERTY
@given(count=counts, script=steps, rng=st.randoms(use_true_random=False))
def test_l6_merging_is_commutative_associative_and_idempotent(count: int, script: List[Step], rng) -> None:  # type: ignore[no-untyped-def]
    regions = played(count, script, [])
    rows = regions.rows[regions.names[0]]
    one, two, three = ([row for row in rows if rng.random() < 0.6] for _ in range(3))

    def merged(*sets: List[Row]) -> str:
        return canonical(merge.objects([row for rows in sets for row in rows]))

    assert merged(one, two) == merged(two, one)
    assert merged(merge_sets(one, two), three) == merged(one, merge_sets(two, three))
    assert merged(one, one, two, two) == merged(one, two)


@pytest.mark.rule("L6")
@PROPERTY
@given(count=counts, script=steps, rng=st.randoms(use_true_random=False))
def test_l6_the_order_in_which_rows_come_makes_no_difference(count: int, script: List[Step], rng) -> None:  # type: ignore[no-untyped-def]
    regions = played(count, script, [])
    rows = list(regions.rows[regions.names[0]])
    expected, lost = canonical(merge.objects(rows)), merge.superseded(rows)

    for _ in range(3):
        rng.shuffle(rows)
        assert canonical(merge.objects(rows)) == expected
        assert merge.superseded(rows) == lost


@pytest.mark.rule("L6")
@PROPERTY
@given(count=counts, script=steps, outages=transient)
def test_l6_every_acknowledged_write_is_applied_or_superseded_and_never_both(
    count: int, script: List[Step], outages: List[Outage]
) -> None:
    regions = played(count, script, outages)
    acknowledged = {entry for log in regions.log.values() for entry in log}

    for name in regions.names:
        rows = merge.visible(regions.rows[name], regions.quiet())
        lost = merge.superseded(rows)
        assert lost == acknowledged - applied(rows)


@pytest.mark.rule("L6")
@PROPERTY
@given(count=counts, script=steps)
def test_l6_what_is_once_superseded_is_never_shown_again(count: int, script: List[Step]) -> None:
    regions = played(count, script, [])

    for name in regions.names:
        lost: frozenset = frozenset()  # type: ignore[type-arg]
        for at in sorted({row.visible_from for row in regions.rows[name]}):
            now_lost = merge.superseded(merge.visible(regions.rows[name], at))
            assert lost <= now_lost
            lost = now_lost


@pytest.mark.rule("L6")
@PROPERTY
@given(count=counts, script=steps)
def test_l6_a_stamp_is_above_everything_that_its_region_showed(count: int, script: List[Step]) -> None:
    regions = played(count, script, [])

    stamps = [entry[3] for log in regions.log.values() for entry in log]
    assert len(stamps) == len(set(stamps))
    for name in regions.names:
        for row in regions.rows[name]:
            if row.stamp.origin == name:
                earlier = [
                    other
                    for other in regions.rows[name]
                    if other.visible_from < row.accepted or other.stamp.origin == name
                ]
                before = [other for other in earlier if other.accepted < row.accepted]
                assert all(other.stamp < row.stamp for other in before)


def merge_sets(one: List[Row], two: List[Row]) -> List[Row]:
    """Union by what a row is, without repeats."""
    return list({row_id(row): row for row in (*one, *two)}.values())
