"""Regions that accept and receive writes, and what they should show, worked out the slow way.

:class:`Regions` (two or three of them) drives ``replication.accept`` as the store does: rows go to
every region, a write is stamped above what its region shows. :func:`oracle` knows nothing of
winners or cuts: it replays a log of rows in the order of their stamps, as one would by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Set, Tuple

from hypothesis import strategies as st

from azext_mhsmregion.model import merge, replication
from azext_mhsmregion.model.network import Network, Outage
from azext_mhsmregion.model.replication import Kind, Links, Row, Stamp, Write

REGIONS = ("uksouth", "australiaeast", "japaneast")
MAX_LAG = 360_000
KEY_ACTS = ("create", "create", "attributes", "delete", "delete", "purge", "restore", "remake")
ACTS = (*KEY_ACTS, *KEY_ACTS, "assign", "define", "set")
"""Weighed: keys live through deletes, purges and restores, since that is where merging is hard."""

RowId = Tuple[Kind, str, str, Stamp]


@dataclass(frozen=True)
class Step:
    """After ``wait`` milliseconds, ``region`` (an index) does ``act`` to object ``target``."""

    wait: int
    region: int
    act: str
    target: int
    lag: int


waits = st.one_of(st.just(0), st.integers(1, 3), st.integers(4, MAX_LAG), st.integers(MAX_LAG, 4 * MAX_LAG))
lags = st.one_of(st.integers(0, 5), st.integers(0, MAX_LAG), st.just(MAX_LAG))
steps = st.lists(
    st.builds(
        Step,
        wait=waits,
        region=st.integers(0, 2),
        act=st.sampled_from(ACTS),
        target=st.sampled_from((0, 0, 0, 1)),
        lag=lags,
    ),
    min_size=1,
    max_size=30,
)
transient = st.lists(
    st.builds(
        lambda pair, start, length: Outage(*pair, start, start + length),
        pair=st.sampled_from([(a, b) for a in REGIONS for b in REGIONS if a < b]),
        start=st.integers(0, 6 * MAX_LAG),
        length=st.integers(1, 3 * MAX_LAG),
    ),
    max_size=3,
)
counts = st.sampled_from((2, 3))


@dataclass
class Regions:
    """The regions of one pool, their rows, and the log of what each accepted, in order."""

    names: Tuple[str, ...]
    outages: Tuple[Outage, ...] = ()
    now: int = 0
    rows: Dict[str, List[Row]] = field(default_factory=dict)
    log: Dict[str, List[RowId]] = field(default_factory=dict)
    links: Links = field(default_factory=dict)
    versions: Dict[str, List[str]] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.rows = {name: [] for name in self.names}
        self.log = {name: [] for name in self.names}

    def shown(self, region: str, at: int) -> merge.Objects:
        return merge.objects(merge.visible(self.rows[region], at))

    def accept(self, region: str, writes: List[Write], lag: int) -> None:
        """As the store does: stamped above everything that the region shows."""
        seen = max((row.stamp.hlc for row in merge.visible(self.rows[region], self.now)), default=0)
        others = {name: 0 for name in self.names if name != region}
        accepted = replication.accept(
            writes, region, others, self.now, seen, lambda: lag, self.links, Network(self.outages)
        )
        self.links = accepted.links
        for row in accepted.rows:
            self.rows[row.region].append(row)
            if row.region == region:
                self.log[region].append(row_id(row))

    def links_of(self, origin: str, region: str) -> List[Outage]:
        """The outages of the link between two regions."""
        return [outage for outage in self.outages if {outage.one, outage.other} == {origin, region}]

    def quiet(self) -> int:
        """The instant from which everything has arrived."""
        return max((row.visible_from for rows in self.rows.values() for row in rows), default=0)

    # -- steps ----------------------------------------------------------------------------
    def run(self, script: Iterable[Step]) -> None:
        for step in script:
            self.now += step.wait
            region = self.names[step.region % len(self.names)]
            writes = self.writes(region, step)
            if writes:
                self.accept(region, writes, step.lag)

    def writes(self, region: str, step: Step) -> List[Write]:
        """What a client's call comes to, by what its region shows. An act that would be refused
        gives way to one that is not: a delete of a deleted key recovers it, and so on."""
        shown, name = self.shown(region, self.now), f"n{step.target}"
        self.count += 1
        body = {"n": self.count}
        if step.act == "assign":
            gone = name in shown.role_assignments
            return [Write(Kind.ROLE_ASSIGNMENT, name, "", body, tombstone=gone)]
        if step.act == "define":
            return [Write(Kind.ROLE_DEFINITION, name, "", body)]
        if step.act == "set":
            return [Write(Kind.SETTING, name, "", body)]
        key = shown.keys.get(name)
        if key is None:
            again = self.versions.get(name, [])[-2:] if step.act in ("restore", "purge") else []
            return [self._version(name, version) for version in again] or [self._version(name)]
        if key.state:
            return self._of_a_deleted_key(key, step)
        return self._of_a_live_key(key, step, body)

    def _of_a_deleted_key(self, key: merge.Key, step: Step) -> List[Write]:
        if step.act == "remake":
            return [Write(Kind.KEY_PURGE, key.name), self._version(key.name)]
        if step.act in ("purge", "restore"):
            return [Write(Kind.KEY_PURGE, key.name)]
        return [Write(Kind.KEY_STATE, key.name, key.current.version, {})]

    def _of_a_live_key(self, key: merge.Key, step: Step, body: Dict[str, int]) -> List[Write]:
        if step.act in ("create", "remake"):
            return [self._version(key.name)]
        if step.act in ("attributes", "restore"):
            return [Write(Kind.KEY_ATTRIBUTES, key.name, key.versions[0].version, body)]
        return [Write(Kind.KEY_STATE, key.name, key.current.version, {"deleted": self.now, **body})]

    def _version(self, name: str, version: str = "") -> Write:
        if not version:
            version = f"v{self.count}"
            self.versions.setdefault(name, []).append(version)
        return Write(Kind.KEY_VERSION, name, version, {"attributes": {"made": self.count}})


def row_id(row: Row) -> RowId:
    return (*row.object, row.stamp)


def earliest(accepted: int, lag: int, outages: Iterable[Outage]) -> int:
    """When a write would arrive if nothing were before it: the first moment from which its link
    stays up for its lag, tried one after the other; plus the lag (L5)."""
    down = list(outages)

    def stays_up(leaves: int) -> bool:
        return not any(
            outage.start <= leaves < outage.end or leaves < outage.start < leaves + lag for outage in down
        )

    tries = sorted({accepted, *(outage.end for outage in down if outage.end > accepted)})
    return next(leaves for leaves in tries if stays_up(leaves)) + lag


# -- the oracle ---------------------------------------------------------------------------


@dataclass
class _Version:
    row: Row
    attributes: Row


@dataclass
class _Replay:
    """What a log, replayed by rising stamp, leaves standing."""

    versions: Dict[str, Dict[str, _Version]] = field(default_factory=dict)
    states: Dict[str, List[Row]] = field(default_factory=dict)
    purges: Dict[str, Row] = field(default_factory=dict)
    others: Dict[Tuple[Kind, str], Row] = field(default_factory=dict)

    def play(self, row: Row) -> None:
        if row.kind is Kind.KEY_VERSION:
            self.versions.setdefault(row.name, {})[row.version] = _Version(row, row)
            self.states[row.name] = [s for s in self.states.get(row.name, []) if s.version != row.version]
        elif row.kind is Kind.KEY_ATTRIBUTES:
            if row.version in self.versions.get(row.name, {}):
                self.versions[row.name][row.version].attributes = row
        elif row.kind is Kind.KEY_STATE:
            if row.version in self.versions.get(row.name, {}):
                self.states.setdefault(row.name, []).append(row)
        elif row.kind is Kind.KEY_PURGE:
            self.versions.pop(row.name, None)
            self.states.pop(row.name, None)
            self.purges[row.name] = row
        else:
            self.others[(row.kind, row.name)] = row


def replay(rows: Iterable[Row]) -> _Replay:
    played = _Replay()
    for row in sorted(rows, key=lambda row: (row.stamp.hlc, row.stamp.origin)):
        played.play(row)
    return played


def oracle(rows: Iterable[Row]) -> str:
    """What a region with these rows shows, as JSON that :func:`told` writes of the model's."""
    played = replay(rows)
    keys: Dict[str, Any] = {}
    for name, versions in played.versions.items():
        if versions:
            listed = sorted(versions.values(), key=lambda item: (item.row.stamp.hlc, item.row.stamp.origin))
            states = played.states.get(name, [])
            keys[name] = {
                "versions": [
                    [
                        item.row.version,
                        item.row.body,
                        item.attributes.body
                        if item.attributes is not item.row
                        else item.row.body["attributes"],
                    ]
                    for item in listed
                ],
                "state": states[-1].body if states else {},
            }
    others = {
        kind.value: {
            name: row.body for (of, name), row in played.others.items() if of is kind and not row.tombstone
        }
        for kind in (Kind.ROLE_DEFINITION, Kind.ROLE_ASSIGNMENT, Kind.SETTING)
    }
    return json.dumps({"keys": keys, **others}, sort_keys=True)


def told(objects: merge.Objects) -> str:
    """The model's objects in the oracle's shape."""
    keys = {
        name: {
            "versions": [[item.version, item.body, item.attributes] for item in key.versions],
            "state": key.state,
        }
        for name, key in objects.keys.items()
    }
    return json.dumps(
        {
            "keys": keys,
            Kind.ROLE_DEFINITION.value: objects.role_definitions,
            Kind.ROLE_ASSIGNMENT.value: objects.role_assignments,
            Kind.SETTING.value: objects.settings,
        },
        sort_keys=True,
    )


def applied(rows: Iterable[Row]) -> Set[RowId]:
    """The writes that stand when everything has arrived."""
    played = replay(rows)
    found = [*played.purges.values(), *played.others.values()]
    found += [states[-1] for states in played.states.values() if states]
    for versions in played.versions.values():
        for item in versions.values():
            found += [item.row, item.attributes]
    return {row_id(row) for row in found}
