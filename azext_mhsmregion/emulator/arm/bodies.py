"""Control-plane resources as the service writes them (rules C1 to C5; recorded)."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Dict, List

from azext_mhsmregion.emulator.arm import identities
from azext_mhsmregion.model import activation
from azext_mhsmregion.model.pool import Pool, PoolRegion

STATUS_MESSAGES = {
    "Succeeded": "The Managed HSM is provisioned and ready to use.",
    "Provisioning": "The Managed HSM is being provisioned.",
    "Updating": "The Managed HSM is being updated.",
    "Deleting": "The Managed HSM is being deleted.",
    "Restoring": "The Managed HSM is being restored from a full backup.",
}
"""The first is recorded, the others are ours."""

POOL_TYPE = "Microsoft.KeyVault/managedHSMs"


def group_id(pool: Pool) -> str:
    return f"/subscriptions/{pool.subscription}/resourceGroups/{pool.group}"


def pool_id(pool: Pool) -> str:
    return f"{group_id(pool)}/providers/Microsoft.KeyVault/managedHSMs/{pool.name}"


def deleted_id(pool: Pool) -> str:
    return (
        f"/subscriptions/{pool.subscription}/providers/Microsoft.KeyVault/locations/{pool.location}"
        f"/deletedManagedHSMs/{pool.name}"
    )


def hsm_uri(pool: Pool) -> str:
    return f"https://{pool.name.lower()}.managedhsm.azure.net/"


def pool_body(pool: Pool, now: int) -> Dict[str, Any]:
    """The resource."""
    state = pool.provisioning_state(now)
    status, message = activation.status(pool, now)
    return {
        "sku": {"family": "B", "name": pool.sku},
        "id": pool_id(pool),
        "name": pool.name,
        "type": POOL_TYPE,
        "location": pool.location,
        "tags": dict(pool.tags),
        **identities.shown(pool.identity, pool.tenant),
        "systemData": {
            "createdBy": pool.created_by,
            "createdByType": pool.created_by_type,
            "createdAt": stamp(pool.created, milliseconds=True),
            "lastModifiedBy": pool.modified_by,
            "lastModifiedByType": pool.modified_by_type,
            "lastModifiedAt": stamp(pool.modified, milliseconds=True),
        },
        "properties": {
            "tenantId": pool.tenant,
            "hsmUri": hsm_uri(pool),
            "initialAdminObjectIds": list(pool.administrators),
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": pool.retention_days,
            "enablePurgeProtection": pool.purge_protection,
            "provisioningState": state,
            "statusMessage": STATUS_MESSAGES[state],
            "networkAcls": {
                "bypass": pool.network_acls.bypass,
                "defaultAction": pool.network_acls.default_action,
                "ipRules": list(pool.network_acls.ip_rules),
                "virtualNetworkRules": list(pool.network_acls.virtual_network_rules),
            },
            "publicNetworkAccess": pool.public_network_access,
            "regions": [region_body(region, now) for region in pool.extended(now)],
            "securityDomainProperties": {
                "activationStatus": status,
                "activationStatusMessage": message,
            },
        },
    }


def region_body(region: PoolRegion, now: int) -> Dict[str, Any]:
    return {
        "name": region.name,
        "provisioningState": region.state(now),
        "isPrimary": region.is_primary,
    }


def regions_body(pool: Pool, now: int) -> List[Dict[str, Any]]:
    """The primary first, then the extended regions (C2)."""
    return [region_body(region, now) for region in (pool.primary, *pool.extended(now))]


def deleted_body(pool: Pool) -> Dict[str, Any]:
    """A soft-deleted pool (D4)."""
    assert pool.deletion is not None
    return {
        "id": deleted_id(pool),
        "name": pool.name,
        "type": "Microsoft.Keyvault/deletedManagedHSMs",
        "properties": {
            "mhsmId": pool_id(pool),
            "location": pool.location,
            "deletionDate": stamp(pool.deletion.accepted),
            "scheduledPurgeDate": stamp(pool.deletion.purge_at),
            "purgeProtectionEnabled": pool.purge_protection,
            "tags": dict(pool.tags),
        },
    }


@lru_cache(maxsize=1024)
def stamp(milliseconds_since_epoch: int, milliseconds: bool = False) -> str:
    """ISO 8601 in UTC, as recorded: whole seconds, or with three digits."""
    seconds, rest = divmod(milliseconds_since_epoch, 1000)
    text = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03d}Z" if milliseconds else f"{text}Z"
