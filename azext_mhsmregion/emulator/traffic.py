"""Traffic manager and balancers as sockets, DNS and in-process calls meet them: the model's
functions (``model/routing.py``) asked with what the store holds now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from azext_mhsmregion.emulator.hosts import POOL_SUFFIX
from azext_mhsmregion.emulator.pacing import Pacer
from azext_mhsmregion.emulator.turns import Turns
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Caller, ConnectionBroken, Location, NameKind, Resolution
from azext_mhsmregion.model import routing
from azext_mhsmregion.model.chance import chance
from azext_mhsmregion.model.clock import SECOND
from azext_mhsmregion.model.faults import Effect, Fault
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.model.routing import Traffic
from azext_mhsmregion.model.trouble import NONE, Trouble, upon

REFUSED = Effect.REFUSE.value
_LONGEST_TTL = 7 * 24 * 3600


@dataclass(frozen=True)
class Found:
    """What a data-plane name leads to. ``region`` may be one that is gone: a cache told so."""

    pool: Pool
    region: str


def conditions(unit: Unit) -> Traffic:
    """What decides at this instant beside the pool."""
    return Traffic(
        catalogue(),
        unit.faults,
        unit.profile.probes("probe"),
        unit.profile.probes("balancer"),
        unit.profile.of("dns.ttl"),
        unit.settings.routing,
        unit.settings.latency,
        unit.settings.seed,
    )


def pool_of(unit: Unit, host: str) -> Optional[Pool]:
    """The live pool that a data-plane name belongs to, None where there is none."""
    return unit.live_pool(host[: -len(POOL_SUFFIX)].rpartition(".")[2])


def find(
    unit: Unit, host: str, place: str, client: Optional[str], seen: Optional[Traffic] = None
) -> Optional[Found]:
    """Pool and region of a data-plane name for a client at ``place`` (A5, A6), None where the
    name does not exist. ``client`` owns a cache; None keeps none."""
    region = host[: -len(POOL_SUFFIX)].rpartition(".")[0]
    pool = pool_of(unit, host)
    if pool is None:
        return None
    if region:
        return Found(pool, region) if routing.has_address(pool, region, unit.now) else None
    place = place or unit.settings.place
    traffic = seen or conditions(unit)
    if client is None:
        route = routing.resolve(pool, place, unit.now, traffic)
    else:
        route = routing.resolve_cached(pool, place, client, unit.now, traffic)
    return None if route.region is None else Found(pool, route.region)


def location(unit: Unit, host: str, place: str) -> Location:
    """What DNS says of a data-plane name: the global name is an alias of a region's (A5, A6)."""
    found = find(unit, host, place, None)
    if found is None:
        return Location(NameKind.NXDOMAIN, ttl=ttl(unit))
    is_global = "." not in host[: -len(POOL_SUFFIX)]
    return Location(NameKind.OURS, found.region, f"{found.region}.{host}" if is_global else "", ttl(unit))


def ttl(unit: Unit) -> int:
    """The TTL (F5) in whole real seconds, in which those who cache live; a fast clock makes it
    short."""
    return min(_LONGEST_TTL, int(unit.profile.of("dns.ttl") / SECOND / unit.clock.scale))


class Balancer:
    """Counts the connections of each client, so that each lands on a partition of its own, and
    the same run lands the same way; ``pacer`` knows how busy their regions are (A9)."""

    def __init__(self) -> None:
        self._connections = Turns()
        self._requests = Turns()
        self.pacer = Pacer()

    def land(
        self, unit: Unit, found: Found, client: str, seen: Optional[Traffic] = None
    ) -> Tuple[int, Optional[str]]:
        """Partition of a new connection, and the effect that breaks it at once, if any."""
        number = self._connections.next(client)
        traffic = seen or conditions(unit)
        landing = routing.land(found.pool, found.region, unit.now, f"{client}/{number}", traffic)
        return landing.partition, _effect(unit, found, landing.fault)

    def resolution(self, unit: Unit, host: str, place: str, client: str) -> Resolution:
        """What a client's new connection to a data-plane name comes to."""
        seen = conditions(unit)
        found = find(unit, host, place, client, seen)
        if found is None:
            return Resolution(NameKind.NXDOMAIN)
        partition, effect = self.land(unit, found, client, seen)
        return Resolution(NameKind.OURS, found.region, partition, effect)

    def entry(self, unit: Unit, host: str, client: str, region: str) -> Resolution:
        """What a client's connection to a region's own address comes to: that region, whatever
        the name would resolve to now. One that does not serve the pool refuses it."""
        pool = pool_of(unit, host)
        if pool is None:
            return Resolution(NameKind.NXDOMAIN)
        partition, effect = self.land(unit, Found(pool, region), client)
        return Resolution(NameKind.OURS, region, partition, effect)

    def trouble(self, unit: Unit, pool: Pool, caller: Caller) -> Trouble:
        """What a fault does to one request that is answered all the same."""
        if not unit.faults or caller.region is None:
            return NONE
        number = self._requests.next(caller.client)

        def draw(fault: Fault) -> float:
            return chance(unit.settings.seed, fault.id, caller.client, number)

        return upon(unit.faults, pool.id, caller.region, caller.partition, unit.now, draw)


def require_open(unit: Unit, pool: Pool, caller: Caller) -> None:
    """Raises ConnectionBroken where the region or partition of a connection is out (F10)."""
    if caller.region is None:
        return
    fault = routing.fault_at(pool, caller.region, caller.partition, unit.now, unit.faults)
    effect = _effect(unit, Found(pool, caller.region), fault)
    if effect is not None:
        raise ConnectionBroken(effect, caller.region)


def _effect(unit: Unit, found: Found, fault: Optional[Fault]) -> Optional[str]:
    """A region that is gone, or Failed, refuses, as an address does that nobody has (E5, E9)."""
    if not routing.has_address(found.pool, found.region, unit.now):
        return REFUSED
    return None if fault is None else fault.effect.value
