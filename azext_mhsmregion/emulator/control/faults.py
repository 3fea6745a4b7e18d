"""The emulator's own API, faults: inject one or a schedule, list, clear."""

from __future__ import annotations

from typing import Any, Dict, Optional

from azext_mhsmregion.emulator import breaking, fault_spec, parse
from azext_mhsmregion.emulator.arm.bodies import stamp
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.faults import Fault


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/faults")(list_faults)
    router.add("POST", "/faults")(inject)
    router.add("DELETE", "/faults")(clear_all)
    router.add("DELETE", "/faults/{fault}")(clear)


def list_faults(ask: Ask, _: Any) -> Response:
    """Those that are on, or planned."""
    with ask.parts.reading() as unit:
        return json_response(200, {"value": [shown(unit, fault) for fault in breaking.present(unit)]})


def inject(ask: Ask, _: Any) -> Response:
    """One fault, or a schedule of them (``faults``): all or none."""
    body = parse.body(ask.request)
    new_id = ask.parts.sources.new_id
    with ask.parts.writing("fault") as unit:
        if "faults" in body:
            planned = fault_spec.schedule(unit, body, new_id)
        else:
            planned = [fault_spec.one(unit, body, new_id)]
        made = [breaking.inject(unit, fault) for fault in planned]
        value = [shown(unit, fault) for fault in made]
    return json_response(201, {"value": value} if "faults" in body else value[0])


def clear(ask: Ask, _: Any, fault: str) -> Response:
    with ask.parts.writing("fault") as unit:
        return json_response(200, shown(unit, breaking.clear(unit, fault)))


def clear_all(ask: Ask, _: Any) -> Response:
    """Every fault that can be ended; what is destroyed stays so."""
    with ask.parts.writing("fault") as unit:
        cleared = [shown(unit, fault) for fault in breaking.clear_all(unit)]
    return json_response(200, {"value": cleared})


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
