"""Who belongs to what, as Graph is asked: ``members``, ``memberOf``, ``getMemberGroups`` and the like
(learn.microsoft.com/graph/api/directoryobject-getmembergroups, 2026-05)."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping

from azext_mhsmregion.emulator.directory import Directory, Entry, Group
from azext_mhsmregion.emulator.entra.graph_objects import METADATA, GraphError, answer, member, typed
from azext_mhsmregion.emulator.wire import Response

MOST_GROUPS = 20
"""How many groups ``checkMemberGroups`` takes."""


def _members(entry: Entry, directory: Directory) -> List[Entry]:
    ids = entry.members if isinstance(entry, Group) else ()
    return [found for one in ids for found in [directory.entry(one)] if found is not None]


def _all_members(entry: Entry, directory: Directory) -> List[Entry]:
    """Members, and those of groups among them."""
    everybody: List[Entry] = [*directory.principals, *directory.groups]
    return [one for one in everybody if entry in directory.groups_of(one.object_id) and one != entry]


def _nobody(entry: Entry, directory: Directory) -> List[Entry]:
    """Owners: the directory knows none."""
    return []


def _groups(entry: Entry, directory: Directory) -> List[Entry]:
    return [*directory.groups_with(entry.object_id)]


def _all_groups(entry: Entry, directory: Directory) -> List[Entry]:
    return [group for group in directory.groups_of(entry.object_id) if group != entry]


_Relation = Callable[[Entry, Directory], List[Entry]]
OF_GROUPS: Mapping[str, _Relation] = {
    "members": _members,
    "transitiveMembers": _all_members,
    "owners": _nobody,
}
OF_ALL: Mapping[str, _Relation] = {"memberOf": _groups, "transitiveMemberOf": _all_groups}


def related(entry: Entry, relation: str, directory: Directory) -> Response:
    """A list of entries. Raises GraphError for a relation that such an entry does not have."""
    known = {**OF_ALL, **(OF_GROUPS if isinstance(entry, Group) else {})}
    if relation not in known:
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{relation}'.")
    return answer(typed(known[relation](entry, directory)))


def member_groups(entry: Entry, body: Dict[str, Any], directory: Directory) -> Response:
    """``getMemberGroups``: ids of all its groups. All groups here are security groups."""
    member(body, "securityEnabledOnly", bool)
    return _ids([group.object_id for group in _all_groups(entry, directory)])


def check_member_groups(entry: Entry, body: Dict[str, Any], directory: Directory) -> Response:
    """``checkMemberGroups``: those of ``groupIds`` that it belongs to."""
    asked = member(body, "groupIds", list)
    if len(asked) > MOST_GROUPS:
        text = f"Too many items: 'groupIds' takes {MOST_GROUPS}."
        raise GraphError(400, "Request_BadRequest", text)
    belongs = {group.object_id for group in _all_groups(entry, directory)}
    return _ids([one for one in asked if str(one).lower() in belongs])


def _ids(values: List[str]) -> Response:
    return answer({"@odata.context": f"{METADATA}#Collection(Edm.String)", "value": values})


ACTIONS = {"getMemberGroups": member_groups, "checkMemberGroups": check_member_groups}
