"""Managed HSM pools over ARM: the routes of the tutorial (rules C1 to C6, D1 to D4, E1 to E5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Mapping, Optional

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.arm import bodies, groups, requests
from azext_mhsmregion.emulator.arm.operations import accepted
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import extension, lifecycle, messages, names, rbac
from azext_mhsmregion.model.errors import NotFound
from azext_mhsmregion.model.extension import Conditions
from azext_mhsmregion.model.lifecycle import Act
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue

SUBSCRIPTION = "/subscriptions/{subscription}"
PROVIDER = "/providers/Microsoft.KeyVault"
POOLS = SUBSCRIPTION + "/resourceGroups/{group}" + PROVIDER + "/managedHSMs"
DELETED = SUBSCRIPTION + PROVIDER + "/locations/{location}/deletedManagedHSMs/{name}"


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", SUBSCRIPTION + PROVIDER + "/managedHSMs")(list_pools)
    router.add("GET", POOLS)(list_pools)
    router.add("GET", SUBSCRIPTION + "/resources")(list_resources)
    router.add("GET", POOLS + "/{name}")(show_pool)
    router.add("PUT", POOLS + "/{name}")(put_pool)
    router.add("PATCH", POOLS + "/{name}")(patch_pool)
    router.add("DELETE", POOLS + "/{name}")(delete_pool)
    router.add("GET", POOLS + "/{name}/regions")(list_regions)
    router.add("GET", SUBSCRIPTION + PROVIDER + "/deletedManagedHSMs")(list_deleted)
    router.add("GET", DELETED)(show_deleted)
    router.add("POST", DELETED + "/purge")(purge_deleted)
    router.add("POST", SUBSCRIPTION + PROVIDER + "/checkMhsmNameAvailability")(check_name)


def list_pools(ask: Ask, group: Optional[str] = None) -> Response:
    with ask.parts.reading() as unit:
        if group is not None:
            group = groups.require(unit, group)
        shown = [bodies.pool_body(pool, unit.now) for pool in _live(unit, group)]
    return json_response(200, {"value": shown})


def list_resources(ask: Ask) -> Response:
    """The generic list of resources that az's `keyvault list` asks: ours are pools."""
    with ask.parts.reading() as unit:
        wanted = ask.request.query.get("$filter", "").lower()
        pools = [] if "microsoft.keyvault/vaults" in wanted else _live(unit, None)
        keep = ("id", "name", "type", "location", "tags", "sku")
        shown = [{key: bodies.pool_body(pool, unit.now)[key] for key in keep} for pool in pools]
    return json_response(200, {"value": shown})


def show_pool(ask: Ask, group: str, name: str) -> Response:
    with ask.parts.reading() as unit:
        return json_response(200, bodies.pool_body(_pool(unit, group, name), unit.now))


def list_regions(ask: Ask, group: str, name: str) -> Response:
    with ask.parts.reading() as unit:
        return json_response(200, {"value": bodies.regions_body(_pool(unit, group, name), unit.now)})


def put_pool(ask: Ask, group: str, name: str) -> Response:
    """Create, update, or recover (``createMode``)."""
    body = parse.body(ask.request)
    if requests.is_recovery(body):
        return _recover(ask, name)
    with ask.parts.reading() as unit:
        groups.require(unit, group)
        holder = unit.tx.pool_named(name, unit.now)
        exists = holder is not None and holder.phase(unit.now) == "live"
    if exists:
        return _change(ask, group, name, body)
    return _create(ask, group, name, body)


def patch_pool(ask: Ask, group: str, name: str) -> Response:
    return _change(ask, group, name, parse.body(ask.request))


def delete_pool(ask: Ask, group: str, name: str) -> Response:
    with ask.parts.writing("delete") as unit:
        pool = lifecycle.delete(_pool(unit, group, name), act(ask, unit))
        return _stored(ask, unit, pool)


def list_deleted(ask: Ask) -> Response:
    with ask.parts.reading() as unit:
        deleted = [pool for pool in unit.tx.pools() if pool.phase(unit.now) == "deleted"]
        deleted.sort(key=lambda pool: pool.name.lower())
        return json_response(200, {"value": [bodies.deleted_body(pool) for pool in deleted]})


def show_deleted(ask: Ask, location: str, name: str) -> Response:
    with ask.parts.reading() as unit:
        pool = _in_location(unit.tx.pool_named(name, unit.now), location)
        if pool is None or pool.phase(unit.now) != "deleted":
            raise NotFound(f"No deleted managed HSM named '{name}' was found.", "DeletedVaultNotFound")
        return json_response(200, bodies.deleted_body(pool))


def purge_deleted(ask: Ask, location: str, name: str) -> Response:
    with ask.parts.writing("purge") as unit:
        found = _in_location(unit.tx.pool_named(name, unit.now), location)
        pool = lifecycle.purge(found, name, act(ask, unit))
        unit.tx.drop_regions(pool.id, [])
        return _stored(ask, unit, pool)


