"""Local RBAC: deny by default, built-in roles as recorded, scopes ``/``, ``/keys`` and
``/keys/<name>`` (rule K3). Administrators assign roles and cannot use a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from azext_mhsmregion.model.data import load
from azext_mhsmregion.model.errors import Conflict, Forbidden, Invalid, NotFound
from azext_mhsmregion.model.merge import Objects
from azext_mhsmregion.model.rows import Kind, Write

ACTION_PREFIX = "Microsoft.KeyVault/managedHsm/"
DEFINITION_PREFIX = "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/"
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
ADMINISTRATOR = "a290e904-7015-4bba-90c8-60543313cdb4"


class AccessDenied(Forbidden):
    """403: nothing that the principal was assigned allows ``action`` on ``scope``."""

    code = "AccessDenied"

    def __init__(self, action: str, scope: str) -> None:
        super().__init__(f"Not authorized to access {action} on {scope}")
        self.action = action
        self.scope = scope


@dataclass(frozen=True)
class Role:
    """A role definition. ``kind`` is AKVBuiltInRole or CustomRole."""

    id: str
    name: str
    data_actions: Tuple[str, ...]
    not_data_actions: Tuple[str, ...] = ()
    kind: str = "AKVBuiltInRole"
    description: str = ""
    assignable_scopes: Tuple[str, ...] = ("/",)

    def allows(self, action: str) -> bool:
        """Does the role hold the data action (``*`` matches any run of characters)?"""
        return _matches(action, self.data_actions) and not _matches(action, self.not_data_actions)


@dataclass(frozen=True)
class RoleRequest:
    """A custom role definition as its maker wants it, parsed at the door."""

    name: str = ""
    description: str = ""
    data_actions: Tuple[str, ...] = ()
    not_data_actions: Tuple[str, ...] = ()
    assignable_scopes: Tuple[str, ...] = ("/",)


@cache
def built_in_roles() -> Mapping[str, Role]:
    """The recorded roles by id, plus Managed HSM Restore from the documentation."""
    return {
        entry["id"]: Role(entry["id"], entry["name"], tuple(entry["data_actions"]))
        for entry in load("roles")["roles"]
    }


def role(objects: Objects, role_id: str) -> Optional[Role]:
    """A role by its id as a region shows it: built in or custom."""
    found = built_in_roles().get(role_id.lower())
    if found is not None:
        return found
    body = objects.role_definitions.get(role_id.lower())
    return None if body is None else _custom(role_id.lower(), body)


def roles(objects: Objects) -> List[Role]:
    """All roles that a region shows, built-in ones first."""
    custom = [_custom(name, body) for name, body in objects.role_definitions.items()]
    return [*built_in_roles().values(), *custom]


def define(objects: Objects, role_id: str, scope: str, asked: RoleRequest) -> Write:
    """A new custom role, or one changed as a whole. That only ``/`` holds definitions stands in the SDK
    (azure-keyvault-administration 4.7.2); no recording shows custom roles, so every refusal is ours.

    Raises Invalid, Forbidden for a built-in role, Conflict where another role has the name.
    """
    _check_definition_place(role_id, scope)
    for action in (*asked.data_actions, *asked.not_data_actions):
        if not action.lower().startswith(ACTION_PREFIX.lower()):
            raise Invalid(f"'{action}' is no data action of a managed HSM: they begin with {ACTION_PREFIX}.")
    for other in roles(objects):
        if asked.name and other.name.lower() == asked.name.lower() and other.id != role_id.lower():
            raise Conflict(
                f"A role definition named '{asked.name}' exists already.", "RoleDefinitionWithSameNameExists"
            )
    body: Dict[str, Any] = {
        "roleName": asked.name,
        "description": asked.description,
        "dataActions": list(asked.data_actions),
        "notDataActions": list(asked.not_data_actions),
        "assignableScopes": [check_scope(one) for one in asked.assignable_scopes],
    }
    return Write(Kind.ROLE_DEFINITION, role_id.lower(), "", body)


def undefine(objects: Objects, role_id: str, scope: str) -> Write:
    """Take a custom role away (refusals are ours, as in ``define``). Raises NotFound, Forbidden for a
    built-in role, Conflict while it is assigned as far as this region knows."""
    _check_definition_place(role_id, scope)
    body = objects.role_definitions.get(role_id.lower())
    if body is None:
        raise NotFound(f"The role definition '{role_id}' does not exist.", "RoleDefinitionNotFound")
    assigned = objects.role_assignments.values()
    count = sum(definition_id(one["roleDefinitionId"]) == role_id.lower() for one in assigned)
    if count:
        raise Conflict(
            f"The role definition '{role_id}' is used by {count} role assignment(s); delete them first.",
            "RoleDefinitionHasAssignments",
        )
    return Write(Kind.ROLE_DEFINITION, role_id.lower(), "", body, tombstone=True)


def _check_definition_place(role_id: str, scope: str) -> None:
    """May a custom role stand there? Raises Invalid, Forbidden."""
    if role_id.lower() in built_in_roles():
        raise Forbidden(
            f"The role definition '{role_id}' is built in and can be neither changed nor deleted."
        )
    if not _GUID.fullmatch(role_id):
        raise Invalid(f"'{role_id}' is no name of a role definition: it must be a GUID.")
    if scope != "/":
        raise Invalid(f"Role definitions have the scope /, not '{scope}'.")


def authorize(objects: Objects, ids: Iterable[str], action: str, scope: str) -> None:
    """Raises AccessDenied unless an assignment that this region shows allows it.

    ``ids`` are the caller's: the principal's and its groups'. ``action`` may leave out
    ``Microsoft.KeyVault/managedHsm/``.
    """
    full = action if action.startswith("Microsoft.") else ACTION_PREFIX + action
    callers = {one.lower() for one in ids}
    for body in objects.role_assignments.values():
        if body["principalId"].lower() not in callers or not covers(body["scope"], scope):
            continue
        granted = role(objects, definition_id(body["roleDefinitionId"]))
        if granted is not None and granted.allows(full):
            return
    raise AccessDenied(full, scope)


def covers(granted: str, asked: str) -> bool:
    """Does the scope ``granted`` hold ``asked``? Whole path segments only."""
    return granted == "/" or asked == granted or asked.startswith(granted + "/")


def definition_id(text: str) -> str:
    """The bare id of a role definition, from its id or its full resource id."""
    return text.rstrip("/").rsplit("/", 1)[-1].lower()


def check_scope(scope: str) -> str:
    """The scope in its canonical spelling. Raises Invalid for what is none."""
    canonical = "/" + scope.strip("/")
    parts = [part for part in canonical.split("/") if part]
    if parts and (parts[0] != "keys" or len(parts) > 2):
        raise Invalid(f"'{scope}' is not a scope of local RBAC: use /, /keys or /keys/<name>.")
    return canonical


def administrators(ids: Iterable[str], new_id: Iterable[str]) -> List[Write]:
    """The assignments that a new pool is born with: its initial administrators, Managed HSM
    Administrator on ``/``; nobody else has anything."""
    return [_assignment(name, ADMINISTRATOR, principal, "/") for principal, name in zip(ids, new_id)]


def assign(objects: Objects, name: str, role_id: str, principal: str, scope: str) -> Write:
    """A new role assignment. Raises Invalid for an unknown role and outside the role's scopes, Conflict
    where the name or the same assignment exists."""
    wanted_role = role(objects, definition_id(role_id))
    if wanted_role is None:
        raise Invalid(
            f"The role definition '{definition_id(role_id)}' does not exist.", "RoleDefinitionDoesNotExist"
        )
    if not principal:
        raise Invalid("properties.principalId must be given.")
    if not any(covers(one, check_scope(scope)) for one in wanted_role.assignable_scopes):
        raise Invalid(f"The role '{wanted_role.name}' cannot be assigned on '{check_scope(scope)}'.")
    wanted = _assignment(name, definition_id(role_id), principal, check_scope(scope))
    same = ("principalId", "roleDefinitionId", "scope")
    for other, body in objects.role_assignments.items():
        if other == wanted.name or all(body[key] == wanted.body[key] for key in same):
            raise Conflict("The role assignment already exists.", "RoleAssignmentExists")
    return wanted


def unassign(objects: Objects, name: str) -> Write:
    """Take a role assignment away. Raises NotFound."""
    body = assignment(objects, name)
    return Write(Kind.ROLE_ASSIGNMENT, name.lower(), "", body, tombstone=True)


def assignment(objects: Objects, name: str) -> Mapping[str, Any]:
    """A role assignment's body by its name. Raises NotFound."""
    body = objects.role_assignments.get(name.lower())
    if body is None:
        raise NotFound(f"The role assignment '{name}' does not exist.", "RoleAssignmentNotFound")
    return body


def _assignment(name: str, role_id: str, principal: str, scope: str) -> Write:
    body: Dict[str, Any] = {
        "principalId": principal,
        "roleDefinitionId": DEFINITION_PREFIX + role_id,
        "scope": scope,
    }
    return Write(Kind.ROLE_ASSIGNMENT, name.lower(), "", body)


def _custom(role_id: str, body: Mapping[str, Any]) -> Role:
    return Role(
        role_id,
        body["roleName"],
        tuple(body.get("dataActions", ())),
        tuple(body.get("notDataActions", ())),
        "CustomRole",
        body.get("description", ""),
        tuple(body.get("assignableScopes", ("/",))),
    )


def _matches(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
