"""What a run was made of, what a violation looks like, and how a failing run is cut down."""

from __future__ import annotations

import time
from collections import Counter
from typing import Callable, List, Mapping, Optional, Sequence, Set, Tuple

from .driver import EPOCH, Run
from .violation import Violation

MINIMA: Tuple[Tuple[str, Callable[[Mapping[str, int]], float], float], ...] = (
    ("share of steps that wrote", lambda c: c["steps that wrote"] / max(1, c["steps"]), 0.30),
    ("share of steps under a fault", lambda c: c["steps under a fault"] / max(1, c["steps"]), 0.05),
    ("conflicts per million steps", lambda c: c["conflict"] * 1e6 / max(1, c["steps"]), 1_000),
    ("writes lost per million steps", lambda c: c["writes lost"] * 1e6 / max(1, c["steps"]), 100),
    (
        "share of steps with three regions and 1,000 objects",
        lambda c: c["steps with three regions and 1000 objects"] / max(1, c["steps"]),
        0.20,
    ),
)
"""Figure, how it is counted, and its least value."""

ABSOLUTES: Tuple[Tuple[str, int], ...] = (
    ("conflict", 1_001),
    ("writes lost", 101),
    ("steps with three regions and 1000 objects", 200_000),
)
"""What is counted, and how many there must be in a run of a million steps or more."""

LONG = 1_000_000


class Found(Exception):
    """A violation with what is needed to see it again."""

    def __init__(self, run: Run, cause: Exception, counts: Optional[Counter[str]] = None) -> None:
        super().__init__(str(cause))
        self.counts = Counter() if counts is None else counts
        self.run = run
        self.cause = cause

    @property
    def rule(self) -> str:
        return self.cause.rule if isinstance(self.cause, Violation) else type(self.cause).__name__

    def command(self) -> str:
        run, last = self.run, self.run.world.step
        pools = f" --pools {run.pools}" if run.pools else ""
        return f"tools/simulate.py --seed {run.seed} --epoch {run.epoch} --steps {last + 1}{pools} --replay"

    def told(self) -> List[str]:
        pool, name = getattr(self.cause, "pool", ""), getattr(self.cause, "name", "")
        what = "VIOLATION" if isinstance(self.cause, Violation) else f"CRASH {self.rule}:"
        lines = [f"{what} {self.cause}", "story:", *self.run.world.story.timeline(pool, name)]
        return [*lines, f"again: {self.command()}"]


def simulate(
    seed: int, steps: int, pools: Optional[int] = None, epoch: int = 0, without: Optional[Set[int]] = None
) -> Counter[str]:
    """Run worlds one after the other; answers what happened. Raises Found at the first violation."""
    counts: Counter[str] = Counter()
    while steps > 0:
        run = Run(seed, epoch, pools)
        try:
            run.steps(min(steps, EPOCH), without)
        except Exception as error:  # whatever breaks a step is to be seen again
            raise Found(run, error, counts + run.world.counts) from error
        counts.update(run.world.counts)
        steps -= EPOCH
        epoch += 1
    return counts


def histogram(counts: Mapping[str, int]) -> List[str]:
    """What happened, by kind; then the figures with their least values."""
    lines = [f"  {name:44} {number:>10,}" for name, number in sorted(counts.items())]
    for name, figure, least in MINIMA:
        value = figure(counts)
        lines.append(
            f"  {name:52} {value:>10,.3f}  (at least {least:g}){'' if value >= least else '  MISSED'}"
        )
    return lines


def missed(counts: Mapping[str, int]) -> List[str]:
    """The figures that are too low."""
    low = [name for name, figure, least in MINIMA if figure(counts) < least]
    if counts["steps"] >= LONG:
        low += [f"{name}, in all" for name, least in ABSOLUTES if counts[name] < least]
    return low


def shrunk(found: Found, seconds: float) -> Tuple[List[int], Optional[Found]]:
    """Steps that suffice for a violation of the same rule (delta debugging), as far as time allows."""
    until = time.monotonic() + seconds
    run, kept = found.run, list(range(found.run.world.step + 1))
    best: Optional[Found] = None
    size = max(1, len(kept) // 2)
    while size >= 1 and time.monotonic() < until:
        at = 0
        while at < len(kept) and time.monotonic() < until:
            tried = kept[:at] + kept[at + size :]
            again = _fails(run, tried, found.rule)
            if again is None:
                at += size
            else:
                best, kept = again, [step for step in tried if step <= again.run.world.step]
        size //= 2
    return kept, best


def _fails(run: Run, steps: Sequence[int], rule: str) -> Optional[Found]:
    if not steps:
        return None
    again = Run(run.seed, run.epoch, run.pools)
    wanted = set(steps)
    try:
        again.steps(steps[-1] + 1, {step for step in range(steps[-1] + 1) if step not in wanted})
    except Exception as error:  # the same rule may break in another way
        found = Found(again, error)
        return found if found.rule == rule else None
    return None
