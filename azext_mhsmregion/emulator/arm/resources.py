"""ARM's generic lists of resources: here pools are all there is."""

from __future__ import annotations

from typing import Any, Dict, Optional

from azext_mhsmregion.emulator.arm import bodies, filters, groups
from azext_mhsmregion.emulator.arm.pools import SUBSCRIPTION, key, live, paged
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response
from azext_mhsmregion.model.pool import Pool

_SHOWN = ("id", "name", "type", "location", "tags", "sku", "identity")


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", SUBSCRIPTION + "/resources")(list_resources)
    router.add("GET", SUBSCRIPTION + "/resourceGroups/{group}/resources")(list_resources)


def list_resources(ask: Ask, group: Optional[str] = None) -> Response:
    """All resources, or those of a group; az asks here for its lists of pools too."""
    query = ask.request.query
    wanted = filters.parsed(query.get("$filter"), filters.RESOURCES)
    expanded = {word.strip().lower() for word in query.get("$expand", "").split(",")}
    with ask.parts.reading() as unit:
        inside = None if group is None else groups.require(unit, group)
        taken = [pool for pool in live(unit, inside) if wanted.takes(_fields(pool), pool.tags)]
        shown = [(key(pool), _body(pool, unit.now, expanded)) for pool in taken]
    if wanted.by_tag:
        shown = [(name, {**body, "tags": {}}) for name, body in shown]
    return paged(ask, shown)


def _fields(pool: Pool) -> Dict[str, str]:
    return {
        "resourcetype": bodies.POOL_TYPE,
        "name": pool.name,
        "resourcegroup": pool.group,
        "location": pool.location,
    }


def _body(pool: Pool, now: int, expanded: Any) -> Dict[str, Any]:
    whole = bodies.pool_body(pool, now)
    body = {name: whole[name] for name in _SHOWN if name in whole}
    more = {
        "createdTime": whole["systemData"]["createdAt"],
        "changedTime": whole["systemData"]["lastModifiedAt"],
        "provisioningState": whole["properties"]["provisioningState"],
    }
    return {**body, **{name: value for name, value in more.items() if name.lower() in expanded}}
