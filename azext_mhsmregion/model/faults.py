"""What can be broken on purpose, from when to when (rules F3, F4, L5, E4 to E6, G3; DESIGN
section 5). A fault is data: whoever asks what is down at an instant computes it from here."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Iterable, List, Optional, Sequence, Set, Tuple

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.errors import Conflict, Invalid
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
_WITH_RATE = (Effect.ERROR, Effect.THROTTLE)
_WITH_MILLISECONDS = (Effect.SLOW, Effect.LAG, Effect.SKEW)


@dataclass(frozen=True)
class Fault:
    """One fault. ``pool`` is the pool's id; empty for scopes service and region, and for a link
    of every pool. ``to`` is a link's other end, ``both_ways`` whether it is broken in both
    directions. ``rate`` is the share of requests hit (error, throttle), ``milliseconds`` the
    delay, added lag or clock skew (which may be negative)."""

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


def checked(fault: Fault, others: Iterable[Fault]) -> Fault:
    """The fault, if it makes sense alone and beside ``others``. Raises Invalid, Conflict."""
    _check_alone(fault)
    for other in others:
        _check_beside(fault, other)
    return fault


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


def _check_alone(fault: Fault) -> None:
    if fault.effect not in EFFECTS[fault.scope]:
        possible = ", ".join(effect.value for effect in EFFECTS[fault.scope])
        raise Invalid(messages.fault_effect(fault.scope.value, fault.effect.value, possible))
    if fault.end <= fault.start:
        raise Invalid(messages.FAULT_ENDS_FIRST)
    if not 0 < fault.rate <= 1:
        raise Invalid(messages.FAULT_RATE)
    if fault.effect in _WITH_MILLISECONDS and not fault.milliseconds:
        raise Invalid(messages.fault_needs_delay(fault.effect.value))
    if fault.rate != 1 and fault.effect not in _WITH_RATE:
        raise Invalid(messages.fault_without("rate", fault.effect.value))
    if fault.milliseconds and fault.effect not in _WITH_MILLISECONDS:
        raise Invalid(messages.fault_without("milliseconds", fault.effect.value))
    if fault.milliseconds < 0 and fault.effect is not Effect.SKEW:
        raise Invalid(messages.FAULT_DELAY_NEGATIVE)
    _check_target(fault)
    if fault.is_destruction:
        _check_destruction(fault)


def _check_target(fault: Fault) -> None:
    if (fault.scope is Scope.PARTITION) != (fault.partition is not None):
        raise Invalid(messages.FAULT_PARTITION)
    if fault.partition is not None and not 0 <= fault.partition < PARTITIONS_PER_REGION:
        raise Invalid(messages.fault_partition_number(PARTITIONS_PER_REGION - 1))
    if (fault.scope is Scope.LINK) != bool(fault.to):
        raise Invalid(messages.FAULT_LINK_END)
    if fault.to == fault.region:
        raise Invalid(messages.FAULT_LINK_ITSELF)
    if fault.scope in WIDE and fault.pool:
        raise Invalid(messages.fault_hits_every_pool(fault.scope.value))
    if fault.scope in (Scope.PARTITION, Scope.POOL) and not fault.pool:
        raise Invalid(messages.fault_needs_pool(fault.scope.value))


def _check_destruction(fault: Fault) -> None:
    if fault.scope not in DESTRUCTIBLE or fault.effect not in DOWN:
        raise Invalid(messages.FAULT_INDESTRUCTIBLE)
    if fault.end != NEVER:
        raise Invalid(messages.FAULT_DESTROYED_FOR_EVER)


def _check_beside(fault: Fault, other: Fault) -> None:
    """Two faults of one target that want two things at once; or one on what is destroyed."""
    if max(fault.start, other.start) >= min(fault.end, other.end):
        return
    if other.is_destruction and _is_within(fault, other):
        raise Conflict(messages.fault_on_destroyed(other.id), "FaultsContradict")
    if not _is_same_target(fault, other):
        return
    if other.is_destruction or fault.is_destruction:
        raise Conflict(messages.fault_on_destroyed(other.id), "FaultsContradict")
    exclusive = (*DOWN, Effect.DOWN)
    if fault.effect is other.effect and fault.effect in exclusive:
        return  # of overlapping outages the last to end counts
    both_down = fault.effect in exclusive and other.effect in exclusive
    if both_down or fault.effect is other.effect:
        raise Conflict(messages.faults_contradict(other.id, other.effect.value), "FaultsContradict")


def _is_within(fault: Fault, other: Fault) -> bool:
    """Is what ``fault`` breaks a part of what ``other`` breaks?"""
    return fault.scope is not Scope.LINK and fault.region == other.region and other.pool in ("", fault.pool)


def _is_same_target(one: Fault, other: Fault) -> bool:
    """Do they break the same thing, two links in a direction that both of them have?"""
    if one.scope is Scope.LINK is other.scope:
        pools = one.pool == other.pool or "" in (one.pool, other.pool)
        return pools and bool(_directions(one) & _directions(other))
    return one.target == other.target


def _directions(link: Fault) -> Set[Tuple[str, str]]:
    one_way = {(link.region, link.to)}
    return one_way | {(link.to, link.region)} if link.both_ways else one_way


__all__ = [
    "DOWN", "EFFECTS", "WIDE", "Effect", "Fault", "FaultKind", "Faults", "Scope", "checked", "destroyed_at",
    "down_intervals", "is_destroyed", "on", "partition_fault", "region_fault", "site_fault", "skew", "union",
]  # fmt: skip
