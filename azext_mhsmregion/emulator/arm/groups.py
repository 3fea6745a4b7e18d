"""Resource groups: where they are kept, what is refused of them, and their routes. How one is
deleted: ``group_deletion.py``. Sentences are ARM's own unless they stand in ``messages``."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.paging import page
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model.errors import Conflict, Invalid, NotFound
from azext_mhsmregion.model.regions import catalogue

DEFAULT_GROUP = "default"
DEFAULT_LOCATION = "uksouth"
GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
STORED = "groups"
"""The key of the store's value: by name, what :func:`_stored` makes of a group."""

LONGEST_NAME = 90
PAGE = 1000
_BAD_CHARACTER = re.compile(r"[^\w().-]")


class Group(NamedTuple):
    """A resource group. ``gone`` is when its deletion ends, None: nobody deletes it. ``tags``
    None: none were ever given."""

    name: str
    location: str
    tags: Optional[Mapping[str, str]] = None
    gone: Optional[int] = None


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/subscriptions/{subscription}/resourceGroups")(list_groups)
    router.add("GET", GROUP)(show_group)
    router.add("HEAD", GROUP)(head_group)
    router.add("PUT", GROUP)(put_group)
    router.add("PATCH", GROUP)(patch_group)


def list_groups(ask: Ask) -> Response:
    """All groups; by a tag with ``$filter``."""
    from azext_mhsmregion.emulator.arm import filters

    wanted = filters.parsed(ask.request.query.get("$filter"), filters.GROUPS)
    with ask.parts.reading() as unit:
        found = [group for group in everyone(unit) if wanted.takes({}, group.tags)]
    items = [(group.name.lower(), _body(ask, group)) for group in found]
    url = f"https://{ask.request.host}{ask.request.path}"
    return json_response(
        200, page(sorted(items, key=lambda item: item[0]), ask.request.query, "$top", PAGE, url)
    )


def show_group(ask: Ask, group: str) -> Response:
    with ask.parts.reading() as unit:
        return json_response(200, _body(ask, named(unit, group)))


def head_group(ask: Ask, group: str) -> Response:
    """Is it there? 204 or 404, neither with a body."""
    with ask.parts.reading() as unit:
        return Response(404 if find(unit, group) is None else 204)


def put_group(ask: Ask, group: str) -> Response:
    """Create, or replace the tags of one that is there."""
    body = parse.body(ask.request)
    location = parse.optional(body, "location", str)
    if location is None:
        raise Invalid("The location property is required for this definition.", "LocationRequired")
    check_name(group)
    tags = parse.text_map(body, "tags")
    with ask.parts.writing("group") as unit:
        there = find(unit, group)
        made = Group(there.name if there else group, _checked(location, there), tags)
        refuse_deleting(there)
        keep(unit, made)
    return json_response(200 if there else 201, _body(ask, made))


def patch_group(ask: Ask, group: str) -> Response:
    """Tags, which is all of a group that can change."""
    body = parse.body(ask.request)
    name = parse.optional(body, "name", str)
    tags = parse.text_map(body, "tags")
    with ask.parts.writing("group") as unit:
        there = named(unit, group)
        refuse_deleting(there)
        if name is not None and name.lower() != there.name.lower():
            raise Invalid("The resource group name in the body is not the one in the path.", "BadParameter")
        location = parse.optional(body, "location", str)
        if location is not None:
            _checked(location, there)
        there = there if tags is None else there._replace(tags=tags)
        keep(unit, there)
    return json_response(200, _body(ask, there))


# -- what there is ---------------------------------------------------------------------------


def everyone(unit: Unit) -> List[Group]:
    """The groups that are there, those being deleted included."""
    stored: Dict[str, Any] = unit.tx.meta(STORED) or {}
    found = {DEFAULT_GROUP: Group(DEFAULT_GROUP, DEFAULT_LOCATION)}
    found.update({name: _group(name, record) for name, record in stored.items()})
    return [group for group in found.values() if group.gone is None or unit.now < group.gone]


def find(unit: Unit, name: str) -> Optional[Group]:
    """The group of that name, in any spelling (C3b)."""
    return next((group for group in everyone(unit) if group.name.lower() == name.lower()), None)


def named(unit: Unit, name: str) -> Group:
    """The same. Raises NotFound."""
    found = find(unit, name)
    if found is None:
        raise NotFound(f"Resource group '{name}' could not be found.", "ResourceGroupNotFound")
    return found


def require(unit: Unit, group: str) -> str:
    """The group's name as it was made. Raises NotFound."""
    return named(unit, group).name


def require_writable(unit: Unit, group: str) -> str:
    """The same, of a group that takes something new. Raises NotFound, Conflict."""
    found = named(unit, group)
    refuse_deleting(found)
    return found.name


def keep(unit: Unit, group: Group) -> None:
    """Store it; what is stored of the others stays, under the names they were made with."""
    stored: Dict[str, Any] = unit.tx.meta(STORED) or {}
    others = {name: record for name, record in stored.items() if name.lower() != group.name.lower()}
    record = {"location": group.location, "tags": group.tags, "gone": group.gone}
    unit.tx.put_meta(STORED, {**others, group.name: record})


def _group(name: str, record: Any) -> Group:
    """A stored group; homes of before kept its location alone, as it was typed."""
    if isinstance(record, str):
        return Group(name, catalogue().normalise(record))
    return Group(name, record["location"], record["tags"], record["gone"])


# -- what is refused -------------------------------------------------------------------------


def check_name(name: str) -> None:
    """1 to 90 letters, digits, ``_ ( ) - .``, no period at the end. Raises Invalid."""
    bad = sorted(set(_BAD_CHARACTER.findall(name)) | ({"."} if name.endswith(".") else set()))
    if len(name) > LONGEST_NAME or bad:
        shown = "".join(bad)
        problem = (
            f"has these invalid characters: '{shown}'. The name can only be a letter, digit, '-', '.', "
            "'(', ')' or '_', and cannot end with a period."
            if bad
            else f"exceeds the maximum length of '{LONGEST_NAME}'."
        )
        raise Invalid(f"The provided resource group name '{name}' {problem}", "InvalidResourceGroup")


def refuse_deleting(group: Optional[Group]) -> None:
    """Raises Conflict for a group that is being deleted."""
    if group is not None and group.gone is not None:
        raise Conflict(
            f"The resource group '{group.name}' is in deprovisioning state and cannot perform this "
            "operation.",
            "ResourceGroupBeingDeleted",
        )


def _checked(location: str, there: Optional[Group]) -> str:
    """The location's canonical name. Raises Invalid for one that no group can have, Conflict for
    another than the group has."""
    asked = catalogue().normalise(location)
    from azext_mhsmregion.emulator.arm.providers import public_regions

    available = [region.name for region in public_regions()]
    if asked not in available:
        raise Invalid(
            f"The provided location '{location}' is not available for resource group. "
            f"List of available regions is '{','.join(available)}'.",
            "LocationNotAvailableForResourceGroup",
        )
    if there is not None and there.location != asked:
        raise Conflict(
            f"Invalid resource group location '{location}'. "
            f"The Resource group already exists in location '{there.location}'.",
            "InvalidResourceGroupLocation",
        )
    return asked


def _body(ask: Ask, group: Group) -> Dict[str, Any]:
    body: Dict[str, Any] = {
        "id": f"/subscriptions/{ask.directory.subscription_id}/resourceGroups/{group.name}",
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
    }
    if group.tags is not None:
        body["tags"] = dict(group.tags)
    body["properties"] = {"provisioningState": "Succeeded" if group.gone is None else "Deleting"}
    return body
