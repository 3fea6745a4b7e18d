"""The acknowledged writes that go with a region: told, and taken off their way (rules E3, E6, L5b)."""

from __future__ import annotations

from typing import Dict, List, Sequence

from azext_mhsmregion.emulator import arranging, standing
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import faults
from azext_mhsmregion.model.loss import Loss, total
from azext_mhsmregion.model.pool import Pool


def loss_if_removed(unit: Unit, pool: Pool, region: str) -> Loss:
    """The acknowledged writes that go with ``region`` when it is removed (E3, L5b, E6)."""
    staying = [name for name in standing.alive(unit, pool) if name != region]
    return total(_going(unit, pool, region, staying).values())


def lose(unit: Unit, pool: Pool, removed: Sequence[str]) -> None:
    """What an accepted removal loses stands in the audit log, and never arrives (E3). What others show of it,
    or get of those that go, they send on. Of regions that go together the one that accepted a write tells
    it, else the last that has it."""
    if not removed:
        return
    arranging.moved(unit, pool, {**standing.leaving(pool), **dict.fromkeys(removed, unit.now)})
    alive = standing.alive(unit, pool)
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
    if region not in standing.holding(unit, pool):
        return {}
    alive = standing.alive(unit, pool)
    if region not in alive:
        return _died_with(unit, pool, region, alive)
    return unit.tx.stuck(pool.id, region, others)


def _died_with(unit: Unit, pool: Pool, region: str, alive: Sequence[str]) -> Dict[str, Loss]:
    """What died with a region: what other dead ones accepted is told as theirs. Where none is alive, the
    one that died last stands for the living, and took everything with it."""
    dead = [name for name in standing.destroyed(unit, pool) if name in standing.holding(unit, pool)]
    last = max(dead, key=lambda name: (faults.destroyed_at(unit.faults, pool.id, name), name))
    if region == last and not alive:
        return unit.tx.stuck(pool.id, region, ())
    stuck = unit.tx.stuck(pool.id, region, alive or [last])
    return {origin: loss for origin, loss in stuck.items() if origin == region or origin not in dead}
