"""A change of the service clock as people write it: ``mode`` real, scaled (with ``scale``) or
manual; ``now``, ISO 8601, never earlier than it is; or both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Mapping, Optional

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.arm.bodies import stamp
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.clock import SECOND, ClockState
from azext_mhsmregion.model.errors import Invalid

MEMBERS = {"mode", "scale", "now"}
_LONGEST_STEP = 10**12
"""Seconds; no clock takes such a step, and its milliseconds still fit a float."""


@dataclass(frozen=True)
class ClockChange:
    """``now`` is service time in milliseconds; None leaves a thing as it is."""

    mode: Optional[str]
    scale: float
    now: Optional[int]

    def applied(self, clock: ClockState, real: int) -> ClockState:
        """Raises ValueError for what a clock cannot be."""
        if self.mode is not None:
            clock = clock.with_mode(real, self.mode, self.scale)
        if self.now is not None:
            clock = advanced(clock, real, self.now - clock.now(real))
        return clock


def parsed(source: Mapping[str, Any]) -> ClockChange:
    """Raises Invalid."""
    parse.refuse_unknown(source, MEMBERS, "The clock")
    mode = parse.optional(source, "mode", str)
    scale = parse.number(source, "scale")
    moment = parse.optional(source, "now", str)
    if scale is not None and mode != "scaled":
        raise Invalid("'scale' goes with the mode scaled.", "BadParameter")
    return ClockChange(mode, 1.0 if scale is None else scale, None if moment is None else _instant(moment))


def step(source: Mapping[str, Any]) -> int:
    """The milliseconds of ``seconds``. Raises Invalid."""
    parse.refuse_unknown(source, {"seconds"}, "A step of the clock")
    seconds = parse.finite("seconds", source.get("seconds"))
    return round(min(seconds, _LONGEST_STEP) * SECOND) if seconds >= 0 else -1


def advanced(clock: ClockState, real: int, milliseconds: int) -> ClockState:
    """The clock moved forward. Raises ValueError, which says where it stands, for a step back."""
    if milliseconds < 0:
        raise ValueError(messages.clock_goes_back(stamp(clock.now(real), milliseconds=True)))
    return clock.advanced(real, milliseconds)


def _instant(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Invalid(f"'{text}' is not a time in ISO 8601.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return int(moment.timestamp() * SECOND)
