"""The directory's entries as graph.microsoft.com shows them (users and service principals as recorded,
groups as documented: learn.microsoft.com/graph/api/group-get, 2026-05)."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, Tuple, Type

from azext_mhsmregion.emulator.directory import SERVICE_PRINCIPAL as _APPLICATION
from azext_mhsmregion.emulator.directory import Entry, Group, Principal
from azext_mhsmregion.emulator.hosts import GRAPH_HOST
from azext_mhsmregion.emulator.wire import Response, json_response

METADATA = f"https://{GRAPH_HOST}/v1.0/$metadata"
COLLECTIONS = ("users", "servicePrincipals", "groups")
_CONTENT_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)
_NOT_IN_NICKNAMES = re.compile(r'[\s@()\\\[\]";:.<>,]+')


class GraphError(Exception):
    """A refused request: HTTP status, Graph's error code, text."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


def not_found(name: str) -> GraphError:
    """No such entry, in Graph's words."""
    text = (
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
    )
    return GraphError(404, "Request_ResourceNotFound", text)


def collection(entry: Entry) -> str:
    """Which of COLLECTIONS holds it."""
    if isinstance(entry, Group):
        return "groups"
    return "servicePrincipals" if entry.kind == _APPLICATION else "users"


def properties(entry: Entry) -> Dict[str, Any]:
    """An entry's properties."""
    if isinstance(entry, Group):
        return _group(entry)
    return _application(entry) if entry.kind == _APPLICATION else _user(entry)


def typed(entries: Iterable[Entry]) -> Dict[str, Any]:
    """Entries of mixed kinds, each with its type."""
    rows = [{"@odata.type": f"#microsoft.graph.{entry.kind}", **properties(entry)} for entry in entries]
    return {"@odata.context": f"{METADATA}#directoryObjects", "value": rows}


def entity(entry: Entry) -> Response:
    """One entry."""
    return answer({"@odata.context": f"{METADATA}#{collection(entry)}/$entity", **properties(entry)})


def answer(body: Dict[str, Any], headers: Tuple[Tuple[str, str], ...] = ()) -> Response:
    """A body with Graph's content type."""
    plain = json_response(200, body)
    return Response(200, (("content-type", _CONTENT_TYPE),) + headers, plain.body)


def member(body: Dict[str, Any], name: str, kind: Type[Any]) -> Any:
    """A member of a body, which must be there. Raises GraphError."""
    value = body.get(name)
    if not isinstance(value, kind):
        raise GraphError(400, "Request_BadRequest", f"The '{name}' parameter is missing or malformed.")
    return value


def _user(user: Principal) -> Dict[str, Any]:
    return {
        "id": user.object_id,
        "businessPhones": [],
        "displayName": user.name,
        "givenName": None,
        "jobTitle": None,
        "mail": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": None,
        "userPrincipalName": user.user_principal_name,
    }


def _application(application: Principal) -> Dict[str, Any]:
    return {
        "id": application.object_id,
        "accountEnabled": True,
        "appDisplayName": application.name,
        "appId": application.app_id,
        "displayName": application.name,
        "servicePrincipalNames": [application.app_id],
        "servicePrincipalType": "Application",
    }


def _group(group: Group) -> Dict[str, Any]:
    return {
        "id": group.object_id,
        "deletedDateTime": None,
        "classification": None,
        "creationOptions": [],
        "description": None,
        "displayName": group.name,
        "groupTypes": [],
        "isAssignableToRole": None,
        "mail": None,
        "mailEnabled": False,
        "mailNickname": _NOT_IN_NICKNAMES.sub("", group.name),
        "membershipRule": None,
        "membershipRuleProcessingState": None,
        "onPremisesSyncEnabled": None,
        "proxyAddresses": [],
        "resourceBehaviorOptions": [],
        "resourceProvisioningOptions": [],
        "securityEnabled": True,
        "visibility": None,
    }
