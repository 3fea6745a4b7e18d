"""Where writes on their way arrive, and what waits for them, as regions and faults come and go (rules L5,
L5b, E1, E3, E6 to E9)."""

from __future__ import annotations

from typing import Mapping

from azext_mhsmregion.emulator import standing
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import replication
from azext_mhsmregion.model.extension import RegionChange, removal_waits
from azext_mhsmregion.model.lifecycle import settled
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.replication import Accepted
from azext_mhsmregion.model.sending import Situation


def apply(unit: Unit, change: RegionChange) -> Pool:
    """Store a change of regions: every added region that will succeed is seeded with the
    primary's rows (E1). What a region of the same name held before is purged first (E9). Removals wait
    for what those that go have to send, to the new ones too (E3, L5b)."""
    pool = settled(change.pool, unit.now)
    fresh = {region.name for region in change.added}
    unit.tx.drop_regions(pool.id, [name for name in standing.holding(unit, pool) if name not in fresh])
    rows = unit.tx.rows(pool.id, pool.primary.name)
    for region in change.added:
        if region.holds_data(unit.now):
            unit.tx.put_rows(pool.id, replication.seed(rows, region.name, unit.now, region.ready))
    return unit.tx.put_pool(rearrange(unit, pool))


def rearrange(unit: Unit, pool: Pool) -> Pool:
    """Writes on their way, and the removals that wait for them, as faults and regions are now; answers the
    record, not yet written (L5, E3)."""
    found = moved(unit, pool, standing.leaving(pool))
    pool = removal_waits(pool._replace(links=found.links), found.unsent_until, unit.now)
    return _unsure(unit, _jobs(unit, pool))


def moved(unit: Unit, pool: Pool, leaving: Mapping[str, int]) -> Accepted:
    """The rows of a pool where they arrive by what is known now, once ``leaving`` go."""
    # What is to be destroyed before it is made neither gets nor gives any.
    ready = {one.name: one.ready for one in pool.regions if one.holds_data(unit.now) and one.struck is None}
    at = Situation(unit.now, ready, standing.links_of(unit, pool), leaving, standing.lives(pool))
    rows = unit.tx.on_their_way(pool.id, unit.now, list(ready))
    found = replication.rearranged(rows, unit.tx.reached(pool.id, unit.now), at)
    unit.tx.move_rows(pool.id, found.rows)
    return found


def is_to_end(unit: Unit, pool: Pool) -> bool:
    """Is a region being removed, or about to be destroyed? Others may have to send on what is accepted."""
    planned = standing.links_of(unit, pool).destroyed.values()
    return bool(standing.leaving(pool)) or any(when > unit.now for when in planned)


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


def _unsure(unit: Unit, pool: Pool) -> Pool:
    """Another region may be the one that makes rotations, or know of them: whoever comes next looks."""
    if pool.rotation_due is None:
        return pool
    return pool._replace(rotation_due=min(pool.rotation_due, unit.now))
