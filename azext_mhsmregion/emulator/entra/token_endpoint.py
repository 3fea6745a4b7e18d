"""The token endpoint: applications by secret or certificate, users by password, device code or
refresh token, in the v1 (``resource=``) and the v2 (``scope=``) form."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import Any, Callable, Dict, Mapping, Optional, Tuple
from urllib.parse import parse_qsl, unquote_plus

from azext_mhsmregion.crypto import b64url
from azext_mhsmregion.emulator.directory import Principal
from azext_mhsmregion.emulator.entra import assertion, device_page, devices, errors, resources, users
from azext_mhsmregion.emulator.entra.context import SHARED_TENANTS, EntraContext
from azext_mhsmregion.emulator.entra.tokens import LIFETIME, TokenError, TokenExpired
from azext_mhsmregion.emulator.wire import Request, Response, json_response

REFRESH_AUDIENCE = "urn:mhsmregion:refresh"
"""The audience of refresh tokens: no resource's, so that none of them passes for an access token."""

REFRESH_LIFETIME = 90 * 86400
DEVICE_GRANTS = ("urn:ietf:params:oauth:grant-type:device_code", "device_code")

_HEADERS = (("cache-control", "no-store, no-cache"), ("pragma", "no-cache"))
Form = Mapping[str, str]


def answer(request: Request, tenant: str, is_v2: bool, context: EntraContext) -> Response:
    """Answer one token request. Raises EntraError."""
    form = _form(request)
    grant = form.get("grant_type")
    if not grant:
        raise errors.missing_parameter("grant_type")
    if grant == "client_credentials":
        body = _for_application(form, request.headers, tenant, is_v2, context)
    elif grant in _USERS:
        body = _for_user(form, _USERS[grant], is_v2, context)
    else:
        raise errors.unsupported_grant(grant)
    return json_response(200, body, _HEADERS)


def begin_device(request: Request, tenant: str, is_v2: bool, context: EntraContext) -> Response:
    """Begin a sign-in by device code. Raises EntraError."""
    form = _form(request)
    resources.asked(form, is_v2, tenant, delegated=True)
    wanted: Dict[str, str] = {name: form[name] for name in ("scope", "resource") if name in form}
    code, user_code = context.tokens.devices.begin(_client_id(form), wanted, context.now())
    body = {
        "user_code": user_code,
        "device_code": code,
        "verification_uri" if is_v2 else "verification_url": device_page.URL,
        "expires_in": devices.LIFETIME if is_v2 else str(devices.LIFETIME),
        "interval": devices.INTERVAL if is_v2 else str(devices.INTERVAL),
        "message": f"To sign in, open the page {device_page.URL} through the emulator's proxy and enter the "
        f"code {user_code} to authenticate.",
    }
    return json_response(200, body, _HEADERS)


def _form(request: Request) -> Dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _client_id(form: Form) -> str:
    if not form.get("client_id"):
        raise errors.missing_parameter("client_id")
    return form["client_id"]


# -- applications --------------------------------------------------------------------------
def _for_application(
    form: Form, headers: Mapping[str, str], tenant: str, is_v2: bool, context: EntraContext
) -> Dict[str, Any]:
    if tenant in SHARED_TENANTS:
        raise errors.no_tenant()
    principal = _application(form, headers, tenant, context)
    audience = resources.asked(form, is_v2, tenant)
    return _access(context.tokens.issue(principal, audience), audience, is_v2, context)


def _application(form: Form, headers: Mapping[str, str], tenant: str, context: EntraContext) -> Principal:
    app_id, secret = _credentials(form, headers)
    has_assertion = bool(form.get("client_assertion"))
    if not app_id and has_assertion:
        app_id = assertion.client_id(form)
    if not app_id:
        raise errors.missing_parameter("client_id")
    principal = context.directory.by_app_id(app_id)
    if principal is None:
        raise errors.unknown_app(app_id, tenant)
    if has_assertion:
        assertion.check(form, principal, context)
        return principal
    if not secret:
        raise errors.missing_secret()
    if principal.secret is None or not hmac.compare_digest(secret.encode(), principal.secret.encode()):
        raise errors.wrong_secret(app_id)
    return principal


def _credentials(form: Form, headers: Mapping[str, str]) -> Tuple[Optional[str], Optional[str]]:
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


# -- users: each answers who, and the form that says what for ------------------------------------
def _by_password(form: Form, context: EntraContext) -> Tuple[Principal, Form]:
    return users.by_password(form, context), form


def _by_refresh_token(form: Form, context: EntraContext) -> Tuple[Principal, Form]:
    token = form.get("refresh_token")
    if not token:
        raise errors.missing_parameter("refresh_token")
    try:
        claims = context.tokens.verify(token, (REFRESH_AUDIENCE,))
    except TokenExpired:
        raise errors.expired_grant() from None
    except TokenError:
        raise errors.bad_grant() from None
    user = context.directory.by_object_id(claims.object_id)
    if user is None or claims.app_id != _client_id(form):
        raise errors.bad_grant()
    return user, form


def _by_device_code(form: Form, context: EntraContext) -> Tuple[Principal, Form]:
    code = form.get("device_code") or form.get("code")
    if not code:
        raise errors.missing_parameter("device_code")
    found = context.tokens.devices.fetch(code, _client_id(form), context.now())
    if found is None:
        raise errors.expired_device_code()
    if found.object_id is None:
        raise errors.authorization_pending()
    user = context.directory.by_object_id(found.object_id)
    if user is None:
        raise errors.bad_grant()
    return user, {**form, **found.asked}


_UserGrant = Callable[[Form, EntraContext], Tuple[Principal, Form]]
_USERS: Mapping[str, _UserGrant] = {
    "password": _by_password,
    "refresh_token": _by_refresh_token,
    **dict.fromkeys(DEVICE_GRANTS, _by_device_code),
}


def _for_user(form: Form, grant: _UserGrant, is_v2: bool, context: EntraContext) -> Dict[str, Any]:
    client_id = _client_id(form)
    user, form = grant(form, context)
    audience = resources.asked(form, is_v2, context.directory.tenant_id, delegated=True)
    tokens = context.tokens
    body = _access(tokens.issue(user, audience, client_id=client_id), audience, is_v2, context)
    scopes = form.get("scope", "").split()
    if not is_v2 or "offline_access" in scopes:
        body["refresh_token"] = tokens.issue(user, REFRESH_AUDIENCE, REFRESH_LIFETIME, client_id)
    if not is_v2 or "openid" in scopes:
        body["id_token"] = tokens.signed(_identity_claims(user, client_id, context))
    if form.get("client_info"):
        who = {"uid": user.object_id, "utid": context.directory.tenant_id}
        body["client_info"] = b64url.encode(json.dumps(who).encode())
    body["scope"] = " ".join(scopes) if is_v2 else "user_impersonation"
    return body


def _identity_claims(user: Principal, client_id: str, context: EntraContext) -> Dict[str, Any]:
    begun = int(context.now())
    tenant = context.directory.tenant_id
    return {
        "aud": client_id,
        "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
        "iat": begun,
        "nbf": begun,
        "exp": begun + LIFETIME,
        "name": user.name,
        "oid": user.object_id,
        "preferred_username": user.user_principal_name,
        "sub": user.object_id,
        "tid": tenant,
        "ver": "2.0",
    }


def _access(token: str, audience: str, is_v2: bool, context: EntraContext) -> Dict[str, Any]:
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
