"""Managed identity: a token for the emulator's application, to whoever asks from this machine.

The metadata address (``http://169.254.169.254``) comes in through ``HTTP_PROXY``; the listener
hands it on as this path of Entra's host. ``/msi/token`` of the emulator's own port is the form of
App Service: ``IDENTITY_ENDPOINT`` names it, ``IDENTITY_HEADER`` is the application's secret. The
identity is the directory's first application (``emulator-app``), or the one that ``client_id`` or
``object_id`` names.
"""

from __future__ import annotations

import hmac
from typing import Mapping, Optional

from azext_mhsmregion.emulator.directory import SERVICE_PRINCIPAL, Principal
from azext_mhsmregion.emulator.entra import resources
from azext_mhsmregion.emulator.entra.context import EntraContext
from azext_mhsmregion.emulator.entra.tokens import LIFETIME
from azext_mhsmregion.emulator.wire import Request, Response, json_response

PATH = "/metadata/identity/oauth2/token"
API_VERSIONS = ("2018-02-01", "2019-08-01", "2020-06-01", "2021-02-01", "2021-12-13")


def handle(request: Request, context: EntraContext) -> Response:
    """Answer one request for a token, as the instance metadata service does."""
    if "x-identity-header" in request.headers:
        if not _is_app_service(request.headers["x-identity-header"], context):
            return _error("unauthorized", "The X-IDENTITY-HEADER is wrong", 401)
    elif request.headers.get("metadata", "").lower() != "true":
        return _error("invalid_request", "Required metadata header not specified")
    if "x-forwarded-for" in request.headers:
        return _error("invalid_request", "Requests with X-Forwarded-For are refused")
    if request.query.get("api-version") not in API_VERSIONS:
        return _error("invalid_request", f"Required api-version: one of {', '.join(API_VERSIONS)}")
    resource = request.query.get("resource", "")
    if not resources.is_known(resource):
        text = f"The resource principal named {resource} was not found. Known: {', '.join(resources.KNOWN)}"
        return _error("invalid_resource", text)
    identity = _identity(request.query, context)
    if identity is None:
        return _error("invalid_request", "Identity not found")
    begun = int(context.now())
    body = {
        "access_token": context.tokens.issue(identity, resource),
        "client_id": identity.app_id,
        "expires_in": str(LIFETIME - 1),
        "expires_on": str(begun + LIFETIME - 1),
        "ext_expires_in": str(LIFETIME - 1),
        "not_before": str(begun),
        "resource": resource,
        "token_type": "Bearer",
    }
    return json_response(200, body, (("cache-control", "no-store, no-cache"),))


def _identity(query: Mapping[str, str], context: EntraContext) -> Optional[Principal]:
    directory = context.directory
    if query.get("msi_res_id") or query.get("mi_res_id"):
        return None
    found = directory.app
    if query.get("client_id"):
        found = directory.by_app_id(query["client_id"])
    elif query.get("object_id"):
        found = directory.by_object_id(query["object_id"])
    return found if found is not None and found.kind == SERVICE_PRINCIPAL else None


def _is_app_service(header: str, context: EntraContext) -> bool:
    app = context.directory.app
    secret = app.secret if app is not None else None
    return secret is not None and hmac.compare_digest(header.encode(), secret.encode())


def _error(error: str, text: str, status: int = 400) -> Response:
    return json_response(status, {"error": error, "error_description": text})
