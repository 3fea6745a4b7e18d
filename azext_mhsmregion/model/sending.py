"""Who brings a write to which region, and when (rules L3, L5, L5b, E1, E3, E9).

A region sends what it accepted itself. Once it cannot any more, because it is destroyed, was removed or
is being removed, whoever shows a write sends it on. All times are service milliseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, Mapping, NamedTuple, Sequence, Tuple

from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.network import PEACE, Network, arrival
from azext_mhsmregion.model.rows import Row

Lives = Mapping[str, Sequence[int]]
"""When each region, of now or of before, began to accept writes, each time that it was added (E9)."""


class Way(NamedTuple):
    """How a write comes to a region: from whom (empty: it accepted it, was seeded with it, shows it, or
    nobody brings it) and from when on that shows it."""

    sender: str
    due: int


@dataclass(frozen=True)
class Situation:
    """What sending depends on at ``now``: from when on each region of the pool shows anything (``ready``),
    the links, which regions are being removed and since when (``leaving``), and earlier lives."""

    now: int
    ready: Mapping[str, int]
    network: Network = PEACE
    leaving: Mapping[str, int] = field(default_factory=dict)
    lives: Lives = field(default_factory=dict)

    def dies(self, region: str) -> int:
        """When a region is destroyed; NEVER: it is not."""
        return self.network.destroyed.get(region, NEVER)

    def is_dead(self, region: str) -> bool:
        return self.dies(region) <= self.now

    def life(self, row: Row) -> int:
        """Of the lives of its origin, by how many the one that accepted a write is not the last (E9)."""
        begun = self.lives.get(row.stamp.origin, ())
        return len(begun) - bisect_right(begun, row.accepted)

    def silent_from(self, row: Row) -> int:
        """From when on others send on what a write's origin does not: 0 where that is there no more."""
        origin = row.stamp.origin
        if origin not in self.ready or self.life(row):
            return 0
        return min(self.dies(origin), self.leaving.get(origin, NEVER))

    def brings(self, sender: str, row: Row, since: int, least: int) -> int:
        """When ``sender``, which can send a row from ``since`` on, brings it: not before ``least``, when the
        one before it comes (L3), and never where the sender is destroyed by then."""
        if since >= NEVER:
            return NEVER
        due = arrival(sender, row.region, max(since, self.ready[row.region]), row.lag, self.network)
        if max(due, least) <= self.now:
            due = self._again(sender, row)
        if due >= least:
            return due
        return least if least < self.dies(sender) else NEVER

    def _again(self, sender: str, row: Row) -> int:
        """When a row comes that should be here by what is known of past outages, and is not: what held it is
        forgotten (faults are kept for a day), or who sends it has only now to."""
        sent = min(self.now, max(row.accepted, row.visible_from - row.lag))
        due = arrival(sender, row.region, max(sent, self.ready[row.region]), row.lag, self.network)
        return max(due, self.now + 1)


def ways(copies: Sequence[Row], least: Mapping[str, int], at: Situation) -> Dict[str, Way]:
    """How one write comes to each region of the pool that has a row of it: the soonest ways, found as
    Dijkstra does. ``least`` is when the write before it comes to each."""
    here = [row for row in copies if row.region in at.ready]
    found = {row.region: Way("", row.visible_from) for row in here if _is_settled(row, at.now)}
    missing = {row.region: row for row in here if row.region not in found}
    while missing:
        offers = (
            (at.brings(sender, row, since, least.get(region, 0)), since, sender, region)
            for sender, since in _senders(copies[0], found, at)
            for region, row in missing.items()
        )
        due, _, sender, region = min(offers, default=(NEVER, 0, "", ""))
        if due >= NEVER:
            break
        found[region] = Way(sender, due)
        del missing[region]
    return {**found, **dict.fromkeys(missing, Way("", NEVER))}


def _is_settled(row: Row, now: int) -> bool:
    """Is it there, or sure to be: seeded while its region is made (E1)?"""
    return row.visible_from <= now or (bool(row.via) and row.visible_from < NEVER)


def _senders(write: Row, found: Mapping[str, Way], at: Situation) -> Iterator[Tuple[str, int]]:
    """Who can send a write, and from when on: its origin, and in its place whoever shows it (L5b)."""
    silent, is_there = at.silent_from(write), not at.life(write)
    for region, way in found.items():
        if region == write.stamp.origin and is_there:
            yield region, way.due
        elif silent < NEVER:
            yield region, max(silent, way.due)


def waited_for(found: Mapping[str, Way], at: Situation) -> Iterable[Tuple[str, int]]:
    """Who has to send a write to a region that stays, itself or by others, and until when (E3). What none of
    these can get is waited for by whoever has it, for as long as one of them lives."""
    staying = [region for region in found if region not in at.leaving and not at.is_dead(region)]
    reached = [region for region in staying if found[region].due < NEVER]
    for region in reached:
        while found[region].sender:
            yield found[region].sender, found[region].due
            region = found[region].sender
    if staying and not reached:
        end = max(at.dies(region) for region in staying)
        for region, way in found.items():
            if way.due < NEVER:
                yield region, min(end, at.dies(region))
