"""What faults do to a request that is answered all the same: slower, refused as too many, or
failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Broken, ModelError, Throttled
from azext_mhsmregion.model.faults import Effect, Fault, Faults, on

_EFFECTS = (Effect.SLOW, Effect.ERROR, Effect.THROTTLE)


@dataclass(frozen=True)
class Trouble:
    """Real milliseconds by which the answer is held back, and the error that it becomes."""

    delay: int = 0
    error: Optional[ModelError] = None

    def raise_error(self) -> None:
        """Raises the error, if there is one."""
        if self.error is not None:
            raise self.error


NONE = Trouble()


def upon(
    faults: Faults, pool: str, region: str, partition: Optional[int], now: int, draw: Callable[[Fault], float]
) -> Trouble:
    """What a request to a partition of a region meets. ``draw`` gives a number from 0 to below 1
    for this request and a fault: a share of requests is hit (error, throttle)."""
    here = [
        fault
        for fault in on(faults, now, _EFFECTS)
        if fault.concerns(pool, region) and fault.partition in (None, partition)
    ]
    delay = sum(fault.milliseconds for fault in here if fault.effect is Effect.SLOW)
    hits = (fault for fault in here if fault.effect is not Effect.SLOW and draw(fault) < fault.rate)
    return Trouble(delay, next((_error(fault) for fault in hits), None))


def _error(fault: Fault) -> ModelError:
    if fault.effect is Effect.THROTTLE:
        return Throttled(messages.THROTTLED)
    return Broken(messages.BROKEN)
