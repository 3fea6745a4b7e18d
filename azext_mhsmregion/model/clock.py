"""Service time: what rules replication, operations, retention, billing and dates in bodies
(DESIGN section 3). Milliseconds since the epoch, always an int; real time is handed in."""

from __future__ import annotations

from dataclasses import dataclass, replace

MODES = ("real", "scaled", "manual")
SECOND = 1000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
NEVER = 2**62
"""An instant that no clock reaches: no planned end."""


@dataclass(frozen=True)
class ClockState:
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
            moved = self.base_service + int((real - self.base_real) * self.scale)
        return max(moved, self.highest)

    def seen(self, service: int) -> ClockState:
        """The same clock, never to fall below ``service`` again."""
        return self if service <= self.highest else replace(self, highest=service)

    def advanced(self, real: int, milliseconds: int) -> ClockState:
        """The clock moved forward. Raises ValueError for a negative step."""
        if milliseconds < 0:
            raise ValueError("service time never goes back")
        now = self.now(real) + milliseconds
        return replace(self, base_service=now, base_real=real, highest=now)

    def with_mode(self, real: int, mode: str, scale: float = 1.0) -> ClockState:
        """Another mode from now on, without a jump. Raises ValueError for an unknown mode or a
        scale that does not move forward."""
        if mode not in MODES or scale <= 0:
            raise ValueError(f"unknown clock mode {mode!r} or scale {scale!r}")
        now = self.now(real)
        return ClockState(mode, scale if mode == "scaled" else 1.0, now, real, now)

    def real_milliseconds_until(self, real: int, service: int) -> int:
        """Real milliseconds until service time ``service``; 0 when past or manual."""
        missing = service - self.now(real)
        if missing <= 0 or self.mode == "manual":
            return 0
        return int(missing / self.scale) + 1


def real_clock(real: int) -> ClockState:
    """A clock that runs with real time."""
    return ClockState("real", 1.0, real, real, 0)


def manual_clock(start: int) -> ClockState:
    """A clock that stands still until it is advanced."""
    return ClockState("manual", 1.0, start, start, start)
