"""Sides of a benchmark that take turns, and the ratio of what they cost.

The sides of a ratio take turns, each of them first in every other round, and the smaller of two figures
counts: the median of the ratios of rounds that followed one another (other work on the machine hits both),
and the ratio of each side's best round (other work only ever adds). What costs more raises both.
"""

from __future__ import annotations

from statistics import median
from typing import List, NamedTuple, Protocol, Sequence


class Side(Protocol):
    """What is measured: ``costs`` gets one figure a round, of any unit."""

    costs: List[float]

    def round(self) -> None: ...


def take_turns(groups: Sequence[Sequence[Side]], rounds: int) -> None:
    """Rounds of all sides of each group, in turn, in every other round from the last to the first."""
    for number in range(rounds):
        for group in groups:
            for side in group if number % 2 == 0 else reversed(group):
                side.round()


class Ratio(NamedTuple):
    """What one side costs, the other's being 1: ``paired`` is the median of the rounds, ``best`` that of each
    side's best round."""

    paired: float
    best: float

    @classmethod
    def of(cls, one: Side, other: Side) -> Ratio:
        """The cost of ``one``, in that of ``other``."""
        paired = median(mine / its for mine, its in zip(one.costs, other.costs))
        return cls(paired, min(one.costs) / min(other.costs))

    def __str__(self) -> str:
        return f"median of paired rounds {self.paired:.3f}, of best rounds {self.best:.3f}"
