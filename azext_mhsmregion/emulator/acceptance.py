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
from azext_mhsmregion.model.replication import Accepted
from azext_mhsmregion.model.rows import Kind, Row, Write
from azext_mhsmregion.model.sending import Situation


def accept(unit: Unit, pool: Pool, origin: str, writes: Iterable[Write], above_all: bool = False) -> Pool:
    """Accept writes in ``origin``: a row for every region that holds data, conflicts audited,
    the record written. ``above_all``: their stamps are above those of whatever any region accepted, seen
    here or not (E7)."""
    pool = tidied(unit, pool)
    wanted = list(writes)
    held = _in_flight(unit, pool, origin, wanted)
    _audit_conflicts(unit, pool, origin, wanted, held)
    accepted = replication.accept(
        wanted,
        origin,
        {one.name: one.ready for one in pool.regions if one.name != origin and one.holds_data(unit.now)},
        unit.now,
        unit.tx.last_hlc(pool.id, origin, NEVER if above_all else unit.now),
        _lags(unit, pool),
        pool.links,
        links_of(unit, pool),
        faults.skew(unit.faults, origin, unit.now),
    )
    _audit_superseded(unit, pool, [row for row in accepted.rows if row.region == origin], held)
    unit.tx.put_rows(pool.id, accepted.rows)
    once = (Kind.KEY_PURGE,) if above_all else (Kind.KEY_VERSION, Kind.KEY_PURGE)  # but for a restore
    written = {row.object for row in accepted.rows if row.kind not in once}
    unit.tx.compact(pool.id, written, _holding(unit, pool), unit.now)
    pool = replace(pool, links=accepted.links)
    if _is_to_end(unit, pool):
        pool = rearrange(unit, pool)
    return unit.tx.put_pool(_awaiting(unit, pool, accepted.rows))


def apply(unit: Unit, change: RegionChange) -> Pool:
    """Store a change of regions: every added region that will succeed is seeded with the
    primary's rows (E1). What a region of the same name held before is purged first (E9). Removals wait
    for what those that go have to send, to the new ones too (E3, L5b)."""
    pool = settled(change.pool, unit.now)
    fresh = {region.name for region in change.added}
    unit.tx.drop_regions(pool.id, [name for name in _holding(unit, pool) if name not in fresh])
    rows = unit.tx.rows(pool.id, pool.primary.name)
    for region in change.added:
        if region.holds_data(unit.now):
            unit.tx.put_rows(pool.id, replication.seed(rows, region.name, unit.now, region.ready))
    return unit.tx.put_pool(rearrange(unit, pool))


def rearrange(unit: Unit, pool: Pool) -> Pool:
    """Writes on their way, and the removals that wait for them, as faults and regions are now; answers the
    record, not yet written (L5, E3)."""
    moved = _moved(unit, pool, _leaving(pool))
    pool = removal_waits(replace(pool, links=moved.links), moved.unsent_until, unit.now)
    return _unsure(unit, _jobs(unit, pool))


def _moved(unit: Unit, pool: Pool, leaving: Mapping[str, int]) -> Accepted:
    """The rows of a pool where they arrive by what is known now, once ``leaving`` go."""
    # What is to be destroyed before it is made neither gets nor gives any.
    ready = {one.name: one.ready for one in pool.regions if one.holds_data(unit.now) and one.struck is None}
    at = Situation(unit.now, ready, links_of(unit, pool), leaving, _lives(pool))
    rows = unit.tx.on_their_way(pool.id, unit.now, list(ready))
    moved = replication.rearranged(rows, unit.tx.reached(pool.id, unit.now), at)
    unit.tx.move_rows(pool.id, moved.rows)
    return moved


def _is_to_end(unit: Unit, pool: Pool) -> bool:
    """Is a region being removed, or about to be destroyed? Others may have to send on what is accepted."""
    planned = links_of(unit, pool).destroyed.values()
    return bool(_leaving(pool)) or any(when > unit.now for when in planned)


def _jobs(unit: Unit, pool: Pool) -> Pool:
    """The record with its backup and its restore as the faults let them end (E7)."""
    if pool.backup is None and pool.restore is None:
        return pool
    from azext_mhsmregion.model import jobs  # few pools have any

    for job in (pool.backup, pool.restore):
        if job is not None and job.running(unit.now):
            ending = jobs.ending(job, unit.faults, unit.now)
            unit.tx.put_operation(ending)
            pool = jobs.begun(pool, ending)
    return pool


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


def loss_if_removed(unit: Unit, pool: Pool, region: str) -> Loss:
    """The acknowledged writes that go with ``region`` when it is removed (E3, L5b, E6)."""
    staying = [name for name in _alive(unit, pool) if name != region]
    return total(_going(unit, pool, region, staying).values())


def lose(unit: Unit, pool: Pool, removed: Sequence[str]) -> None:
    """What an accepted removal loses stands in the audit log, and never arrives (E3). What others show of it,
    or get of those that go, they send on. Of regions that go together the one that accepted a write tells
    it, else the last that has it."""
    if not removed:
        return
    _moved(unit, pool, {**_leaving(pool), **dict.fromkeys(removed, unit.now)})
    alive = _alive(unit, pool)
    going = [name for name in removed if name in alive]
    others = [name for name in alive if name not in removed]
    told: Dict[str, List[Loss]] = {name: [] for name in removed}
    for region in reversed(removed):
        losses = _going(unit, pool, region, others)
        if losses:
            unit.tx.drop_stuck(pool.id, region, list(losses), others, alive)
        for origin, loss in losses.items():
            told[origin if origin in going else region].append(loss)
        others += [region] if region in going else []
    for region, found in told.items():
        if found:
            facts = total(found).facts(region, unit.now)
            unit.tx.put_event(pool.name, "loss", unit.now, unit.real, facts)


def _going(unit: Unit, pool: Pool, region: str, others: Sequence[str]) -> Dict[str, Loss]:
    """What is lost with ``region`` when it goes, by origin: what it has and none of ``others``, which are
    alive, will ever show as things stand; of the last one alive, or that was, everything."""
    if region not in _holding(unit, pool):
        return {}
    alive = _alive(unit, pool)
    if region not in alive:
        return _died_with(unit, pool, region, alive)
    return unit.tx.stuck(pool.id, region, others)


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


def _leaving(pool: Pool) -> Dict[str, int]:
    """The regions that are being removed, and since when."""
    return {region.name: region.removing for region in pool.regions if region.removing is not None}


def _lives(pool: Pool) -> Dict[str, List[int]]:
    """When each region began to take writes, each time that it was added: it was billed from then on (B2),
    if it was not destroyed before."""
    begun: Dict[str, List[int]] = {}
    for span in pool.spans:
        begun.setdefault(span.region, []).append(span.start)
    for region in pool.regions:
        if region.struck is not None:
            begun.setdefault(region.name, []).append(region.ready)
    return begun


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
