"""Names of people and programs to object ids: Microsoft Graph, as az asks it."""

from __future__ import annotations

from typing import Any, Dict, List
from urllib.parse import quote

from azext_mhsmregion.provider.answers import checked, items_of, object_of
from azext_mhsmregion.provider.errors import NotFoundError
from azext_mhsmregion.provider.transport import Call, Transport

GRAPH = "https://graph.microsoft.com"


def find_principal(transport: Transport, name: str) -> str:
    """Object id of the user with the sign-in name ``name``, else of the service principal with
    that application id or name. Raises NotFoundError."""
    literal = "'" + name.replace("'", "''") + "'"
    for kind, condition in (
        ("users", f"userPrincipalName eq {literal}"),
        ("servicePrincipals", f"servicePrincipalNames/any(c:c eq {literal})"),
    ):
        found = _ask(transport, f"{kind}?$filter={quote(condition)}")
        if found:
            return str(found[0]["id"])
    raise NotFoundError(
        f"The directory has no user or service principal named '{name}'.",
        "Give a sign-in name, an application id, or the object id: --assignee-object-id GUID.",
    )


def _ask(transport: Transport, path: str) -> List[Dict[str, Any]]:
    what = "Microsoft Graph"
    call = Call("GET", f"{GRAPH}/v1.0/{path}", {"accept": "application/json"}, audience=GRAPH)
    return list(items_of(object_of(checked(transport.send(call), what), what), what))
