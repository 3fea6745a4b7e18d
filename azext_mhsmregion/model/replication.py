"""Arrival is data, decided when a write is accepted; reads never write (rules L1 to L6, E1).

Each region of a pool has rows of its own. Accepting a write in one region makes its row there,
visible at once, and one row for each other region, visible from an instant that is known now.
All times are service time in milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Mapping, Protocol, Sequence, Tuple

from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.network import PEACE, Network, arrival
from azext_mhsmregion.model.rows import Kind, Links, Row, Stamp, Write
from azext_mhsmregion.model.sending import Situation, waited_for, ways

_COUNTER_BITS = 16


def next_hlc(now: int, last_seen: int) -> int:
    """The hybrid logical time of a write accepted at ``now`` in a region that has seen
    ``last_seen`` (0: nothing). Always greater than both."""
    return max(now << _COUNTER_BITS, last_seen + 1)


class Randomness(Protocol):
    """The part of ``random.Random`` that the model uses; handed in, never fetched."""

    def gauss(self, mu: float, sigma: float) -> float:
        """A normally distributed number."""


def draw_lag(random: Randomness, max_lag: int) -> int:
    """One write's lag: log-normal with a median of ``max_lag``/72, cut at ``max_lag`` (L2)."""
    median = max(1.0, max_lag / 72)
    return min(max_lag, int(math.exp(random.gauss(math.log(median), 1.0))))


@dataclass(frozen=True)
class Accepted:
    """What accepting or rearranging came to: the rows to store, the links moved on, and until when each
    region has something to send (E3)."""

    rows: Tuple[Row, ...]
    links: Links
    unsent_until: Mapping[str, int] = field(default_factory=dict)


def accept(
    writes: Sequence[Write],
    origin: str,
    others: Mapping[str, int],
    now: int,
    last_seen: int,
    draw: Callable[[], int],
    links: Links,
    network: Network = PEACE,
    skew: int = 0,
) -> Accepted:
    """Accept ``writes`` in ``origin`` at ``now``.

    ``others`` are the pool's other regions and the instant from which each can show anything
    (its Succeeded, E1). ``draw`` gives one lag for each write, ``skew`` is by how much the
    region's clock is wrong. A write never overtakes one that the same region accepted before it
    (L3): a running maximum for each link.
    """
    rows: List[Row] = []
    moved: Dict[Tuple[str, str], int] = dict(links)
    hlc = last_seen
    sent = {region: max(now, ready) for region, ready in others.items()}
    for write in writes:
        hlc = next_hlc(now + skew, hlc)
        lag = draw()
        own = Row(
            origin, write.kind, write.name, write.version, Stamp(hlc, origin),
            now, lag, now, write.tombstone, write.body,
        )  # fmt: skip
        rows.append(own)
        for region, since in sent.items():
            link = (origin, region)
            moved[link] = max(arrival(origin, region, since, lag, network), moved.get(link, 0))
            rows.append(own._replace(region=region, visible_from=moved[link]))
    return Accepted(tuple(rows), moved)


def seed(rows: Iterable[Row], region: str, now: int, ready: int) -> Tuple[Row, ...]:
    """Rows of a new region made from the primary's ``rows`` (E1): what the primary shows ``now`` is there at
    ``ready``, whatever the links do; how the rest comes, :func:`rearranged` says."""
    return tuple(
        row._replace(region=region, via=row.region, visible_from=ready)
        if row.visible_from <= now
        else row._replace(region=region, visible_from=NEVER)
        for row in rows
    )


def rearranged(rows: Iterable[Row], reached: Links, at: Situation) -> Accepted:
    """The rows that are not there yet, as they come in another situation: a fault came or went, a region is
    added, removed or about to be destroyed.

    ``rows`` are all rows of every write that is still on its way to some region, ``reached`` the latest
    ``visible_from`` up to now of each link. What is visible stays so; order is kept (L3), by each life of an
    origin: what it accepted before it was removed and added again holds up nothing that it accepts now (E9).
    """
    last = {(origin, 0, region): when for (origin, region), when in reached.items()}
    until = dict.fromkeys(at.ready, 0)
    changed: List[Row] = []
    for copies in _by_write(rows):
        origin, life = copies[0].stamp.origin, at.life(copies[0])
        found = ways(copies, {row.region: last.get((origin, life, row.region), 0) for row in copies}, at)
        for region, end in waited_for(found, at):
            until[region] = max(until[region], end)
        for row in copies:
            if row.region in found and row.visible_from > at.now:
                last[origin, life, row.region] = found[row.region].due
                changed.append(row._replace(visible_from=found[row.region].due))
    links = {(origin, region): when for (origin, life, region), when in last.items() if not life}
    return Accepted(tuple(changed), links, until)


def _by_write(rows: Iterable[Row]) -> List[List[Row]]:
    """Rows of one write together, in the order in which the writes were accepted."""
    writes: Dict[Tuple[Any, ...], List[Row]] = {}
    for row in sorted(rows, key=lambda item: (item.accepted, item.stamp)):
        writes.setdefault((*row.object, row.stamp), []).append(row)
    return list(writes.values())


def conflicts(write: Write, rows: Iterable[Row], now: int) -> Tuple[Row, ...]:
    """Rows that the accepting region holds and cannot show yet, of the same object, or a delete and a version
    of one key: neither region had seen the other's write (L6). ``rows`` are the accepting region's."""
    return tuple(
        row for row in rows if row.visible_from > now and row.name == write.name and _clash(write, row)
    )


def _clash(write: Write, row: Row) -> bool:
    """Versions are only added, so two of them never do; a key has one state, whatever version it is anchored
    to, and one that is created while its key is deleted elsewhere goes into the deleted key."""
    if {write.kind, row.kind} == {Kind.KEY_VERSION, Kind.KEY_STATE}:
        return "deleted" in (write if write.kind is Kind.KEY_STATE else row).body
    if write.kind is not row.kind or row.kind is Kind.KEY_VERSION:
        return False
    return row.kind is Kind.KEY_STATE or row.version == write.version
