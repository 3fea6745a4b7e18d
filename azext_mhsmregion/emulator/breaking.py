"""Faults injected, listed and cleared, and what they move: writes on their way, operations that
wait or fail (rules E3 to E6, L5, L5b; DESIGN section 2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Mapping, Set

from azext_mhsmregion.emulator import arranging, fault_facts
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import extension, messages
from azext_mhsmregion.model.clock import DAY
from azext_mhsmregion.model.errors import Conflict, NotFound
from azext_mhsmregion.model.fault_checks import checked
from azext_mhsmregion.model.faults import DOWN, Effect, Fault, Faults, Scope
from azext_mhsmregion.model.pool import Pool

_MOVING = (*DOWN, Effect.DOWN, Effect.LAG)
_KEPT = DAY
"""How long a fault that has ended is kept: probes and writes under way look back at it."""


def inject(unit: Unit, fault: Fault) -> Fault:
    """Break something. Raises Invalid, Conflict, and NotFound for what does not exist."""
    checked(fault, unit.faults)
    _require_target(unit, fault)
    fault = replace(fault, planned=fault.start > unit.now)
    unit.tx.put_fault(fault)
    _changed(unit, fault, "fault", fault_facts.injected(unit, fault))
    return fault


def clear(unit: Unit, fault_id: str) -> Fault:
    """End a fault now; one that has not begun never does. Answers it as it ended, or was
    planned. Raises NotFound; Conflict for what is destroyed (E6)."""
    fault = next((item for item in unit.faults if item.id == fault_id), None)
    if fault is None or fault.end <= unit.now:
        raise NotFound(messages.no_such_fault(fault_id), "FaultNotFound")
    if fault.is_destruction and fault.start <= unit.now:
        raise Conflict(messages.destroyed_for_ever(fault_id), "Destroyed")
    facts = fault_facts.cleared(unit, fault)
    if fault.start <= unit.now:
        fault = replace(fault, end=unit.now, cleared=True)
    if fault.start < unit.now:
        unit.tx.put_fault(fault)
    else:
        unit.tx.drop_fault(fault_id)  # of no length, or never begun
    _changed(unit, fault, "fault-cleared", facts)
    return fault


def clear_all(unit: Unit) -> List[Fault]:
    """End every fault that can be ended; answers those that were."""
    able = [fault for fault in present(unit) if not (fault.is_destruction and fault.start <= unit.now)]
    return [clear(unit, fault.id) for fault in able]


def present(unit: Unit) -> Faults:
    """The faults that are on, or planned."""
    return tuple(fault for fault in unit.faults if unit.now < fault.end)


def on_now(unit: Unit, pool: Pool) -> Faults:
    """The faults that are on and touch what the pool has, links too; the first to begin first."""
    here = {region.name for region in pool.regions if region.exists(unit.now)}
    found = (fault for fault in unit.faults if fault.covers(unit.now) and _touches(fault, pool, here))
    return tuple(sorted(found, key=lambda fault: (fault.start, fault.id)))


def _changed(unit: Unit, fault: Fault, event: str, facts: Mapping[str, Any]) -> None:
    for old in unit.faults:
        if old.end < unit.now - _KEPT:
            unit.tx.drop_fault(old.id)
    unit.faults_changed()
    pools = _touched(unit, fault)
    name = pools[0].name if fault.pool and pools else ""
    unit.tx.put_event(name, event, unit.now, unit.real, facts)
    if fault.effect in _MOVING:
        for pool in pools:
            _move(unit, pool)


def _move(unit: Unit, pool: Pool) -> None:
    """A pool's writes and operations as the faults are now."""
    pool = extension.struck(pool, unit.faults, unit.now)
    unit.tx.put_pool(arranging.rearrange(unit, pool))


def _touched(unit: Unit, fault: Fault) -> List[Pool]:
    """The pools whose regions the fault touches."""
    return [
        pool
        for pool in unit.tx.pools()
        if pool.phase(unit.now) == "live"
        and _touches(fault, pool, {region.name for region in pool.regions if region.exists(unit.now)})
    ]


def _touches(fault: Fault, pool: Pool, here: Set[str]) -> bool:
    """Is what it breaks the pool's, which is in the regions ``here``? A link has both its ends there."""
    ends = {fault.region, fault.to} if fault.scope is Scope.LINK else {fault.region}
    return fault.pool in ("", pool.id) and ends <= here


def _require_target(unit: Unit, fault: Fault) -> None:
    """A pool's own fault needs the pool in that region, a link one at both its ends; a region's needs no
    pool there."""
    if fault.pool:
        _require_pool(unit, fault)
    elif fault.scope is Scope.LINK and not _touched(unit, fault):
        raise NotFound(messages.no_such_link(fault.region, fault.to), "LinkNotFound")


def _require_pool(unit: Unit, fault: Fault) -> None:
    pool = unit.tx.pool_by_id(fault.pool)
    if pool is None or pool.phase(unit.now) != "live":
        raise NotFound(messages.pool_not_found(fault.pool), "PoolNotFound")
    for region in filter(None, (fault.region, fault.to)):
        if pool.region(region, unit.now) is None:
            raise NotFound(messages.pool_not_in_region(pool.name, region), "RegionNotFound")
