"""Accepting writes: rows for every region of a pool, in one transaction with its record (rules
L1 to L6, E1, E3). One command is one bump of the pool's revision."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Callable, Dict, Iterable, List, Mapping

from azext_mhsmregion.emulator.objects import KEYS
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import faults, merge, replication
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.extension import RegionChange
from azext_mhsmregion.model.lifecycle import settled
from azext_mhsmregion.model.loss import Loss
from azext_mhsmregion.model.network import Network, network
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rows import Kind, Row, Write


def accept(unit: Unit, pool: Pool, origin: str, writes: Iterable[Write]) -> Pool:
    """Accept writes in ``origin``: a row for every region that holds data, conflicts audited,
    the record written."""
    pool = tidied(unit, pool)
    wanted = list(writes)
    held = _in_flight(unit, pool, origin, wanted)
    _audit_conflicts(unit, pool, origin, wanted, held)
    accepted = replication.accept(
        wanted,
        origin,
        {one.name: one.ready for one in pool.regions if one.name != origin and one.holds_data(unit.now)},
        unit.now,
        unit.tx.last_hlc(pool.id, origin, unit.now),
        _lags(unit, pool),
        pool.links,
        links_of(unit, pool),
        faults.skew(unit.faults, origin, unit.now),
    )
    _audit_superseded(unit, pool, [row for row in accepted.rows if row.region == origin], held)
    unit.tx.put_rows(pool.id, accepted.rows)
    written = {row.object for row in accepted.rows if row.kind not in (Kind.KEY_VERSION, Kind.KEY_PURGE)}
    unit.tx.compact(pool.id, written, _holding(unit, pool), unit.now)
    return unit.tx.put_pool(replace(pool, links=accepted.links))


def apply(unit: Unit, change: RegionChange) -> Pool:
    """Store a change of regions: every added region that will succeed is seeded with the
    primary's rows (E1). What a region of the same name held before is purged first (E9)."""
    pool = settled(change.pool, unit.now)
    fresh = {region.name for region in change.added}
    unit.tx.drop_regions(pool.id, [name for name in _holding(unit, pool) if name not in fresh])
    links = pool.links
    for region in change.added:
        if region.failed:
            continue
        rows = unit.tx.rows(pool.id, pool.primary.name)
        senders = [one.name for one in pool.regions]
        seeded = replication.seed(
            rows, region.name, unit.now, region.ready, links, links_of(unit, pool), senders
        )
        unit.tx.put_rows(pool.id, seeded.rows)
        links = seeded.links
    return unit.tx.put_pool(replace(pool, links=links))


def rearrange(unit: Unit, pool: Pool) -> Pool:
    """Writes on their way, and the removals that wait for them, as the faults are now; answers the
    record, not yet written (L5, E3)."""
    ready = {one.name: one.ready for one in pool.regions if one.holds_data(unit.now)}
    moved = replication.rearranged(
        unit.tx.on_their_way(pool.id, unit.now, list(ready)),
        ready,
        unit.now,
        unit.tx.reached(pool.id, unit.now),
        links_of(unit, pool),
    )
    unit.tx.move_rows(pool.id, moved.rows)
    return replace(pool, links=moved.links)


def links_of(unit: Unit, pool: Pool) -> Network:
    """The links between the pool's regions, as the faults leave them."""
    return network(unit.faults, pool.id, [region.name for region in pool.regions])


def record(unit: Unit, pool: Pool) -> Pool:
    """Write a changed record that comes with no writes of objects."""
    return unit.tx.put_pool(tidied(unit, pool))


def tidied(unit: Unit, pool: Pool) -> Pool:
    """The record settled; what regions that are gone held (D2) and what purged keys were (D5,
    once every region shows the purge) leaves the store."""
    pool = settled(pool, unit.now)
    living = _holding(unit, pool) if pool.phase(unit.now) != "gone" else []
    unit.tx.drop_regions(pool.id, living)
    unit.tx.drop_purged_keys(pool.id, living, unit.now)
    return pool


def sweep(unit: Unit) -> None:
    """What pools that are gone held leaves the store; their records stay, for the bill."""
    for pool in unit.tx.pools():
        if pool.phase(unit.now) == "gone":
            unit.tx.drop_regions(pool.id, [])


def unsent_until(unit: Unit, pool: Pool, giving_up: bool = False) -> Mapping[str, int]:
    """Until when each region has writes on their way to the others that live, its own and what it sends
    on of dead ones (E3, L5b): NEVER where an outage without a planned end holds some, unless such writes
    are given up. Nobody waits for what is destroyed, nor beyond the time when it will be by plan."""
    living, dead = _holding(unit, pool), _destroyed(unit, pool)
    deaths = {name: faults.destroyed_at(unit.faults, pool.id, name) or NEVER for name in living}
    before = NEVER if giving_up else NEVER + 1
    alive = [name for name in living if name not in dead]
    sent_on = max((unit.tx.last_arrival(pool.id, name, alive, NEVER) for name in dead), default=0)

    def arrived(name: str, other: str) -> int:
        last = unit.tx.last_arrival(pool.id, name, [other], before)
        return last if last < NEVER else min(deaths[name], deaths[other])

    return {
        name: 0 if name in dead else max([sent_on, *(arrived(name, other) for other in alive)])
        for name in living
    }


