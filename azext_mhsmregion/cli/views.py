"""Typed values of the provider as the JSON that commands print: az's shapes where az has them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence

# The attributes that az prints of a key, by their names on the wire.
KEY_ATTRIBUTES = {
    "created": "created",
    "enabled": "enabled",
    "expires": "exp",
    "exportable": "exportable",
    "hsmPlatform": "hsmPlatform",
    "notBefore": "nbf",
    "recoverableDays": "recoverableDays",
    "recoveryLevel": "recoveryLevel",
    "updated": "updated",
}
KEY_TIMES = ("created", "expires", "notBefore", "updated")
KEY_BYTES = ("n", "e", "d", "dp", "dq", "qi", "p", "q", "k", "t", "x", "y")


def region(one: Any) -> Dict[str, Any]:
    return {
        "name": one.name,
        "provisioningState": one.provisioning_state,
        "isPrimary": one.is_primary,
    }


def regions(many: Sequence[Any]) -> List[Dict[str, Any]]:
    """Primary first (rule C2)."""
    return [region(one) for one in sorted(many, key=lambda r: not r.is_primary)]


def plan(one: Any) -> Dict[str, Any]:
    """What ``--dry-run`` prints."""
    return {
        "dryRun": True,
        "action": one.action,
        "hsmName": one.pool,
        "region": one.region,
        "stateNow": one.already,
        "request": {"method": one.method, "url": one.url, "body": dict(one.body)},
        "usdPerHour": {
            "before": one.hourly_usd_before,
            "after": one.hourly_usd_after,
            "change": round(one.hourly_usd_after - one.hourly_usd_before, 6),
        },
        "warnings": list(one.warnings),
    }


def location(one: Any, edition: str) -> Dict[str, Any]:
    return {
        "name": one.name,
        "displayName": one.display_name,
        "canBeExtended": one.can_be_extended,
        "reason": one.reason or None,
        "edition": edition,
    }


def cost(one: Any) -> Dict[str, Any]:
    return {
        "lines": [
            {
                "hsmName": line.pool,
                "region": line.region,
                "hours": line.hours,
                "usdPerHour": line.usd_per_hour,
                "usd": line.usd,
            }
            for line in one.lines
        ],
        "usdPerHour": round(sum(line.usd_per_hour for line in one.lines), 6),
        "nextExtensionUsdPerHour": one.next_extension_usd_per_hour,
        "priceDate": one.price_date,
        "note": one.note or None,
    }


def pool(one: Any) -> Dict[str, Any]:
    """The resource as the control plane sent it, with its group beside, as az adds it."""
    return {**one.body, "resourceGroup": one.group}


def iso_time(seconds: Optional[int]) -> Optional[str]:
    """Seconds since 1970 as az prints a time."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def _az_bytes(value: str) -> str:
    from base64 import b64encode, urlsafe_b64decode  # only keys have bytes

    return b64encode(urlsafe_b64decode(value + "=" * (-len(value) % 4))).decode()


def _attributes(wire: Mapping[str, Any]) -> Dict[str, Any]:
    shown = {ours: wire.get(theirs) for ours, theirs in KEY_ATTRIBUTES.items()}
    for name in KEY_TIMES:
        shown[name] = iso_time(shown[name])
    return shown


def key(bundle: Mapping[str, Any]) -> Dict[str, Any]:
    """A key bundle, or a deleted one, of the wire in az's shape."""
    material = bundle["key"]
    shown_key: Dict[str, Any] = {
        "kid": material["kid"],
        "kty": material["kty"],
        "keyOps": material.get("key_ops"),
        "crv": material.get("crv"),
    }
    for name in KEY_BYTES:
        value = material.get(name)
        shown_key[name] = _az_bytes(value) if value else None
    shown = {
        "attributes": {
            **_attributes(bundle.get("attributes", {})),
            "keySize": bundle.get("attributes", {}).get("key_size"),
        },
        "key": shown_key,
        "managed": bundle.get("managed"),
        "tags": bundle.get("tags"),
        "releasePolicy": bundle.get("release_policy"),
    }
    if "recoveryId" in bundle:
        shown["deletedDate"] = iso_time(bundle.get("deletedDate"))
        shown["scheduledPurgeDate"] = iso_time(bundle.get("scheduledPurgeDate"))
        shown["recoveryId"] = bundle["recoveryId"]
    return shown


def key_item(item: Mapping[str, Any]) -> Dict[str, Any]:
    """One row of a key listing in az's shape."""
    return {
        "attributes": _attributes(item.get("attributes", {})),
        "kid": item["kid"],
        "name": item["kid"].split("/keys/")[1].split("/")[0],
        "keySize": item.get("attributes", {}).get("key_size"),
        "managed": item.get("managed"),
        "tags": item.get("tags"),
        "releasePolicy": item.get("release_policy"),
    }


def signature(answer: Mapping[str, Any], algorithm: str) -> Dict[str, Any]:
    return {"algorithm": algorithm, "keyId": answer["kid"], "signature": _az_bytes(answer["value"])}


def assignment(wire: Mapping[str, Any], role_names: Mapping[str, str]) -> Dict[str, Any]:
    """A role assignment in az's shape. Names of principals live in the directory, which is not
    asked; az prints Unknown when it cannot ask either."""
    properties = wire["properties"]
    role_id = properties["roleDefinitionId"]
    return {
        "id": wire["id"],
        "name": wire["name"],
        "type": wire["type"],
        "scope": properties["scope"],
        "roleDefinitionId": role_id,
        "roleName": role_names.get(role_id.rsplit("/", 1)[-1]),
        "principalId": properties["principalId"],
        "principalName": "Unknown",
        "principalType": "Unknown",
    }
