"""Security domain on the wire: its download, and how the activation of a pool gets on, by that or by an
upload (rules C4, K5; recorded in golden/hsm_security_domain.json)."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from azext_mhsmregion.crypto import security_domain
from azext_mhsmregion.crypto.errors import CryptoError
from azext_mhsmregion.emulator import acceptance, parse
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import activation
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.pool import Pool


def register(router: Router) -> None:
    """Routes of this file. Clients of 7.2 poll the upload's address after a download."""
    router.add("POST", "/securitydomain/download")(download)
    router.add("GET", "/securitydomain/download/pending")(pending)
    router.add("GET", "/securitydomain/upload/pending")(pending)


def download(visit: Visit) -> Response:
    """The domain, encrypted to the caller's certificates; the pool is active a little later."""
    body = parse.body(visit.ask.request)
    sources = visit.ask.parts.sources
    name, domain_key, wrapped = visit.keyring.make_domain_key(visit.pool.id)
    with visit.writing("domain", "securitydomain/download/action", "/", True) as (unit, pool):
        active = activation.download(pool, unit.now, unit.profile.of("activation"))
        text = _encrypted(body, {security_domain.DOMAIN_KEY_TAG: domain_key}, sources.random)
        unit.tx.put_material(pool.id, name, wrapped)
        acceptance.record(unit, active)
    return json_response(202, {"value": text}, pending_header(visit, "download"))


def pending(visit: Visit) -> Response:
    """Status of the activation, at both addresses, whichever way the pool took. Under the manual clock a
    poll may advance service time to it."""
    which = "upload" if "/upload/" in visit.ask.request.path.lower() else "download"
    action = f"securitydomain/{which}/read"
    with visit.reading(action, "/", True) as (unit, pool):
        until = pool.activated
        waiting = until is not None and not pool.is_active(unit.now)
        if not (waiting and unit.advances_on_poll):
            return _pending(visit, which, unit, pool)
    with visit.writing("poll", action, "/", True) as (unit, pool):
        unit.advance_to(until or unit.now)
        return _pending(visit, which, unit, pool)


def _pending(visit: Visit, which: str, unit: Unit, pool: Pool) -> Response:
    return json_response(200, status_body(pool, unit.now), pending_header(visit, which))


def status_body(pool: Pool, now: int) -> Dict[str, str]:
    """How the activation gets on, as it is answered."""
    status, details = activation.pending(pool, now)
    return {"status": status, "status_details": details}


def _encrypted(body: Mapping[str, Any], secrets: Mapping[str, bytes], random: Any) -> str:
    certificates: List[Any] = parse.required(body, "certificates", list)
    if not all(isinstance(item, dict) for item in certificates):
        raise Invalid("'certificates' must be an array of objects.", "BadParameter")
    try:
        return security_domain.create(certificates, parse.required(body, "required", int), secrets, random)
    except CryptoError as error:
        raise Invalid(str(error), "BadParameter") from error


def pending_header(visit: Visit, which: str) -> Tuple[Tuple[str, str], ...]:
    """Where to poll."""
    version = visit.ask.request.query.get("api-version", "7.2")
    url = f"https://{visit.host_as_named}/securitydomain/{which}/pending?api-version={version}"
    return (("azure-asyncoperation", url),)
