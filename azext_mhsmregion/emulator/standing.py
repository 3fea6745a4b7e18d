"""Which regions of a pool hold data, are alive, are being removed; and the links between them (rules E3, E6,
E9)."""

from __future__ import annotations

from typing import Dict, List

from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import faults
from azext_mhsmregion.model.network import Network, network
from azext_mhsmregion.model.pool import Pool


def holding(unit: Unit, pool: Pool) -> List[str]:
    return [region.name for region in pool.regions if region.holds_data(unit.now)]


def destroyed(unit: Unit, pool: Pool) -> List[str]:
    """The regions of the pool that are gone for ever."""
    names = (region.name for region in pool.regions)
    return [name for name in names if faults.is_destroyed(unit.faults, pool.id, name, unit.now)]


def alive(unit: Unit, pool: Pool) -> List[str]:
    """The regions that hold data and are not destroyed."""
    dead = destroyed(unit, pool)
    return [name for name in holding(unit, pool) if name not in dead]


def serving(unit: Unit, pool: Pool) -> List[str]:
    """The regions that answer at the moment."""
    there = (region.name for region in pool.regions if region.serves(unit.now))
    return [name for name in there if faults.region_fault(unit.faults, pool.id, name, unit.now) is None]


def leaving(pool: Pool) -> Dict[str, int]:
    """The regions that are being removed, and since when."""
    return {region.name: region.removing for region in pool.regions if region.removing is not None}


def lives(pool: Pool) -> Dict[str, List[int]]:
    """When each region began to take writes, each time that it was added: it was billed from then on (B2),
    if it was not destroyed before."""
    begun: Dict[str, List[int]] = {}
    for span in pool.spans:
        begun.setdefault(span.region, []).append(span.start)
    for region in pool.regions:
        if region.struck is not None:
            begun.setdefault(region.name, []).append(region.ready)
    return begun


def links_of(unit: Unit, pool: Pool) -> Network:
    """The links between the pool's regions, as the faults leave them."""
    return network(unit.faults, pool.id, [region.name for region in pool.regions])
