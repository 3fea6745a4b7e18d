"""graph.microsoft.com: the questions that az asks of users, service principals and groups.

Shapes as recorded (``golden/hsm_role.json``, ``golden/hsm_mgmt.json``). The directory is read
only: its file is the place for changes.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional
from urllib.parse import unquote

from azext_mhsmregion.emulator.directory import USER, Entry
from azext_mhsmregion.emulator.entra import graph_filter, graph_members
from azext_mhsmregion.emulator.entra.context import EntraContext
from azext_mhsmregion.emulator.entra.graph_objects import (
    COLLECTIONS,
    METADATA,
    GraphError,
    answer,
    collection,
    entity,
    member,
    not_found,
    properties,
    typed,
)
from azext_mhsmregion.emulator.entra.tokens import TokenError, TokenExpired, WrongAudience
from azext_mhsmregion.emulator.hosts import GRAPH_HOST as HOST
from azext_mhsmregion.emulator.wire import Request, Response, json_response

AUDIENCES = (f"https://{HOST}", f"https://{HOST}/")
_ANYTHING = "directoryObjects"


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
    version, *parts = [unquote(part) for part in request.path.strip("/").split("/")]
    found: Optional[Response] = None
    if version == "v1.0" and request.method == "GET":
        found = _read(request, parts, caller, context)
    if version == "v1.0" and request.method == "POST":
        found = _asked(request, parts, caller, context)
    if found is None:
        text = (
            f"{request.method} {request.path} is not implemented by this emulator: "
            "its directory is read here, and changed in directory.json of its home."
        )
        raise GraphError(501, "NotImplemented", text)
    return found


def _read(request: Request, parts: List[str], caller: str, context: EntraContext) -> Optional[Response]:
    if parts == ["me"]:
        return entity(_me(caller, context))
    if len(parts) == 1 and parts[0] in COLLECTIONS:
        return _list(request, parts[0], context)
    if len(parts) == 2 and parts[0] in (*COLLECTIONS, _ANYTHING):
        return entity(_one(parts[0], parts[1], context))
    relations = (*graph_members.OF_ALL, *graph_members.OF_GROUPS)
    if len(parts) > 1 and parts[-1] in relations:
        found = _named(parts[:-1], caller, context)
        return None if found is None else graph_members.related(found, parts[-1], context.directory)
    return None


def _asked(request: Request, parts: List[str], caller: str, context: EntraContext) -> Optional[Response]:
    if parts == [_ANYTHING, "getByIds"]:
        return _by_ids(_body(request), context)
    if len(parts) > 1 and parts[-1] in graph_members.ACTIONS:
        found = _named(parts[:-1], caller, context)
        action = graph_members.ACTIONS[parts[-1]]
        return None if found is None else action(found, _body(request), context.directory)
    return None


def _named(parts: List[str], caller: str, context: EntraContext) -> Optional[Entry]:
    """The entry that the first parts of a path name, None where they name none. Raises GraphError
    where there is no such entry."""
    if parts == ["me"]:
        return _me(caller, context)
    if len(parts) == 2 and parts[0] in (*COLLECTIONS, _ANYTHING):
        return _one(parts[0], parts[1], context)
    return None


def _me(caller: str, context: EntraContext) -> Entry:
    principal = context.directory.by_object_id(caller)
    if principal is None:
        raise not_found(caller)
    if principal.kind != USER:
        text = "/me request is only valid with delegated authentication flow."
        raise GraphError(400, "BadRequest", text)
    return principal


def _one(where: str, name: str, context: EntraContext) -> Entry:
    """One entry by its object id, a user by the sign-in name too."""
    found: Optional[Entry] = context.directory.entry(name)
    if found is None and where == "users":
        found = context.directory.by_user_principal_name(name)
    if found is None or where not in (collection(found), _ANYTHING):
        raise not_found(name)
    return found


def _list(request: Request, where: str, context: EntraContext) -> Response:
    text = request.query.get("$filter")
    wanted = [] if text is None else graph_filter.clauses(text)
    everything: List[Entry] = [*context.directory.principals, *context.directory.groups]
    shown = [properties(entry) for entry in everything if collection(entry) == where]
    value = [one for one in shown if all(clause(one) for clause in wanted)]
    return answer({"@odata.context": f"{METADATA}#{where}", "value": value})


def _body(request: Request) -> Dict[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise GraphError(400, "BadRequest", "Unable to read JSON request payload.") from None
    if not isinstance(body, dict):
        raise GraphError(400, "BadRequest", "The request payload must be a JSON object.")
    return body


def _by_ids(body: Dict[str, Any], context: EntraContext) -> Response:
    """The entries among ``ids`` that are of ``types``; Graph leaves unknown ids out."""
    ids, types = _texts(body, "ids"), _texts(body, "types") if body.get("types") else ["directoryObject"]
    found = [entry for one in dict.fromkeys(ids) for entry in [context.directory.entry(one)] if entry]
    wanted = [entry for entry in found if entry.kind in types or "directoryObject" in types]
    return answer(typed(wanted), (("location", f"https://{HOST}"),))


def _texts(body: Dict[str, Any], name: str) -> List[str]:
    values: List[str] = member(body, name, list)
    if not all(isinstance(value, str) for value in values):
        raise GraphError(400, "Request_BadRequest", f"The '{name}' parameter must be a list of texts.")
    return values


def _error_answer(error: GraphError, request: Request, context: EntraContext) -> Response:
    inner = {
        "date": datetime.fromtimestamp(context.now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": context.new_id(),
        "client-request-id": request.headers.get("client-request-id") or context.new_id(),
    }
    body = {"error": {"code": error.code, "message": str(error), "innerError": inner}}
    headers = (("www-authenticate", f'Bearer realm="", resource="{AUDIENCES[0]}"'),)
    return json_response(error.status, body, headers if error.status == 401 else ())
