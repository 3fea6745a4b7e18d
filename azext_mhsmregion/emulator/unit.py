"""One unit of work: a transaction with the service time and settings that hold in it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Dict, Iterable, List, Mapping, Optional, Sequence

from azext_mhsmregion.emulator.settings import Settings, decode
from azext_mhsmregion.emulator.store.store import Transaction
from azext_mhsmregion.model import merge, replication
from azext_mhsmregion.model.clock import ClockState, real_clock
from azext_mhsmregion.model.extension import RegionChange
from azext_mhsmregion.model.lifecycle import settled
from azext_mhsmregion.model.merge import Objects
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.profile import Profile
from azext_mhsmregion.model.replication import Kind, Row, Write

RIGHTS = (Kind.ROLE_ASSIGNMENT, Kind.ROLE_DEFINITION)
KEYS = (Kind.KEY_VERSION, Kind.KEY_ATTRIBUTES, Kind.KEY_STATE, Kind.KEY_PURGE)


class Unit:
    """What a handler works with. ``now`` is service time, ``real`` real time, milliseconds."""

    def __init__(self, tx: Transaction, real: int) -> None:
        self.tx = tx
        self.real = real
        self.clock: ClockState = tx.clock() or real_clock(real)
        self.now = self.clock.now(real)
        self.settings: Settings = decode(tx.meta("settings"))
        self._profile: Optional[Profile] = None

    @property
    def profile(self) -> Profile:
        if self._profile is None:
            self._profile = self.settings.checked_profile()
        return self._profile

    # -- time ---------------------------------------------------------------------------
    @property
    def advances_on_poll(self) -> bool:
        """Does a poll move the clock (DESIGN section 3: manual clock, unless switched off)?"""
        return self.clock.mode == "manual" and self.settings.advance_on_poll

    def advance_to(self, instant: int) -> None:
        """Move a manual clock on to ``instant``; never back."""
        self.clock = self.clock.advanced(self.real, max(0, instant - self.now))
        self.now = self.clock.now(self.real)

    # -- reading ----------------------------------------------------------------------
    def objects(self, pool: Pool, region: str, kinds: Sequence[Kind], name: Optional[str] = None) -> Objects:
        """What ``region`` shows now of some kinds (of one key's name)."""
        return merge.objects(merge.visible(self.tx.rows(pool.id, region, kinds, name), self.now))

    def rights(self, pool: Pool, region: str) -> Objects:
        """The role definitions and assignments that ``region`` shows now."""
        return self.objects(pool, region, RIGHTS)

    def key(self, pool: Pool, region: str, name: str) -> Objects:
        """What ``region`` shows now of one key."""
        return self.objects(pool, region, KEYS, name)

    # -- writing ----------------------------------------------------------------------
    def accept(self, pool: Pool, origin: str, writes: Iterable[Write]) -> Pool:
        """Accept writes in ``origin``: rows for every region of the pool, conflicts audited,
        the record written (one bump of its revision)."""
        pool = self.tidied(pool)
        wanted = list(writes)
        others = {
            region.name: region.ready
            for region in pool.regions
            if region.name != origin and region.holds_data(self.now)
        }
        accepted = replication.accept(
            wanted,
            origin,
            others,
            self.now,
            self.tx.last_hlc(pool.id, origin, self.now),
            self._lags(pool),
            pool.links,
            pool.outages,
        )
        self._audit_conflicts(pool, origin, wanted)
        self.tx.put_rows(pool.id, accepted.rows)
        return self.tx.put_pool(replace(pool, links=accepted.links))

    def apply(self, change: RegionChange) -> Pool:
        """Store a change of regions: every added region that will succeed is seeded with the
        primary's rows (E1). What a region of the same name held before is purged first (E9)."""
        pool = settled(change.pool, self.now)
        fresh = {region.name for region in change.added}
        self.tx.drop_regions(pool.id, [name for name in self._holding(pool) if name not in fresh])
        links = pool.links
        for region in change.added:
            if region.failed:
                continue
            rows = self.tx.rows(pool.id, pool.primary.name)
            seeded = replication.seed(rows, region.name, region.ready, links)
            self.tx.put_rows(pool.id, seeded.rows)
            links = seeded.links
        return self.tx.put_pool(replace(pool, links=links))

    def tidied(self, pool: Pool) -> Pool:
        """The record settled, and what regions that are gone held, purged (D2)."""
        pool = settled(pool, self.now)
        self.tx.drop_regions(pool.id, self._holding(pool))
        return pool

    def unsent_until(self, pool: Pool) -> Mapping[str, int]:
        """Until when each region's accepted writes are on their way to the others (E3)."""
        living = self._holding(pool)
        return {name: self.tx.last_arrival(pool.id, name, living) for name in living}

    # -- inside -----------------------------------------------------------------------
    def _holding(self, pool: Pool) -> List[str]:
        return [region.name for region in pool.regions if region.holds_data(self.now)]

    def _lags(self, pool: Pool) -> _Lags:
        return _Lags(
            random.Random(f"{self.settings.seed}:{pool.id}:{pool.revision}"),
            self.profile.of("replication.max_lag"),
        )

    def _audit_conflicts(self, pool: Pool, origin: str, writes: List[Write]) -> None:
        held: Dict[str, List[Row]] = {}
        for write in writes:
            if write.name not in held:
                held[write.name] = self.tx.rows(pool.id, origin, (write.kind,), write.name)
            for row in replication.conflicts(write, held[write.name], self.now):
                facts = {"object": write.name, "kind": write.kind.value, "origin": origin,
                         "other_origin": row.stamp.origin}  # fmt: skip
                self.tx.put_event(pool.name, "conflict", self.now, self.real, facts)


class _Lags:
    """Draws the lag of each write: seeded by the pool and its revision, so that a run can be
    repeated exactly (L2)."""

    def __init__(self, source: random.Random, max_lag: int) -> None:
        self._source = source
        self._max_lag = max_lag

    def __call__(self) -> int:
        return replication.draw_lag(self._source, self._max_lag)
