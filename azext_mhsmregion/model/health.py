"""What probes know of a region or a partition at an instant (rules A2, F7 to F9).

A probe goes out at every multiple of its interval. Whether it fails follows from the faults, so
the state at any instant is computed from the last few ticks; nobody has to keep it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Tuple

from azext_mhsmregion.model.chance import chance
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.faults import (
    Effect,
    Fault,
    Faults,
    Interval,
    on,
    partition_fault,
    region_fault,
    union,
)

_UNUSUAL = (Effect.ERROR, Effect.SLOW)


@dataclass(frozen=True)
class Probes:
    """How often something is looked at, how long an answer may take (at most the interval), and
    how many failures in a row are tolerated. Milliseconds."""

    interval: int
    timeout: int
    tolerated: int

    @property
    def slowest_detection(self) -> int:
        """The longest time from an outage to its detection (F7)."""
        return (self.tolerated + 1) * self.interval + self.timeout

    @property
    def fastest_detection(self) -> int:
        """The shortest: the outage began just before a tick."""
        return self.tolerated * self.interval


Failing = Callable[[int], Optional[Effect]]
"""What a probe sent at an instant meets: the effect that fails it, None: it succeeds."""


def is_healthy(failing: Failing, probes: Probes, now: int, since: int = 0) -> bool:
    """Does the prober take it for healthy at ``now``? One success makes it healthy; it takes one
    failure more than are tolerated, in a row, to make it unhealthy. Probes sent before ``since``
    count as successes."""
    results = _results(failing, probes, now, since)
    return any(next(results) for _ in range(probes.tolerated + 1))


def _results(failing: Failing, probes: Probes, now: int, since: int) -> Iterator[bool]:
    """Whether each probe that has ended by ``now`` succeeded, the newest first."""
    tick = now - now % probes.interval
    while True:
        effect = failing(tick) if tick >= since else None
        takes = probes.timeout if effect in (Effect.HANG, Effect.SLOW) else 0
        if tick + takes <= now:
            yield effect is None
        tick -= probes.interval


def region_is_healthy(
    faults: Faults, pool: str, region: str, probes: Probes, now: int, since: int = 0, seed: int = 0
) -> bool:
    """Does a region report healthy to the traffic manager at ``now`` (A2: any living partition is
    enough)? ``since`` is from when on it serves."""
    if not faults:
        return True

    def failing(tick: int) -> Optional[Effect]:
        return _region_effect(faults, pool, region, probes, tick, seed)

    return is_healthy(failing, probes, now, since)


def partition_is_healthy(
    faults: Faults, pool: str, region: str, partition: int, probes: Probes, now: int
) -> bool:
    """Does the region's balancer take a partition for healthy at ``now``?"""

    def failing(tick: int) -> Optional[Effect]:
        fault = partition_fault(faults, pool, region, partition, tick)
        return None if fault is None else fault.effect

    return is_healthy(failing, probes, now)


def _region_effect(
    faults: Faults, pool: str, region: str, probes: Probes, tick: int, seed: int
) -> Optional[Effect]:
    down = region_fault(faults, pool, region, tick)
    if down is not None:
        return down.effect
    unusual = (fault for fault in on(faults, tick, _UNUSUAL) if _is_whole(fault, pool, region))
    return next((fault.effect for fault in unusual if _fails(fault, probes, tick, seed)), None)


def _is_whole(fault: Fault, pool: str, region: str) -> bool:
    return fault.partition is None and fault.concerns(pool, region)


def _fails(fault: Fault, probes: Probes, tick: int, seed: int) -> bool:
    if fault.effect is Effect.SLOW:
        return fault.milliseconds > probes.timeout
    return chance(seed, fault.id, "probe", tick) < fault.rate


def changes(
    healthy: Callable[[int], bool], probes: Probes, start: int, end: int
) -> Iterator[Tuple[int, bool]]:
    """When health changes from ``start`` (not itself) to ``end``: (instant, healthy now). A probe
    ends at its tick or its timeout later, and nothing changes between."""
    was = healthy(start)
    tick = start - start % probes.interval
    while tick <= end:
        for instant in (tick, tick + probes.timeout):
            if start < instant <= end and healthy(instant) != was:
                was = not was
                yield instant, was
        tick += probes.interval


def unsettled(faults: Faults, pool: str, region: str, probes: Probes) -> List[Interval]:
    """When the health of a region can change at all: from each fault's begin and end for as long
    as detection takes; all the while it lasts where it fails some probes only."""
    spans: List[Interval] = []
    for fault in faults:
        if not fault.concerns(pool, region):
            continue
        settle = probes.slowest_detection + probes.interval
        edges = [fault.start, fault.end] if fault.effect is not Effect.ERROR else [fault.start]
        lasts = 0 if fault.effect is not Effect.ERROR else fault.end - fault.start
        spans += [(edge - 1, min(NEVER, edge + lasts + settle)) for edge in edges if edge < NEVER]
    return union(spans)
