"""The outage of a drill as it went: planned by the fault, noticed by the traffic manager."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Mapping, Optional, Sequence, Tuple

from azext_mhsmregion.cli.drill import effects
from azext_mhsmregion.cli.drill.saw import instant
from azext_mhsmregion.emulator.events import HEALTHY, UNHEALTHY
from azext_mhsmregion.model.faults import FaultKind, Scope

DESTROYED = FaultKind.DESTROYED.value
IN_PARTS = (Scope.LINK.value, Scope.PARTITION.value)
"""Scopes that leave the region as a whole in service: nobody is led elsewhere."""

ROUNDING = 0.002
"""Seconds: instants are told in whole milliseconds."""


@dataclass(frozen=True)
class Outage:
    """Seconds from the drill's start. ``detected`` and ``recovered`` are when the traffic manager took
    the region for unhealthy and for healthy again, ``known_by`` when the last client's cached name
    ended; None: not in the drill's time. ``end`` is None where it has none. ``rate`` and
    ``milliseconds`` are the effect's, ``detection`` is how long the traffic manager needs at least."""

    fault: str
    region: str
    scope: str
    effect: str
    kind: str
    begin: float
    end: Optional[float]
    to: Optional[str] = None
    partition: Optional[int] = None
    detected: Optional[float] = None
    known_by: Optional[float] = None
    recovered: Optional[float] = None
    rate: float = 1.0
    milliseconds: Optional[int] = None
    detection: float = 0.0

    @property
    def what(self) -> str:
        """What is broken, in words."""
        if self.to:
            return f"the link between {self.region} and {self.to}"
        if self.partition is not None:
            return f"partition {self.partition} of the pool in {self.region}"
        where = {"pool": f"the pool in {self.region}", "service": f"Managed HSM in {self.region}"}
        return where.get(self.scope, f"the whole region {self.region}")

    @property
    def sentence(self) -> str:
        """What is broken, and what it does."""
        return effects.sentence(self.what, asdict(self))

    @property
    def beginning(self) -> str:
        """The same, where it is plain that it is out."""
        return self.what if self.is_dead else self.sentence

    @property
    def is_dead(self) -> bool:
        """Does nothing answer while it lasts?"""
        return self.effect in effects.DEAD

    @property
    def is_noticed(self) -> bool:
        """Did the traffic manager take the region for unhealthy because of it? Sooner than it can, it
        was another fault."""
        if self.scope in IN_PARTS or self.detected is None:
            return False
        return self.detected - self.begin > self.detection - ROUNDING

    def covers(self, at: float) -> bool:
        return self.begin <= at < (float("inf") if self.end is None else self.end)


def outage(
    fault: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    start: float,
    ended: float,
    detection: float = 0.0,
) -> Outage:
    """From the fault that was injected and the events behind it; ``ended`` is when the command did, and
    with it the outage at the latest, unless something was destroyed."""
    begin, end = instant(fault["start"]) - start, None
    if fault["kind"] != DESTROYED:
        planned = ended if fault["end"] is None else instant(fault["end"]) - start
        end = max(begin, min(ended, planned))
    noticed = _first(events, UNHEALTHY, fault["region"], begin, start)
    back = None if end is None else _first(events, HEALTHY, fault["region"], end, start)
    return Outage(
        fault=fault["id"],
        region=fault["region"],
        scope=fault["scope"],
        effect=fault["effect"],
        kind=fault["kind"],
        begin=begin,
        end=end,
        to=fault["to"],
        partition=fault["partition"],
        detected=_seconds(noticed, "time", start),
        known_by=_seconds(noticed, "clientsKnowBy", start),
        recovered=_seconds(back, "time", start),
        rate=fault["rate"],
        milliseconds=fault["milliseconds"],
        detection=detection,
    )


def others(
    faults: Sequence[Mapping[str, Any]], pool: Mapping[str, Any], start: float, ended: float
) -> Tuple[Outage, ...]:
    """The faults beside the drill's own that touch the pool (its status) before the command ends: those on
    or planned when the drill began."""
    regions = [one["name"] for one in pool["regions"]]
    ours = [one for one in faults if one["hsmName"] in (None, pool["hsmName"]) and one["region"] in regions]
    made = (outage(one, (), start, ended) for one in ours if one["to"] in (None, *regions))
    return tuple(sorted((one for one in made if one.begin <= ended), key=lambda one: one.begin))


def _first(
    events: Sequence[Mapping[str, Any]], kind: str, region: str, after: float, start: float
) -> Optional[Mapping[str, Any]]:
    found = (event for event in events if event["kind"] == kind and event["region"] == region)
    return next((event for event in found if instant(event["time"]) - start >= after), None)


def _seconds(event: Optional[Mapping[str, Any]], name: str, start: float) -> Optional[float]:
    return None if event is None else instant(event[name]) - start
