"""Random bytes on the wire (golden/hsm_key_random.json)."""

from __future__ import annotations

from azext_mhsmregion.crypto import b64url
from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model.errors import Invalid

MOST = 128
"""Bytes in one answer (azure-keyvault-keys 4.11.3)."""


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("POST", "/rng")(random_bytes)


def random_bytes(visit: Visit) -> Response:
    with visit.reading("rng/action", "/"):
        count = parse.required(parse.body(visit.ask.request), "count", int)
    if not 1 <= count <= MOST:
        raise Invalid(f"'count' must be from 1 to {MOST}, not {count}.", "BadParameter")
    return json_response(200, {"value": b64url.encode(visit.ask.parts.sources.random(count))})
