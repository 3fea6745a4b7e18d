"""Service time: what rules replication, operations, retention, billing and dates in bodies
(DESIGN section 3). Milliseconds since the epoch, always an int; real time is handed in."""

from __future__ import annotations

from typing import NamedTuple

MODES = ("real", "scaled", "manual")
SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
NEVER = 2**62
"""An instant that no clock reaches: no planned end."""
SLOWEST, FASTEST = 1e-6, 1e6
"""Bounds of a scale."""
LATEST = 127_174_492_800_000
"""6000-01-01: nobody sets a clock past it, and a running one stands still there."""
_END = 139_797_273_600_000
"""6400-01-01: what polls may carry a held clock to. Stamps hold 47 bits of it (to the year 6429)."""


class ClockState(NamedTuple):
    """State of the service clock, kept in the store.

    Service time is ``base_service + (real - base_real) * scale`` for real (scale 1) and scaled,
    and ``base_service`` for manual; never below ``highest``, the highest value ever handed out
    in a write.
    """

    mode: str = "real"
    scale: float = 1.0
    base_service: int = 0
    base_real: int = 0
    highest: int = 0

    def now(self, real: int) -> int:
        """Service time at real time ``real`` (both milliseconds)."""
        if self.mode == "manual":
            moved = self.base_service
        else:
            moved = min(LATEST, self.base_service + int((real - self.base_real) * self.scale))
        return max(moved, self.highest)

    def seen(self, service: int) -> ClockState:
        """The same clock, never to fall below ``service`` again."""
        return self if service <= self.highest else self._replace(highest=service)

    def advanced(self, real: int, milliseconds: int) -> ClockState:
        """The clock moved forward. Raises ValueError for a negative step, and past LATEST."""
        if milliseconds < 0:
            raise ValueError("service time never goes back")
        now = self.now(real) + milliseconds
        if milliseconds and now > LATEST:
            raise ValueError("service time ends with the year 5999")
        return self._moved(real, now)

    def carried(self, real: int, service: int) -> ClockState:
        """The clock at ``service`` or later, as a poll carries it to an operation's end."""
        return self._moved(real, max(self.now(real), min(service, _END)))

    def _moved(self, real: int, now: int) -> ClockState:
        return self._replace(base_service=now, base_real=real, highest=now)

    def with_mode(self, real: int, mode: str, scale: float = 1.0) -> ClockState:
        """Another mode from now on, without a jump. Raises ValueError for an unknown mode or a
        scale out of bounds."""
        if mode not in MODES:
            raise ValueError(f"unknown clock mode {mode!r}: {', '.join(MODES)}")
        if not SLOWEST <= scale <= FASTEST:
            raise ValueError(f"a clock's scale is a number from {SLOWEST:.6f} to {FASTEST:.0f}")
        now = self.now(real)
        return ClockState(mode, scale if mode == "scaled" else 1.0, now, real, now)

    def within_bounds(self) -> ClockState:
        """The same clock with nothing out of bounds: older versions stored any scale and any time,
        and a store that holds such a clock must still be read, be it to reset it."""
        if SLOWEST <= self.scale <= FASTEST and max(self.base_service, self.highest) <= _END:
            return self
        return self._replace(
            scale=max(SLOWEST, min(FASTEST, self.scale)) if self.scale == self.scale else 1.0,
            base_service=min(_END, self.base_service),
            highest=min(_END, self.highest),
        )


def real_clock(real: int) -> ClockState:
    """A clock that runs with real time."""
    return ClockState("real", 1.0, real, real, 0)


def manual_clock(start: int) -> ClockState:
    """A clock that stands still until it is advanced."""
    return ClockState("manual", 1.0, start, start, start)
