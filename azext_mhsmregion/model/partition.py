"""The HSM partitions of a region (rules A1, A2)."""

from __future__ import annotations

from typing import NamedTuple

PARTITIONS_PER_REGION = 3


class Partition(NamedTuple):
    """One HSM partition, in a fault domain of its own (A2)."""

    number: int
    fault_domain: int


PARTITIONS = tuple(Partition(number, number) for number in range(PARTITIONS_PER_REGION))
"""The three load-balanced partitions of a region (A1, A2)."""
