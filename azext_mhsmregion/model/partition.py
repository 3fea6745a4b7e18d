"""The HSM partitions of a region (rules A1, A2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

PARTITIONS_PER_REGION = 3


@dataclass(frozen=True)
class Partition:
    """One HSM partition, in a fault domain of its own (A2)."""

    number: int
    fault_domain: int


def partitions() -> Tuple[Partition, ...]:
    """The three load-balanced partitions of a region (A1, A2)."""
    return tuple(Partition(number, number) for number in range(PARTITIONS_PER_REGION))
