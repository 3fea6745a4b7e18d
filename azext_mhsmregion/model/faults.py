"""What can be broken on purpose, from when to when (rules F3, F4, L5, E4 to E6, G3; DESIGN
section 5). A fault is data: whoever asks what is down at an instant computes it from here."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Iterable, List, Optional, Sequence, Tuple

from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.partition import PARTITIONS_PER_REGION

Interval = Tuple[int, int]
"""From the first instant to the one that is no longer in it, service milliseconds."""


class Scope(str, enum.Enum):
    """How much is broken, the widest last (F4)."""

    PARTITION = "partition"
    LINK = "link"
    POOL = "pool"
    SERVICE = "service"
    REGION = "region"


class Effect(str, enum.Enum):
    """What the broken thing does."""

    REFUSE = "refuse"
    RESET = "reset"
    HANG = "hang"
    SLOW = "slow"
    ERROR = "error"
    THROTTLE = "throttle"
    DOWN = "down"
    LAG = "lag"
    CAPACITY = "capacity"
    PROVISIONING = "provisioning"
    SKEW = "skew"


class FaultKind(str, enum.Enum):
    """Does what was there come back (L5), or never (L5b, E6)?"""

    TRANSIENT = "transient"
    DESTROYED = "destroyed"


DOWN = (Effect.REFUSE, Effect.RESET, Effect.HANG)
"""Effects under which nothing is served."""

_SERVING = (*DOWN, Effect.SLOW, Effect.ERROR, Effect.THROTTLE)
EFFECTS = {
    Scope.PARTITION: _SERVING,
    Scope.POOL: _SERVING,
    Scope.SERVICE: (*_SERVING, Effect.CAPACITY, Effect.PROVISIONING),
    Scope.REGION: (*_SERVING, Effect.CAPACITY, Effect.PROVISIONING, Effect.SKEW),
    Scope.LINK: (Effect.DOWN, Effect.LAG),
}
"""What each scope can do; its first is the default."""

WIDE = (Scope.SERVICE, Scope.REGION)
"""Scopes that hit every pool of a region (F4)."""

DESTRUCTIBLE = (Scope.POOL, Scope.SERVICE, Scope.REGION)


@dataclass(frozen=True)
class Fault:
    """One fault. ``pool`` is the pool's id; empty for scopes service and region, and for a link
    of every pool. ``to`` is a link's other end, ``both_ways`` whether it is broken in both
    directions. ``rate`` is the share of requests hit (error, throttle), ``milliseconds`` the
    delay, added lag or clock skew (which may be negative). ``planned``: it was injected before it
    begins; ``cleared``: somebody ended it."""

    id: str
    scope: Scope
    region: str
    effect: Effect
    start: int
    end: int = NEVER
    pool: str = ""
    partition: Optional[int] = None
    to: str = ""
    both_ways: bool = True
    kind: FaultKind = FaultKind.TRANSIENT
    rate: float = 1.0
    milliseconds: int = 0
    planned: bool = False
    cleared: bool = False

    def covers(self, now: int) -> bool:
        """Is it on at ``now``?"""
        return self.start <= now < self.end

    def concerns(self, pool: str, region: str) -> bool:
        """Does it touch what the pool (by id) has in the region, links aside?"""
        return self.scope is not Scope.LINK and self.region == region and self.pool in ("", pool)

    @property
    def is_destruction(self) -> bool:
        return self.kind is FaultKind.DESTROYED

    @property
    def target(self) -> Tuple[Scope, str, str, Optional[int], str]:
        """What it breaks, whatever the effect."""
        return (self.scope, self.pool, self.region, self.partition, self.to)


Faults = Tuple[Fault, ...]


def on(faults: Iterable[Fault], now: int, effects: Sequence[Effect]) -> List[Fault]:
    """Those of some effects that are on at ``now``, the widest scope first."""
    found = [fault for fault in faults if fault.effect in effects and fault.covers(now)]
    order = list(Scope)
    return sorted(found, key=lambda fault: (-order.index(fault.scope), fault.start, fault.id))


def region_fault(faults: Faults, pool: str, region: str, now: int) -> Optional[Fault]:
    """Why nothing of the pool is served in the region at ``now``: a fault of scope pool, service
    or region, or a dead partition where all three are dead (A2). None: it serves."""
    here = [fault for fault in on(faults, now, DOWN) if fault.concerns(pool, region)]
    whole = next((fault for fault in here if fault.scope is not Scope.PARTITION), None)
    if whole is not None:
        return whole
    dead = {fault.partition for fault in here}
    return here[0] if len(dead) == PARTITIONS_PER_REGION else None


def partition_fault(faults: Faults, pool: str, region: str, partition: int, now: int) -> Optional[Fault]:
    """Why one partition serves nothing at ``now``, its region's outage included."""
    here = (fault for fault in on(faults, now, DOWN) if fault.concerns(pool, region))
    return next((fault for fault in here if fault.partition in (None, partition)), None)


def site_fault(faults: Faults, region: str, now: int) -> Optional[Fault]:
    """Why Managed HSM as a whole is down in a region at ``now`` (scopes service and region)."""
    here = on(faults, now, DOWN)
    return next((fault for fault in here if fault.scope in WIDE and fault.region == region), None)


def down_intervals(faults: Faults, pool: str, region: str) -> List[Interval]:
    """When nothing of the pool is served in the region, in order, disjoint."""
    here = [fault for fault in faults if fault.effect in DOWN and fault.concerns(pool, region)]
    whole = [(fault.start, fault.end) for fault in here if fault.scope is not Scope.PARTITION]
    return union([*whole, *_all_partitions(here)])


def destroyed_at(faults: Faults, pool: str, region: str) -> Optional[int]:
    """From when on what the pool has in the region is gone for ever, None: never."""
    starts = [fault.start for fault in faults if fault.is_destruction and fault.concerns(pool, region)]
    return min(starts, default=None)


def is_destroyed(faults: Faults, pool: str, region: str, now: int) -> bool:
    """Is what the pool has in the region gone for ever, at ``now``?"""
    dead = destroyed_at(faults, pool, region)
    return dead is not None and dead <= now


def skew(faults: Faults, region: str, now: int) -> int:
    """By how much the region's clock is wrong at ``now``, in milliseconds. It shifts stamps."""
    shifts = on(faults, now, (Effect.SKEW,))
    return sum(fault.milliseconds for fault in shifts if fault.region == region)


def union(intervals: Iterable[Interval]) -> List[Interval]:
    """The same instants as disjoint intervals, in order."""
    made: List[Interval] = []
    for start, end in sorted(intervals):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((start, end))
    return made


def _all_partitions(here: Sequence[Fault]) -> List[Interval]:
    """When all three partitions are dead at once."""
    both: List[Interval] = [(0, NEVER)]
    for number in range(PARTITIONS_PER_REGION):
        dead = union((fault.start, fault.end) for fault in here if fault.partition == number)
        common = ((max(one[0], two[0]), min(one[1], two[1])) for one in both for two in dead)
        both = [(start, end) for start, end in common if start < end]
    return both


__all__ = [
    "DESTRUCTIBLE", "DOWN", "EFFECTS", "WIDE", "Effect", "Fault", "FaultKind", "Faults", "Scope",
    "destroyed_at", "down_intervals", "is_destroyed", "on", "partition_fault", "region_fault", "site_fault",
    "skew", "union",
]  # fmt: skip
