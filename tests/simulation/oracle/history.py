"""What was broken from when to when, as it happened; and how long a write takes over such links. Knows
faults as data only: nothing here asks ``model/faults.py`` or ``model/network.py`` for an answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.faults import Fault

Span = Tuple[int, int]
Slow = Tuple[int, int, int]
"""From, until, milliseconds more."""

_DEAD = ("refuse", "reset", "hang")
_WIDE = ("pool", "service", "region")


@dataclass
class History:
    """Every fault of the run with the end that it really had."""

    def __post_init__(self) -> None:
        self.here: Dict[str, List[Fault]] = {}
        self.links: Dict[FrozenSet[str], List[Fault]] = {}
        self.version = 0

    def inject(self, fault: Fault) -> None:
        self.version += 1
        self._list(fault).append(fault)

    def clear(self, fault: Fault, now: int) -> None:
        """A fault that has not begun never was; another one ends now."""
        self.version += 1
        known = self._list(fault)
        kept = [one for one in known if one.id != fault.id]
        known[:] = kept if fault.start >= now else [*kept, replace(fault, end=now)]

    def _list(self, fault: Fault) -> List[Fault]:
        if fault.scope.value == "link":
            return self.links.setdefault(frozenset((fault.region, fault.to)), [])
        return self.here.setdefault(fault.region, [])

    # -- regions --------------------------------------------------------------------------
    def at(self, pool: str, region: str) -> List[Fault]:
        """Faults that touch what the pool has in the region."""
        known = self.here.get(region)
        return [fault for fault in known if not fault.pool or fault.pool == pool] if known else []

    def region_down(self, pool: str, region: str, when: int) -> bool:
        parts = set()
        for fault in self.at(pool, region):
            if fault.effect.value in _DEAD and fault.start <= when < fault.end:
                if fault.scope.value in _WIDE:
                    return True
                parts.add(fault.partition)
        return len(parts) >= 3

    def partition_effect(self, pool: str, region: str, partition: int, when: int) -> List[str]:
        """What breaks one partition at an instant."""
        return [
            fault.effect.value
            for fault in self.at(pool, region)
            if fault.effect.value in _DEAD
            and fault.start <= when < fault.end
            and (fault.scope.value in _WIDE or fault.partition == partition)
        ]

    def site_down(self, region: str, when: int) -> bool:
        """Is the whole service or region out?"""
        return any(
            fault.scope.value in ("service", "region")
            and fault.effect.value in _DEAD
            and fault.start <= when < fault.end
            for fault in self.here.get(region, ())
        )

    def destroyed(self, pool: str, region: str) -> Optional[int]:
        """From when on it is gone for ever; planned ends of it included."""
        starts = [fault.start for fault in self.at(pool, region) if fault.kind.value == "destroyed"]
        return min(starts) if starts else None

    def down(self, pool: str, region: str) -> List[Span]:
        """When nothing of the pool is up in the region; not merged."""
        faults = [fault for fault in self.at(pool, region) if fault.effect.value in _DEAD]
        spans = [(fault.start, fault.end) for fault in faults if fault.scope.value in _WIDE]
        parts = [fault for fault in faults if fault.scope.value == "partition"]
        if len({fault.partition for fault in parts}) >= 3:
            edges = sorted({edge for fault in parts for edge in (fault.start, fault.end)})
            for start, end in zip(edges, edges[1:]):
                dead = {fault.partition for fault in parts if fault.start <= start < fault.end}
                if len(dead) >= 3:
                    spans.append((start, end))
        return spans

    # -- links ----------------------------------------------------------------------------
    def blocked(self, pool: str, origin: str, region: str, since: int) -> List[Span]:
        """When nothing gets from ``origin`` to ``region``, as far as it ends after ``since``."""
        if origin not in self.here and region not in self.here and not self.links:
            return []
        spans = self.down(pool, origin) + self.down(pool, region)
        for fault in self._between(pool, origin, region):
            if fault.effect.value == "down":
                spans.append((fault.start, fault.end))
        return [span for span in spans if span[1] > since]

    def slow(self, pool: str, origin: str, region: str) -> List[Slow]:
        return [
            (fault.start, fault.end, fault.milliseconds)
            for fault in self._between(pool, origin, region)
            if fault.effect.value == "lag"
        ]

    def _between(self, pool: str, origin: str, region: str) -> Iterable[Fault]:
        for fault in self.links.get(frozenset((origin, region)), ()):
            this_way = (fault.region, fault.to) == (origin, region) or fault.both_ways
            if this_way and (not fault.pool or fault.pool == pool):
                yield fault

    def skew(self, region: str, when: int) -> int:
        return sum(
            fault.milliseconds
            for fault in self.here.get(region, ())
            if fault.effect.value == "skew" and fault.start <= when < fault.end
        )

    def any_effect(self, region: str, effect: str, when: int) -> bool:
        return any(
            fault.effect.value == effect and fault.start <= when < fault.end
            for fault in self.here.get(region, ())
        )

    def is_on(self, pool: str, regions: Sequence[str], when: int) -> bool:
        """Is anything of the pool under a fault?"""
        if any(f.start <= when < f.end for region in regions for f in self.at(pool, region)):
            return True
        return any(
            pair <= set(regions) and fault.start <= when < fault.end and fault.pool in ("", pool)
            for pair, faults in self.links.items()
            for fault in faults
        )


def earliest(sent: int, lag: int, blocked: Sequence[Span], slow: Sequence[Slow]) -> int:
    """When a write arrives if nothing is before it: it leaves at the first moment from which the link
    stays up until it is there; tried one after the other. NEVER where there is no such moment."""
    for leaves in sorted({sent, *(end for _, end in blocked if end > sent)}):
        if leaves >= NEVER:
            return NEVER
        takes = lag + sum(extra for start, end, extra in slow if start <= leaves < end)
        if not any(s <= leaves < e or leaves < s < leaves + takes for s, e in blocked):
            return leaves + takes
    return NEVER


def last_end(blocked: Sequence[Span], now: int) -> Optional[int]:
    """The latest instant up to ``now`` at which a link was down (its end); None while it is down."""
    if any(start <= now < end for start, end in blocked):
        return None
    return max((end for start, end in blocked if end <= now), default=0)
