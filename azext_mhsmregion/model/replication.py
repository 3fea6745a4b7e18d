"""Arrival is data, decided when a write is accepted; reads never write (rules L1 to L6, E1).

Each region of a pool has rows of its own. Accepting a write in one region makes its row there,
visible at once, and one row for each other region, visible from an instant that is known now.
All times are service time in milliseconds.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterable, List, Mapping, Protocol, Sequence, Tuple

NEVER = 2**62
"""A ``visible_from`` that no clock reaches: the link has no planned end of its outage."""

_COUNTER_BITS = 16


class Kind(str, enum.Enum):
    """What a row describes. Order of merging differs by kind (rule L6, ``merge.py``)."""

    KEY_VERSION = "key_version"
    KEY_ATTRIBUTES = "key_attributes"
    KEY_STATE = "key_state"
    KEY_PURGE = "key_purge"
    ROLE_DEFINITION = "role_definition"
    ROLE_ASSIGNMENT = "role_assignment"
    SETTING = "setting"


@dataclass(frozen=True, order=True)
class Stamp:
    """Hybrid logical time and the region that accepted the write: a total order (L6)."""

    hlc: int
    origin: str


def next_hlc(now: int, last_seen: int) -> int:
    """The hybrid logical time of a write accepted at ``now`` in a region that has seen
    ``last_seen`` (0: nothing). Always greater than both."""
    return max(now << _COUNTER_BITS, last_seen + 1)


@dataclass(frozen=True)
class Write:
    """One object as a command wants it. ``version`` is a key's version, the version that an
    attribute, state or policy is anchored to, or empty. ``body`` is immutable once accepted."""

    kind: Kind
    name: str
    version: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    tombstone: bool = False


@dataclass(frozen=True)
class Row:
    """A write as one region holds it."""

    region: str
    kind: Kind
    name: str
    version: str
    stamp: Stamp
    accepted: int
    lag: int
    visible_from: int
    tombstone: bool
    body: Mapping[str, Any]

    @property
    def object(self) -> Tuple[Kind, str, str]:
        """What the row describes, whatever its stamp."""
        return (self.kind, self.name, self.version)


@dataclass(frozen=True)
class Outage:
    """The link between two regions is down from ``start`` to ``end`` (NEVER: no planned end).
    Both ways; direction comes with the faults."""

    one: str
    other: str
    start: int
    end: int

    def covers(self, origin: str, region: str, instant: int) -> bool:
        """Is the link from ``origin`` to ``region`` down at ``instant``?"""
        return {origin, region} == {self.one, self.other} and self.start <= instant < self.end


class Randomness(Protocol):
    """The part of ``random.Random`` that the model uses; handed in, never fetched."""

    def gauss(self, mu: float, sigma: float) -> float:
        """A normally distributed number."""


def draw_lag(random: Randomness, max_lag: int) -> int:
    """One write's lag: log-normal with a median of ``max_lag``/72, cut at ``max_lag`` (L2)."""
    median = max(1.0, max_lag / 72)
    return min(max_lag, int(math.exp(random.gauss(math.log(median), 1.0))))


def arrival(origin: str, region: str, accepted: int, lag: int, outages: Iterable[Outage] = ()) -> int:
    """When a write leaves the link, order aside: its lag after acceptance; a write that an
    outage holds leaves its lag after the end of the last outage that holds it (L5)."""
    leaves = accepted
    for outage in sorted(outages, key=lambda item: item.start):
        if outage.covers(origin, region, leaves) or (
            {origin, region} == {outage.one, outage.other} and leaves < outage.start < leaves + lag
        ):
            if outage.end >= NEVER:
                return NEVER
            leaves = max(leaves, outage.end)
    return leaves + lag


Links = Mapping[Tuple[str, str], int]
"""(origin, region) → the latest ``visible_from`` handed out on that link, so far."""


@dataclass(frozen=True)
class Accepted:
    """What accepting came to: the rows to store, and the links moved on."""

    rows: Tuple[Row, ...]
    links: Links


def accept(
    writes: Sequence[Write],
    origin: str,
    others: Mapping[str, int],
    now: int,
    last_seen: int,
    draw: Callable[[], int],
    links: Links,
    outages: Sequence[Outage] = (),
) -> Accepted:
    """Accept ``writes`` in ``origin`` at ``now``.

    ``others`` are the pool's other regions and the instant from which each can show anything
    (its Succeeded, E1). ``draw`` gives one lag for each write. A write never overtakes one that
    the same region accepted before it (L3): a running maximum for each link.
    """
    rows: List[Row] = []
    moved: Dict[Tuple[str, str], int] = dict(links)
    hlc = last_seen
    for write in writes:
        hlc = next_hlc(now, hlc)
        lag = draw()
        own = Row(
            origin, write.kind, write.name, write.version, Stamp(hlc, origin),
            now, lag, now, write.tombstone, write.body,
        )  # fmt: skip
        rows.append(own)
        for region, ready in others.items():
            link = (origin, region)
            # The link to a region that is being seeded starts at its Succeeded (E1, L1).
            due = arrival(origin, region, max(now, ready), lag, outages)
            moved[link] = max(due, moved.get(link, 0))
            rows.append(replace(own, region=region, visible_from=moved[link]))
    return Accepted(tuple(rows), moved)


def seed(rows: Iterable[Row], region: str, ready: int, links: Links) -> Accepted:
    """Rows of a new region made from the primary's ``rows`` (E1): what the primary shows by
    ``ready`` is there at ``ready``; what is still in flight to it follows in its link's order."""
    made: List[Row] = []
    moved: Dict[Tuple[str, str], int] = dict(links)
    for row in sorted(rows, key=lambda item: (item.visible_from, item.stamp)):
        link = (row.stamp.origin, region)
        moved[link] = max(ready, row.visible_from, moved.get(link, 0))
        made.append(replace(row, region=region, visible_from=moved[link]))
    return Accepted(tuple(made), moved)


def unsent_until(rows: Iterable[Row], origin: str, now: int) -> int:
    """Until when writes accepted by ``origin`` are on their way to other regions (E3); ``now``
    when all have arrived, NEVER when a link has no planned end of its outage."""
    waits = [row.visible_from for row in rows if row.stamp.origin == origin and row.region != origin]
    return max([now, *waits])


def conflicts(write: Write, rows: Iterable[Row], now: int) -> Tuple[Row, ...]:
    """Rows of the same object that the accepting region holds and cannot show yet: neither
    region had seen the other's write (L6). ``rows`` are the accepting region's."""
    if write.kind is Kind.KEY_VERSION:
        return ()  # versions are only added: two of them never conflict
    of_the_key = write.kind is Kind.KEY_STATE  # one state a key, whatever version it is anchored to
    return tuple(
        row
        for row in rows
        if (row.kind, row.name) == (write.kind, write.name)
        and (of_the_key or row.version == write.version)
        and row.visible_from > now
    )
