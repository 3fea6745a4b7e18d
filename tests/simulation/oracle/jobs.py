"""Backups and restores by the oracle's ledger: until when one runs, and what was kept of them (rule E7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import FrozenSet, List, Mapping, Optional, Tuple

from azext_mhsmregion.model.backup import Saved, SavedKey

from ..memory import Group
from .entry import Entry
from .history import History
from .replay import Shown


@dataclass(frozen=True)
class Job:
    """A backup or a restore, in the region that took it."""

    region: str
    begun: int
    lasts: int

    def end(self, pool: str, history: History) -> Tuple[int, bool]:
        """When it ends, and whether it fails: its region may be destroyed before."""
        death, done = history.destroyed(pool, self.region), self.begun + self.lasts
        if death is None or death >= done:
            return done, False
        return max(self.begun, death), True


@dataclass(frozen=True)
class Taken:
    """A backup of a pool, and what the oracle saw of the pool then."""

    saved: Saved
    shown: Mapping[Group, Shown]


@dataclass
class Kept:
    """The backups of a pool and of its keys that can be restored."""

    pools: List[Taken] = field(default_factory=list)
    keys: List[Tuple[SavedKey, Shown]] = field(default_factory=list)


@dataclass(frozen=True)
class Restored:
    """The last full restore: its writes, how many were acknowledged before them, and the assignments that
    were left alone."""

    entries: List[Entry]
    before: int
    left: FrozenSet[Group]

    def is_lost(self) -> bool:
        """Went some of it with a region?"""
        return any(entry.lost is not None for entry in self.entries)


def ends(job: Optional[Job], pool: str, history: History) -> int:
    return 0 if job is None else job.end(pool, history)[0]
