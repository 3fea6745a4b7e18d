"""A pool as its operator wants to see it: each region's health, partitions, what it still lacks of
the others' writes, what was lost, and who would answer a client (rules A2, B5, F6, F7, L5b to L7)."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from azext_mhsmregion.emulator import breaking, fault_facts, losses, standing, traffic
from azext_mhsmregion.emulator.arm.bodies import stamp
from azext_mhsmregion.emulator.store.row_verbs import Backlog
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import health, routing
from azext_mhsmregion.model.data import load
from azext_mhsmregion.model.faults import Fault, destroyed_at, is_destroyed, partition_fault, region_fault
from azext_mhsmregion.model.pool import Pool, PoolRegion
from azext_mhsmregion.model.routing import Traffic


def of_pool(unit: Unit, pool: Pool) -> Dict[str, Any]:
    """The whole picture at this instant."""
    seen = traffic.conditions(unit)
    living = [region for region in pool.regions if region.exists(unit.now)]
    backlogs = unit.tx.backlogs(pool.id, unit.now, standing.alive(unit, pool))
    events = unit.tx.event_counts(pool)
    return {
        "hsmName": pool.name,
        "time": stamp(unit.now, milliseconds=True),
        "documentedSlaPercent": _sla(living, unit.now),
        "failoverWithinSeconds": seen.slowest_failover / 1000,
        "detectionTakesSeconds": [seen.probes.fastest_detection / 1000, seen.probes.slowest_detection / 1000],
        "regions": [_region(unit, pool, region, seen, backlogs) for region in living],
        "conflicts": events.get("conflict", 0),
        "superseded": events.get("superseded", 0),
        "lost": _lost(unit, pool, living),
        "faults": [fault_facts.shown(unit, fault) for fault in breaking.on_now(unit, pool)],
    }


def route(unit: Unit, pool: Pool, place: str, client: Optional[str] = None) -> Dict[str, Any]:
    """Who would answer a client at ``place``, and why: each region in the traffic manager's order.
    With a ``client``, what that one's cache holds."""
    seen = traffic.conditions(unit)
    place = place or unit.settings.place
    at = unit.now if client is None else routing.resolve_cached(pool, place, client, unit.now, seen).at
    found = routing.explain(pool, place, at, seen)
    down = None if found.region is None else region_fault(unit.faults, pool.id, found.region, unit.now)
    return {
        "hsmName": pool.name,
        "from": place,
        "region": found.region,
        "answers": found.region is not None and down is None,
        "outage": None if down is None else _outage(down),
        "resolvedAt": stamp(found.at, milliseconds=True),
        "ttlSeconds": seen.ttl / 1000,
        "method": seen.method,
        "steps": [
            {"region": step.region, "measure": step.measure, "verdict": step.verdict} for step in found.steps
        ],
    }


def _region(
    unit: Unit, pool: Pool, region: PoolRegion, seen: Traffic, backlogs: List[Backlog]
) -> Dict[str, Any]:
    name = region.name
    down = region_fault(unit.faults, pool.id, name, unit.now)
    last = unit.tx.last_applied(pool.id, name, unit.now)
    return {
        "name": name,
        "isPrimary": region.is_primary,
        "provisioningState": region.state(unit.now),
        "serving": region.serves(unit.now) and down is None,
        "health": _health(unit, pool, region, seen),
        "outage": None if down is None else _outage(down),
        "destroyed": is_destroyed(unit.faults, pool.id, name, unit.now),
        "partitions": [_partition(unit, pool, name, part.number, seen) for part in region.partitions],
        "lastAppliedWrite": None if last is None else stamp(last, milliseconds=True),
        "lacks": [_lacks(unit, pool, one) for one in backlogs if one.region == name],
    }


