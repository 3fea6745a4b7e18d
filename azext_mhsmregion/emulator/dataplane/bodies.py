"""Keys and roles as the data plane writes them (recorded)."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from azext_mhsmregion.model import keys, rbac
from azext_mhsmregion.model.clock import SECOND
from azext_mhsmregion.model.merge import Key, KeyVersion
from azext_mhsmregion.model.pool import Pool


def key_body(url: str, pool: Pool, name: str, version: KeyVersion) -> Dict[str, Any]:
    """A key version: its public part only (K4)."""
    body = version.body
    made: Dict[str, Any] = {
        "attributes": attributes(pool, version),
        "key": {
            **body["public"],
            "key_ops": list(version.attributes["key_ops"]),
            "kid": f"{url}/keys/{name}/{version.version}",
            "kty": body["kty"],
        },
    }
    tags = version.attributes.get("tags")
    if tags:
        made["tags"] = dict(tags)
    return made


def attributes(pool: Pool, version: KeyVersion) -> Dict[str, Any]:
    own = version.attributes
    made: Dict[str, Any] = {
        "created": own["created"],
        "enabled": own["enabled"],
        "exportable": version.body["exportable"],
        "recoverableDays": pool.retention_days,
        "recoveryLevel": keys.recovery_level(pool),
        "updated": own["updated"],
    }
    for name in ("exp", "nbf"):
        if own.get(name) is not None:
            made[name] = own[name]
    return made


def key_item(url: str, pool: Pool, key: Key, version: str = "") -> Dict[str, Any]:
    """A row of a list: of keys (no version in its kid), or of versions."""
    shown = key.version(version) or key.current
    kid = f"{url}/keys/{key.name}" + (f"/{version}" if version else "")
    made: Dict[str, Any] = {"attributes": attributes(pool, shown), "kid": kid}
    tags = shown.attributes.get("tags")
    if tags:
        made["tags"] = dict(tags)
    return made


def deletion(url: str, key: Key) -> Dict[str, Any]:
    """What a deleted key's answer carries beside the key."""
    return {
        "deletedDate": int(key.state["deleted"]) // SECOND,
        "recoveryId": f"{url}/deletedkeys/{key.name}",
        "scheduledPurgeDate": int(key.state["purge_at"]) // SECOND,
    }


def assignment_body(name: str, body: Mapping[str, Any]) -> Dict[str, Any]:
    """A role assignment; its id never shows the scope (recorded)."""
    return {
        "id": f"/providers/Microsoft.Authorization/roleAssignments/{name}",
        "name": name,
        "properties": {
            "principalId": body["principalId"],
            "roleDefinitionId": body["roleDefinitionId"],
            "scope": body["scope"],
        },
        "type": "Microsoft.Authorization/roleAssignments",
    }


def role_body(role: rbac.Role) -> Dict[str, Any]:
    return {
        "id": rbac.DEFINITION_PREFIX + role.id,
        "name": role.id,
        "properties": {
            "assignableScopes": list(role.assignable_scopes),
            "description": role.description,
            "permissions": [
                {
                    "actions": [],
                    "dataActions": list(role.data_actions),
                    "notActions": [],
                    "notDataActions": list(role.not_data_actions),
                }
            ],
            "roleName": role.name,
            "type": role.kind,
        },
        "type": "Microsoft.Authorization/roleDefinitions",
    }
