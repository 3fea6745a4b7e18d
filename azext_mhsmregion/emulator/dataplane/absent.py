"""What a Managed HSM has and this emulator does not: answered with 501 that says so."""

from __future__ import annotations

from typing import Any, Mapping

from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response
from azext_mhsmregion.model.errors import NotCovered

ROUTES = (
    ("GET", "/keys/{name}/attestation"),
    ("GET", "/keys/{name}/{version}/attestation"),
    ("POST", "/keys/{name}/release"),
    ("POST", "/keys/{name}/{version}/release"),
)
"""What would else be taken for a key or a version of that name, or for a method that a key does not know.
Everything that no route knows is refused alike by the door."""


def register(router: Router) -> None:
    """Routes of this file: registered first, since ``/keys/{name}/{version}`` fits them too."""
    for method, template in ROUTES:
        router.add(method, template)(refuse)


def refuse(visit: Visit, **names: str) -> Response:
    raise NotCovered(f"{visit.ask.request.method} {visit.ask.request.path}")


def refuse_members(body: Mapping[str, Any], *names: str) -> None:
    """Raises NotCovered where a body asks for something that would silently not be done."""
    for name in names:
        if body.get(name):
            raise NotCovered(f"'{name}'")
