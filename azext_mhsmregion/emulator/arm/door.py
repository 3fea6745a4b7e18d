"""The control plane's door: token, api-version, route; errors in ARM's shape."""

from __future__ import annotations

from functools import cache
from typing import Dict, Optional, Tuple

from azext_mhsmregion.emulator.arm import groups, operations, pools
from azext_mhsmregion.emulator.arm.answering import marked
from azext_mhsmregion.emulator.arm.refusals import error_response, unauthenticated
from azext_mhsmregion.emulator.arm.versions import check_api_version
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.identity import Unauthenticated, authenticate
from azext_mhsmregion.emulator.routes import Handler, Router
from azext_mhsmregion.emulator.wire import Response
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
ENDPOINTS = "/metadata/endpoints"


def handle(ask: Ask) -> Response:
    """Answer one control-plane request."""
    return marked(ask, _answer(ask))


def _answer(ask: Ask) -> Response:
    try:
        if ask.request.path.rstrip("/").lower() == ENDPOINTS and ask.request.method == "GET":
            from azext_mhsmregion.emulator.arm import providers

            return providers.endpoints(ask)
        return _route(ask.by(authenticate(ask, AUDIENCES)))
    except Unauthenticated as error:
        return unauthenticated(error)
    except ModelError as error:
        return error_response(error)


def _route(ask: Ask) -> Response:
    handler, parameters, known = _find(ask.request.method, ask.request.path)
    if handler is None:
        return error_response(_not_found(ask, known))
    subscription = parameters.pop("subscription", None)
    if subscription is not None and subscription.lower() != ask.directory.subscription_id:
        raise NotFound(f"The subscription '{subscription}' could not be found.", "SubscriptionNotFound")
    is_ours = _is_of_the_service(ask.request.path)
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
    return response._replace(headers=response.headers + version)


def _is_of_the_service(path: str) -> bool:
    """Does the service answer it, and not ARM for it, as the registration of the provider?"""
    return "/microsoft.keyvault/" in path.lower() and not path.lower().rstrip("/").endswith("/register")


def _is_gathered(ask: Ask) -> bool:
    """A list over a subscription: ARM gathers it, so it bears no service version (recorded)."""
    path = ask.request.path.strip("/")
    return ask.request.method == "GET" and path.count("/") == GATHERED_SLASHES


def _find(method: str, path: str) -> Tuple[Optional[Handler], Dict[str, str], bool]:
    """The handler of a request, its parameters, and whether its path is known at all: pools first,
    then what is around them."""
    found = _pool_routes(method in READING).find(method, path)
    return found if found[0] is not None else _routes(method in READING).find(method, path)


@cache
def _pool_routes(reading: bool) -> Router:
    """Routes of pools; the reading ones alone load neither the model's commands nor their parsers."""
    return _with_pools(Router(), reading)


@cache
def _routes(reading: bool) -> Router:
    """All routes."""
    from azext_mhsmregion.emulator.arm import providers, resources, subscriptions

    router = _with_pools(Router(), reading)
    for module in (subscriptions, providers, resources):
        module.register(router)
    if not reading:
        providers.register_writing(router)
    return router


def _with_pools(router: Router, reading: bool) -> Router:
    for module in (groups, pools, operations):
        module.register(router)
    if not reading:
        from azext_mhsmregion.emulator.arm import changes, group_deletion

        changes.register(router)
        group_deletion.register(router)
    return router


def _not_found(ask: Ask, known: bool) -> ModelError:
    """ARM's own error for what it does not know, naming what the emulator covers."""
    if known:
        error = ModelError(f"The HTTP method {ask.request.method} is not allowed here.", "MethodNotAllowed")
        error.status = 405
        return error
    covered = messages.not_covered(ask.request.path)
    return NotFound(
        f"{covered} It covers subscriptions, tenants, locations, providers, resource groups and "
        "Microsoft.KeyVault/managedHSMs.",
        "InvalidResourceType",
    )
