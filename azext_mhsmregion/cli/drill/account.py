"""A drill's account: what happened, held against the bounds that the user gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

from azext_mhsmregion.cli.drill.outage import Outage
from azext_mhsmregion.cli.drill.saw import Saw


@dataclass(frozen=True)
class Bounds:
    """What the user allows; None: anything."""

    errors: Optional[int] = None
    seconds: Optional[float] = None
    lost: Optional[int] = None


@dataclass(frozen=True)
class Drill:
    """What is known when the command has ended. ``ended`` is when, ``exit_code`` how; ``lost`` counts
    the acknowledged writes that no region will ever show, ``within`` is F7's bound of failover."""

    pool: str
    place: str
    client: str
    words: Tuple[str, ...]
    outage: Outage
    saw: Saw
    ended: float
    exit_code: int
    lost: int
    within: float

    @property
    def failover(self) -> Optional[float]:
        """When a client of the hit region was first led to another one."""
        if self.saw.last_answer(self.outage.begin, self.outage.region) is None:
            return None
        first = self.saw.first_reached(self.outage.begin, self.outage.region)
        return None if first is None else first.at

    @property
    def failback(self) -> Optional[float]:
        """When the hit region answered again."""
        if self.outage.end is None or self.failover is None:
            return None
        back = self.saw.first_answer(self.outage.end, self.outage.region)
        return None if back is None else back.at

    @property
    def tries_meanwhile(self) -> int:
        """Requests under way during the outage."""
        return sum(self.outage.covers(one.at) or self.outage.covers(one.begun) for one in self.saw.tries)


@dataclass(frozen=True)
class Check:
    """One thing that must hold: its name, whether it does, and what was measured, in words."""

    name: str
    is_held: bool
    said: str


def checks(drill: Drill, bounds: Bounds) -> List[Check]:
    """The command itself, that it met the outage at all, and each bound that was given."""
    code = drill.exit_code
    ended = f"exit code {code}" if code >= 0 else f"ended by signal {-code}"
    found = [Check("the command succeeds", code == 0, ended), _met(drill)]
    if bounds.errors is not None:
        count = len(drill.saw.failures)
        found.append(_bounded("failed requests", count, bounds.errors, ""))
    if bounds.seconds is not None:
        found.append(_bounded("time without an answer", _silence(drill), bounds.seconds, " s"))
    if bounds.lost is not None:
        found.append(_bounded("acknowledged writes lost", drill.lost, bounds.lost, ""))
    return found


def _met(drill: Drill) -> Check:
    """A drill whose client was not there proves nothing."""
    name = "the client was there during the outage"
    if not drill.saw.tries:
        return Check(name, False, f"it sent nothing to {drill.pool}")
    if drill.ended < drill.outage.begin:
        early = drill.outage.begin - drill.ended
        return Check(name, False, f"the command ended {early:.1f} s before the outage began")
    count = drill.tries_meanwhile
    return Check(name, count > 0, f"requests in it: {count}")


def _silence(drill: Drill) -> float:
    return drill.saw.silence(drill.ended)[1]


def _bounded(name: str, measured: float, most: float, unit: str) -> Check:
    number = f"{measured:.1f}" if isinstance(measured, float) else str(measured)
    return Check(name, measured <= most, f"{number}{unit}, at most {most:g}{unit} allowed")
