"""What a set of writes of one object shows: a replay by rising stamp, as one would do it by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from azext_mhsmregion.model import merge

from ..memory import Group
from .entry import Entry


@dataclass
class Played:
    """Versions (with the attributes that count), states, policies, the last purge, or the one body."""

    versions: Dict[str, List[Entry]] = field(default_factory=dict)
    states: List[Entry] = field(default_factory=list)
    policies: List[Entry] = field(default_factory=list)
    purge: Optional[Entry] = None
    single: Optional[Entry] = None

    def play(self, entry: Entry) -> None:
        kind = entry.kind.value
        if kind == "key_version":
            self.versions[entry.version] = [entry, entry]
            self.states = [state for state in self.states if state.version != entry.version]
            self.policies = [policy for policy in self.policies if policy.anchor != entry.version]
        elif entry.is_policy:
            if entry.anchor in self.versions:
                self.policies.append(entry)
        elif kind == "key_attributes":
            if entry.version in self.versions:
                self.versions[entry.version][1] = entry
        elif kind == "key_state":
            if entry.version in self.versions:
                self.states.append(entry)
        elif kind == "key_purge":
            self.versions, self.states, self.policies, self.purge = {}, [], [], entry
        else:
            self.single = entry


def replay(entries: Iterable[Entry]) -> Played:
    played = Played()
    for entry in sorted(entries, key=lambda one: one.order):
        played.play(entry)
    return played


Shown = Optional[Tuple[Any, ...]]


def shown(group: Group, entries: Iterable[Entry]) -> Shown:
    """What the writes come to, in a plain shape; None: nothing is there."""
    played = replay(entries)
    if group[0] != "key":
        return None if played.single is None or played.single.tombstone else (played.single.body,)
    if not played.versions:
        return None
    listed = sorted(played.versions.items(), key=lambda item: item[1][0].order)
    versions = [
        (version, made.body, made.body["attributes"] if changed is made else changed.body)
        for version, (made, changed) in listed
    ]
    state, policy = ([*known[-1:]] for known in (played.states, played.policies))
    return (versions, state[0].body if state else {}, policy[0].body if policy else {})


def told(group: Group, objects: merge.Objects) -> Shown:
    """The model's view of the same object in that shape."""
    if group[0] == "key":
        key = objects.keys.get(group[1])
        if key is None:
            return None
        return ([(one.version, one.body, one.attributes) for one in key.versions], key.state, key.policy)
    of_kind: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
        "role_definition": objects.role_definitions,
        "role_assignment": objects.role_assignments,
        "setting": objects.settings,
    }
    body = of_kind[group[0]].get(group[1])
    return None if body is None else (body,)


def fates(entries: Iterable[Entry]) -> Dict[str, Set[Any]]:
    """Each write applied, superseded, or waiting for a version that has not arrived."""
    held = list(entries)
    played = replay(held)
    last = (played.purge, played.single, *played.states[-1:], *played.policies[-1:])
    standing = [one for one in last if one is not None]
    standing += [one for pair in played.versions.values() for one in pair]
    applied = {one.identity for one in standing}
    known = {one.version for one in held if one.kind.value == "key_version"}
    cut = played.purge.order if played.purge is not None else (0, "")
    waiting = {
        one.identity
        for one in held
        if one.kind.value in ("key_attributes", "key_state") and one.anchor not in known and one.order > cut
    }
    best: Dict[Any, Tuple[int, str]] = {}
    for one in held:
        best[one.identity[:3]] = max(one.order, best.get(one.identity[:3], one.order))
    waiting = {
        one.identity for one in held if one.identity in waiting and best[one.identity[:3]] == one.order
    }
    lost = {one.identity for one in held} - applied - waiting
    return {"applied": applied, "superseded": lost, "waiting": waiting - applied}
