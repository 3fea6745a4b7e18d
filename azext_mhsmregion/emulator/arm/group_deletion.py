"""Deleting a resource group deletes its pools, softly (D4). ARM deletes what it can and then says
what is left; here it is all or nothing, and said at once."""

from __future__ import annotations

from typing import Dict, List

from azext_mhsmregion.emulator import acceptance
from azext_mhsmregion.emulator.arm import bodies, groups, operations
from azext_mhsmregion.emulator.arm.changes import act
from azext_mhsmregion.emulator.arm.pools import live
from azext_mhsmregion.emulator.arm.refusals import Detail, Detailed
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response
from azext_mhsmregion.model import availability, lifecycle
from azext_mhsmregion.model.errors import ModelError
from azext_mhsmregion.model.pool import Pool


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("DELETE", groups.GROUP)(delete_group)


def delete_group(ask: Ask, group: str) -> Response:
    """202, and where to poll until the last of its pools is deleted."""
    with ask.parts.writing("delete") as unit:
        found = groups.named(unit, group)
        groups.refuse_deleting(found)
        there = live(unit, found.name)
        going = [pool for pool in there if pool.provisioning_state(unit.now) == "Deleting"]
        deleted = _deleted(ask, unit, found.name, [pool for pool in there if pool not in going])
        for pool in deleted:
            acceptance.record(unit, pool)
        ends = [pool.deletion.done for pool in (*going, *deleted) if pool.deletion is not None]
        groups.keep(unit, found._replace(gone=max([unit.now, *ends])))
        return operations.group_accepted(ask, unit, ask.parts.sources.new_id(), max([unit.now, *ends]))


def _deleted(ask: Ask, unit: Unit, group: str, pools: List[Pool]) -> List[Pool]:
    """The pools, their deletion accepted and not yet stored. Raises Detailed (409) when one cannot
    be deleted, naming each and why."""
    deleted: List[Pool] = []
    refused: Dict[str, ModelError] = {}
    for pool in pools:
        try:
            availability.require_control_plane([pool.location], unit.faults, unit.now)
            deleted.append(lifecycle.delete(pool, act(ask, unit)))
        except ModelError as error:
            refused[pool.name] = error
    if refused:
        raise _blocked(ask, group, refused)
    return deleted


def _blocked(ask: Ask, group: str, refused: Dict[str, ModelError]) -> Detailed:
    """ARM's words for a group that cannot go."""
    names = ",".join(f"{bodies.POOL_TYPE}/{name}" for name in refused)
    message = (
        f"Deletion of resource group '{group}' failed as resources with identifiers '{names}' could not be "
        "deleted. The provisioning state of the resource group will be rolled back. "
        f"The tracking Id is '{ask.parts.sources.new_id()}'. Please check audit logs for more details."
    )
    scope = f"/subscriptions/{ask.directory.subscription_id}/resourceGroups/{group}/providers"
    details = [
        Detail(error.code, f"{scope}/{bodies.POOL_TYPE}/{name}", error.message)
        for name, error in refused.items()
    ]
    return Detailed(message, "ResourceGroupDeletionBlocked", details)
