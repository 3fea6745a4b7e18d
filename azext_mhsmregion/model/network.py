"""The links between a pool's regions, as the faults leave them, and when a write arrives over
them (rules L1, L5, L5b). All times are service milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Dict, List, Mapping, Sequence, Tuple

from azext_mhsmregion.model import faults as faulty
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.faults import Effect, Fault, Faults, Scope


@dataclass(frozen=True)
class Outage:
    """The link from ``one`` to ``other`` is down from ``start`` to ``end`` (NEVER: no planned
    end); both ways unless ``one_way``."""

    one: str
    other: str
    start: int
    end: int
    one_way: bool = False

    def is_on(self, origin: str, region: str) -> bool:
        """Does it break the link from ``origin`` to ``region``?"""
        way = (origin, region)
        return way == (self.one, self.other) or (not self.one_way and way == (self.other, self.one))


@dataclass(frozen=True)
class Slowdown(Outage):
    """The link takes ``extra`` milliseconds longer for what leaves in that time."""

    extra: int = 0


@dataclass(frozen=True)
class Network:
    """The links of one pool: outages, slowdowns, and which regions are destroyed from when on."""

    outages: Tuple[Outage, ...] = ()
    slowdowns: Tuple[Slowdown, ...] = ()
    destroyed: Mapping[str, int] = field(default_factory=dict)

    def outages_between(self, origin: str, region: str) -> List[Outage]:
        return [outage for outage in self.outages if outage.is_on(origin, region)]

    def extra(self, origin: str, region: str, leaves: int) -> int:
        """What the slowdowns add to the lag of a write that leaves then."""
        return sum(
            slow.extra
            for slow in self.slowdowns
            if slow.is_on(origin, region) and slow.start <= leaves < slow.end
        )


PEACE = Network()
"""Every link is up, for ever."""


def network(faults: Faults, pool: str, regions: Sequence[str]) -> Network:
    """The links of a pool (by id) between its regions as the faults leave them."""
    return _network(faults, pool, tuple(regions)) if faults else PEACE


@lru_cache(maxsize=64)
def _network(faults: Faults, pool: str, regions: Tuple[str, ...]) -> Network:
    outages: List[Outage] = []
    slowdowns: List[Slowdown] = []
    destroyed: Dict[str, int] = {}
    for region in regions:
        others = [other for other in regions if other != region]
        for start, end in faulty.down_intervals(faults, pool, region):
            outages.extend(Outage(region, other, start, end) for other in others)
        dead = faulty.destroyed_at(faults, pool, region)
        if dead is not None:
            destroyed[region] = dead
    for fault in (fault for fault in faults if fault.scope is Scope.LINK and fault.pool in ("", pool)):
        if fault.effect is Effect.DOWN:
            outages.append(_outage(fault))
        else:
            slowdowns.append(Slowdown(**vars(_outage(fault)), extra=fault.milliseconds))
    return Network(tuple(outages), tuple(slowdowns), destroyed)


def _outage(fault: Fault) -> Outage:
    return Outage(fault.region, fault.to, fault.start, fault.end, not fault.both_ways)


def arrival(origin: str, region: str, sent: int, lag: int, links: Network = PEACE) -> int:
    """When a write leaves the link, order aside: its lag after it was sent; a write that an
    outage holds leaves its lag after the end of the last outage that holds it (L5). NEVER where
    that outage has no planned end."""
    leaves, due = sent, sent + lag + links.extra(origin, region, sent)
    for outage in sorted(links.outages_between(origin, region), key=lambda one: one.end):
        if outage.start < max(due, leaves + 1) and leaves < outage.end:
            leaves = outage.end
            due = leaves + lag + links.extra(origin, region, leaves)
    return NEVER if leaves >= NEVER else due
