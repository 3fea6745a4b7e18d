"""The emulator's own API, faults: inject one or a schedule, list, clear."""

from __future__ import annotations

from typing import Any

from azext_mhsmregion.emulator import breaking, fault_spec, parse
from azext_mhsmregion.emulator.fault_facts import shown
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response


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
