"""The emulator's own API, for its owner only (DESIGN section 7): status, clock, settings, seed,
reset, snapshots. In process and over the socket alike; not part of any Azure service."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Callable, Dict, Mapping, Optional

from azext_mhsmregion.emulator import clock_change, identity, keeping, parse, seeding, settings
from azext_mhsmregion.emulator.arm.bodies import stamp
from azext_mhsmregion.emulator.control import faults, seeing, witnessed
from azext_mhsmregion.emulator.errors import HomeError
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.hosts import CONTROL_HOST
from azext_mhsmregion.emulator.keyring import Keyring
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.settings import encode
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import activation
from azext_mhsmregion.model.clock import ClockState
from azext_mhsmregion.model.errors import Invalid, ModelError
from azext_mhsmregion.model.pool import Pool

AUDIENCE = f"https://{CONTROL_HOST}"

OPEN = ("GET", "/metrics")
router = Router()
faults.register(router)
seeing.register(router)
witnessed.register(router)


def handle(ask: Ask, keyring: Callable[[], Keyring]) -> Response:
    """Answer one request of the home's owner; anybody else gets 401 or 403, but for metrics, which
    hold no secret and are fetched by a program that has no token."""
    if (ask.request.method, ask.request.path) == OPEN:
        return seeing.show_metrics(ask, None)
    try:
        principal = identity.authenticate(ask, (AUDIENCE,))
    except identity.Unauthenticated as error:
        return _error(401, "Unauthorized", str(error) or "A token of the home's owner is needed.")
    if principal != ask.directory.owner:
        return _error(403, "Forbidden", "Only the home's owner controls the emulator.")
    handler, parameters, _ = router.find(ask.request.method, ask.request.path)
    if handler is None:
        return _error(404, "NotFound", f"The emulator has no {ask.request.method} {ask.request.path}.")
    try:
        response: Response = handler(ask.by(principal), keyring, **parameters)
        return response
    except ModelError as error:
        return _error(error.status, error.code, error.message)
    except HomeError as error:
        return _error(409, "Home", f"{error.message} {error.hint}".strip())


def _error(status: int, code: str, message: str) -> Response:
    return json_response(status, {"error": {"code": code, "message": message}})


@router.add("GET", "/status")
def status(ask: Ask, _: Any) -> Response:
    """Clock, settings, pools, and which operation waits for what (DESIGN section 3)."""
    with ask.parts.reading() as unit:
        pools = [pool for pool in unit.tx.pools() if pool.phase(unit.now) != "gone"]
        body = {
            "home": str(ask.parts.home),
            "clock": _clock(unit),
            "settings": encode(unit.settings),
            "pools": [_pool(unit, pool) for pool in sorted(pools, key=lambda pool: pool.name.lower())],
        }
    return json_response(200, body)


@router.add("GET", "/clock")
def show_clock(ask: Ask, _: Any) -> Response:
    with ask.parts.reading() as unit:
        return json_response(200, _clock(unit))


@router.add("PATCH", "/clock")
def set_clock(ask: Ask, _: Any) -> Response:
    """As :mod:`clock_change` says."""
    return _moved(ask, clock_change.parsed(parse.body(ask.request)).applied)


@router.add("POST", "/clock/advance")
def advance_clock(ask: Ask, _: Any) -> Response:
    """Move service time forward by ``seconds``."""
    step = clock_change.step(parse.body(ask.request))
    return _moved(ask, lambda clock, real: clock_change.advanced(clock, real, step))


@router.add("PATCH", "/settings")
def change_settings(ask: Ask, _: Any) -> Response:
    changes = settings.changes(parse.body(ask.request))
    with ask.parts.writing("settings") as unit:
        try:
            made = unit.settings.changed(**changes)
        except ValueError as error:
            raise Invalid(str(error)) from error
        unit.tx.put_meta("settings", encode(made))
    return json_response(200, encode(made))


@router.add("POST", "/seed")
def seed(ask: Ask, keyring: Callable[[], Keyring]) -> Response:
    names = seeding.sow(ask.parts, keyring(), seeding.parsed(parse.body(ask.request, once=True)))
    return json_response(200, {"pools": names})


@router.add("POST", "/reset")
def reset(ask: Ask, _: Any) -> Response:
    keeping.reset(ask.parts)
    return Response(204)


@router.add("GET", "/snapshots")
def list_snapshots(ask: Ask, _: Any) -> Response:
    return json_response(200, {"value": [_snapshot(item) for item in keeping.listed(ask.parts)]})


@router.add("PUT", "/snapshots/{name}")
def take_snapshot(ask: Ask, _: Any, name: str) -> Response:
    return json_response(201, _snapshot(keeping.take(ask.parts, name)))


@router.add("POST", "/snapshots/{name}/restore")
def restore_snapshot(ask: Ask, _: Any, name: str) -> Response:
    keeping.restore(ask.parts, name)
    return Response(204)


@router.add("DELETE", "/snapshots/{name}")
def delete_snapshot(ask: Ask, _: Any, name: str) -> Response:
    keeping.drop(ask.parts, name)
    return Response(204)


def _moved(ask: Ask, change: Callable[[ClockState, int], ClockState]) -> Response:
    with ask.parts.writing("settings") as unit:
        try:
            unit.set_clock(change(unit.clock, unit.real))
        except ValueError as error:
            raise Invalid(str(error)) from error
        return json_response(200, _clock(unit))


def _clock(unit: Unit) -> Dict[str, Any]:
    return {
        "mode": unit.clock.mode,
        "scale": unit.clock.scale,
        "now": stamp(unit.now, milliseconds=True),
        "advanceOnPoll": unit.settings.advance_on_poll,
    }


def _pool(unit: Unit, pool: Pool) -> Dict[str, Any]:
    running = pool.under_way(unit.now)
    waiting: Optional[Mapping[str, Any]] = None
    if running is not None:
        waiting = {"kind": running.kind, "secondsLeft": (running.done - unit.now) / 1000}
    return {
        "name": pool.name,
        "phase": pool.phase(unit.now),
        "state": pool.provisioning_state(unit.now),
        "activation": activation.status(pool, unit.now)[0],
        "regions": [pool.primary.name, *(region.name for region in pool.extended(unit.now))],
        "revision": pool.revision,
        "operation": waiting,
    }


def _snapshot(snapshot: keeping.Snapshot) -> Dict[str, Any]:
    return {**asdict(snapshot), "taken": stamp(snapshot.taken)}


__all__ = ["AUDIENCE", "handle"]
