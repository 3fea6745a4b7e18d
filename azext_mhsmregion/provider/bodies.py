"""Bodies of the PATCH that changes a pool's regions."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from azext_mhsmregion.provider.interface import Pool

_READ_ONLY_TOP = frozenset({"id", "name", "type", "systemData"})
_READ_ONLY_PROPERTIES = frozenset(
    {
        "hsmUri",
        "provisioningState",
        "statusMessage",
        "privateEndpointConnections",
        "scheduledPurgeDate",
        "securityDomainProperties",
        "regions",
    }
)


def regions_body(pool: Pool, names: Sequence[str]) -> Dict[str, Any]:
    """Location, sku and the extended regions, nothing else: whatever others change in the
    pool meanwhile stays (DESIGN section 5)."""
    return {
        "location": pool.location,
        "sku": pool.body.get("sku"),
        "properties": {"regions": _named(names)},
    }


def full_body(pool: Pool, names: Sequence[str]) -> Dict[str, Any]:
    """The whole resource as core sends it back, without its read-only parts."""
    properties: Mapping[str, Any] = pool.body.get("properties") or {}
    body = {key: value for key, value in pool.body.items() if key not in _READ_ONLY_TOP}
    body["properties"] = {
        **{key: value for key, value in properties.items() if key not in _READ_ONLY_PROPERTIES},
        "regions": _named(names),
    }
    return body


def _named(names: Sequence[str]) -> list[Dict[str, str]]:
    return [{"name": name} for name in names]
