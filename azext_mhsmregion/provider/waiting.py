"""The one waiting loop. A KeyboardInterrupt goes through it; the operation goes on."""

from __future__ import annotations

from typing import Callable, Optional

from azext_mhsmregion.provider.errors import NetworkError, WaitTimeoutError
from azext_mhsmregion.provider.interface import Operation, Provider

INTERVAL = 30.0
TICK = 1.0
LOST_POLLS = 3
RESUME_HINT = "The operation goes on: `keyvault region wait --hsm-name {pool}` waits for it again."

OnTick = Callable[[Operation, float], None]


def wait(
    provider: Provider,
    operation: Operation,
    sleep: Callable[[float], None],
    now: Callable[[], float],
    on_tick: Optional[OnTick] = None,
    timeout: Optional[float] = None,
    interval: Optional[float] = None,
) -> Operation:
    """Poll until the operation is done; returns it as it ended.

    The pause is ``interval``, else what the service asked for, else 30 s. ``on_tick`` gets the
    operation and the seconds since this wait began, about once a second. Up to three polls in
    a row may find no network. Raises WaitTimeoutError when ``timeout`` seconds have passed,
    OperationFailedError when the operation ended badly.
    """
    started = now()
    lost = 0
    while not operation.done:
        pause = interval or operation.retry_after or INTERVAL
        _sleep_ticking(operation, pause, started, sleep, now, on_tick, timeout)
        try:
            operation = provider.poll(operation)
            lost = 0
        except NetworkError:
            lost += 1
            if lost > LOST_POLLS:
                raise
    if on_tick is not None:
        on_tick(operation, now() - started)
    return operation


def _sleep_ticking(
    operation: Operation,
    pause: float,
    started: float,
    sleep: Callable[[float], None],
    now: Callable[[], float],
    on_tick: Optional[OnTick],
    timeout: Optional[float],
) -> None:
    """Sleep ``pause`` seconds, in ticks when somebody watches, and no longer than the time-out."""
    left = pause
    while left > 0:
        elapsed = now() - started
        if on_tick is not None:
            on_tick(operation, elapsed)
        if timeout is not None and elapsed >= timeout:
            raise WaitTimeoutError(
                f"{operation.kind} of {operation.pool} did not finish within {timeout:g} seconds.",
                RESUME_HINT.format(pool=operation.pool),
            )
        slice_ = min(left, TICK) if on_tick is not None else left
        if timeout is not None:
            slice_ = min(slice_, max(timeout - elapsed, 0.0))
        sleep(slice_)
        left -= slice_
