"""A drill as a story: when what happened, and what the client saw in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from azext_mhsmregion.cli.drill import link
from azext_mhsmregion.cli.drill.account import Check, Drill
from azext_mhsmregion.cli.drill.outage import DESTROYED
from azext_mhsmregion.cli.drill.saw import Try

LAST = float("inf")
Mark = Tuple[Optional[float], str]


@dataclass(frozen=True)
class Moment:
    """Something that happened. ``at`` is seconds from the drill's start; None: between two others."""

    at: Optional[float]
    what: str


def timeline(drill: Drill) -> List[Moment]:
    """The marks in order, and between them what the client got."""
    marks = _marks(drill)
    told: List[Moment] = []
    for mark, following in zip(marks, [*marks[1:], Moment(LAST, "")]):
        told.append(mark)
        end = LAST if following.at is None else following.at
        got = [one for one in drill.saw.tries if (mark.at or 0.0) <= one.at < end]
        told += [Moment(None, words) for words in _got(got)]
    return told


def warnings(drill: Drill) -> List[str]:
    """What makes a drill prove less than it seems to."""
    if drill.is_extended:
        return []
    return [f"{drill.pool} is not extended: there is no other region to fail over to"]


def text(drill: Drill, held: Sequence[Check], why: Sequence[str]) -> str:
    """What is printed."""
    lines = [f"Drill of {drill.pool}: {drill.outage.sentence} ({drill.outage.effect})"]
    lines += [f"  {'warning':<9}  {said}" for said in warnings(drill)]
    for moment in timeline(drill):
        when = "" if moment.at is None else f"{moment.at:+.1f} s"
        lines.append(f"  {when:>9}  {'' if moment.at is not None else '  '}{moment.what}")
    if drill.outage.kind == DESTROYED:
        lines.append(f"  {'lost':<9}  acknowledged writes that no region will ever show: {drill.lost}")
    lines += [f"  {'held' if check.is_held else 'BROKEN':<9}  {check.name}: {check.said}" for check in held]
    return "\n".join([*lines, *(f"  {'why' if not n else '':<9}  {said}" for n, said in enumerate(why))])


def _marks(drill: Drill) -> List[Moment]:
    outage, region = drill.outage, drill.outage.region
    found: List[Mark] = [
        (0.0, f"the command starts; its client stands at {drill.place}"),
        *_others(drill),
        (outage.begin, f"the outage begins: {outage.beginning}"),
        (outage.detected, f"the traffic manager takes {region} for unhealthy{_noticed(drill)}"),
        (drill.failover, f"failover: the client is led to another region{_after(drill.failover, drill)}"),
        *_held_up(drill),
        (outage.end if outage.begin <= drill.ended else None, "the outage ends"),
        (outage.recovered, f"the traffic manager takes {region} for healthy again"),
        (drill.failback, f"failback: {region} answers"),
        (drill.ended, f"the command ends (exit code {drill.exit_code})"),
    ]
    came = [Moment(at, what) for at, what in found if at is not None and at <= drill.ended]
    return sorted(came, key=lambda moment: moment.at or 0.0)


def _others(drill: Drill) -> List[Mark]:
    """The faults that are not the drill's."""
    return [
        (
            max(0.0, one.begin),
            f"another fault {'begins' if one.begin > 0 else 'is on'}: {one.what} ({one.effect})",
        )
        for one in drill.others
    ]


def _held_up(drill: Drill) -> List[Mark]:
    """What a link's outage has come to shortly before it ends."""
    held = drill.held_up
    return [] if held is None else [(held.at, words) for words in link.told(held)]


def _noticed(drill: Drill) -> str:
    return _after(drill.outage.detected, drill) if drill.outage.is_noticed else ", of another fault"


def _after(at: Optional[float], drill: Drill) -> str:
    return "" if at is None else f", {at - drill.outage.begin:.1f} s after the outage began"


def _got(tries: Sequence[Try]) -> List[str]:
    counts: Dict[str, int] = {}
    for one in tries:
        counts[_outcome(one)] = counts.get(_outcome(one), 0) + 1
    return [f"{count} {outcome}" for outcome, count in counts.items()]


def _outcome(one: Try) -> str:
    if one.status == 0:
        return f"without an answer from {one.region}"
    if one.is_failure:
        return f"refused with {one.status} by {one.region}"
    return f"answered by {one.region}" if one.is_good else f"answered with {one.status} by {one.region}"
