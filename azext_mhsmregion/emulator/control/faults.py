"""The emulator's own API, faults: inject one or a schedule, list, clear."""

from __future__ import annotations

from typing import Any

from azext_mhsmregion.emulator import breaking, fault_schedule, fault_spec, parse
from azext_mhsmregion.emulator.fault_facts import shown
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import NotFound


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
    body = parse.body(ask.request, once=True)
    new_id = ask.parts.sources.new_id
    with ask.parts.writing("fault") as unit:
        if "faults" in body:
            made = fault_schedule.inject(unit, body, new_id)
        else:
            made = [breaking.inject(unit, fault_spec.one(unit, body, new_id))]
        value = [shown(unit, fault) for fault in made]
    return json_response(201, {"value": value} if "faults" in body else value[0])


def clear(ask: Ask, _: Any, fault: str) -> Response:
    with ask.parts.writing("fault") as unit:
        return json_response(200, shown(unit, breaking.clear(unit, fault)))


def clear_all(ask: Ask, _: Any) -> Response:
    """Every fault that can be ended; what is destroyed stays so. A fault whose id is empty is none."""
    if ask.request.path.endswith("/"):
        raise NotFound(messages.no_such_fault("''"), "FaultNotFound")
    with ask.parts.writing("fault") as unit:
        cleared = [shown(unit, fault) for fault in breaking.clear_all(unit)]
    return json_response(200, {"value": cleared})
