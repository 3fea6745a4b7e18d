"""Long operations: 202 with a Location, polled until done (rule C1)."""

from __future__ import annotations

from dataclasses import replace

from azext_mhsmregion.emulator.arm import bodies
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model.errors import ModelError, NotFound
from azext_mhsmregion.model.pool import Operation
from azext_mhsmregion.model.replication import NEVER

RESULTS = (
    "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}"
    "/managedHsmOperationResults/{operation}"
)


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", RESULTS)(poll)


def accepted(ask: Ask, unit: Unit, operation: Operation) -> Response:
    """202 with where to poll and when (DESIGN section 3: at least a second, capped)."""
    version = ask.request.query.get("api-version", "")
    location = (
        f"https://{ask.request.host}/subscriptions/{ask.parts.directory.subscription_id}"
        f"/providers/Microsoft.KeyVault/locations/{operation.location}"
        f"/managedHsmOperationResults/{operation.id}?api-version={version}"
    )
    waits = unit.clock.real_milliseconds_until(unit.real, operation.done)
    seconds = min(-(-waits // 1000), unit.profile.of("poll.cap") // 1000)
    return Response(202, (("location", location), ("retry-after", str(max(1, seconds)))))


def poll(ask: Ask, location: str, operation: str) -> Response:
    """One poll. Under the manual clock it may advance service time to the operation's end."""
    with ask.parts.reading() as unit:
        found = _found(unit, operation)
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
