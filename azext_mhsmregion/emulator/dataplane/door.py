"""The data plane's door (rules A5 to A7, C4, K2, K3): token first, then api-version, region,
activation and local RBAC, then the handler. Errors in Key Vault's shape."""

from __future__ import annotations

from typing import Tuple

from azext_mhsmregion.emulator import rotations
from azext_mhsmregion.emulator.dataplane import (
    absent,
    backup,
    domain_upload,
    frame,
    jobs,
    key_backup,
    key_import,
    key_use,
    keys,
    restore,
    rng,
    roles,
    rotation,
    security_domain,
    settings,
)
from azext_mhsmregion.emulator.dataplane.frame import Arrived, RotationIsDue, Visit
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.identity import Unauthenticated, authenticate
from azext_mhsmregion.emulator.keyring import Keyring
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.traffic import Balancer
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Invalid, ModelError, NotFound, Throttled
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rbac import AccessDenied

AUDIENCE = "https://managedhsm.azure.net"
API_VERSIONS = (
    "7.0", "7.1", "7.2-preview", "7.2", "7.3-preview", "7.3", "7.4-preview.1", "7.4", "7.5-preview.1", "7.5",
    "7.6-preview.1", "7.6-preview.2", "7.6", "2025-07-01", "2026-01-01-preview",
    "2026-07-01-preview",
)  # fmt: skip
NEWEST = "2025-07-01"
"""The newest one that is no preview."""

_REFUSED = 400
"""From this status on an answer cost the partitions nothing."""

router = Router()
absent.register(router)
rotation.register(router)
key_backup.register(router)
restore.register(router)
backup.register(router)
jobs.register(router)
keys.register(router)
key_import.register(router)
key_use.register(router)
rng.register(router)
roles.register(router)
security_domain.register(router)
domain_upload.register(router)
settings.register(router)


def handle(ask: Ask, keyring: Keyring, balancer: Balancer) -> Response:
    """Answer one data-plane request in the region that the caller's connection reached. Raises
    ConnectionBroken where an outage leaves no answer."""
    begun = ask.parts.sources.real()
    arrived = frame.locate(ask, balancer)
    if arrived is None:
        return _no_such_name(ask)
    answer = _answer(ask, arrived, keyring)
    if arrived.paced and answer.status < _REFUSED:
        answer = _paced(ask, arrived, balancer, answer)
    return _marked(ask, answer, begun)


def _answer(ask: Ask, arrived: Arrived, keyring: Keyring) -> Response:
    pool, region, trouble = arrived.pool, arrived.region, arrived.trouble
    try:
        principal = authenticate(ask, (AUDIENCE,))
    except Unauthenticated as error:
        return _challenge(pool, error, ask.request.method)
    try:
        trouble.raise_error()
        response = _route(ask.by(principal), pool, region, keyring)
    except ModelError as error:
        response = error_response(error, ask.parts.sources.new_id())
    headers = response.headers + _service_headers(region)
    return response._replace(headers=headers, delay=trouble.delay)


def _paced(ask: Ask, arrived: Arrived, balancer: Balancer, answer: Response) -> Response:
    """Held back, beside what a fault does, for as long as its region's partitions are busy (A9)."""
    with ask.parts.reading() as unit:
        waits = balancer.pacer.held_back(unit, arrived.pool, arrived.region, ask.request)
    return answer._replace(delay=answer.delay + waits)


def _marked(ask: Ask, response: Response, begun: int) -> Response:
    """With what every answer of a pool carries, the challenge included: an id, and how many real
    milliseconds it took, those for which it is held back among them."""
    latency = ask.parts.sources.real() - begun + response.delay
    marks = (("x-ms-request-id", ask.parts.sources.new_id()), ("x-ms-server-latency", str(max(0, latency))))
    return response._replace(headers=(*response.headers, *marks))


def error_response(error: ModelError, activity: str) -> Response:
    """Key Vault's error body. ``activity`` is a fresh id that refusals of RBAC carry."""
    message = error.message
    if isinstance(error, AccessDenied):
        message = f"{message} (Activity ID: {activity})"
    headers = (("retry-after", "1"),) if isinstance(error, Throttled) else ()
    return json_response(error.status, {"error": {"code": error.code, "message": message}}, headers)


def _route(ask: Ask, pool: Pool, region: str, keyring: Keyring) -> Response:
    handler, parameters, known = router.find(ask.request.method, ask.request.path)
    _check_api_version(ask)
    if handler is None:
        raise _not_found(ask, known)
    while True:
        try:
            response: Response = handler(Visit(ask, pool, region, keyring), **parameters)
        except RotationIsDue:
            rotations.catch_up(ask.parts, pool.id, keyring)
        else:
            return response


def _check_api_version(ask: Ask) -> None:
    version = ask.request.query.get("api-version")
    if version is None:
        if ask.request.path.rstrip("/").endswith("/pending"):
            return  # clients poll without one (K5)
        raise Invalid("The query parameter 'api-version' must be given.", "BadParameter")
    if version not in API_VERSIONS:
        raise Invalid(
            f"The specified version ({version}) is not recognized. "
            f"Consider using the latest supported version ({NEWEST}).",
            "BadParameter",
        )


def _not_found(ask: Ask, known: bool) -> ModelError:
    what = f"{ask.request.method} {ask.request.path}"
    error = NotFound(messages.not_covered(what), "NotImplemented")
    error.status = 405 if known else 501
    return error


def _challenge(pool: Pool, error: Unauthenticated, method: str) -> Response:
    """401 with the recorded challenge; no region header (A7). Without a token the body is the bare
    word OK for GET and nothing for the others, whatever the content type says (recorded)."""
    challenge = (
        f'Bearer authorization="https://login.microsoftonline.com/{pool.tenant}", resource="{AUDIENCE}"'
    )
    headers: Tuple[Tuple[str, str], ...] = (("www-authenticate", challenge),)
    if not str(error):
        content_type = ("content-type", "application/json; charset=utf-8")
        return Response(401, (content_type, *headers), b"OK" if method == "GET" else b"")
    return json_response(401, {"error": {"code": "Unauthorized", "message": str(error)}}, headers)


def _no_such_name(ask: Ask) -> Response:
    """In process there is no resolver to say it: the same words as the proxy's."""
    body = {"error": {"code": "NXDOMAIN", "message": f"The name {ask.request.host} does not resolve."}}
    return json_response(502, body, (("x-mhsmregion-dns", "NXDOMAIN"),))


def _service_headers(region: str) -> Tuple[Tuple[str, str], ...]:
    return (
        ("x-ms-keyvault-region", region),
        ("cache-control", "no-cache"),
        ("content-security-policy", "default-src 'self'"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-ms-build-version", "1.0.20240516-1-5ae89ac5-develop"),
    )
