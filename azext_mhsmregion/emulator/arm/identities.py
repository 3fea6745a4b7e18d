"""A pool's managed identity, parsed and shown in the shape of azure-mgmt-keyvault's
``ManagedServiceIdentity``. The ids behind it are made of the names, so that they stay the same."""

from __future__ import annotations

import re
import uuid
from typing import Any, Dict, Mapping, Optional

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.pool import Identity, UserIdentity

TYPES = {
    "none": (False, False),
    "systemassigned": (True, False),
    "userassigned": (False, True),
    "systemassigned,userassigned": (True, True),
}
"""By name, without case and spaces: has it one of the system, has it some of users?"""

_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity"
    r"/userAssignedIdentities/[^/]+",
    re.IGNORECASE,
)


def parsed(body: Mapping[str, Any], pool_id: str) -> Optional[Identity]:
    """What a request makes of the identity as a whole, None when it does not name it; a user's
    identity with the value null is taken away. Raises Invalid."""
    raw: Optional[Mapping[str, Any]] = parse.optional(body, "identity", dict)
    if raw is None:
        return None
    kind = parse.required(raw, "type", str)
    if kind.replace(" ", "").lower() not in TYPES:
        raise Invalid(f"'type' of identity must be one of {', '.join(TYPES)}.", "BadParameter")
    of_system, of_users = TYPES[kind.replace(" ", "").lower()]
    listed: Mapping[str, Any] = parse.optional(raw, "userAssignedIdentities", dict) or {}
    ids = [name for name, value in listed.items() if value is not None]
    for name in ids:
        if not _ID.fullmatch(name):
            raise Invalid(messages.not_an_identity(name), "BadParameter")
    if of_users != bool(ids):
        raise Invalid(messages.identity_and_type(kind, len(ids)), "BadParameter")
    users = tuple(UserIdentity(name, _made(name, "principal"), _made(name, "client")) for name in ids)
    return Identity(_made(pool_id, "principal") if of_system else "", users)


def shown(identity: Identity, tenant: str) -> Dict[str, Any]:
    """The member ``identity`` of the resource; empty for a pool without."""
    kinds = ["SystemAssigned"] * bool(identity.principal) + ["UserAssigned"] * bool(identity.users)
    if not kinds:
        return {}
    body: Dict[str, Any] = {"type": ",".join(kinds)}
    if identity.principal:
        body.update(principalId=identity.principal, tenantId=tenant)
    if identity.users:
        body["userAssignedIdentities"] = {
            user.id: {"principalId": user.principal, "clientId": user.client} for user in identity.users
        }
    return {"identity": body}


def _made(name: str, what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name.lower()}#{what}"))
