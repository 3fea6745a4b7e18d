"""What a backup holds, and the writes that its restore comes to: creates, above a purge of what was there
(rules E7, L6). Documentation of 2026-04-28, "Full backup and restore and selective key restore"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from azext_mhsmregion.model import keys, merge, recovery_messages
from azext_mhsmregion.model.errors import Conflict
from azext_mhsmregion.model.merge import Key, Objects
from azext_mhsmregion.model.rbac import ADMINISTRATOR, definition_id
from azext_mhsmregion.model.rows import Kind, Row, Write

Named = Mapping[str, Mapping[str, Any]]
"""Bodies by name."""


@dataclass(frozen=True)
class SavedKey:
    """A key with all its versions by rising stamp: (id, body with the attributes of that time)."""

    name: str
    versions: Tuple[Tuple[str, Mapping[str, Any]], ...]
    state: Mapping[str, Any]
    policy: Mapping[str, Any]

    @property
    def ids(self) -> Tuple[str, ...]:
        """Of its versions."""
        return tuple(version for version, _ in self.versions)


@dataclass(frozen=True)
class Saved:
    """Everything in a pool as one region showed it."""

    keys: Tuple[SavedKey, ...]
    role_definitions: Named
    role_assignments: Named
    settings: Named

    def key(self, name: str) -> Optional[SavedKey]:
        """A key that is not deleted, by its name; None: there is none."""
        found = (one for one in self.keys if one.name == name and "deleted" not in one.state)
        return next(found, None)


def saved(objects: Objects, now: int) -> Saved:
    """Everything; deleted keys too, as long as they can be recovered."""
    kept = (key for key in objects.keys.values() if not keys.is_expired(key, now))
    return Saved(
        tuple(saved_key(key) for key in kept),
        objects.role_definitions,
        objects.role_assignments,
        objects.settings,
    )


def saved_key(key: Key) -> SavedKey:
    """One key."""
    versions = tuple((one.version, {**one.body, "attributes": one.attributes}) for one in key.versions)
    return SavedKey(key.name, versions, key.state, key.policy)


def full_restore(given: Saved, held: Iterable[Row], stay: Collection[str]) -> List[Write]:
    """The pool as it was: whatever ``held`` names (the rows of all regions, seen or on their way) and the
    backup does not, goes away, but for the assignments that ``stay``."""
    there = _there(held)
    writes = _purges(there[Kind.KEY_VERSION], given.keys)
    for key in given.keys:
        writes += _key(key)
    for kind, bodies, kept in (
        (Kind.ROLE_DEFINITION, given.role_definitions, ()),
        (Kind.ROLE_ASSIGNMENT, given.role_assignments, stay),
        (Kind.SETTING, given.settings, ()),
    ):
        gone = sorted(set(there[kind]) - set(bodies) - set(kept))
        writes += [Write(kind, name, tombstone=True) for name in gone]
        writes += [Write(kind, name, "", body) for name, body in sorted(bodies.items())]
    return writes


def key_restore(given: SavedKey, objects: Objects, now: int) -> List[Write]:
    """One key with all its versions. Raises Conflict where its name is taken, by a key that is deleted
    too: that one has to be purged first."""
    there = objects.keys.get(given.name)
    if there is None:
        return _key(given)
    if keys.is_expired(there, now):
        return [Write(Kind.KEY_PURGE, given.name), *_key(given)]
    if keys.is_deleted(there, now):
        raise Conflict(recovery_messages.deleted_key_in_the_way(given.name), "ObjectIsDeletedButRecoverable")
    raise Conflict(recovery_messages.key_in_the_way(given.name))


def lockout_guard(objects: Objects, administrators: Collection[str]) -> List[str]:
    """The names of the assignments that make the pool's own administrators Managed HSM Administrator of all
    of it: they stay, so that a backup of another pool locks nobody out (K3; ours)."""
    return [
        name
        for name, body in objects.role_assignments.items()
        if body["principalId"].lower() in {one.lower() for one in administrators}
        and definition_id(body["roleDefinitionId"]) == ADMINISTRATOR
        and body["scope"] == "/"
    ]


def _key(key: SavedKey) -> List[Write]:
    """Its versions in their order, then what is anchored to them (L6)."""
    writes = [Write(Kind.KEY_VERSION, key.name, version, body) for version, body in key.versions]
    if key.policy:
        first = merge.policy_of(key.versions[0][0])
        writes.append(Write(Kind.KEY_ATTRIBUTES, key.name, first, key.policy))
    if key.state:
        writes.append(Write(Kind.KEY_STATE, key.name, key.versions[-1][0], key.state))
    return writes


def _purges(versions: Mapping[str, Set[str]], back: Iterable[SavedKey]) -> List[Write]:
    """Of the keys that have a version which does not come back. The others' versions are only made again,
    so that no region goes without them while the writes are on their way."""
    coming = {key.name: set(key.ids) for key in back}
    gone = sorted(name for name, ids in versions.items() if ids - coming.get(name, set()))
    return [Write(Kind.KEY_PURGE, name) for name in gone]


def _there(held: Iterable[Row]) -> Mapping[Kind, Mapping[str, Set[str]]]:
    """What is there, or was made and is not taken away everywhere yet: names with their versions, by kind."""
    names: Dict[Kind, Dict[str, Set[str]]] = {kind: {} for kind in Kind}
    for row in held:
        if not row.tombstone:
            names[row.kind].setdefault(row.name, set()).add(row.version)
    return names
