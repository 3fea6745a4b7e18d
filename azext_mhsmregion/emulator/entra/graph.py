"""graph.microsoft.com: the few questions that az asks of users and service principals.

Shapes as recorded (``golden/hsm_role.json``, ``golden/hsm_mgmt.json``). The directory is read
only: its file is the place for changes.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import unquote

from azext_mhsmregion.emulator.directory import SERVICE_PRINCIPAL, USER, Principal
from azext_mhsmregion.emulator.entra.context import EntraContext
from azext_mhsmregion.emulator.entra.tokens import TokenError, TokenExpired, WrongAudience
from azext_mhsmregion.emulator.wire import Request, Response, json_response

HOST = "graph.microsoft.com"
AUDIENCES = (f"https://{HOST}", f"https://{HOST}/")

_METADATA = f"https://{HOST}/v1.0/$metadata"
_CONTENT_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)
_LITERAL = r"'((?:[^']|'')*)'"
_BY_USER_NAME = re.compile(rf"\s*userPrincipalName\s+eq\s+{_LITERAL}\s*", re.IGNORECASE)
_BY_SERVICE_NAME = re.compile(
    rf"\s*servicePrincipalNames/any\(\s*(\w+)\s*:\s*\1\s+eq\s+{_LITERAL}\s*\)\s*", re.IGNORECASE
)
_BY_APP_ID = re.compile(rf"\s*appId\s+eq\s+{_LITERAL}\s*", re.IGNORECASE)


class GraphError(Exception):
    """A refused request: HTTP status, Graph's error code, text."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


def handle(request: Request, context: EntraContext, principal: Optional[str] = None) -> Response:
    """Answer one request to graph.microsoft.com. ``principal`` is the object id of a caller
    who needs no token (``Caller.principal``)."""
    try:
        caller = principal or _object_id_of_token(request, context)
        response = _route(request, caller, context)
    except GraphError as error:
        response = _error_answer(error, request, context)
    extra = (("request-id", context.new_id()), ("odata-version", "4.0"))
    return Response(response.status, response.headers + extra, response.body)


def _object_id_of_token(request: Request, context: EntraContext) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")
    try:
        return context.tokens.verify(token.strip(), AUDIENCES).object_id
    except WrongAudience:
        text = "Access token validation failure. Invalid audience."
    except TokenExpired:
        text = "Lifetime validation failed, the token is expired."
    except TokenError as error:
        text = f"Access token validation failure. {error}"
    raise GraphError(401, "InvalidAuthenticationToken", text)


def _route(request: Request, caller: str, context: EntraContext) -> Response:
    parts = [unquote(part) for part in request.path.strip("/").split("/")]
    if parts[0] == "v1.0" and request.method == "GET":
        if parts[1:] == ["me"]:
            return _me(caller, context)
        if parts[1:] in (["users"], ["servicePrincipals"]):
            return _list(request, parts[1], context)
        if len(parts) == 3 and parts[1] in ("users", "servicePrincipals"):
            return _one(parts[1], parts[2], context)
    if request.method == "POST" and parts == ["v1.0", "directoryObjects", "getByIds"]:
        return _by_ids(request, context)
    text = f"{request.method} {request.path} is not implemented by this emulator."
    raise GraphError(501, "NotImplemented", text)


def _me(caller: str, context: EntraContext) -> Response:
    principal = context.directory.by_object_id(caller)
    if principal is None:
        raise _not_found(caller)
    if principal.kind != USER:
        text = "/me request is only valid with delegated authentication flow."
        raise GraphError(400, "BadRequest", text)
    return _entity("users", principal)


def _one(collection: str, name: str, context: EntraContext) -> Response:
    """One user by object id or sign-in name, one service principal by object id."""
    directory = context.directory
    principal = directory.by_object_id(name)
    if principal is None and collection == "users":
        principal = directory.by_user_principal_name(name)
    if principal is None or _collection(principal) != collection:
        raise _not_found(name)
    return _entity(collection, principal)


