"""A client's log: one call a line, and what it tells of an outage. Times are seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple

READS = ("get", "sign")
PERIOD = 0.1
"""Seconds between two calls of a client."""


@dataclass(frozen=True)
class Call:
    """One call of a client. ``status`` 0 means that no answer came, ``due`` when it should have begun."""

    kind: str
    due: float
    begun: float
    ended: float
    status: int
    region: Optional[str] = None
    error: str = ""

    @property
    def is_read(self) -> bool:
        return self.kind in READS

    @property
    def is_good(self) -> bool:
        return self.status == 200


Log = Sequence[Call]


def parsed(lines: Sequence[Mapping[str, Any]]) -> List[Call]:
    return [Call(**line) for line in lines]


def allowed(calls: Log) -> str:
    """Were calls of a kind allowed: all of them, none, or some?"""
    good = sum(call.is_good for call in calls)
    if not calls:
        return "-"
    return "Yes" if good == len(calls) else "No" if good == 0 else "Partly"


def between(calls: Log, start: float, end: float) -> List[Call]:
    """The calls that began and ended within."""
    return [call for call in calls if start <= call.begun and call.ended < end]


def last_good(calls: Log, region: str, before: float) -> Optional[Call]:
    """The last good answer of a region to a call that began before an instant."""
    found = [call for call in calls if call.is_good and call.region == region and call.begun < before]
    return max(found, key=lambda call: call.ended, default=None)


def first_good(calls: Log, region: str, after: float) -> Optional[Call]:
    """The first good answer of a region from an instant on."""
    found = [call for call in calls if call.is_good and call.region == region and call.ended >= after]
    return min(found, key=lambda call: call.ended, default=None)


def failures(calls: Log) -> Tuple[int, int]:
    """How many calls got no answer, and how many an answer that refused them."""
    return sum(call.status == 0 for call in calls), sum(call.status not in (0, 200) for call in calls)


def slack(calls: Log) -> float:
    """By how much this machine may have held any client up, from the log of one that no outage hit: a client
    calls every :data:`PERIOD`, so an answer can be that late at either end; and every call may wait for its
    turn of the processor as long as the worst of this very run did."""
    late = max((call.begun - call.due for call in calls), default=0.0)
    took = max((call.ended - call.begun for call in calls), default=0.0)
    return 2 * PERIOD + late + took


@dataclass(frozen=True)
class Second:
    """What one client got in one step of time: good answers by region, calls without an answer,
    refused ones."""

    start: float
    good: Mapping[str, int]
    broken: int
    refused: int


def steps(calls: Log, start: float, end: float, width: float) -> List[Second]:
    """The calls by when they ended, in steps of ``width`` seconds from ``start`` on."""
    made = []
    for number in range(int((end - start) / width)):
        begin = start + number * width
        here = [call for call in calls if begin <= call.ended < begin + width]
        regions = [call.region for call in here if call.is_good and call.region]
        broken, refused = failures(here)
        made.append(Second(begin, {one: regions.count(one) for one in regions}, broken, refused))
    return made
