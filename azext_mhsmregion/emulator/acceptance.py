"""Accepting writes: rows for every region of a pool, in one transaction with its record (rules
L1 to L6, E1, E3). One command is one bump of the pool's revision."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Callable, Dict, Iterable, List, Mapping, Sequence

from azext_mhsmregion.emulator.objects import KEYS
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import faults, merge, replication
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.extension import RegionChange, removal_waits
from azext_mhsmregion.model.lifecycle import settled
from azext_mhsmregion.model.loss import Loss, total
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
    return unit.tx.put_pool(_awaiting(unit, replace(pool, links=accepted.links), accepted.rows))


def apply(unit: Unit, change: RegionChange) -> Pool:
    """Store a change of regions: every added region that will succeed is seeded with the
    primary's rows (E1). What a region of the same name held before is purged first (E9). Removals wait
    for what was handed to those that go, and for what these have to send to the new ones (E3, L5b)."""
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
    if change.removed:
        unsent = unsent_until(unit, pool, giving_up=True)
        pool = removal_waits(pool, unsent, unit.profile, unit.now)
    return unit.tx.put_pool(_unsure(unit, replace(pool, links=links)))


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
    return _unsure(unit, replace(pool, links=moved.links))


def _awaiting(unit: Unit, pool: Pool, rows: Sequence[Row]) -> Pool:
    """The record as writes change when the next rotation is due (E8); next to free where there is no
    policy."""
    names = {row.name for row in rows if row.kind in KEYS}
    if names and (pool.rotation_due is not None or any(merge.is_policy(row) for row in rows)):
        from azext_mhsmregion.emulator import rotations  # few pools have a policy

        return rotations.awaiting(unit, pool, names)
    return pool


def _unsure(unit: Unit, pool: Pool) -> Pool:
    """Another region may be the one that makes rotations, or know of them: whoever comes next looks."""
    if pool.rotation_due is None:
        return pool
    return replace(pool, rotation_due=min(pool.rotation_due, unit.now))


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
    """Until when each living region has something to send to the others that live (E3, L5b): NEVER where
    an outage without a planned end holds some, unless such writes are given up. Nobody waits for what is
    destroyed, nor beyond the time when it will be by plan."""
    alive = _alive(unit, pool)
    deaths = {name: faults.destroyed_at(unit.faults, pool.id, name) or NEVER for name in alive}
    leaving = [region.name for region in pool.regions if region.removing is not None]
    rows = unit.tx.on_their_way(pool.id, unit.now, alive)
    return replication.unsent_until(rows, deaths, giving_up, leaving)


def loss_if_removed(unit: Unit, pool: Pool, region: str) -> Loss:
    """The acknowledged writes that go with ``region`` when it is removed (E3, L5b, E6)."""
    return total(_going(unit, pool, region).values())


def lose(unit: Unit, pool: Pool, removed: Sequence[str]) -> None:
    """What an accepted removal loses stands in the audit log, and never arrives (E3); what another
    region shows of it is sent on by that one."""
    for region in removed:
        others = [name for name in _holding(unit, pool) if name != region]
        rows = unit.tx.on_their_way(pool.id, unit.now, others)
        unit.tx.move_rows(pool.id, replication.handed_over(rows, region, unit.now, links_of(unit, pool)))
    going = {region: _going(unit, pool, region, removed) for region in removed}
    alive = _alive(unit, pool)
    staying = [name for name in alive if name not in removed]
    for region, losses in going.items():
        if losses:
            lost = total(losses.values())
            unit.tx.drop_stuck(pool.id, region, list(losses), staying, alive)
            unit.tx.put_event(pool.name, "loss", unit.now, unit.real, lost.facts(region, unit.now))


def _going(unit: Unit, pool: Pool, region: str, leaving: Sequence[str] = ()) -> Dict[str, Loss]:
    """What is lost with ``region`` when it goes, together with ``leaving``; by origin: what it accepted, or
    has of regions that are dead or gone, and no region that stays will ever show, as things stand; of the
    last one alive, or that was, everything."""
    if region not in _holding(unit, pool):
        return {}
    alive = _alive(unit, pool)
    if region not in alive:
        return _died_with(unit, pool, region, alive)
    staying = [name for name in alive if name not in (region, *leaving)]
    stuck = unit.tx.stuck(pool.id, region, staying)
    own = {region: stuck[region]} if region in stuck else {}
    # What several that go have of others that are dead or gone goes with the last of them.
    after = leaving[leaving.index(region) + 1 :] if region in leaving else ()
    left = unit.tx.stuck(pool.id, region, [*staying, *(name for name in after if name in alive)])
    told = {region, *(name for name in leaving if name in alive)}
    return {**own, **{origin: loss for origin, loss in left.items() if origin not in told}}


def _died_with(unit: Unit, pool: Pool, region: str, alive: Sequence[str]) -> Dict[str, Loss]:
    """What died with a region: what other dead ones accepted is told as theirs. Where none is alive, the
    one that died last stands for the living, and took everything with it."""
    dead = [name for name in _destroyed(unit, pool) if name in _holding(unit, pool)]
    last = max(dead, key=lambda name: (faults.destroyed_at(unit.faults, pool.id, name), name))
    if region == last and not alive:
        return unit.tx.stuck(pool.id, region, ())
    stuck = unit.tx.stuck(pool.id, region, alive or [last])
    return {origin: loss for origin, loss in stuck.items() if origin == region or origin not in dead}


def _alive(unit: Unit, pool: Pool) -> List[str]:
    """The regions that hold data and are not destroyed."""
    dead = _destroyed(unit, pool)
    return [name for name in _holding(unit, pool) if name not in dead]


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