def _list(request: Request, collection: str, context: EntraContext) -> Response:
    text = request.query.get("$filter")
    if text is None:
        found = [p for p in context.directory.principals if _collection(p) == collection]
    else:
        principal = _filtered(collection, text, context)
        found = [] if principal is None else [principal]
    body = {"@odata.context": f"{_METADATA}#{collection}", "value": [_properties(p) for p in found]}
    return _answer(200, body)


def _filtered(collection: str, text: str, context: EntraContext) -> Optional[Principal]:
    directory = context.directory
    by_user_name = _BY_USER_NAME.fullmatch(text)
    if collection == "users" and by_user_name:
        return directory.by_user_principal_name(_unquoted(by_user_name[1]))
    by_service_name, by_app_id = _BY_SERVICE_NAME.fullmatch(text), _BY_APP_ID.fullmatch(text)
    if collection == "servicePrincipals" and by_service_name:
        return directory.by_app_id(_unquoted(by_service_name[2]))
    if collection == "servicePrincipals" and by_app_id:
        return directory.by_app_id(_unquoted(by_app_id[1]))
    raise GraphError(400, "Request_UnsupportedQuery", f"This emulator does not know the filter: {text}")


def _by_ids(request: Request, context: EntraContext) -> Response:
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise GraphError(400, "BadRequest", "Unable to read JSON request payload.") from None
    if not isinstance(body, dict):
        raise GraphError(400, "BadRequest", "The request payload must be a JSON object.")
    ids, types = _texts(body, "ids"), _texts(body, "types") if body.get("types") else ["directoryObject"]
    answer = {"@odata.context": f"{_METADATA}#directoryObjects", "value": _objects(ids, types, context)}
    return _answer(200, answer, (("location", f"https://{HOST}"),))


def _texts(body: Dict[str, Any], name: str) -> List[str]:
    values = body.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise GraphError(400, "Request_BadRequest", f"The '{name}' parameter must be a list of texts.")
    return values


def _objects(ids: List[str], types: List[str], context: EntraContext) -> List[Dict[str, Any]]:
    """The principals among ``ids`` that are of ``types``; Graph leaves unknown ids out."""
    found = (context.directory.by_object_id(value) for value in dict.fromkeys(ids))
    return [
        {"@odata.type": f"#microsoft.graph.{p.kind}", **_properties(p)}
        for p in found
        if p is not None and (p.kind in types or "directoryObject" in types)
    ]


def _collection(principal: Principal) -> str:
    return "users" if principal.kind == USER else "servicePrincipals"


def _properties(principal: Principal) -> Dict[str, Any]:
    if principal.kind == SERVICE_PRINCIPAL:
        return {
            "id": principal.object_id,
            "accountEnabled": True,
            "appDisplayName": principal.name,
            "appId": principal.app_id,
            "displayName": principal.name,
            "servicePrincipalNames": [principal.app_id],
            "servicePrincipalType": "Application",
        }
    return {
        "id": principal.object_id,
        "businessPhones": [],
        "displayName": principal.name,
        "givenName": None,
        "jobTitle": None,
        "mail": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": None,
        "userPrincipalName": principal.user_principal_name,
    }


def _entity(collection: str, principal: Principal) -> Response:
    return _answer(200, {"@odata.context": f"{_METADATA}#{collection}/$entity", **_properties(principal)})


def _unquoted(literal: str) -> str:
    return literal.replace("''", "'")


def _not_found(name: str) -> GraphError:
    text = (
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
    )
    return GraphError(404, "Request_ResourceNotFound", text)


def _answer(status: int, body: Dict[str, Any], headers: Tuple[Tuple[str, str], ...] = ()) -> Response:
    plain = json_response(status, body)
    return Response(status, (("content-type", _CONTENT_TYPE),) + headers, plain.body)


def _error_answer(error: GraphError, request: Request, context: EntraContext) -> Response:
    inner = {
        "date": datetime.fromtimestamp(context.now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": context.new_id(),
        "client-request-id": request.headers.get("client-request-id") or context.new_id(),
    }
    body = {"error": {"code": error.code, "message": str(error), "innerError": inner}}
    headers = (("www-authenticate", f'Bearer realm="", resource="{AUDIENCES[0]}"'),)
    return json_response(error.status, body, headers if error.status == 401 else ())