def loss_if_removed(unit: Unit, pool: Pool, region: str, leaving: Iterable[str] = ()) -> Loss:
    """The acknowledged writes that the removal of ``region``, together with ``leaving``, would lose:
    its own that no other living region will ever show, because no link has a planned end of its
    outage (E3, L5b); everything that it shows where it is the last one alive (E6)."""
    dead = _destroyed(unit, pool)
    others = [name for name in _holding(unit, pool) if name != region]
    living = [name for name in others if name not in dead]
    if living or region in dead:
        return unit.tx.stuck(pool.id, region, [name for name in living if name not in leaving])
    if not others:
        return Loss()
    shown = [row.accepted for row in unit.tx.rows(pool.id, region) if row.visible_from < NEVER]
    return Loss(len(shown), min(shown, default=0))


def lose(unit: Unit, pool: Pool, removed: Iterable[str]) -> None:
    """What an accepted removal loses stands in the audit log, and never arrives (E3); what another
    region shows of it is sent on by that one."""
    removed = list(removed)
    for region in removed:
        others = [name for name in _holding(unit, pool) if name != region]
        rows = unit.tx.on_their_way(pool.id, unit.now, others)
        unit.tx.move_rows(pool.id, replication.handed_over(rows, region, unit.now, links_of(unit, pool)))
        _leave_to_others(unit, pool, region, rows)
        lost = loss_if_removed(unit, pool, region, removed)
        if lost.writes:
            unit.tx.drop_stuck(pool.id, region)
            unit.tx.put_event(pool.name, "loss", unit.now, unit.real, lost.facts(region, unit.now))


def _leave_to_others(unit: Unit, pool: Pool, region: str, rows: List[Row]) -> None:
    """What ``region`` would have sent on of others, that are dead or gone, after it is gone itself."""
    unsent = unsent_until(unit, pool, giving_up=True)
    gone = max(unit.now + unit.profile.of("region-remove"), unsent.get(region, 0))
    ready = {one.name: one.ready for one in pool.regions if one.holds_data(unit.now)}
    reached = unit.tx.reached(pool.id, unit.now)
    left = replication.left_to_others(rows, region, gone, ready, unit.now, reached, links_of(unit, pool))
    unit.tx.move_rows(pool.id, left.rows)


def _holding(unit: Unit, pool: Pool) -> List[str]:
    return [region.name for region in pool.regions if region.holds_data(unit.now)]


def _destroyed(unit: Unit, pool: Pool) -> List[str]:
    """The regions of the pool that are gone for ever."""
    names = (region.name for region in pool.regions)
    return [name for name in names if faults.is_destroyed(unit.faults, pool.id, name, unit.now)]


def _lags(unit: Unit, pool: Pool) -> Callable[[], int]:
    """The lag of each write: seeded by the pool and its revision, so that a run can be repeated
    exactly (L2)."""
    source = random.Random(f"{unit.settings.seed}:{pool.id}:{pool.revision}")
    max_lag = unit.profile.of("replication.max_lag")
    return lambda: replication.draw_lag(source, max_lag)


Held = Mapping[str, List[Row]]
"""Rows of the accepting region by object name, of the names that something is in flight for."""


def _in_flight(unit: Unit, pool: Pool, origin: str, writes: List[Write]) -> Held:
    """What the accepting region holds of the objects written, where it cannot show all of it yet."""
    held: Dict[str, List[Row]] = {}
    for write in writes:
        if write.name not in held:
            kinds = KEYS if write.kind in KEYS else (write.kind,)
            held[write.name] = unit.tx.rows(pool.id, origin, kinds, write.name)
    return {name: rows for name, rows in held.items() if any(row.visible_from > unit.now for row in rows)}


def _audit_conflicts(unit: Unit, pool: Pool, origin: str, writes: List[Write], held: Held) -> None:
    """Two writes of one object of which neither region had seen the other's (L6)."""
    for write in writes:
        for row in replication.conflicts(write, held.get(write.name, ()), unit.now):
            facts = {"object": write.name, "kind": write.kind.value, "origin": origin}
            facts["other_origin"] = row.stamp.origin
            unit.tx.put_event(pool.name, "conflict", unit.now, unit.real, facts)


def _audit_superseded(unit: Unit, pool: Pool, made: List[Row], held: Held) -> None:
    """The writes that lose to one which had not seen them, whichever was accepted first (L6)."""
    for name, before in held.items():
        mine = [row for row in made if row.name == name]
        lost = merge.superseded([*before, *mine]) - merge.superseded(before)
        unseen = [row for row in before if row.visible_from > unit.now]
        for row in (*mine, *unseen):
            if (*row.object, row.stamp) in lost:
                facts = {"object": name, "kind": row.kind.value, "origin": row.stamp.origin}
                unit.tx.put_event(
                    pool.name, "superseded", unit.now, unit.real, {**facts, "accepted": row.accepted}
                )
