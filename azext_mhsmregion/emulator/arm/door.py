"""The control plane's door: token, api-version, route; errors in ARM's shape."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from azext_mhsmregion.emulator.arm import groups, operations, pools
from azext_mhsmregion.emulator.arm.versions import check_api_version
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.identity import Unauthenticated, authenticate
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
"""In every answer of the service, refusals included (recorded), in none of ARM itself."""

ARM_ERRORS = ("ResourceGroupNotFound", "ResourceNotFound")
"""What ARM answers without asking the service."""

GATHERED_SLASHES = "subscriptions/{id}/providers/Microsoft.KeyVault/managedHSMs".count("/")

READING = ("GET", "HEAD")


def handle(ask: Ask) -> Response:
    """Answer one control-plane request."""
    try:
        principal = authenticate(ask, AUDIENCES)
    except Unauthenticated as error:
        return _unauthenticated(error)
    try:
        return _route(replace(ask, principal=principal))
    except ModelError as error:
        return error_response(error)


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
    is_ours = "/microsoft.keyvault/" in ask.request.path.lower()
    if is_ours:
        check_api_version(ask.request.query.get("api-version"), "managedHSMs")
    try:
        response: Response = handler(ask, **parameters)
    except ModelError as error:
        response = error_response(error)
        is_ours = is_ours and error.code not in ARM_ERRORS
    if not is_ours or _is_gathered(ask):
        return response
    version = (("x-ms-keyvault-service-version", SERVICE_VERSION),)
    return replace(response, headers=response.headers + version)


def _is_gathered(ask: Ask) -> bool:
    """A list over a subscription: ARM gathers it, so it bears no service version (recorded)."""
    path = ask.request.path.strip("/")
    return ask.request.method == "GET" and path.count("/") == GATHERED_SLASHES


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


def _unauthenticated(error: Unauthenticated) -> Response:
    challenge = 'Bearer authorization_uri="https://login.microsoftonline.com/", error="invalid_token"'
    message = str(error) or "Authentication failed. The 'Authorization' header is missing."
    body = {"error": {"code": "AuthenticationFailed", "message": message}}
    return json_response(401, body, (("www-authenticate", challenge),))
