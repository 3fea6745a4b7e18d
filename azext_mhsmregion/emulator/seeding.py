"""A pool ready in one call (DESIGN section 9): what a document says (``seed_document``), put into
the store in one transaction, through the same rules as the wire, in no service time."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from azext_mhsmregion.emulator import acceptance, arranging, fault_schedule, objects
from azext_mhsmregion.emulator.arm import groups
from azext_mhsmregion.emulator.arm.groups import Group
from azext_mhsmregion.emulator.arm.providers import public_regions
from azext_mhsmregion.emulator.clock_change import ClockChange
from azext_mhsmregion.emulator.directory import Directory, Entry
from azext_mhsmregion.emulator.frame import Parts
from azext_mhsmregion.emulator.keyring import Keyring
from azext_mhsmregion.emulator.seed_document import Seed, SeedGroup, SeedKey, SeedPool, SeedRole, parsed
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import extension, keys, lifecycle, rbac
from azext_mhsmregion.model.errors import Conflict, Invalid
from azext_mhsmregion.model.extension import Conditions
from azext_mhsmregion.model.keys import KeyHandle
from azext_mhsmregion.model.lifecycle import Act, NewPool
from azext_mhsmregion.model.merge import Objects
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue


def sow(parts: Parts, keyring: Keyring, seed: Seed) -> List[str]:
    """Set the clock, make groups and pools, break what shall be broken; all or nothing. Answers the pools'
    names. Raises ModelError as the wire would."""
    made = [[(key, *keyring.make(key.asked)) for key in pool.keys] for pool in seed.pools]
    with parts.writing("seed") as unit:
        if seed.clock is not None:
            _set_clock(unit, seed.clock)
        for group in seed.groups:
            _sow_group(unit, group)
        for pool, material in zip(seed.pools, made):
            _sow_pool(parts, unit, pool, material, keyring)
        if seed.faults:
            fault_schedule.inject(unit, {"faults": list(seed.faults)}, parts.sources.new_id)
    return [pool.name for pool in seed.pools]


def _set_clock(unit: Unit, change: ClockChange) -> None:
    try:
        unit.set_clock(change.applied(unit.clock, unit.real))
    except ValueError as error:
        raise Invalid(str(error)) from error


def _sow_group(unit: Unit, asked: SeedGroup) -> None:
    """Raises Invalid for a name or place that no group has, Conflict for one that is elsewhere."""
    groups.check_name(asked.name)
    location, there = catalogue().normalise(asked.location), groups.find(unit, asked.name)
    if location not in [region.name for region in public_regions()]:
        raise Invalid(f"A resource group cannot stand in '{asked.location}'.")
    groups.refuse_deleting(there)
    if there is not None and there.location != location:
        raise Conflict(f"The resource group '{there.name}' exists already, in {there.location}.")
    if there is None or asked.tags is not None:
        groups.keep(unit, Group(there.name if there else asked.name, location, asked.tags))


Material = Sequence[Tuple[SeedKey, KeyHandle, bytes]]


def _sow_pool(parts: Parts, unit: Unit, asked: SeedPool, material: Material, keyring: Keyring) -> None:
    act = _at_once(parts, unit)
    administrators = [_principal(parts.directory, name) for name in asked.administrators]
    new = NewPool(
        id=parts.sources.new_id(),
        name=asked.name,
        subscription=parts.directory.subscription_id,
        group=groups.require_writable(unit, asked.group),
        tenant=parts.directory.tenant_id,
        location=asked.location,
        administrators=tuple(administrators),
        tags=asked.tags,
        retention_days=asked.retention_days,
        purge_protection=asked.purge_protection,
    )
    pool = lifecycle.create(new, unit.tx.pool_named(asked.name, unit.now), act, catalogue())
    if asked.activated:
        pool = pool._replace(activated=unit.now)
        name, _, wrapped = keyring.make_domain_key(pool.id)
        unit.tx.put_material(pool.id, name, wrapped)
    born = rbac.administrators(administrators, [parts.sources.new_id() for _ in administrators])
    pool = acceptance.accept(unit, pool, pool.primary.name, born)
    pool = _sow_roles(parts, unit, pool, asked.roles)
    pool = _sow_keys(unit, pool, material)
    if asked.regions:
        where = Conditions(catalogue(), unit.settings.edition)
        arranging.apply(unit, extension.change_regions(pool, asked.regions, _at_once(parts, unit), where))


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
    durations = {**profile.durations, **dict.fromkeys(("create", "region-add"), 0)}
    instant = profile._replace(durations=durations)
    owner = parts.directory.owner
    return Act(unit.now, owner.user_principal_name, parts.sources.new_id(), instant)


def _principal(directory: Directory, name: str) -> str:
    found = directory.find(name)
    if found is None:
        entries: List[Entry] = [*directory.principals, *directory.groups]
        known = ", ".join(entry.name for entry in entries)
        raise Invalid(f"The directory has no principal or group '{name}'; it has {known}.")
    return found.object_id


def _role_id(held: Objects, role: str) -> str:
    for known in rbac.roles(held):
        if role.lower() in (known.name.lower(), known.id):
            return known.id
    raise Invalid(f"There is no role '{role}'.")


__all__ = ["parsed", "sow"]
