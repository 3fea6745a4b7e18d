"""Someone else's change between our read and our write: found, and put back (DESIGN section 5).

The service has no ETag and a PATCH replaces the list of regions whole, so the pool is read
just before and again just after. What the second read shows decides:

- a region that the first read did not have and that is now being removed: someone added it in
  between, and our list, which lacked it, undid that;
- a region that the first read had in Succeeded and that is now being added: someone removed it
  in between, and our list, which had it, undid that (one in Failed says nothing: a service may
  try it again because our list has it);
- our own change is not there: someone's list undid ours.
"""

from __future__ import annotations

from typing import Callable, FrozenSet, Mapping, NamedTuple, Tuple

from azext_mhsmregion.provider.answers import value_at
from azext_mhsmregion.provider.interface import Pool
from azext_mhsmregion.provider.states import COMING, LEAVING, SUCCEEDED

Normalise = Callable[[str], str]


class Lost(NamedTuple):
    """What got lost between two reads. ``additions`` and ``removals`` are others' changes that
    our write undid, ``ours`` is True when our change is not there."""

    additions: FrozenSet[str]
    removals: FrozenSet[str]
    ours: bool

    @property
    def others(self) -> bool:
        return bool(self.additions or self.removals)

    def __bool__(self) -> bool:
        return self.others or self.ours


def wanted(pool: Pool, region: str, adding: bool, lost: Lost, normalise: Normalise) -> Tuple[str, ...]:
    """The extended regions that the pool should have: as it has them (in its own spelling and
    order), with ours and with what others lost."""
    keep = [
        one.name
        for one in pool.extended
        if one.provisioning_state.lower() not in LEAVING
        and normalise(one.name) not in lost.removals
        and normalise(one.name) != region
    ]
    names = keep + sorted(lost.additions)
    return tuple(names + [region] if adding else names)


def lost_between(before: Pool, after: Pool, region: str, adding: bool, normalise: Normalise) -> Lost:
    """Compare the read before our write with the one after it."""
    first, second = _states(before, normalise), _states(after, normalise)
    additions = {
        name for name, state in second.items() if name != region and state in LEAVING and name not in first
    }
    removals = {
        name
        for name, state in second.items()
        if name != region and state in COMING and first.get(name) == SUCCEEDED
    }
    there = second.get(region, "deleting") not in LEAVING
    ours = there != adding and not _stale(before, after)
    return Lost(frozenset(additions), frozenset(removals), ours)


NOTHING_LOST = Lost(frozenset(), frozenset(), False)


def _states(pool: Pool, normalise: Normalise) -> Mapping[str, str]:
    return {normalise(one.name): one.provisioning_state.lower() for one in pool.extended}


def _stale(before: Pool, after: Pool) -> bool:
    """Is the second read the first one again, from a cache? (C5: an accepted change shows.)"""
    path = "systemData.lastModifiedAt"
    return value_at(before.body, path) == value_at(after.body, path) and before.extended == after.extended
