"""Control-plane requests parsed into what the model takes."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.arm import identities, network_rules
from azext_mhsmregion.model import lifecycle, messages
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.lifecycle import RETENTION_DEFAULT, Changes, NewPool, Stated
from azext_mhsmregion.model.pool import Identity, NetworkAcls, Pool
from azext_mhsmregion.model.regions import catalogue


def is_recovery(body: Mapping[str, Any]) -> bool:
    """Does a PUT ask to recover a deleted pool?"""
    properties: Mapping[str, Any] = parse.optional(body, "properties", dict) or {}
    return _one_of(properties, "createMode", ("default", "recover")) == "recover"


def recovered_to(body: Mapping[str, Any]) -> Optional[str]:
    """The location, canonical, that a recovery names; None when it names none."""
    location = parse.optional(body, "location", str)
    return None if location is None else catalogue().normalise(location)


def new_pool(body: Mapping[str, Any], **where: str) -> NewPool:
    """What a PUT asks for. ``where``: id, name, subscription, group, tenant."""
    properties = parse.required(body, "properties", dict)
    sku = parse.required(body, "sku", dict)
    retention = parse.optional(properties, "softDeleteRetentionInDays", int)
    asked_tenant = parse.optional(properties, "tenantId", str)
    if asked_tenant is not None and asked_tenant.lower() != where["tenant"].lower():
        raise Invalid(f"The tenant '{asked_tenant}' is not the tenant of the subscription.")
    if parse.optional(properties, "enableSoftDelete", bool) is False:
        raise Invalid(messages.soft_delete_is_always_on(where["name"]))
    return NewPool(
        location=parse.required(body, "location", str),
        administrators=tuple(parse.strings(properties, "initialAdminObjectIds")),
        sku=parse.required(sku, "name", str),
        tags=parse.text_map(body, "tags") or {},
        retention_days=RETENTION_DEFAULT if retention is None else retention,
        purge_protection=parse.optional(properties, "enablePurgeProtection", bool) or False,
        network_acls=_network_acls(properties) or NetworkAcls(),
        public_network_access=_public_network_access(properties) or "Enabled",
        identity=identities.parsed(body, where["id"]) or Identity(),
        **where,
    )


def changes(body: Mapping[str, Any], pool: Pool) -> Tuple[Changes, Optional[List[str]]]:
    """What a PATCH, or a PUT of a pool that exists, changes; and the extended regions that it
    lists (None: it lists none, they stay)."""
    properties: Mapping[str, Any] = parse.optional(body, "properties", dict) or {}
    location = parse.optional(body, "location", str)
    if location is not None and catalogue().normalise(location) != pool.location:
        raise Invalid(messages.immutable("location", pool.name, pool.location))
    lifecycle.refuse_changed(pool, _stated(body, properties))
    wanted = Changes(
        tags=parse.text_map(body, "tags"),
        purge_protection=parse.optional(properties, "enablePurgeProtection", bool),
        network_acls=_network_acls(properties),
        public_network_access=_public_network_access(properties),
        identity=identities.parsed(body, pool.id),
    )
    return wanted, _regions(properties)


def _stated(body: Mapping[str, Any], properties: Mapping[str, Any]) -> Stated:
    sku: Mapping[str, Any] = parse.optional(body, "sku", dict) or {}
    named = properties.get("initialAdminObjectIds") is not None
    return Stated(
        tenant=parse.optional(properties, "tenantId", str),
        sku=parse.optional(sku, "name", str),
        administrators=tuple(parse.strings(properties, "initialAdminObjectIds")) if named else None,
        retention_days=parse.optional(properties, "softDeleteRetentionInDays", int),
        soft_delete=parse.optional(properties, "enableSoftDelete", bool),
    )


def _regions(properties: Mapping[str, Any]) -> Optional[List[str]]:
    listed = parse.optional(properties, "regions", list)
    if listed is None:
        return None
    if not all(isinstance(item, dict) for item in listed):
        raise Invalid("'regions' must be an array of objects.", "BadParameter")
    primary_left_out = (item for item in listed if not item.get("isPrimary"))
    return [parse.required(item, "name", str) for item in primary_left_out]


def _network_acls(properties: Mapping[str, Any]) -> Optional[NetworkAcls]:
    raw: Optional[Mapping[str, Any]] = parse.optional(properties, "networkAcls", dict)
    if raw is None:
        return None
    return NetworkAcls(
        _one_of(raw, "bypass", ("AzureServices", "None")) or "AzureServices",
        _one_of(raw, "defaultAction", ("Allow", "Deny")) or "Allow",
        network_rules.ip_rules(raw),
        network_rules.virtual_network_rules(raw),
    )


def _public_network_access(properties: Mapping[str, Any]) -> Optional[str]:
    return _one_of(properties, "publicNetworkAccess", ("Enabled", "Disabled"))


def _one_of(source: Mapping[str, Any], name: str, choices: Tuple[str, ...]) -> Optional[str]:
    value = parse.optional(source, name, str)
    if value is None:
        return None
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise Invalid(f"'{name}' must be one of {', '.join(choices)}.", "BadParameter")
