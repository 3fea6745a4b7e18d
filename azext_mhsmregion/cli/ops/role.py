"""``keyvault role assignment``: local RBAC of a pool, in az's names and shapes."""

from __future__ import annotations

import uuid
from typing import Any, Dict, List, Optional

from azext_mhsmregion.cli import context, views
from azext_mhsmregion.provider.errors import NotFoundError, UsageError

WHOLE_POOL = "/"
DEFINITION_PREFIX = "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/"


def create_assignment(
    cmd,
    hsm_name,
    role,
    scope=None,
    assignee=None,
    assignee_object_id=None,
    assignee_principal_type=None,
    role_assignment_name=None,
) -> Dict[str, Any]:
    provider = context.provider(cmd.cli_ctx)
    principal = _principal(provider, assignee, assignee_object_id)
    if principal is None:
        raise UsageError("Please specify --assignee or --assignee-object-id.")
    definitions = provider.list_role_definitions(hsm_name)
    role_id = _definition_id(definitions, role)
    context.sending(cmd.cli_ctx)
    made = provider.create_role_assignment(
        hsm_name,
        scope or WHOLE_POOL,
        role_id,
        principal,
        role_assignment_name or str(uuid.uuid4()),
    )
    return views.assignment(made, _role_names(definitions))


def list_assignments(
    cmd, hsm_name, scope=None, role=None, assignee=None, assignee_object_id=None
) -> List[Dict[str, Any]]:
    return _matching(context.provider(cmd.cli_ctx), hsm_name, scope, role, assignee, assignee_object_id)


def delete_assignment(
    cmd,
    hsm_name,
    role_assignment_name=None,
    ids=None,
    scope=None,
    role=None,
    assignee=None,
    assignee_object_id=None,
) -> None:
    provider = context.provider(cmd.cli_ctx)
    names = [one.rsplit("/", 1)[-1] for one in ids or []]
    names += [role_assignment_name] if role_assignment_name else []
    if names:
        context.sending(cmd.cli_ctx)
        for name in names:
            provider.delete_role_assignment(hsm_name, scope or WHOLE_POOL, name)
        return
    if not (scope or role or assignee or assignee_object_id):
        raise UsageError(
            "Say which assignments: --name, --ids, or any of --role, --scope, --assignee, "
            "--assignee-object-id."
        )
    matching = _matching(provider, hsm_name, scope, role, assignee, assignee_object_id)
    context.sending(cmd.cli_ctx)
    for found in matching:
        provider.delete_role_assignment(hsm_name, found["scope"], found["name"])


def _matching(
    provider: Any,
    hsm_name: str,
    scope: Optional[str],
    role: Optional[str],
    assignee: Optional[str],
    assignee_object_id: Optional[str],
) -> List[Dict[str, Any]]:
    principal = _principal(provider, assignee, assignee_object_id)
    definitions = provider.list_role_definitions(hsm_name)
    names = _role_names(definitions)
    found = [
        views.assignment(a, names) for a in provider.list_role_assignments(hsm_name, scope or WHOLE_POOL)
    ]
    wanted = {
        "roleDefinitionId": _definition_id(definitions, role) if role else None,
        "principalId": principal,
        "scope": scope,
    }
    return [
        a
        for a in found
        if all(value is None or a[name].lower() == value.lower() for name, value in wanted.items())
    ]


def _principal(provider: Any, assignee: Optional[str], object_id: Optional[str]) -> Optional[str]:
    """The object id of an assignee; a name is looked up in the provider's directory."""
    if object_id or assignee is None or _is_guid(assignee):
        return object_id or assignee
    return provider.find_principal(assignee)


def _definition_id(definitions: List[Dict[str, Any]], role: str) -> str:
    last = role.rsplit("/", 1)[-1]
    if _is_guid(last):
        return DEFINITION_PREFIX + last
    by_name = {d["properties"]["roleName"]: d["id"] for d in definitions}
    for name, definition_id in by_name.items():
        if name.lower() == role.lower():
            return definition_id
    from difflib import get_close_matches

    near = get_close_matches(role, by_name, n=3, cutoff=0.6)
    raise NotFoundError(
        f'Unknown role "{role}".',
        hint=f"Did you mean {' or '.join(near)}?" if near else f"Roles: {', '.join(sorted(by_name))}.",
    )


def _role_names(definitions: List[Dict[str, Any]]) -> Dict[str, str]:
    return {d["name"]: d["properties"]["roleName"] for d in definitions}


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
