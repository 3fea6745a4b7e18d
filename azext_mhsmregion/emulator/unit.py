"""One unit of work: a transaction with the service time and settings that hold in it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator, Optional

from azext_mhsmregion.emulator.settings import Settings, decode
from azext_mhsmregion.emulator.store.store import Transaction
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.clock import ClockState, real_clock
from azext_mhsmregion.model.errors import NotFound
from azext_mhsmregion.model.profile import Profile

if TYPE_CHECKING:
    from azext_mhsmregion.model.faults import Faults
    from azext_mhsmregion.model.pool import Pool


class Unit:
    """What a handler works with. ``now`` is service time, ``real`` real time, milliseconds."""

    def __init__(self, tx: Transaction, real: int) -> None:
        self.tx = tx
        self.real = real
        self.restart()

    def restart(self) -> None:
        """Begin with what the store holds (anew, once it was reset or restored)."""
        self.clock: ClockState = (self.tx.clock() or real_clock(self.real)).within_bounds()
        self.now = self.clock.now(self.real)
        self._settings: Optional[Settings] = None
        self._profile: Optional[Profile] = None
        self._faults: Optional[Faults] = None

    @property
    def settings(self) -> Settings:
        """The emulator's settings, as this transaction sees them; most reads need none."""
        if self._settings is None:
            self._settings = decode(self.tx.meta("settings"))
        return self._settings

    @property
    def profile(self) -> Profile:
        if self._profile is None:
            self._profile = self.settings.checked_profile()
        return self._profile

    @property
    def faults(self) -> Faults:
        """The faults that were injected, as this transaction sees them."""
        if self._faults is None:
            self._faults = self.tx.faults()
        return self._faults

    def live_pool(self, name: str) -> Optional[Pool]:
        """The live pool of that name, case aside (C3b); None for one that is soft-deleted."""
        pool = self.tx.pool_named(name, self.now)
        return pool if pool is not None and pool.phase(self.now) == "live" else None

    def require_pool(self, name: str) -> Pool:
        """The same. Raises NotFound."""
        pool = self.live_pool(name)
        if pool is None:
            raise NotFound(messages.pool_not_found(name), "PoolNotFound")
        return pool

    def faults_changed(self) -> None:
        """Read them anew: this transaction wrote some."""
        self._faults = None

    # -- time ---------------------------------------------------------------------------
    @property
    def advances_on_poll(self) -> bool:
        """Does a poll move the clock (DESIGN section 3: manual clock, unless switched off)?"""
        return self.clock.mode == "manual" and self.settings.advance_on_poll

    def advance_to(self, instant: int) -> None:
        """Move a manual clock on to ``instant``; never back."""
        self.set_clock(self.clock.carried(self.real, instant))

    @contextmanager
    def dated(self, instant: int) -> Iterator[None]:
        """Work at an earlier instant: what was due then is accepted as of then (E8)."""
        now, self.now = self.now, instant
        try:
            yield
        finally:
            self.now = now

    def set_clock(self, clock: ClockState) -> None:
        """Work with ``clock`` from here on; it is written as the unit ends."""
        self.clock = clock
        self.now = clock.now(self.real)
