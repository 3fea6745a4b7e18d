"""The document of a seed: what shall stand (DESIGN section 9).

    {"clock": {"mode": "manual", "now": "2030-01-01T00:00:00Z"},
     "groups": [{"name": "rg1", "location": "uksouth", "tags": {"team": "keys"}}],
     "pools": [{"name": "ContosoMHSM", "location": "uksouth", "group": "rg1",
                "regions": ["australiaeast"], "activated": true, "retentionDays": 7,
                "administrators": ["owner"],
                "roles": [{"role": "Managed HSM Crypto User", "principal": "owner", "scope": "/keys"}],
                "keys": [{"name": "payments", "kty": "EC-HSM", "curve": "P-256"}]}],
     "faults": [{"scope": "service", "region": "uksouth", "after": 60, "for": "2m"}]}

Principals are names of the directory, its groups' too, or object ids. Only a ``name`` must be given;
``clock`` is as in :mod:`clock_change`, ``faults`` as in :mod:`fault_spec`; a resource group that exists
already stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from azext_mhsmregion.emulator import clock_change, parse
from azext_mhsmregion.emulator.arm import groups
from azext_mhsmregion.emulator.clock_change import ClockChange
from azext_mhsmregion.model import keys, lifecycle
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.keys import KeyRequest

MEMBERS = {
    "seed": {"pools", "groups", "clock", "faults"},
    "group": {"name", "location", "tags"},
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


@dataclass(frozen=True)
class SeedGroup:
    """One resource group."""

    name: str
    location: str
    tags: Optional[Mapping[str, str]]


@dataclass(frozen=True)
class Seed:
    """All of it; without a ``clock`` that stays as it is."""

    pools: Tuple[SeedPool, ...]
    groups: Tuple[SeedGroup, ...] = ()
    clock: Optional[ClockChange] = None
    faults: Tuple[Any, ...] = ()


def parsed(document: Any) -> Seed:
    """The document as typed values. Raises Invalid, naming the member that is wrong."""
    source = _checked(document, "seed")
    clock = parse.optional(source, "clock", dict)
    return Seed(
        pools=tuple(_pool(item) for item in parse.optional(source, "pools", list) or []),
        groups=tuple(_group(item) for item in parse.optional(source, "groups", list) or []),
        clock=None if clock is None else clock_change.parsed(clock),
        faults=tuple(parse.optional(source, "faults", list) or []),
    )


def _group(item: Any) -> SeedGroup:
    source = _checked(item, "group")
    return SeedGroup(
        parse.required(source, "name", str),
        parse.optional(source, "location", str) or groups.DEFAULT_LOCATION,
        parse.text_map(source, "tags"),
    )


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
    what = "A seed" if kind == "seed" else f"A {kind} of a seed"
    if not isinstance(item, dict):
        raise Invalid(f"{what} must be an object.")
    unknown = sorted(set(item) - MEMBERS[kind])
    if unknown:
        raise Invalid(f"{what} has no member '{unknown[0]}': {', '.join(sorted(MEMBERS[kind]))}.")
    return item