def check_name(ask: Ask) -> Response:
    """Name availability (C3), as recorded."""
    name = parse.required(parse.body(ask.request), "name", str)
    if not names.pool_name_is_valid(name):
        refusal = {"reason": "AccountNameInvalid", "message": messages.malformed_name(name)}
        return json_response(200, {"nameAvailable": False, **refusal})
    with ask.parts.reading() as unit:
        taken = unit.tx.pool_named(name, unit.now) is not None
    if taken:
        refusal = {"reason": "AlreadyExists", "message": messages.name_taken(name)}
        return json_response(200, {"nameAvailable": False, **refusal})
    return json_response(200, {"nameAvailable": True})


def act(ask: Ask, unit: Unit) -> Act:
    """The frame of a command accepted now."""
    return Act(unit.now, ask.who, ask.parts.sources.new_id(), unit.profile)


def _create(ask: Ask, group: str, name: str, body: Mapping[str, Any]) -> Response:
    directory = ask.parts.directory
    with ask.parts.writing("create") as unit:
        asked = requests.new_pool(
            body,
            id=ask.parts.sources.new_id(),
            name=name,
            subscription=directory.subscription_id,
            group=groups.require(unit, group),
            tenant=directory.tenant_id,
        )
        holder = unit.tx.pool_named(name, unit.now)
        pool = lifecycle.create(asked, holder, act(ask, unit), catalogue())
        ids = [ask.parts.sources.new_id() for _ in pool.administrators]
        born = rbac.administrators(pool.administrators, ids)
        pool = unit.accept(pool, pool.primary.name, born)
        assert pool.operation is not None
        return accepted(ask, unit, pool.operation)


def _change(ask: Ask, group: str, name: str, body: Mapping[str, Any]) -> Response:
    """A change of properties, or of regions. One operation at a time, so one of the two: what
    a client sends back unchanged beside a change of regions is taken with it."""
    with ask.parts.reading() as unit:
        pool = _pool(unit, group, name)
        _, listed = requests.changes(body, pool)
        moves = listed is not None and _moves(pool, listed, unit.now)
    with ask.parts.writing("regions" if moves else "update") as unit:
        pool = _pool(unit, group, name)
        wanted, listed = requests.changes(body, pool)
        if listed is not None and _moves(pool, listed, unit.now):
            conditions = Conditions(
                catalogue(),
                unit.settings.edition,
                unit.settings.without_capacity,
                unit.unsent_until(pool),
            )
            change = extension.change_regions(pool, listed, act(ask, unit), conditions)
            changed = lifecycle.changed(change.pool, wanted)
            return _answer(ask, unit, unit.apply(replace(change, pool=changed)))
        return _stored(ask, unit, lifecycle.update(pool, wanted, act(ask, unit)))


def _moves(pool: Pool, listed: List[str], now: int) -> bool:
    """Does the list differ from the extended regions that are there and well?"""
    known = catalogue()
    well = {region.name for region in pool.extended(now) if region.state(now) != "Failed"}
    return {known.normalise(name) for name in listed} != well or bool(
        [region for region in pool.extended(now) if region.state(now) == "Failed"]
    )


def _recover(ask: Ask, name: str) -> Response:
    with ask.parts.writing("recover") as unit:
        pool = lifecycle.recover(unit.tx.pool_named(name, unit.now), name, act(ask, unit))
        return _stored(ask, unit, pool)


def _stored(ask: Ask, unit: Unit, pool: Pool) -> Response:
    return _answer(ask, unit, unit.tx.put_pool(pool))


def _answer(ask: Ask, unit: Unit, pool: Pool) -> Response:
    assert pool.operation is not None
    return accepted(ask, unit, pool.operation)


def _live(unit: Unit, group: Optional[str]) -> List[Pool]:
    pools = [
        pool
        for pool in unit.tx.pools()
        if pool.phase(unit.now) == "live" and (group is None or pool.group.lower() == group.lower())
    ]
    return sorted(pools, key=lambda pool: pool.name.lower())


def _pool(unit: Unit, group: str, name: str) -> Pool:
    """A live pool in its group. Raises NotFound in ARM's words."""
    group = groups.require(unit, group)
    pool = unit.tx.pool_named(name, unit.now)
    if pool is None or pool.phase(unit.now) != "live" or pool.group.lower() != group.lower():
        raise NotFound(
            f"The Resource 'Microsoft.KeyVault/managedHSMs/{name}' under resource group '{group}' was not "
            "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            "ResourceNotFound",
        )
    return pool


def _in_location(pool: Optional[Pool], location: str) -> Optional[Pool]:
    if pool is None or pool.location != catalogue().normalise(location):
        return None
    return pool
