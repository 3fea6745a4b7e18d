"""A pool ready in one call (DESIGN section 9): a document that says what shall stand, put into
the store in one transaction, through the same rules as the wire, in no service time.

    {"pools": [{"name": "ContosoMHSM", "location": "uksouth", "group": "default",
                "regions": ["australiaeast"], "activated": true, "retentionDays": 7,
                "administrators": ["owner"],
                "roles": [{"role": "Managed HSM Crypto User", "principal": "owner", "scope": "/keys"}],
                "keys": [{"name": "payments", "kty": "EC-HSM", "curve": "P-256"}]}]}

Principals are names of the directory or object ids. Only ``name`` must be given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from azext_mhsmregion.emulator import acceptance, objects, parse
from azext_mhsmregion.emulator.arm import groups
from azext_mhsmregion.emulator.directory import Directory
from azext_mhsmregion.emulator.frame import Parts
from azext_mhsmregion.emulator.keyring import Keyring
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import extension, keys, lifecycle, rbac
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.extension import Conditions
from azext_mhsmregion.model.keys import KeyHandle, KeyRequest
from azext_mhsmregion.model.lifecycle import Act, NewPool
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.profile import Profile
from azext_mhsmregion.model.regions import catalogue

MEMBERS = {
    "pool": {"name", "location", "group", "regions", "activated", "retentionDays", "purgeProtection",
             "administrators", "roles", "keys", "tags"},
    "role": {"role", "principal", "scope"},
    "key": {"name", "kty", "size", "curve", "operations", "enabled", "tags"},
}  # fmt: skip


@dataclass(frozen=True)
class SeedRole:
    """One role assignment: role name or id, principal name or object id, scope."""

    role: str
    principal: str
    scope: str = "/"


@dataclass(frozen=True)
class SeedKey:
    """One key."""

    name: str
    asked: KeyRequest


@dataclass(frozen=True)
class SeedPool:
    """One pool and what it holds."""

    name: str
    location: str
    group: str
    regions: Tuple[str, ...]
    activated: bool
    retention_days: int
    purge_protection: bool
    administrators: Tuple[str, ...]
    tags: Mapping[str, str]
    roles: Tuple[SeedRole, ...]
    keys: Tuple[SeedKey, ...]


def parsed(document: Any) -> List[SeedPool]:
    """The document as typed values. Raises Invalid, naming the member that is wrong."""
    if not isinstance(document, dict) or set(document) - {"pools"}:
        raise Invalid("A seed is an object with the member 'pools'.")
    return [_pool(item) for item in parse.optional(document, "pools", list) or []]


def sow(parts: Parts, keyring: Keyring, pools: Sequence[SeedPool]) -> List[str]:
    """Make the pools; all or none. Answers their names. Raises ModelError as the wire would."""
    made = {pool.name: [(key, *keyring.make(key.asked)) for key in pool.keys] for pool in pools}
    with parts.writing("seed") as unit:
        for pool in pools:
            _sow_pool(parts, unit, pool, made[pool.name], keyring)
    return [pool.name for pool in pools]


Material = Sequence[Tuple[SeedKey, KeyHandle, bytes]]


def _sow_pool(parts: Parts, unit: Unit, asked: SeedPool, material: Material, keyring: Keyring) -> None:
    act = _at_once(parts, unit)
    administrators = [_principal(parts.directory, name) for name in asked.administrators]
    new = NewPool(
        id=parts.sources.new_id(),
        name=asked.name,
        subscription=parts.directory.subscription_id,
        group=groups.require(unit, asked.group),
        tenant=parts.directory.tenant_id,
        location=asked.location,
        administrators=tuple(administrators),
        tags=asked.tags,
        retention_days=asked.retention_days,
        purge_protection=asked.purge_protection,
    )
    pool = lifecycle.create(new, unit.tx.pool_named(asked.name, unit.now), act, catalogue())
    if asked.activated:
        pool = replace(pool, activated=unit.now)
        name, _, wrapped = keyring.make_domain_key(pool.id)
        unit.tx.put_material(pool.id, name, wrapped)
    born = rbac.administrators(administrators, [parts.sources.new_id() for _ in administrators])
    pool = acceptance.accept(unit, pool, pool.primary.name, born)
    pool = _sow_roles(parts, unit, pool, asked.roles)
    pool = _sow_keys(unit, pool, material)
    if asked.regions:
        where = Conditions(catalogue(), unit.settings.edition)
        acceptance.apply(unit, extension.change_regions(pool, asked.regions, _at_once(parts, unit), where))


def _sow_roles(parts: Parts, unit: Unit, pool: Pool, roles: Sequence[SeedRole]) -> Pool:
    for role in roles:
        held = objects.rights(unit, pool, pool.primary.name)
        write = rbac.assign(
            held,
            parts.sources.new_id(),
            _role_id(held, role.role),
            _principal(parts.directory, role.principal),
            role.scope,
        )
        pool = acceptance.accept(unit, pool, pool.primary.name, [write])
    return pool


def _sow_keys(unit: Unit, pool: Pool, material: Material) -> Pool:
    for key, handle, wrapped in material:
        held = objects.key(unit, pool, pool.primary.name, key.name)
        writes = keys.create(held, key.name, key.asked, handle, unit.now)
        unit.tx.put_material(pool.id, handle.version, wrapped)
        pool = acceptance.accept(unit, pool, pool.primary.name, writes)
    return pool


def _at_once(parts: Parts, unit: Unit) -> Act:
    """A command whose operation takes no time."""
    profile = unit.profile
    instant = Profile(profile.name, {**profile.durations, **dict.fromkeys(("create", "region-add"), 0)})
    owner = parts.directory.owner
    return Act(unit.now, owner.user_principal_name, parts.sources.new_id(), instant)


def _principal(directory: Directory, name: str) -> str:
    found = directory.by_name(name) or directory.by_object_id(name) or directory.by_app_id(name)
    if found is None:
        known = ", ".join(principal.name for principal in directory.principals)
        raise Invalid(f"The directory has no principal '{name}'; it has {known}.")
    return found.object_id


def _role_id(held: objects.Objects, role: str) -> str:
    for known in rbac.roles(held):
        if role.lower() in (known.name.lower(), known.id):
            return known.id
    raise Invalid(f"There is no role '{role}'.")


def _pool(item: Any) -> SeedPool:
    source = _checked(item, "pool")
    activated = parse.optional(source, "activated", bool)
    retention = parse.optional(source, "retentionDays", int)
    return SeedPool(
        name=parse.required(source, "name", str),
        location=parse.optional(source, "location", str) or groups.DEFAULT_LOCATION,
        group=parse.optional(source, "group", str) or groups.DEFAULT_GROUP,
        regions=tuple(parse.strings(source, "regions")),
        activated=True if activated is None else activated,
        retention_days=lifecycle.RETENTION_DEFAULT if retention is None else retention,
        purge_protection=parse.optional(source, "purgeProtection", bool) or False,
        administrators=tuple(parse.strings(source, "administrators")) or ("owner",),
        tags=parse.text_map(source, "tags") or {},
        roles=tuple(_role(one) for one in parse.optional(source, "roles", list) or []),
        keys=tuple(_key(one) for one in parse.optional(source, "keys", list) or []),
    )


def _role(item: Any) -> SeedRole:
    source = _checked(item, "role")
    return SeedRole(
        parse.required(source, "role", str),
        parse.optional(source, "principal", str) or "owner",
        parse.optional(source, "scope", str) or "/",
    )


def _key(item: Any) -> SeedKey:
    source = _checked(item, "key")
    enabled = parse.optional(source, "enabled", bool)
    asked = KeyRequest(
        kty=parse.optional(source, "kty", str) or "EC-HSM",
        size=parse.optional(source, "size", int),
        curve=parse.optional(source, "curve", str),
        operations=tuple(parse.strings(source, "operations")),
        enabled=True if enabled is None else enabled,
        tags=parse.text_map(source, "tags") or {},
    )
    return SeedKey(parse.required(source, "name", str), keys.canonical(asked))


def _checked(item: Any, kind: str) -> Dict[str, Any]:
    if not isinstance(item, dict):
        raise Invalid(f"A {kind} of a seed must be an object.")
    unknown = sorted(set(item) - MEMBERS[kind])
    if unknown:
        raise Invalid(f"A {kind} of a seed has no member '{unknown[0]}': {', '.join(sorted(MEMBERS[kind]))}.")
    return item
