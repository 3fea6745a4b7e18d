"""What is told of a fault: by itself as JSON, and in the event of its injection or end."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from azext_mhsmregion.emulator.arm.bodies import stamp
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.faults import Fault


def shown(unit: Unit, fault: Fault) -> Dict[str, Any]:
    """A fault as JSON, with times of service time."""
    pool = unit.tx.pool_by_id(fault.pool) if fault.pool else None
    end: Optional[str] = None if fault.end >= NEVER else stamp(fault.end, milliseconds=True)
    return {
        "id": fault.id,
        "scope": fault.scope.value,
        "hsmName": None if pool is None else pool.name,
        "region": fault.region,
        "partition": fault.partition,
        "to": fault.to or None,
        "oneWay": None if not fault.to else not fault.both_ways,
        "effect": fault.effect.value,
        "kind": fault.kind.value,
        "rate": fault.rate,
        "milliseconds": fault.milliseconds or None,
        "start": stamp(fault.start, milliseconds=True),
        "end": end,
        "state": "on" if fault.covers(unit.now) else "planned" if unit.now < fault.start else "over",
    }


def injected(unit: Unit, fault: Fault) -> Dict[str, Any]:
    """Facts of the event ``fault``: what is broken, how, and when where that is not from now on until it
    is cleared."""
    facts = _what(fault)
    if fault.start > unit.now:
        facts["in_seconds"] = (fault.start - unit.now) / 1000
    if fault.end < NEVER:
        facts["for_seconds"] = (fault.end - fault.start) / 1000
    return facts


def cleared(unit: Unit, fault: Fault) -> Dict[str, Any]:
    """Facts of the event ``fault-cleared``: nothing of it lies ahead any more."""
    return {**_what(fault), "never_began": True} if fault.start > unit.now else _what(fault)


def turns(fault: Fault) -> List[Tuple[int, Dict[str, Any]]]:
    """When it begins as planned and ends by itself, with the facts of each. The event of its injection tells
    of one that begins with that, ``fault-cleared`` of one that somebody ends."""
    begun = [(fault.start, {**_what(fault), "state": "begun"})] if fault.planned else []
    ended = [] if fault.cleared or fault.end >= NEVER else [(fault.end, {**_what(fault), "state": "ended"})]
    return begun + ended


def _what(fault: Fault) -> Dict[str, Any]:
    """Members that a fault does not have are left out."""
    facts: Dict[str, Any] = {"fault": fault.id, "scope": fault.scope.value, "region": fault.region}
    if fault.partition is not None:
        facts["partition"] = fault.partition
    if fault.to:
        facts.update(to=fault.to, one_way=not fault.both_ways)
    facts.update(effect=fault.effect.value, fault_kind=fault.kind.value)
    if fault.rate != 1:
        facts["rate"] = fault.rate
    if fault.milliseconds:
        facts["milliseconds"] = fault.milliseconds
    return facts
