"""Long operations: 202 with a Location, polled until done (rule C1)."""

from __future__ import annotations

import math
from dataclasses import replace

from azext_mhsmregion.emulator.arm import bodies
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import availability
from azext_mhsmregion.model.clock import NEVER, SECOND
from azext_mhsmregion.model.errors import ModelError, NotFound
from azext_mhsmregion.model.pool import Operation

RESULTS = (
    "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}"
    "/managedHsmOperationResults/{operation}"
)

TICKS_BEFORE_1970 = 621_355_968_000_000_000


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", RESULTS)(poll)


def accepted(ask: Ask, unit: Unit, operation: Operation) -> Response:
    """202 with where to poll, another address each time (C4c), and when."""
    version = ask.request.query.get("api-version", "")
    location = (
        f"https://{ask.request.host}/subscriptions/{ask.parts.directory.subscription_id}"
        f"/providers/Microsoft.KeyVault/locations/{operation.location}"
        f"/managedHsmOperationResults/{operation.id}?api-version={version}&{_stamp(ask, unit)}"
    )
    return Response(202, (("location", location), ("retry-after", str(_retry_after(unit, operation)))))


def _stamp(ask: Ask, unit: Unit) -> str:
    """What the service signs an address with, by its names: ``t`` the moment, in ticks of 100 ns
    since the year 1, ``h`` a hash (here random). A client sends both back; nobody reads them."""
    return f"t={TICKS_BEFORE_1970 + unit.real * 10_000}&h={ask.parts.sources.random(16).hex()}"


def _retry_after(unit: Unit, operation: Operation) -> int:
    """Whole real seconds until it ends: at least one, since clients take 0 for "not told", and no
    more than the profile's cap (DESIGN section 3). A held clock says nothing of its end: one."""
    held = unit.clock.mode == "manual"
    seconds = 0 if held else math.ceil((operation.done - unit.now) / unit.clock.scale / SECOND)
    return max(1, min(seconds, unit.profile.of("poll.cap") // SECOND))


def poll(ask: Ask, location: str, operation: str) -> Response:
    """One poll. Under the manual clock it may advance service time to the operation's end."""
    with ask.parts.reading() as unit:
        found = _found(unit, operation)
        availability.require_control_plane([found.location], unit.faults, unit.now)
        if not found.running(unit.now):
            return _ended(unit, found)
        if not unit.advances_on_poll or found.done >= NEVER:
            return accepted(ask, unit, found)
    with ask.parts.writing("poll") as unit:
        unit.advance_to(found.done)
    with ask.parts.reading() as unit:  # apart: an operation's failure must not undo the advance
        return _ended(unit, found)


def _found(unit: Unit, operation: str) -> Operation:
    found = unit.tx.operation(operation)
    if found is None:
        raise NotFound(f"The operation '{operation}' could not be found.", "OperationNotFound")
    return found


def _ended(unit: Unit, operation: Operation) -> Response:
    """200 with the pool after a create, with an empty body after everything else (C1); an
    operation that failed answers its error with status 400, which no client retries (ours)."""
    if operation.failure is not None:
        raise ModelError(operation.failure, "RegionCapacityNotAvailable")
    pool = unit.tx.pool_by_id(operation.pool)
    if operation.answers_pool and pool is not None:
        shown = replace(pool, operation=None)
        return json_response(200, bodies.pool_body(shown, unit.now))
    return Response(200)
