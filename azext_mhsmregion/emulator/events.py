"""What happened, as a stream of JSON events: what the audit log holds (faults, conflicts, superseded
writes, losses), and what follows from the faults without anybody writing it (one begins as planned or
ends by itself, a region is taken for unhealthy, or healthy again). Times are service time, as ISO 8601;
``realTime`` beside stored ones.
A page holds no more than :data:`PAGE` of either, and fewer where much has to be worked out for them, so
that none keeps the store busy for long."""

from __future__ import annotations

import heapq
from itertools import islice, takewhile
from typing import Any, Dict, Iterator, List, Optional, Tuple

from azext_mhsmregion.emulator import fault_facts, parse, traffic
from azext_mhsmregion.emulator.arm.bodies import stamp
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import health, messages, routing
from azext_mhsmregion.model.clock import DAY
from azext_mhsmregion.model.errors import Invalid, NotFound
from azext_mhsmregion.model.faults import Interval, union
from azext_mhsmregion.model.pool import Pool, PoolRegion
from azext_mhsmregion.model.routing import Traffic

UNHEALTHY, HEALTHY = "region-unhealthy", "region-healthy"
LOOKS_BACK = DAY
"""How far back changes of health are worked out: as long as a fault that has ended is kept, since a
fault that fails some probes makes each of them a question."""
PAGE = 500
_PROBES = 3000
"""So many of each region are looked at for one page."""
_STEP = 200
"""So many of them at once where the newest are asked for."""

Dated = Tuple[int, Dict[str, Any]]


def since(unit: Unit, after: str, pool: Optional[str] = None) -> Dict[str, Any]:
    """``value``: events behind ``after``, oldest first; ``after``: what to ask with next time; ``more``:
    are there any already. An empty ``after`` means all. Raises Invalid for one that is none, NotFound
    where no pool has that name."""
    last, moment = _cursor(after)
    owner = _owner(unit, pool)
    stored = unit.tx.events_after(last, owner, PAGE + 1)
    page = stored[:PAGE]
    derived, until = _first_derived(unit, owner, moment, _horizon(unit, stored, moment))
    if until < unit.now:
        page = [*takewhile(lambda event: event["service_time"] <= until, page)]
    more = until < unit.now or len(page) < len(stored)
    last = page[-1]["id"] if page else last
    return _page([_stored(event) for event in page] + derived, f"{last}.{until}", more)


def newest(unit: Unit, most: int, pool: Optional[str] = None) -> Dict[str, Any]:
    """The same of the last ``most`` events; what is behind them comes with the next page."""
    owner = _owner(unit, pool)
    stored = [_stored(event) for event in unit.tx.newest_events(most, owner)]
    floor = stored[0][0] if stored and len(stored) == most else 0
    found = stored + _last_derived(unit, owner, most, floor)
    page = _page(found, f"{unit.tx.last_event()}.{unit.now}", more=False)
    return {**page, "value": page["value"][len(found) - min(most, len(found)) :]}


def _page(found: List[Dated], after: str, more: bool) -> Dict[str, Any]:
    ordered = [event for _, event in sorted(found, key=lambda item: item[0])]
    return {"value": ordered, "after": after, "more": more}


def _horizon(unit: Unit, stored: List[Dict[str, Any]], moment: int) -> int:
    """Up to when a page tells changes of health: now, or where its stored events end."""
    if len(stored) <= PAGE:
        return unit.now
    times: List[int] = [event["service_time"] for event in stored[:PAGE]]
    return min(unit.now, max(moment, *times))


def _owner(unit: Unit, name: Optional[str]) -> Optional[Pool]:
    """The pool, live or soft-deleted, whose events are asked for; None: those of all. Raises NotFound."""
    if name is None:
        return None
    pool = unit.tx.pool_named(name, unit.now)
    if pool is None:
        raise NotFound(messages.pool_not_found(name), "PoolNotFound")
    return pool


def _cursor(after: str) -> Tuple[int, int]:
    if not after:
        return 0, 0
    last, _, moment = (parse.whole_number(part) for part in after.partition("."))
    if last is None or moment is None:
        raise Invalid(f"'after' is '{after[:100]}'; it must be what an earlier answer said.", "BadParameter")
    return last, moment


def _stored(event: Dict[str, Any]) -> Dated:
    facts = {
        key: value for key, value in event.items() if key not in ("id", "service_time", "real_time", "pool")
    }
    return event["service_time"], {
        "time": stamp(event["service_time"], milliseconds=True),
        "realTime": stamp(event["real_time"], milliseconds=True),
        "hsmName": event["pool"] or None,
        **facts,
    }


