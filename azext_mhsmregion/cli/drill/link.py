"""What the outage of a link does, which no client sees: the writes that it holds up, and those that
contradict each other meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from azext_mhsmregion.cli.drill.outage import Outage
from azext_mhsmregion.cli.drill.saw import Try, instant

CONFLICT, SUPERSEDED = "conflict", "superseded"
WRITING = ("PUT", "PATCH", "DELETE")
WRITING_POSTS = ("create", "rotate", "recover", "restore")
"""The last part of a path that writes with POST; other requests with POST use a key."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Way:
    """One direction: what ``region`` lacked of the writes accepted in ``origin``, and for how long the
    oldest of them had been under way."""

    origin: str
    region: str
    writes: int
    lag: float


@dataclass(frozen=True)
class HeldUp:
    """What a link's outage held up. ``at`` is when it was last looked at (None: never), ``ways`` what
    was seen then; ``longest`` is the longest lag of all looks, in seconds. Conflicts and superseded
    writes are those of the outage's time."""

    at: Optional[float] = None
    ways: Tuple[Way, ...] = ()
    longest: float = 0.0
    conflicts: int = 0
    superseded: int = 0

    @property
    def writes(self) -> int:
        """The backlog at the end."""
        return sum(way.writes for way in self.ways)


def held_up(outage: Outage, looks: Sequence[Facts], events: Sequence[Facts], start: float) -> HeldUp:
    """From the pool's status as it was looked at now and then, and the events of the drill."""
    seen = [(instant(look["time"]) - start, _ways(look, outage)) for look in looks]
    end = float("inf") if outage.end is None else outage.end
    within = [(at, ways) for at, ways in seen if outage.begin <= at <= end]
    kinds = [event["kind"] for event in events if outage.covers(instant(event["time"]) - start)]
    at, ways = within[-1] if within else (None, ())
    lags = [way.lag for _, ways in within for way in ways]
    return HeldUp(at, ways, max(lags, default=0.0), kinds.count(CONFLICT), kinds.count(SUPERSEDED))


def is_write(one: Try) -> bool:
    """Does the request write something that has to be replicated?"""
    method, _, path = one.what.partition(" ")
    return method in WRITING or (method == "POST" and path.rpartition("/")[2].lower() in WRITING_POSTS)


def told(held: HeldUp) -> List[str]:
    """What to say of the outage's end."""
    ways = [
        f"{way.region} lacks {way.writes} write{'' if way.writes == 1 else 's'} of {way.origin}, "
        f"the oldest for {way.lag:.1f} s"
        for way in held.ways
    ]
    ways = ways or ["the link holds up no writes"]
    if held.conflicts or held.superseded:
        ways.append(f"in the outage: conflicts {held.conflicts}, superseded writes {held.superseded}")
    return ways


def _ways(status: Facts, outage: Outage) -> Tuple[Way, ...]:
    """Of the link's two directions those in which something is under way."""
    ends = {outage.region, outage.to}
    return tuple(
        Way(lack["from"], region["name"], lack["writes"], lack["lagSeconds"])
        for region in status["regions"]
        for lack in region["lacks"]
        if {region["name"], lack["from"]} == ends
    )
