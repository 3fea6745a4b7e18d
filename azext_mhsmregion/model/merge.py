"""What a region shows of the rows it has: a pure function of a set of rows (rule L6).

Replicas that hold the same set of rows show the same objects, whatever the order in which the
rows came: merging is set union, and everything below is computed from the set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from azext_mhsmregion.model.replication import Kind, Row, Stamp


@dataclass(frozen=True)
class KeyVersion:
    """One version: its immutable body, and its attributes (the highest stamp's, as a whole)."""

    version: str
    stamp: Stamp
    body: Mapping[str, Any]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """One key: versions by rising stamp (the last is current), and its state, if any was set."""

    name: str
    versions: Tuple[KeyVersion, ...]
    state: Mapping[str, Any]

    @property
    def current(self) -> KeyVersion:
        """The version that a request without version means."""
        return self.versions[-1]

    def version(self, version: str) -> Optional[KeyVersion]:
        """A version by its id (the current one for ""), None when there is none."""
        if not version:
            return self.current
        return next((item for item in self.versions if item.version == version), None)


@dataclass(frozen=True)
class Objects:
    """Everything that one region shows at one instant."""

    keys: Mapping[str, Key] = field(default_factory=dict)
    role_definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    role_assignments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def visible(rows: Iterable[Row], now: int) -> List[Row]:
    """The rows that their region shows at ``now``."""
    return [row for row in rows if row.visible_from <= now]


def winners(rows: Iterable[Row]) -> Dict[Tuple[Kind, str, str], Row]:
    """The highest stamp of each object."""
    best: Dict[Tuple[Kind, str, str], Row] = {}
    for row in rows:
        found = best.get(row.object)
        if found is None or found.stamp < row.stamp:
            best[row.object] = row
    return best


def objects(rows: Iterable[Row]) -> Objects:
    """What a set of visible rows of one region comes to."""
    best = winners(rows)
    keys: Dict[str, Key] = {}
    for name in sorted({name for kind, name, _ in best if kind is Kind.KEY_VERSION}):
        key = _key(name, best)
        if key is not None:
            keys[name] = key
    return Objects(
        keys,
        _live(best, Kind.ROLE_DEFINITION),
        _live(best, Kind.ROLE_ASSIGNMENT),
        _live(best, Kind.SETTING),
    )


def superseded(rows: Iterable[Row]) -> FrozenSet[Tuple[Kind, str, str, Stamp]]:
    """The writes that lost: to a higher stamp on their object, or to a purge (L6)."""
    held = list(rows)
    best = winners(held)
    lost = set()
    for row in held:
        if best[row.object].stamp != row.stamp or _is_purged(row, best):
            lost.add((*row.object, row.stamp))
    return frozenset(lost)


def _key(name: str, best: Mapping[Tuple[Kind, str, str], Row]) -> Optional[Key]:
    cut = best.get((Kind.KEY_PURGE, name, ""))
    versions = [
        row
        for (kind, owner, _), row in best.items()
        if kind is Kind.KEY_VERSION and owner == name and (cut is None or row.stamp > cut.stamp)
    ]
    if not versions:
        return None
    versions.sort(key=lambda row: row.stamp)
    shown = tuple(_version(row, best) for row in versions)
    alive = {row.version for row in versions}
    states = [
        row
        for (kind, owner, anchor), row in best.items()
        if kind is Kind.KEY_STATE and owner == name and anchor in alive
    ]
    state = max(states, key=lambda row: row.stamp).body if states else {}
    return Key(name, shown, state)


def _version(row: Row, best: Mapping[Tuple[Kind, str, str], Row]) -> KeyVersion:
    changed = best.get((Kind.KEY_ATTRIBUTES, row.name, row.version))
    attributes = row.body["attributes"] if changed is None else changed.body
    return KeyVersion(row.version, row.stamp, row.body, attributes)


def _live(best: Mapping[Tuple[Kind, str, str], Row], wanted: Kind) -> Dict[str, Mapping[str, Any]]:
    return {
        name: row.body
        for (kind, name, _), row in sorted(best.items(), key=lambda item: item[0][1])
        if kind is wanted and not row.tombstone
    }


def _is_purged(row: Row, best: Mapping[Tuple[Kind, str, str], Row]) -> bool:
    """Is the row, or the version that it is anchored to, ended by a purge of its key?"""
    if row.kind not in (Kind.KEY_VERSION, Kind.KEY_ATTRIBUTES, Kind.KEY_STATE):
        return False
    cut = best.get((Kind.KEY_PURGE, row.name, ""))
    anchor = best.get((Kind.KEY_VERSION, row.name, row.version))
    return cut is not None and anchor is not None and anchor.stamp < cut.stamp
