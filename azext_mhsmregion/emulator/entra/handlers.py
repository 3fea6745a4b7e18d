"""login.microsoftonline.com: discovery documents and the token endpoint.

What ``az login --service-principal`` and azure-identity's ClientSecretCredential ask, in the
v1 (``resource=``) and the v2 (``scope=``) form. Everything else is refused in Entra's shape.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from azext_mhsmregion.emulator.directory import Principal
from azext_mhsmregion.emulator.entra import errors
from azext_mhsmregion.emulator.entra.context import EntraContext
from azext_mhsmregion.emulator.entra.tokens import LIFETIME
from azext_mhsmregion.emulator.wire import Request, Response, json_response

HOST = "login.microsoftonline.com"
LOGIN = f"https://{HOST}"
ALIASES = (HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net")
SHARED_TENANTS = ("common", "organizations")
RESOURCES = (
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://managedhsm.azure.net",
    "https://graph.microsoft.com",
)
"""The resources that tokens are issued for, without a slash at the end."""

# Method and path behind the tenant -> is it the v2.0 form?
_OPENID_CONFIGURATION = {
    ("GET", ".well-known/openid-configuration"): False,
    ("GET", "v2.0/.well-known/openid-configuration"): True,
}
_KEYS = {("GET", "discovery/keys"): False, ("GET", "discovery/v2.0/keys"): True}
_TOKEN = {("POST", "oauth2/token"): False, ("POST", "oauth2/v2.0/token"): True}

_OPENID_SCOPES = ("openid", "profile", "offline_access")
_DEFAULT = "/.default"


def handle(request: Request, context: EntraContext) -> Response:
    """Answer one request to login.microsoftonline.com."""
    correlation_id = request.headers.get("client-request-id") or context.new_id()
    try:
        response = _route(request, context)
    except errors.EntraError as error:
        response = errors.answer(error, context, correlation_id)
    extra = (("x-ms-request-id", context.new_id()), ("client-request-id", correlation_id))
    return Response(response.status, response.headers + extra, response.body)


def _route(request: Request, context: EntraContext) -> Response:
    parts = [unquote(part) for part in request.path.strip("/").split("/")]
    tenant, route = parts[0].lower(), (request.method, "/".join(parts[1:]).lower())
    if (tenant, route) == ("common", ("GET", "discovery/instance")):
        return _instance_discovery(request, context)
    if route in _OPENID_CONFIGURATION:
        is_v2 = _OPENID_CONFIGURATION[route]
        return json_response(200, _openid_configuration(_known(tenant, context), is_v2))
    if route in _KEYS:
        _known(tenant, context)
        return json_response(200, context.tokens.key_set())
    if route in _TOKEN:
        return _token(request, _known(tenant, context), _TOKEN[route], context)
    raise errors.not_implemented(request.method, request.path)


def _known(tenant: str, context: EntraContext) -> str:
    if tenant not in SHARED_TENANTS and tenant != context.directory.tenant_id:
        raise errors.unknown_tenant(tenant)
    return tenant


def _instance_discovery(request: Request, context: EntraContext) -> Response:
    endpoint = urlsplit(request.query.get("authorization_endpoint", ""))
    if endpoint.hostname not in ALIASES:
        raise errors.unknown_instance()
    tenant = _known(endpoint.path.strip("/").split("/")[0].lower(), context)
    body = {
        "tenant_discovery_endpoint": f"{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {"preferred_network": HOST, "preferred_cache": "login.windows.net", "aliases": list(ALIASES)}
        ],
    }
    return json_response(200, body)


def _openid_configuration(tenant: str, is_v2: bool) -> Dict[str, Any]:
    issuing = "{tenantid}" if tenant in SHARED_TENANTS else tenant
    issuer = f"{LOGIN}/{issuing}/v2.0" if is_v2 else f"https://sts.windows.net/{issuing}/"
    version = "v2.0/" if is_v2 else ""
    return {
        "token_endpoint": f"{LOGIN}/{tenant}/oauth2/{version}token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "jwks_uri": f"{LOGIN}/{tenant}/discovery/{version}keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "authorization_endpoint": f"{LOGIN}/{tenant}/oauth2/{version}authorize",
        "device_authorization_endpoint": f"{LOGIN}/{tenant}/oauth2/{version}devicecode",
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "oid", "tid", "ver"],
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }


def _token(request: Request, tenant: str, is_v2: bool, context: EntraContext) -> Response:
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    grant = form.get("grant_type")
    if not grant:
        raise errors.missing_parameter("grant_type")
    if grant != "client_credentials":
        raise errors.unsupported_grant(grant)
    if tenant in SHARED_TENANTS:
        raise errors.no_tenant()
    principal = _authenticated(form, request.headers, tenant, context)
    audience = _audience(form, is_v2, tenant)
    token = context.tokens.issue(principal, audience)
    headers = (("cache-control", "no-store, no-cache"), ("pragma", "no-cache"))
    return json_response(200, _grant(token, audience, is_v2, context), headers)


def _grant(token: str, audience: str, is_v2: bool, context: EntraContext) -> Dict[str, Any]:
    expires_in = LIFETIME - 1
    if is_v2:
        return {
            "token_type": "Bearer",
            "expires_in": expires_in,
            "ext_expires_in": expires_in,
            "access_token": token,
        }
    begun = int(context.now())
    return {
        "token_type": "Bearer",
        "expires_in": str(expires_in),
        "ext_expires_in": str(expires_in),
        "expires_on": str(begun + expires_in),
        "not_before": str(begun),
        "resource": audience,
        "access_token": token,
    }


def _authenticated(
    form: Mapping[str, str], headers: Mapping[str, str], tenant: str, context: EntraContext
) -> Principal:
    app_id, secret = _credentials(form, headers)
    if not app_id:
        raise errors.missing_parameter("client_id")
    principal = context.directory.by_app_id(app_id)
    if principal is None:
        raise errors.unknown_app(app_id, tenant)
    if not secret:
        raise errors.missing_secret()
    if not hmac.compare_digest(secret.encode(), (principal.secret or "").encode()):
        raise errors.wrong_secret(app_id)
    return principal


def _credentials(form: Mapping[str, str], headers: Mapping[str, str]) -> Tuple[Optional[str], Optional[str]]:
    """Client id and secret from the form, else from HTTP Basic (both parts form-encoded)."""
    if form.get("client_id"):
        return form["client_id"], form.get("client_secret")
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        app_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return unquote_plus(app_id), unquote_plus(secret)


def _audience(form: Mapping[str, str], is_v2: bool, tenant: str) -> str:
    if not is_v2:
        resource = form.get("resource")
        if not resource:
            raise errors.missing_parameter("resource")
    else:
        resource = _resource_of_scope(form.get("scope", ""))
    if resource.rstrip("/") not in RESOURCES:
        raise errors.unknown_resource(resource, tenant)
    return resource


def _resource_of_scope(text: str) -> str:
    """``https://management.core.windows.net//.default`` is the resource
    ``https://management.core.windows.net/``: only the suffix goes."""
    scopes = [scope for scope in text.split() if scope not in _OPENID_SCOPES]
    if not scopes:
        raise errors.missing_parameter("scope")
    if len(scopes) > 1 or not scopes[0].endswith(_DEFAULT):
        raise errors.invalid_scope(text)
    return scopes[0][: -len(_DEFAULT)]
