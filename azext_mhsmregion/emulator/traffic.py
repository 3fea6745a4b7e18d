"""Traffic manager and balancers as sockets, DNS and in-process calls meet them: the model's
functions (``model/routing.py``) asked with what the store holds now."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Dict, Iterator, Optional, Tuple

from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Caller, ConnectionBroken, NameKind, Resolution
from azext_mhsmregion.model import routing
from azext_mhsmregion.model.chance import chance
from azext_mhsmregion.model.faults import Fault
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.model.routing import Traffic
from azext_mhsmregion.model.trouble import NONE, Trouble, upon

SUFFIX = ".managedhsm.azure.net"
_SERVED = ("Succeeded", "Deleting")


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
    pool = unit.tx.pool_named(host[: -len(SUFFIX)].rpartition(".")[2], unit.now)
    return None if pool is None or pool.phase(unit.now) != "live" else pool


def find(unit: Unit, host: str, place: str, client: Optional[str]) -> Optional[Found]:
    """Pool and region of a data-plane name for a client at ``place`` (A5, A6), None where the
    name does not exist. ``client`` owns a cache; None keeps none."""
    region = host[: -len(SUFFIX)].rpartition(".")[0]
    pool = pool_of(unit, host)
    if pool is None:
        return None
    if region:
        found = pool.region(region, unit.now)
        return Found(pool, region) if found is not None and found.state(unit.now) in _SERVED else None
    place = place or unit.settings.place
    traffic = conditions(unit)
    if client is None:
        route = routing.resolve(pool, place, unit.now, traffic)
    else:
        route = routing.resolve_cached(pool, place, client, unit.now, traffic)
    return None if route.region is None else Found(pool, route.region)


class Balancer:
    """Counts the connections of each client, so that each lands on a partition of its own, and
    the same run lands the same way."""

    def __init__(self) -> None:
        self._counts: Dict[str, Iterator[int]] = {}

    def land(self, unit: Unit, found: Found, client: str) -> Tuple[int, Optional[str]]:
        """Partition of a new connection, and the effect that breaks it at once, if any."""
        number = next(self._counts.setdefault(client, itertools.count()))
        traffic = conditions(unit)
        landing = routing.land(found.pool, found.region, unit.now, f"{client}/{number}", traffic)
        return landing.partition, _effect(unit, found, landing.fault)

    def resolution(self, unit: Unit, host: str, place: str, client: str) -> Resolution:
        """What a client's new connection to a data-plane name comes to."""
        found = find(unit, host, place, client)
        if found is None:
            return Resolution(NameKind.NXDOMAIN)
        partition, effect = self.land(unit, found, client)
        return Resolution(NameKind.OURS, found.region, partition, effect)

    def trouble(self, unit: Unit, pool: Pool, caller: Caller) -> Trouble:
        """What a fault does to one request that is answered all the same."""
        if not unit.faults or caller.region is None:
            return NONE
        number = next(self._counts.setdefault(f"{caller.client}/request", itertools.count()))

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
    """A region that is gone refuses, as an address does that nobody has any more (E9)."""
    if found.pool.region(found.region, unit.now) is None:
        return "refuse"
    return None if fault is None else fault.effect.value
