"""The emulator's own API, what can be seen: a pool's status, routes, events, metrics."""

from __future__ import annotations

from typing import Any

from azext_mhsmregion.emulator import events, metrics, overview, parse
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import messages, places
from azext_mhsmregion.model.errors import Invalid


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/pools/{name}/status")(pool_status)
    router.add("GET", "/pools/{name}/route")(route)
    router.add("GET", "/events")(list_events)
    router.add("GET", "/metrics")(show_metrics)


def pool_status(ask: Ask, _: Any, name: str) -> Response:
    with ask.parts.reading() as unit:
        return json_response(200, overview.of_pool(unit, unit.require_pool(name)))


def route(ask: Ask, _: Any, name: str) -> Response:
    """``from`` is where the client stands, ``client`` whose cache it has."""
    place = ask.request.query.get("from", places.DEFAULT)
    if not place:
        raise Invalid(messages.member_empty("from"), "BadParameter")
    place = places.parse(place)
    with ask.parts.reading() as unit:
        found = overview.route(unit, unit.require_pool(name), place, ask.request.query.get("client"))
        return json_response(200, found)


def list_events(ask: Ask, _: Any) -> Response:
    """Events behind ``after`` (what the last page said), or the ``newest`` so many; of all pools or of
    ``hsmName``."""
    query = ask.request.query
    pool = query.get("hsmName")
    with ask.parts.reading() as unit:
        if "newest" in query:
            return json_response(200, events.newest(unit, _count(query["newest"]), pool))
        return json_response(200, events.since(unit, query.get("after", ""), pool))


def _count(text: str) -> int:
    """Raises Invalid."""
    number = parse.whole_number(text)
    if number is None or number > events.PAGE:
        raise Invalid(f"'newest' must be a number from 0 to {events.PAGE}.", "BadParameter")
    return number


def show_metrics(ask: Ask, _: Any) -> Response:
    with ask.parts.reading() as unit:
        text = metrics.text(unit)
    return Response(200, (("content-type", metrics.CONTENT_TYPE),), text.encode())
