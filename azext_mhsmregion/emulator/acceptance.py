"""Accepting writes: rows for every region of a pool, in one transaction with its record (rules
L1 to L6, E1, E3). One command is one bump of the pool's revision."""

from __future__ import annotations

import random
from typing import Callable, Dict, Iterable, List, Mapping, Sequence

from azext_mhsmregion.emulator import arranging, standing
from azext_mhsmregion.emulator.objects import KEYS
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import faults, merge, replication
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.lifecycle import settled
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rows import Kind, Row, Write


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
        standing.links_of(unit, pool),
        faults.skew(unit.faults, origin, unit.now),
    )
    _audit_superseded(unit, pool, [row for row in accepted.rows if row.region == origin], held)
    unit.tx.put_rows(pool.id, accepted.rows)
    once = (Kind.KEY_PURGE,) if above_all else (Kind.KEY_VERSION, Kind.KEY_PURGE)  # but for a restore
    written = {row.object for row in accepted.rows if row.kind not in once}
    unit.tx.compact(pool.id, written, standing.holding(unit, pool), unit.now)
    pool = pool._replace(links=accepted.links)
    if arranging.is_to_end(unit, pool):
        pool = arranging.rearrange(unit, pool)
    return unit.tx.put_pool(_awaiting(unit, pool, accepted.rows))


def _awaiting(unit: Unit, pool: Pool, rows: Sequence[Row]) -> Pool:
    """The record as writes change when the next rotation is due (E8); next to free where there is no
    policy."""
    names = {row.name for row in rows if row.kind in KEYS}
    if names and (pool.rotation_due is not None or any(merge.is_policy(row) for row in rows)):
        from azext_mhsmregion.emulator import rotations  # few pools have a policy

        return rotations.awaiting(unit, pool, names)
    return pool


def record(unit: Unit, pool: Pool) -> Pool:
    """Write a changed record that comes with no writes of objects."""
    return unit.tx.put_pool(tidied(unit, pool))


def tidied(unit: Unit, pool: Pool) -> Pool:
    """The record settled; what regions that are gone held (D2) and what purged keys were (D5,
    once every region shows the purge) leaves the store."""
    pool = settled(pool, unit.now)
    living = standing.holding(unit, pool) if pool.phase(unit.now) != "gone" else []
    unit.tx.drop_regions(pool.id, living)
    unit.tx.drop_purged_keys(pool.id, living, unit.now)
    return pool


def sweep(unit: Unit) -> None:
    """What pools that are gone held leaves the store; their records stay, for the bill."""
    for pool in unit.tx.pools():
        if pool.phase(unit.now) == "gone":
            unit.tx.drop_regions(pool.id, [])


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
    """Two writes of one object, or a delete and a create of one key, of which neither region had seen the
    other's (L6)."""
    for write in writes:
        for row in replication.conflicts(write, held.get(write.name, ()), unit.now):
            facts = {"object": write.name, "kind": write.kind.value, "origin": origin}
            facts |= {"other_kind": row.kind.value, "other_origin": row.stamp.origin}
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
