"""Who answers a client: the traffic manager, its clients' caches, and the balancer of a region
(rules A2, A3, A5, F5 to F10). Pure: from the pool, the faults, the place and the instant; sockets,
DNS and simulation all ask here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Mapping, Optional, Tuple

from azext_mhsmregion.model.chance import chance
from azext_mhsmregion.model.faults import Fault, Faults, partition_fault, region_fault
from azext_mhsmregion.model.health import Probes, partition_is_healthy, region_is_healthy
from azext_mhsmregion.model.pool import Pool, PoolRegion
from azext_mhsmregion.model.regions import Catalogue

METHODS = ("nearest", "latency", "primary-first")
"""How the traffic manager orders healthy regions (F6)."""


@dataclass(frozen=True)
class Traffic:
    """What decides beside the pool: faults, probes of the traffic manager and of the balancers,
    TTL (milliseconds), the order of regions, and milliseconds by place and region for it."""

    regions: Catalogue
    faults: Faults
    probes: Probes
    balancer: Probes
    ttl: int
    method: str = "nearest"
    latency: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seed: int = 0

    @property
    def slowest_failover(self) -> int:
        """The longest time from an outage to a client's first answer from elsewhere (F7)."""
        return self.probes.slowest_detection + self.ttl


@dataclass(frozen=True)
class Step:
    """What the traffic manager found of one region: its rank for the client's place, and why it
    was taken or passed over."""

    region: str
    measure: str
    verdict: str


@dataclass(frozen=True)
class Route:
    """Where a name leads: the region, None where none serves; when that was answered; each step to it."""

    region: Optional[str]
    at: int
    steps: Tuple[Step, ...] = ()


def resolve(pool: Pool, place: str, at: int, traffic: Traffic) -> Route:
    """What the traffic manager answers at ``at`` for the global name, to a client at ``place``.

    The first healthy region in order; where none is healthy, the first that serves at all, since
    an answer that may fail is better than none.
    """
    ordered = _ordered(pool, place, at, traffic)
    healthy = (region.name for region in ordered if is_healthy(pool, region, at, traffic))
    return Route(next(healthy, ordered[0].name if ordered else None), at)


def explain(pool: Pool, place: str, at: int, traffic: Traffic) -> Route:
    """What :func:`resolve` answers, with each step to it."""
    chosen = resolve(pool, place, at, traffic).region
    ordered = _ordered(pool, place, at, traffic)
    steps: List[Step] = []
    for region in pool.regions:
        if region not in ordered:
            state = region.state(at) if region.exists(at) else "gone"
            steps.append(Step(region.name, _measure(pool, region.name, place, traffic), f"not used: {state}"))
    for region in ordered:
        verdict = _verdict(region.name, chosen, is_healthy(pool, region, at, traffic))
        steps.append(Step(region.name, _measure(pool, region.name, place, traffic), verdict))
    return Route(chosen, at, tuple(steps))


def resolve_cached(pool: Pool, place: str, client: str, now: int, traffic: Traffic) -> Route:
    """What a client holds at ``now``: what it was told when its TTL last began (F7). A name that
    had no answer then is asked for anew."""
    found = resolve(pool, place, window_start(now, client, traffic), traffic)
    return found if found.region is not None else resolve(pool, place, now, traffic)


def window_start(now: int, client: str, traffic: Traffic) -> int:
    """When the client's cached answer was made. Clients' windows follow one another without a
    gap, each client's with an offset of its own."""
    if traffic.ttl <= 0:
        return now
    offset = int(chance(traffic.seed, "window", client) * traffic.ttl)
    return now - (now - offset) % traffic.ttl


@dataclass(frozen=True)
class Landing:
    """Where a new connection ends: a partition of the region, and the fault that it meets."""

    region: str
    partition: int
    fault: Optional[Fault] = None


def land(pool: Pool, region: str, now: int, connection: object, traffic: Traffic) -> Landing:
    """The partition that the region's balancer gives to a new connection. A dead partition gets
    its share until its probes have failed; where none is left, all get theirs."""
    here = next((item for item in pool.regions if item.name == region), pool.primary)
    numbers = [partition.number for partition in here.partitions]
    if traffic.faults:
        alive = [
            number
            for number in numbers
            if partition_is_healthy(traffic.faults, pool.id, region, number, traffic.balancer, now)
        ]
        numbers = alive or numbers
    number = numbers[int(chance(traffic.seed, pool.id, region, connection) * len(numbers))]
    return Landing(region, number, fault_at(pool, region, number, now, traffic.faults))


def has_address(pool: Pool, region: str, now: int) -> bool:
    """Does the pool answer at its address in the region at ``now``: ready, not Failed, not gone? One
    that is being added again does not know the connections of its former life (E9)."""
    here = pool.region(region, now)
    return here is not None and here.ready <= now and not here.has_failed(now)


def fault_at(pool: Pool, region: str, partition: Optional[int], now: int, faults: Faults) -> Optional[Fault]:
    """The fault that breaks a connection to a partition (None: to any) of a region at ``now``."""
    if not faults:
        return None
    if partition is None:
        return region_fault(faults, pool.id, region, now)
    return partition_fault(faults, pool.id, region, partition, now)


def _ordered(pool: Pool, place: str, at: int, traffic: Traffic) -> List[PoolRegion]:
    """The regions that serve at all, the best for the place first."""
    serving = [region for region in (*pool.regions, *pool.former) if region.serves(at)]
    if len(serving) < 2:
        return serving
    return sorted(serving, key=lambda region: _rank(pool, region.name, place, traffic))


def is_healthy(pool: Pool, region: PoolRegion, at: int, traffic: Traffic) -> bool:
    """Does the region report healthy to the traffic manager at ``at``?"""
    return region_is_healthy(
        traffic.faults, pool.id, region.name, traffic.probes, at, region.ready, traffic.seed
    )


def _rank(pool: Pool, region: str, place: str, traffic: Traffic) -> Tuple[float, float, str]:
    """Smaller is better. Distance where nothing better is known; the primary first for a place
    that is on no map."""
    is_primary = region == pool.primary.name
    if traffic.method == "primary-first" and is_primary:
        return (0, 0, region)
    where = traffic.regions.normalise(place)
    measured = traffic.latency.get(where, {}).get(region) if traffic.method == "latency" else None
    if measured is not None:
        return (1, measured, region)
    if not traffic.regions.known(place):
        return (2, 0 if is_primary else 1, region)
    return (2, traffic.regions.distance_km(where, region), region)


def _measure(pool: Pool, region: str, place: str, traffic: Traffic) -> str:
    group, amount, _ = _rank(pool, region, place, traffic)
    if group == 0:
        return "primary"
    if group == 1:
        return f"{amount:g} ms"
    if not traffic.regions.known(place):
        return "primary" if amount == 0 else "-"
    return f"{amount:.0f} km"


def _verdict(region: str, chosen: Optional[str], is_healthy: bool) -> str:
    if not is_healthy:
        return "taken: no region is healthy" if region == chosen else "passed over: unhealthy"
    return "taken" if region == chosen else "healthy, not first"
