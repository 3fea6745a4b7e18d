"""Settings on the wire, as recorded (golden/hsm_setting.json)."""

from __future__ import annotations

from dataclasses import asdict

from azext_mhsmregion.emulator import acceptance, objects, parse
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import settings


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/settings")(list_settings)
    router.add("GET", "/settings/{name}")(get)
    router.add("PATCH", "/settings/{name}")(update)


def list_settings(visit: Visit) -> Response:
    """The list is called ``settings`` and not ``value``, and has no pages (recorded)."""
    with visit.reading("settings/read/action", "/") as (unit, pool):
        shown = settings.settings(objects.settings(unit, pool, visit.region))
    return json_response(200, {"settings": [asdict(one) for one in shown]})


def get(visit: Visit, name: str) -> Response:
    with visit.reading("settings/read/action", "/") as (unit, pool):
        shown = settings.setting(objects.settings(unit, pool, visit.region), name)
    return json_response(200, asdict(shown))


def update(visit: Visit, name: str) -> Response:
    with visit.writing("settings", "settings/write/action", "/") as (unit, pool):
        value = parse.required(parse.body(visit.ask.request), "value", str)
        write = settings.change(objects.settings(unit, pool, visit.region), name, value)
        pool = acceptance.accept(unit, pool, visit.region, [write])
        shown = settings.setting(objects.settings(unit, pool, visit.region), name)
    return json_response(200, asdict(shown))