def _first_derived(unit: Unit, owner: Optional[Pool], moment: int, until: int) -> Tuple[List[Dated], int]:
    """A page of turns of faults and changes of health behind ``moment``, and up to when there are no
    others: ``until``, as far as was looked, or the last one told. Those of one instant are not parted."""
    until = _bounded(unit, owner, moment, until)
    turns = _of_faults(unit, owner, moment, until)
    changes = heapq.merge(turns, _derived(unit, owner, moment, until), key=lambda item: item[0])
    found = list(islice(changes, PAGE))
    if len(found) < PAGE:
        return found, until
    end = found[-1][0]
    return found + list(takewhile(lambda item: item[0] == end, changes)), end


def _last_derived(unit: Unit, owner: Optional[Pool], most: int, floor: int) -> List[Dated]:
    """The last ``most`` changes of health not before ``floor``, or some more, and the turns of faults since
    then; health is worked out backwards, over :data:`_PROBES` at most: what is seldom may be told only by
    pages."""
    floor = max(floor - 1, unit.now - LOOKS_BACK)
    interval = unit.profile.probes("probe").interval
    found: List[Dated] = []
    left = _PROBES
    for start, end in reversed(_unsettled(unit, owner, floor, unit.now)):
        while end > start and left > 0 and len(found) < most:
            begin = max(start, end - _STEP * interval)
            found = [*_derived(unit, owner, begin, end), *found]
            left -= (end - begin) // interval + 1
            end = begin
    return _of_faults(unit, owner, floor, unit.now) + found


def _of_faults(unit: Unit, owner: Optional[Pool], moment: int, until: int) -> List[Dated]:
    """Faults that began as planned or ended by themselves behind ``moment``, up to ``until``, in order."""
    first = max(moment + 1, unit.now - LOOKS_BACK + 1, 0 if owner is None else owner.created)
    found: List[Dated] = []
    for fault in unit.faults:
        if owner is None or fault.pool in ("", owner.id):
            pool = unit.tx.pool_by_id(fault.pool) if fault.pool else None
            name = None if pool is None else pool.name
            found += [
                (at, {"time": stamp(at, milliseconds=True), "hsmName": name, "kind": "fault", **facts})
                for at, facts in fault_facts.turns(fault)
                if first <= at <= until
            ]
    return sorted(found, key=lambda item: item[0])


def _bounded(unit: Unit, owner: Optional[Pool], moment: int, until: int) -> int:
    """Up to when a page works out changes of health: over :data:`_PROBES` at most."""
    moment = max(moment, unit.now - LOOKS_BACK)
    spans = _unsettled(unit, owner, moment, until)
    longest = _PROBES * unit.profile.probes("probe").interval
    return min(until, spans[0][0] + longest) if spans else until


def _unsettled(unit: Unit, owner: Optional[Pool], moment: int, until: int) -> List[Interval]:
    """When behind ``moment`` and up to ``until`` the health of some region can change."""
    probes = unit.profile.probes("probe")
    found = (
        (max(moment, start), min(until, end))
        for pool, region in _regions(unit, owner)
        for start, end in health.unsettled(unit.faults, pool.id, region.name, probes)
    )
    return union((start, end) for start, end in found if start < end)


def _regions(unit: Unit, owner: Optional[Pool]) -> List[Tuple[Pool, PoolRegion]]:
    """Of the live pools. A region that ended in Failed serves nobody (E5), and has no health."""
    pools = unit.tx.pools() if owner is None else [owner]
    live = (pool for pool in pools if pool.phase(unit.now) == "live")
    return [(pool, region) for pool in live for region in pool.regions if not region.has_failed(unit.now)]


def _derived(unit: Unit, owner: Optional[Pool], moment: int, until: int) -> Iterator[Dated]:
    """Changes of health behind ``moment``, up to ``until``, as they are asked for."""
    seen = traffic.conditions(unit)
    moment = max(moment, unit.now - LOOKS_BACK)
    streams = [_of_region(unit, pool, region, seen, moment, until) for pool, region in _regions(unit, owner)]
    return heapq.merge(*streams, key=lambda item: item[0])


def _of_region(
    unit: Unit, pool: Pool, region: PoolRegion, seen: Traffic, moment: int, until: int
) -> Iterator[Dated]:
    for instant, healthy in _health_changes(unit, pool, region, seen, moment, until):
        yield (
            instant,
            {
                "time": stamp(instant, milliseconds=True),
                "hsmName": pool.name,
                "kind": HEALTHY if healthy else UNHEALTHY,
                "region": region.name,
                "clientsKnowBy": stamp(instant + seen.ttl, milliseconds=True),
            },
        )


def _health_changes(
    unit: Unit, pool: Pool, region: PoolRegion, seen: Traffic, moment: int, until: int
) -> Iterator[Tuple[int, bool]]:
    def healthy(now: int) -> bool:
        return routing.is_healthy(pool, region, now, seen)

    for start, end in health.unsettled(unit.faults, pool.id, region.name, seen.probes):
        yield from health.changes(healthy, seen.probes, max(moment, start), min(end, until))
