"""Managed HSM pools over ARM: create, change, extend, delete, recover, purge (rules C1, C5, D1 to
D4, E1 to E5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Mapping, Optional

from azext_mhsmregion.emulator import acceptance, arranging, losses, parse
from azext_mhsmregion.emulator.arm import groups, pools, requests
from azext_mhsmregion.emulator.arm.operations import accepted
from azext_mhsmregion.emulator.arm.pools import DELETED, POOLS, in_location, require
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response
from azext_mhsmregion.model import availability, extension, lifecycle, rbac
from azext_mhsmregion.model.extension import Conditions
from azext_mhsmregion.model.lifecycle import Act, Changes
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("PUT", POOLS + "/{name}")(put_pool)
    router.add("PATCH", POOLS + "/{name}")(patch_pool)
    router.add("DELETE", POOLS + "/{name}")(delete_pool)
    router.add("POST", DELETED + "/purge")(purge_deleted)


def put_pool(ask: Ask, group: str, name: str) -> Response:
    """Create, update, or recover (``createMode``)."""
    body = parse.body(ask.request)
    if requests.is_recovery(body):
        return _recover(ask, group, name, body)
    with ask.parts.reading() as unit:
        groups.require(unit, group)
        holder = unit.tx.pool_named(name, unit.now)
        exists = holder is not None and holder.phase(unit.now) == "live"
    if exists and holder is not None and holder.group.lower() == group.lower():
        return _change(ask, group, name, body)
    return _create(ask, group, name, body)


def patch_pool(ask: Ask, group: str, name: str) -> Response:
    return _change(ask, group, name, parse.body(ask.request))


def delete_pool(ask: Ask, group: str, name: str) -> Response:
    with ask.parts.writing("delete") as unit:
        pool = lifecycle.delete(require(unit, group, name), act(ask, unit))
        return _stored(ask, unit, pool)


def purge_deleted(ask: Ask, location: str, name: str) -> Response:
    with ask.parts.writing("purge") as unit:
        found = in_location(unit, unit.tx.pool_named(name, unit.now), location)
        pool = lifecycle.purge(found, name, act(ask, unit))
        unit.tx.drop_regions(pool.id, [])
        return _stored(ask, unit, pool)


def act(ask: Ask, unit: Unit) -> Act:
    """The frame of a command accepted now."""
    return Act(unit.now, ask.who, ask.parts.sources.new_id(), unit.profile, ask.who_type)


def _create(ask: Ask, group: str, name: str, body: Mapping[str, Any]) -> Response:
    directory = ask.directory
    with ask.parts.writing("create") as unit:
        asked = requests.new_pool(
            body,
            id=ask.parts.sources.new_id(),
            name=name,
            subscription=directory.subscription_id,
            group=groups.require_writable(unit, group),
            tenant=directory.tenant_id,
        )
        availability.require_control_plane([pools.location_of(asked.location)], unit.faults, unit.now)
        acceptance.sweep(unit)
        holder = unit.tx.pool_named(name, unit.now)
        pool = lifecycle.create(asked, holder, act(ask, unit), catalogue())
        ids = [ask.parts.sources.new_id() for _ in pool.administrators]
        born = rbac.administrators(pool.administrators, ids)
        pool = acceptance.accept(unit, pool, pool.primary.name, born)
        assert pool.operation is not None
        return accepted(ask, unit, pool.operation)


def _change(ask: Ask, group: str, name: str, body: Mapping[str, Any]) -> Response:
    """A change of properties, or of regions. One operation at a time, so one of the two: what
    a client sends back unchanged beside a change of regions is taken with it, and a list of
    regions sent back unchanged beside a change of properties changes no region."""
    with ask.parts.reading() as unit:
        pool = require(unit, group, name)
        moves = _moves(pool, *requests.changes(body, pool), unit.now)
    with ask.parts.writing("regions" if moves else "update") as unit:
        pool = require(unit, group, name)
        wanted, listed = requests.changes(body, pool)
        if listed is not None and _moves(pool, wanted, listed, unit.now):
            conditions = Conditions(
                catalogue(),
                unit.settings.edition,
                unit.settings.without_capacity,
                unit.faults,
            )
            change = extension.change_regions(pool, listed, act(ask, unit), conditions)
            losses.lose(unit, pool, change.removed)
            changed = lifecycle.changed(change.pool, wanted)
            return _answer(ask, unit, arranging.apply(unit, replace(change, pool=changed)))
        return _stored(ask, unit, lifecycle.update(pool, wanted, act(ask, unit)))


def _moves(pool: Pool, wanted: Changes, listed: Optional[List[str]], now: int) -> bool:
    """Does the list differ from the extended regions that are there; or, where the request
    changes nothing, is a Failed one among them, to be tried again (E5)?"""
    if listed is None:
        return False
    there = pool.extended(now)
    if {catalogue().normalise(name) for name in listed} != {region.name for region in there}:
        return True
    failed = any(region.state(now) == "Failed" for region in there)
    return failed and lifecycle.changed(pool, wanted) == pool


def _recover(ask: Ask, group: str, name: str, body: Mapping[str, Any]) -> Response:
    with ask.parts.writing("recover") as unit:
        group = groups.require_writable(unit, group)
        found = unit.tx.pool_named(name, unit.now)
        if found is not None:
            availability.require_control_plane([found.location], unit.faults, unit.now)
        pool = lifecycle.recover(found, name, act(ask, unit))
        lifecycle.refuse_elsewhere(pool, group, requests.recovered_to(body) or pool.location)
        return _stored(ask, unit, pool)


def _stored(ask: Ask, unit: Unit, pool: Pool) -> Response:
    return _answer(ask, unit, acceptance.record(unit, pool))


def _answer(ask: Ask, unit: Unit, pool: Pool) -> Response:
    assert pool.operation is not None
    return accepted(ask, unit, pool.operation)
