"""login.microsoftonline.com: discovery documents, and where the rest of it is.

What ``az login``, msal and azure-identity ask, in the v1 (``resource=``) and the v2 (``scope=``)
form. Everything else is refused in Entra's shape.
"""

from __future__ import annotations

from typing import Any, Dict
from urllib.parse import unquote, urlsplit

from azext_mhsmregion.emulator.entra import device_page, errors, managed_identity, token_endpoint
from azext_mhsmregion.emulator.entra.context import SHARED_TENANTS, EntraContext
from azext_mhsmregion.emulator.hosts import LOGIN_HOST as HOST
from azext_mhsmregion.emulator.wire import Request, Response, json_response

LOGIN = f"https://{HOST}"
ALIASES = (HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net")
# Method and path behind the tenant -> is it the v2.0 form?
_OPENID_CONFIGURATION = {
    ("GET", ".well-known/openid-configuration"): False,
    ("GET", "v2.0/.well-known/openid-configuration"): True,
}
_KEYS = {("GET", "discovery/keys"): False, ("GET", "discovery/v2.0/keys"): True}
_TOKEN = {("POST", "oauth2/token"): False, ("POST", "oauth2/v2.0/token"): True}

_DEVICE_CODE = {("POST", "oauth2/devicecode"): False, ("POST", "oauth2/v2.0/devicecode"): True}
_DEVICE_PAGE = "oauth2/deviceauth"
_USER_REALM = "userrealm/"


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
        return token_endpoint.answer(request, _known(tenant, context), _TOKEN[route], context)
    if route in _DEVICE_CODE:
        return token_endpoint.begin_device(request, _known(tenant, context), _DEVICE_CODE[route], context)
    if route[1] == _DEVICE_PAGE and request.method in ("GET", "POST"):
        _known(tenant, context)
        return device_page.handle(request, context)
    if request.method == "GET" and route[1].startswith(_USER_REALM):
        return json_response(200, _user_realm(request.path))
    if request.method == "GET" and request.path == managed_identity.PATH:
        return managed_identity.handle(request, context)
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


def _user_realm(path: str) -> Dict[str, Any]:
    """Whose passwords Entra checks itself: everybody's here (msal asks before it sends one)."""
    name = unquote(path.rpartition("/")[2])
    return {
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": name.rpartition("@")[2],
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
