"""What a region shows of the rows it has: a pure function of a set of rows (rule L6).

Replicas that hold the same set of rows show the same objects, whatever the order in which the
rows came: merging is set union, and everything below is computed from the set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from azext_mhsmregion.model.rows import Kind, Row, Stamp


@dataclass(frozen=True)
class KeyVersion:
    """One version: its immutable body, and its attributes (the highest stamp's, as a whole)."""

    version: str
    body: Mapping[str, Any]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """One key: versions by rising stamp (the last is current), its state, if any was set, and its
    rotation policy, if it has one (``rotation.py``)."""

    name: str
    versions: Tuple[KeyVersion, ...]
    state: Mapping[str, Any]
    policy: Mapping[str, Any] = field(default_factory=dict)

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
    for name, own in sorted(_by_key(best).items()):
        held = _held(own)
        if held.versions:
            keys[name] = _key(name, held)
    return Objects(
        keys,
        _live(best, Kind.ROLE_DEFINITION),
        _live(best, Kind.ROLE_ASSIGNMENT),
        _live(best, Kind.SETTING),
    )


def superseded(rows: Iterable[Row]) -> FrozenSet[Tuple[Kind, str, str, Stamp]]:
    """The writes that lost (L6): to a higher stamp on their object, to a purge, or to a version
    that was made again (restored) above them. A row whose version has not arrived has not lost."""
    held = list(rows)
    best = winners(held)
    lost = {(*row.object, row.stamp) for row in held if best[row.object].stamp != row.stamp}
    for own in _by_key(best).values():
        lost.update((*row.object, row.stamp) for row in _held(own).lost)
    return frozenset(lost)


_ANCHORED = (Kind.KEY_ATTRIBUTES, Kind.KEY_STATE)
_OF_A_KEY = (Kind.KEY_VERSION, *_ANCHORED, Kind.KEY_PURGE)
_POLICY = "rotationpolicy:"
"""Before a version's id: attributes of the whole key, its rotation policy, anchored to that version."""


def policy_of(version: str) -> str:
    """What a row of the rotation policy that is anchored to ``version`` carries as its version."""
    return _POLICY + version


def is_policy(row: Row) -> bool:
    """Is it a key's rotation policy, not a version's attributes?"""
    return row.kind is Kind.KEY_ATTRIBUTES and row.version.startswith(_POLICY)


@dataclass(frozen=True)
class _Held:
    """The winning rows of one key's name, sorted out: versions by rising stamp, the attributes
    of a version, the key's state and rotation policy, and what lost."""

    versions: Tuple[Row, ...]
    attributes: Mapping[str, Row]
    state: Optional[Row]
    policy: Optional[Row]
    lost: Tuple[Row, ...]


def _by_key(best: Mapping[Tuple[Kind, str, str], Row]) -> Dict[str, List[Row]]:
    """The winning rows that belong to keys, by the key's name."""
    rows: Dict[str, List[Row]] = {}
    for (kind, name, _), row in best.items():
        if kind in _OF_A_KEY:
            rows.setdefault(name, []).append(row)
    return rows


def _held(rows: List[Row]) -> _Held:
    """A purge ends every row with a stamp below it, and whatever is anchored to a version that
    it ended. A row counts above its own version only: a restored version is made anew."""
    cut = next((row.stamp for row in rows if row.kind is Kind.KEY_PURGE), None)
    every = {row.version: row for row in rows if row.kind is Kind.KEY_VERSION}
    alive = {version: row for version, row in every.items() if cut is None or cut < row.stamp}
    anchored = [row for row in rows if row.kind in _ANCHORED and not is_policy(row)]
    counted = [row for row in anchored if row.version in alive and alive[row.version].stamp < row.stamp]
    waiting = [row for row in anchored if row.version not in every and (cut is None or cut < row.stamp)]
    attributes = {row.version: row for row in counted if row.kind is Kind.KEY_ATTRIBUTES}
    states = [row for row in counted if row.kind is Kind.KEY_STATE]
    state = max(states, key=lambda row: row.stamp, default=None)
    kept = {row.object for row in (*alive.values(), *attributes.values(), *waiting)}
    if state is not None:
        kept.add(state.object)
    policy, early = _policy([row for row in rows if is_policy(row)], every, alive, cut)
    kept.update(row.object for row in early)
    if policy is not None:
        kept.add(policy.object)
    lost = [row for row in rows if row.kind is not Kind.KEY_PURGE and row.object not in kept]
    versions = tuple(sorted(alive.values(), key=lambda row: row.stamp))
    return _Held(versions, attributes, state, policy, tuple(lost))


def _policy(
    rows: List[Row], every: Mapping[str, Row], alive: Mapping[str, Row], cut: Optional[Stamp]
) -> Tuple[Optional[Row], List[Row]]:
    """The policy that counts, the highest stamp's whatever version it is anchored to; and those whose
    version has not arrived. A purge of that version supersedes it, as it does a state."""
    anchors = {row.object: row.version[len(_POLICY) :] for row in rows}
    early = [row for row in rows if anchors[row.object] not in every and (cut is None or cut < row.stamp)]
    there = [row for row in rows if anchors[row.object] in alive]
    counted = [row for row in there if alive[anchors[row.object]].stamp < row.stamp]
    return max(counted, key=lambda row: row.stamp, default=None), early


def _key(name: str, held: _Held) -> Key:
    versions = tuple(_version(row, held.attributes.get(row.version)) for row in held.versions)
    state, policy = held.state, held.policy
    return Key(name, versions, state.body if state else {}, policy.body if policy else {})


def _version(row: Row, changed: Optional[Row]) -> KeyVersion:
    attributes = row.body["attributes"] if changed is None else changed.body
    return KeyVersion(row.version, row.body, attributes)


def _live(best: Mapping[Tuple[Kind, str, str], Row], wanted: Kind) -> Dict[str, Mapping[str, Any]]:
    return {
        name: row.body
        for (kind, name, _), row in sorted(best.items())
        if kind is wanted and not row.tombstone
    }
