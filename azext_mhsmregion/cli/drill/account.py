"""A drill's account: what happened, held against the bounds that the user gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

from azext_mhsmregion.cli.drill.link import HeldUp, is_write
from azext_mhsmregion.cli.drill.outage import Outage
from azext_mhsmregion.cli.drill.saw import Saw, Try
from azext_mhsmregion.emulator.hosts import POOL_SUFFIX


@dataclass(frozen=True)
class Bounds:
    """What the user allows; None: anything."""

    errors: Optional[int] = None
    seconds: Optional[float] = None
    lost: Optional[int] = None


@dataclass(frozen=True)
class Drill:
    """What is known when the command has ended. ``ended`` is when, ``exit_code`` how; ``lost`` counts
    the acknowledged writes that no region will ever show, ``within`` is F7's bound of failover.
    ``others`` are the faults that were on beside its own, ``held_up`` is there for a link, ``is_extended``
    tells whether another region could answer."""

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
    others: Tuple[Outage, ...] = ()
    held_up: Optional[HeldUp] = None
    is_extended: bool = True

    @property
    def failover(self) -> Optional[float]:
        """When a client that the hit region had answered last was first led to another one, by the
        global name: the traffic manager had noticed this outage."""
        outage, led = self.outage, self._led
        before = led.last_answer(outage.begin)
        if not outage.is_noticed or before is None or before.region != outage.region:
            return None
        first = led.first_reached(outage.detected or outage.begin, outage.region)
        return None if first is None else first.at

    @property
    def failback(self) -> Optional[float]:
        """When the hit region answered again."""
        if self.outage.end is None or self.failover is None:
            return None
        back = self._led.first_answer(self.outage.end, self.outage.region)
        return None if back is None else back.at

    @property
    def _led(self) -> Saw:
        """What was asked by the name for which the traffic manager chooses the region."""
        return self.saw.under(f"{self.pool.lower()}{POOL_SUFFIX}")

    @property
    def meanwhile(self) -> List[Try]:
        """Requests under way during the outage."""
        return [one for one in self.saw.tries if self.outage.covers(one.at) or self.outage.covers(one.begun)]

    @property
    def ends(self) -> Tuple[str, ...]:
        """The regions that the outage is of."""
        return tuple(filter(None, (self.outage.region, self.outage.to)))

    @property
    def is_touched(self) -> bool:
        """Was the client in the hit region, in the outage or when it began, or failed elsewhere?"""
        before = self.saw.last_answer(self.outage.begin)
        if before is not None and before.region in self.ends:
            return True
        return any(one.region in self.ends or one.is_failure for one in self.meanwhile)

    @property
    def writes_meanwhile(self) -> int:
        """Acknowledged writes at either end of a link that was out."""
        written = (one for one in self.meanwhile if one.is_good and is_write(one))
        return sum(one.region in self.ends for one in written)

    @property
    def has_good(self) -> bool:
        """Did the client get what it asked for, before the outage or in it, if anything then?"""
        return self.saw.has_good(self.ended if self.outage.end is None else self.outage.end)


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
    if not drill.has_good:
        return Check(name, False, f"it got no good answer: {_outcomes(drill.saw)}")
    count = len(drill.meanwhile)
    if drill.held_up is not None:
        return _met_link(name, drill, drill.held_up)
    if count and not drill.is_touched:
        regions = ", ".join(dict.fromkeys(one.region for one in drill.meanwhile))
        return Check(name, False, f"requests in it: {count}, but in {regions}, which it did not touch")
    return Check(name, count > 0, f"requests in it: {count}")


def _met_link(name: str, drill: Drill, held: HeldUp) -> Check:
    """A link that is out holds up writes, and touches no request."""
    count = drill.writes_meanwhile
    said = f"requests in it: {len(drill.meanwhile)}, writes: {count}, held up at its end: {held.writes}"
    return Check(name, bool(drill.meanwhile) and bool(count or held.writes), said)


def _outcomes(seen: Saw) -> str:
    """What the client got instead, by status."""
    statuses = [one.status for one in seen.tries if not one.is_good]
    return ", ".join(
        f"{statuses.count(status)} {f'with {status}' if status else 'without an answer'}"
        for status in dict.fromkeys(statuses)
    )


def _silence(drill: Drill) -> float:
    return drill.saw.silence(drill.ended)[1]


def _bounded(name: str, measured: float, most: float, unit: str) -> Check:
    number = f"{measured:.1f}" if isinstance(measured, float) else str(measured)
    return Check(name, measured <= most, f"{number}{unit}, at most {most:g}{unit} allowed")
