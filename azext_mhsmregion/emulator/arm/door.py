"""The control plane's door: token, api-version, route; errors in ARM's shape."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Optional

from azext_mhsmregion.emulator.arm import groups, operations, pools
from azext_mhsmregion.emulator.arm.versions import check_api_version
from azext_mhsmregion.emulator.directory import Principal
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import ModelError, NotFound

AUDIENCES = (
    "https://management.azure.com",
    "https://management.azure.com/",
    "https://management.core.windows.net",
    "https://management.core.windows.net/",
)
SERVICE_VERSION = "1.5.969.1"

READING = ("GET", "HEAD")


def handle(ask: Ask) -> Response:
    """Answer one control-plane request."""
    try:
        principal = _authenticate(ask)
    except Unauthenticated as error:
        return _unauthenticated(error)
    try:
        return _route(replace(ask, principal=principal))
    except ModelError as error:
        return error_response(error)


class Unauthenticated(Exception):
    """No token, or one that does not hold."""


def error_response(error: ModelError) -> Response:
    """ARM's error body."""
    return json_response(error.status, {"error": {"code": error.code, "message": error.message}})


def _route(ask: Ask) -> Response:
    handler, parameters, known = _routes(ask.request.method in READING).find(
        ask.request.method, ask.request.path
    )
    if handler is None:
        return error_response(_not_found(ask, known))
    subscription = parameters.pop("subscription", None)
    if subscription is not None and subscription.lower() != ask.parts.directory.subscription_id:
        raise NotFound(f"The subscription '{subscription}' could not be found.", "SubscriptionNotFound")
    if "/microsoft.keyvault/" in ask.request.path.lower():
        check_api_version(ask.request.query.get("api-version"), "managedHSMs")
    response: Response = handler(ask, **parameters)
    version = (("x-ms-keyvault-service-version", SERVICE_VERSION),)
    return replace(response, headers=response.headers + version)


@cache
def _routes(reading: bool) -> Router:
    """All routes; the reading ones alone load neither the model's commands nor their parsers."""
    router = Router()
    groups.register(router)
    pools.register(router)
    operations.register(router)
    if not reading:
        from azext_mhsmregion.emulator.arm import changes

        changes.register(router)
    return router


def _not_found(ask: Ask, known: bool) -> ModelError:
    """ARM's own error for what it does not know, naming what the emulator covers."""
    if known:
        error = ModelError(f"The HTTP method {ask.request.method} is not allowed here.", "MethodNotAllowed")
        error.status = 405
        return error
    covered = messages.not_covered(ask.request.path)
    return NotFound(
        f"{covered} It covers subscriptions, tenants, resource groups and Microsoft.KeyVault/managedHSMs.",
        "InvalidResourceType",
    )


def _authenticate(ask: Ask) -> Principal:
    if ask.caller.principal is not None:
        return _known(ask, ask.caller.principal)
    scheme, _, token = ask.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Authentication failed. The 'Authorization' header is missing.")
    from azext_mhsmregion.emulator.entra.tokens import TokenError

    try:
        claims = ask.parts.tokens().verify(token.strip(), AUDIENCES)
    except TokenError as error:
        raise Unauthenticated(str(error)) from error
    return _known(ask, claims.object_id)


def _known(ask: Ask, object_id: str) -> Principal:
    principal: Optional[Principal] = ask.parts.directory.by_object_id(object_id)
    if principal is None:
        raise Unauthenticated(f"The principal '{object_id}' is not in the emulator's directory.")
    return principal


def _unauthenticated(error: Unauthenticated) -> Response:
    challenge = 'Bearer authorization_uri="https://login.microsoftonline.com/", error="invalid_token"'
    body = {"error": {"code": "AuthenticationFailed", "message": str(error)}}
    return json_response(401, body, (("www-authenticate", challenge),))
