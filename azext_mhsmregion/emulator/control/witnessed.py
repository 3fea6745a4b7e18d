"""The emulator's own API: what clients saw, connection by connection and request by request."""

from __future__ import annotations

from typing import Any, Dict

from azext_mhsmregion.emulator.arm.bodies import stamp
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.emulator.witness import Seen
from azext_mhsmregion.model.errors import Invalid


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/requests")(list_requests)


def list_requests(ask: Ask, _: Any) -> Response:
    """What came behind ``after`` (what the last page said) for ``client``, or for all. Only what the
    server keeps in memory; nothing in process."""
    after = ask.request.query.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise Invalid(f"'after' is '{after[:100]}'; it must be what an earlier answer said.", "BadParameter")
    found = ask.parts.witness.since(int(after), ask.request.query.get("client"))
    with ask.parts.reading() as unit:
        value = [_shown(unit, seen) for seen in found]
    return json_response(200, {"value": value, "after": str(found[-1].number) if found else after})


def _service_time(unit: Unit, real: int) -> int:
    """Of an instant that is past: the clock never falls behind its last write, but was there before."""
    return unit.clock._replace(highest=0).now(real)


def _shown(unit: Unit, seen: Seen) -> Dict[str, Any]:
    """``time`` and ``begun`` are service time; ``realTime`` and ``milliseconds``, how long it took, are
    real: with a scaled clock one is no measure of the other."""
    begun = seen.at - round(seen.milliseconds)
    return {
        "time": stamp(_service_time(unit, seen.at), milliseconds=True),
        "begun": stamp(_service_time(unit, begun), milliseconds=True),
        "realTime": stamp(seen.at, milliseconds=True),
        "kind": seen.kind,
        "connection": seen.connection,
        "client": seen.client,
        "place": seen.place or None,
        "host": seen.host,
        "region": seen.region,
        "method": seen.method or None,
        "path": seen.path or None,
        "status": seen.status,
        "milliseconds": round(seen.milliseconds, 1),
    }