def _health(unit: Unit, pool: Pool, region: PoolRegion, seen: Traffic) -> Optional[str]:
    """As the traffic manager has it; None for a region that it does not use (E1, E3, E5)."""
    if not region.serves(unit.now):
        return None
    return "healthy" if routing.is_healthy(pool, region, unit.now, seen) else "unhealthy"


def _partition(unit: Unit, pool: Pool, region: str, number: int, seen: Traffic) -> Dict[str, Any]:
    """Those of a region that is not ready, or Failed, are down (E1, E5)."""
    there = routing.has_address(pool, region, unit.now)
    dead = partition_fault(unit.faults, pool.id, region, number, unit.now) is not None
    used = health.partition_is_healthy(unit.faults, pool.id, region, number, seen.balancer, unit.now)
    return {"number": number, "state": "up" if there and not dead else "down", "inRotation": there and used}


def _lacks(unit: Unit, pool: Pool, backlog: Backlog) -> Dict[str, Any]:
    """What a region does not show yet of another's writes; revoked rights by themselves (L7). Those of a
    destroyed one others send on."""
    return {
        "from": backlog.origin,
        "writes": backlog.writes,
        "lagSeconds": (unit.now - backlog.oldest) / 1000,
        "revokedRights": backlog.revocations,
        "revokedRightsLagSeconds": (unit.now - backlog.oldest_revocation) / 1000
        if backlog.revocations
        else 0,
        "fromDestroyed": is_destroyed(unit.faults, pool.id, backlog.origin, unit.now),
    }


def _outage(fault: Fault) -> Dict[str, Any]:
    return {
        "fault": fault.id,
        "scope": fault.scope.value,
        "effect": fault.effect.value,
        "kind": fault.kind.value,
    }


def _sla(living: List[PoolRegion], now: int) -> float:
    serving = [region for region in living if region.state(now) == "Succeeded"]
    percent: Mapping[str, float] = load("sla")["percent"]
    return percent["2" if len(serving) > 1 else "1"]


def _lost(unit: Unit, pool: Pool, living: List[PoolRegion]) -> List[Dict[str, Any]]:
    """By region what was lost with it: the tail of a destroyed one that no living one will ever show, the
    RPO (L5b), and what removals lost, of regions that are gone too (E3)."""
    told = unit.tx.events_of(pool, "loss")
    lost: List[Dict[str, Any]] = []
    for region in living:
        dead = destroyed_at(unit.faults, pool.id, region.name)
        if dead is not None and dead <= unit.now:
            loss = losses.loss_if_removed(unit, pool, region.name)
            mine = [event for event in told if _is_of_life(event, region)]
            if loss.writes >= sum(event["writes"] for event in mine):  # its removal's are among them
                told = [event for event in told if event not in mine]
                lost.append(loss.facts(region.name, dead))
    return _by_region([*lost, *(_recorded(unit, pool, event) for event in told)])


def _is_of_life(event: Mapping[str, Any], region: PoolRegion) -> bool:
    """Was it lost by the region that is there, not by one that was removed before (E9)?"""
    return bool(event["region"] == region.name and event["service_time"] >= region.accepted)


def _recorded(unit: Unit, pool: Pool, event: Mapping[str, Any]) -> Dict[str, Any]:
    """A loss of the audit log: how old its writes were when their region died, or was removed."""
    removed = event["service_time"]
    dead = destroyed_at(unit.faults, pool.id, event["region"])
    early = 0 if dead is None else max(0, removed - dead)
    seconds = max(0.0, event["seconds"] - early / 1000)
    return {"region": event["region"], "writes": event["writes"], "seconds": seconds}


def _by_region(lost: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """One entry a region: a region may have had several lives."""
    total: Dict[str, Dict[str, Any]] = {}
    for one in lost:
        seen = total.setdefault(one["region"], {"region": one["region"], "writes": 0, "seconds": 0.0})
        seen.update(writes=seen["writes"] + one["writes"], seconds=max(seen["seconds"], one["seconds"]))
    return list(total.values())
