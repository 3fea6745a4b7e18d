"""Managed HSM pools over ARM: what is only read (rules C2, C3, D4). Changes: ``changes.py``."""

from __future__ import annotations

from typing import List, Optional, Sequence

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.arm import bodies, groups
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.paging import Item, page
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import availability, messages, names
from azext_mhsmregion.model.errors import NotFound
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue

SUBSCRIPTION = "/subscriptions/{subscription}"
PROVIDER = "/providers/Microsoft.KeyVault"
POOLS = SUBSCRIPTION + "/resourceGroups/{group}" + PROVIDER + "/managedHSMs"
DELETED = SUBSCRIPTION + PROVIDER + "/locations/{location}/deletedManagedHSMs/{name}"

PAGE = 100
"""Pools on one page of a list; ours, no recording has more than one page."""


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", SUBSCRIPTION + PROVIDER + "/managedHSMs")(list_pools)
    router.add("GET", POOLS)(list_pools)
    router.add("GET", POOLS + "/{name}")(show_pool)
    router.add("GET", POOLS + "/{name}/regions")(list_regions)
    router.add("GET", SUBSCRIPTION + PROVIDER + "/deletedManagedHSMs")(list_deleted)
    router.add("GET", DELETED)(show_deleted)
    router.add("POST", SUBSCRIPTION + PROVIDER + "/checkMhsmNameAvailability")(check_name)


def list_pools(ask: Ask, group: Optional[str] = None) -> Response:
    with ask.parts.reading() as unit:
        if group is not None:
            group = groups.require(unit, group)
        shown = [(key(pool), bodies.pool_body(pool, unit.now)) for pool in live(unit, group)]
    return paged(ask, shown)


def show_pool(ask: Ask, group: str, name: str) -> Response:
    with ask.parts.reading() as unit:
        return json_response(200, bodies.pool_body(require(unit, group, name), unit.now))


def list_regions(ask: Ask, group: str, name: str) -> Response:
    with ask.parts.reading() as unit:
        return json_response(200, {"value": bodies.regions_body(require(unit, group, name), unit.now)})


def list_deleted(ask: Ask) -> Response:
    with ask.parts.reading() as unit:
        deleted = [pool for pool in unit.tx.pools() if pool.phase(unit.now) == "deleted"]
    deleted.sort(key=key)
    return paged(ask, [(key(pool), bodies.deleted_body(pool)) for pool in deleted])


def show_deleted(ask: Ask, location: str, name: str) -> Response:
    with ask.parts.reading() as unit:
        pool = in_location(unit, unit.tx.pool_named(name, unit.now), location)
        if pool is None or pool.phase(unit.now) != "deleted":
            raise NotFound(f"No deleted managed HSM named '{name}' was found.", "DeletedVaultNotFound")
        return json_response(200, bodies.deleted_body(pool))


def check_name(ask: Ask) -> Response:
    """Name availability (C3), as recorded; for a soft-deleted name the sentence is ours."""
    name = parse.required(parse.body(ask.request), "name", str)
    if not names.pool_name_is_valid(name):
        refusal = {"reason": "AccountNameInvalid", "message": messages.malformed_name(name)}
        return json_response(200, {"nameAvailable": False, **refusal})
    with ask.parts.reading() as unit:
        holder = unit.tx.pool_named(name, unit.now)
        deleted = holder is not None and holder.phase(unit.now) == "deleted"
    if holder is None:
        return json_response(200, {"nameAvailable": True})
    message = messages.name_soft_deleted(name, holder.location) if deleted else messages.name_taken(name)
    refusal = {"reason": "AlreadyExists", "message": message}
    return json_response(200, {"nameAvailable": False, **refusal})


def paged(ask: Ask, items: Sequence[Item]) -> Response:
    """A list in pages (``$top``)."""
    url = f"https://{ask.request.host}{ask.request.path}"
    return json_response(200, page(items, ask.request.query, "$top", PAGE, url))


def key(pool: Pool) -> str:
    """What a list of pools is sorted by."""
    return pool.name.lower()


def live(unit: Unit, group: Optional[str]) -> List[Pool]:
    """The pools that are there, of all groups or of one, by name."""
    pools = [
        pool
        for pool in unit.tx.pools()
        if pool.phase(unit.now) == "live" and (group is None or pool.group.lower() == group.lower())
    ]
    return sorted(pools, key=key)


def require(unit: Unit, group: str, name: str) -> Pool:
    """A live pool in its group. Raises NotFound in ARM's words."""
    group = groups.require(unit, group)
    pool = unit.live_pool(name)
    if pool is None or pool.group.lower() != group.lower():
        raise NotFound(
            f"The Resource 'Microsoft.KeyVault/managedHSMs/{name}' under resource group '{group}' was not "
            "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            "ResourceNotFound",
        )
    availability.require_control_plane([pool.location], unit.faults, unit.now)
    return pool


def in_location(unit: Unit, pool: Optional[Pool], location: str) -> Optional[Pool]:
    """The pool if that is its location. Raises Unavailable while the location is out (F3)."""
    where = location_of(location)
    availability.require_control_plane([where], unit.faults, unit.now)
    return pool if pool is not None and pool.location == where else None


def location_of(text: str) -> str:
    """The canonical spelling of a location."""
    return catalogue().normalise(text)
