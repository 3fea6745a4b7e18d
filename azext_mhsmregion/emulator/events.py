"""What happened, as a stream of JSON events: what the audit log holds (faults, conflicts, superseded
writes, losses), and what follows from the faults without anybody writing it (a region is taken for
unhealthy, or healthy again). Times are service time, as ISO 8601; ``realTime`` beside stored ones."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Tuple

from azext_mhsmregion.emulator import parse, traffic
from azext_mhsmregion.emulator.arm.bodies import stamp
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import health, routing
from azext_mhsmregion.model.clock import DAY
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.pool import Pool, PoolRegion
from azext_mhsmregion.model.routing import Traffic

UNHEALTHY, HEALTHY = "region-unhealthy", "region-healthy"
LOOKS_BACK = DAY
"""How far back changes of health are worked out: as long as a fault that has ended is kept, since a
fault that fails some probes makes each of them a question."""


def since(unit: Unit, after: str, pool: Optional[str] = None) -> Dict[str, Any]:
    """``value``: events behind ``after``, oldest first; ``after``: what to ask with next time. An
    empty ``after`` means all. Raises Invalid for one that is none."""
    last, moment = _cursor(after)
    stored = unit.tx.events_after(last, pool)
    found = [(event["service_time"], _stored(event)) for event in stored]
    for one in unit.tx.pools():
        wanted = pool is None or one.name.lower() == pool.lower()
        if wanted and one.phase(unit.now) == "live":
            found += _derived(unit, one, moment)
    newest = max((event["id"] for event in stored), default=last)
    ordered = [event for _, event in sorted(found, key=lambda item: item[0])]
    return {"value": ordered, "after": f"{newest}.{unit.now}"}


def _cursor(after: str) -> Tuple[int, int]:
    if not after:
        return 0, 0
    last, _, moment = (parse.whole_number(part) for part in after.partition("."))
    if last is None or moment is None:
        raise Invalid(f"'after' is '{after[:100]}'; it must be what an earlier answer said.", "BadParameter")
    return last, moment


def _stored(event: Dict[str, Any]) -> Dict[str, Any]:
    facts = {
        key: value for key, value in event.items() if key not in ("id", "service_time", "real_time", "pool")
    }
    return {
        "time": stamp(event["service_time"], milliseconds=True),
        "realTime": stamp(event["real_time"], milliseconds=True),
        "hsmName": event["pool"] or None,
        **facts,
    }


def _derived(unit: Unit, pool: Pool, moment: int) -> List[Tuple[int, Dict[str, Any]]]:
    """Changes of health of the pool's regions behind ``moment``, up to now."""
    seen = traffic.conditions(unit)
    moment = max(moment, unit.now - LOOKS_BACK)
    found = []
    for region in pool.regions:
        for instant, healthy in _health_changes(unit, pool, region, seen, moment):
            kind = HEALTHY if healthy else UNHEALTHY
            time = stamp(instant, milliseconds=True)
            usable = instant + seen.ttl
            facts = {"time": time, "hsmName": pool.name, "kind": kind, "region": region.name}
            found.append((instant, {**facts, "clientsKnowBy": stamp(usable, milliseconds=True)}))
    return found


def _health_changes(
    unit: Unit, pool: Pool, region: PoolRegion, seen: Traffic, moment: int
) -> Iterator[Tuple[int, bool]]:
    def healthy(now: int) -> bool:
        return routing.is_healthy(pool, region, now, seen)

    for start, end in health.unsettled(unit.faults, pool.id, region.name, seen.probes):
        yield from health.changes(healthy, seen.probes, max(moment, start), min(end, unit.now))
