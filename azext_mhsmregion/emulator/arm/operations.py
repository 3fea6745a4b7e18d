"""Long operations: 202 with a Location, polled until done (rule C1)."""

from __future__ import annotations

import math
from typing import Dict

from azext_mhsmregion.emulator.arm import addresses, bodies
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
GROUP_RESULTS = "/subscriptions/{subscription}/operationresults/{operation}"
GROUP_DELETIONS = "group_deletions"
"""The key of the store's value: when each deletion of a resource group ends, by its id."""


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", RESULTS)(poll)
    router.add("GET", GROUP_RESULTS)(poll_group)


def accepted(ask: Ask, unit: Unit, operation: Operation) -> Response:
    """202 with where to poll, another address each time (C4c), and when."""
    results = f"providers/Microsoft.KeyVault/locations/{operation.location}/managedHsmOperationResults"
    return _accepted(ask, unit, f"{results}/{operation.id}", operation.id, operation.done)


def group_accepted(ask: Ask, unit: Unit, operation: str, done: int) -> Response:
    """The same of the deletion of a resource group, which is ARM's own; remembers it."""
    known: Dict[str, int] = unit.tx.meta(GROUP_DELETIONS) or {}
    unit.tx.put_meta(GROUP_DELETIONS, {**known, operation: done})
    return _accepted(ask, unit, f"operationresults/{operation}", operation, done)


def _accepted(ask: Ask, unit: Unit, results: str, operation: str, done: int) -> Response:
    version = ask.request.query.get("api-version", "")
    location = (
        f"https://{ask.request.host}/subscriptions/{ask.directory.subscription_id}/{results}"
        f"?api-version={version}&{addresses.stamp(ask, operation, unit.real)}"
    )
    return Response(202, (("location", location), ("retry-after", str(_retry_after(unit, done)))))


def _retry_after(unit: Unit, done: int) -> int:
    """Whole real seconds until it ends: at least one, since clients take 0 for "not told", and no
    more than the profile's cap (DESIGN section 3). A held clock says nothing of its end: one."""
    held = unit.clock.mode == "manual"
    seconds = 0 if held else math.ceil((done - unit.now) / unit.clock.scale / SECOND)
    return max(1, min(seconds, unit.profile.of("poll.cap") // SECOND))


def poll(ask: Ask, location: str, operation: str) -> Response:
    """One poll. Under the manual clock it may advance service time to the operation's end."""
    with ask.parts.reading() as unit:
        found = _found(unit, operation)
        addresses.check(ask, operation)
        availability.require_control_plane([found.location], unit.faults, unit.now)
        if not found.running(unit.now):
            return _ended(unit, found)
        if not unit.advances_on_poll or found.done >= NEVER:
            return accepted(ask, unit, found)
    with ask.parts.writing("poll") as unit:
        unit.advance_to(found.done)
    with ask.parts.reading() as unit:  # apart: an operation's failure must not undo the advance
        return _ended(unit, found)


def poll_group(ask: Ask, operation: str) -> Response:
    """One poll of a group's deletion, under the same rules; it ends with an empty body."""
    with ask.parts.reading() as unit:
        done = (unit.tx.meta(GROUP_DELETIONS) or {}).get(operation.lower())
        if done is None:
            raise _unknown(operation)
        addresses.check(ask, operation)
        if unit.now >= done:
            return Response(200)
        if not unit.advances_on_poll:
            return _accepted(ask, unit, f"operationresults/{operation}", operation, done)
    with ask.parts.writing("poll") as unit:
        unit.advance_to(done)
    return Response(200)


def _found(unit: Unit, operation: str) -> Operation:
    found = unit.tx.operation(operation)
    if found is None:
        raise _unknown(operation)
    return found


def _unknown(operation: str) -> NotFound:
    return NotFound(f"The operation '{operation}' could not be found.", "OperationNotFound")


def _ended(unit: Unit, operation: Operation) -> Response:
    """200 with the pool after a create, with an empty body after everything else (C1); an
    operation that failed answers its error with status 400, which no client retries (ours)."""
    if operation.failure is not None or operation.destroyed is not None:
        code = "RegionCapacityNotAvailable" if operation.failure else "RegionDestroyed"
        raise ModelError(" ".join(filter(None, (operation.failure, operation.destroyed))), code)
    pool = unit.tx.pool_by_id(operation.pool)
    if operation.answers_pool and pool is not None:
        shown = pool._replace(operation=None)
        return json_response(200, bodies.pool_body(shown, unit.now))
    return Response(200)
