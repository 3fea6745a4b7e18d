"""Optional pacing (rule A9): a region works at the documented rates of one partition, times its living
partitions. Nothing is refused: what comes faster is held back. Real time, in milliseconds."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple, Union

from azext_mhsmregion.model.data import load
from azext_mhsmregion.model.faults import Faults, partition_fault
from azext_mhsmregion.model.partition import PARTITIONS_PER_REGION

_SECOND = 1_000_000
"""In microseconds, in which work is counted: a partition verifies more than one signature a millisecond."""


class Work(NamedTuple):
    """What a partition has to do: an operation by its name in ``key_ops``, or create, get, delete, purge,
    backup, restore; and of what type of key, by size or curve, where that matters."""

    operation: str
    kty: str = ""
    by: Union[int, str, None] = None


def rate(work: Work) -> Optional[int]:
    """How many of them one partition does a second, None where nothing is documented."""
    data = load("rates")
    if work.operation in data["operations"]:
        return int(data["operations"][work.operation])
    table = data["keys"].get(work.kty, {})
    if work.operation not in table or work.by not in table["by"]:
        return None
    return int(table[work.operation][table["by"].index(work.by)])


def living_partitions(faults: Faults, pool: str, region: str, now: int) -> int:
    """How many partitions of a region work at ``now``, service time."""
    numbers = range(PARTITIONS_PER_REGION)
    return sum(partition_fault(faults, pool, region, number, now) is None for number in numbers)


def held_back(work: Work, living: int, now: int, free: int) -> Tuple[int, int]:
    """For how long work that comes at ``now`` waits, and until when (microseconds) its region is busy then;
    ``free`` is until when it is before. With one partition each takes its part of a second, with three a
    third of that."""
    documented = rate(work)
    if documented is None:
        return 0, free
    start = max(now * 1000, free)
    return (start - now * 1000) // 1000, start + _SECOND // (documented * max(1, living))
