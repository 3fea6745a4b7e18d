"""The one waiting loop. A KeyboardInterrupt goes through it; the operation goes on."""

from __future__ import annotations

from typing import Callable, Optional

from azext_mhsmregion.provider.errors import NetworkError, TimeHeldError, WaitTimeoutError
from azext_mhsmregion.provider.interface import Operation, Provider

INTERVAL = 30.0
TICK = 1.0
SHORTEST = 0.1
LOST_LOOKS = 3
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
    operation too; the rest is as in :func:`until`. Raises WaitTimeoutError when ``timeout``
    seconds have passed, OperationFailedError when the operation ended badly.
    """

    def pause() -> float:
        return interval or operation.retry_after or INTERVAL

    def check() -> Optional[float]:
        nonlocal operation
        operation = provider.poll(operation)
        _refuse_held(provider, operation)
        return None if operation.done else pause()

    def tick(elapsed: float) -> None:
        if on_tick is not None:
            on_tick(operation, elapsed)

    _refuse_held(provider, operation)
    watched = None if on_tick is None else tick
    if not operation.done and not until(check, sleep, now, watched, timeout, first=pause()):
        raise WaitTimeoutError(
            f"{operation.kind} of {operation.pool} did not finish within {timeout:g} seconds.",
            RESUME_HINT.format(pool=operation.pool),
        )
    return operation


def _refuse_held(provider: Provider, operation: Operation) -> None:
    held = None if operation.done else provider.held_for(operation)
    if held is not None:
        raise time_held(f"The {operation.kind} of {operation.pool}", held)


def time_held(what: str, seconds: float) -> TimeHeldError:
    """The error for who would wait for ``what`` while service time stands still ``seconds`` before it;
    0: nothing is under way that would bring it."""
    if seconds <= 0:
        return TimeHeldError(
            f"Service time stands still, and nothing is under way that it would end ({what}).",
            "Begin it first, or let time run: `mhsm keyvault emulator clock set --mode real`.",
        )
    lacking = f"{seconds:.3f}".rstrip("0").rstrip(".")
    return TimeHeldError(
        f"Service time stands still, {lacking} seconds before the end of what is under way ({what}).",
        f"`mhsm keyvault emulator clock advance --by {lacking}s` completes it.",
    )


def until(
    check: Callable[[], Optional[float]],
    sleep: Callable[[float], None],
    now: Callable[[], float],
    on_tick: Optional[Callable[[float], None]] = None,
    timeout: Optional[float] = None,
    first: float = 0.0,
) -> bool:
    """Look until ``check`` returns None; a number is how many seconds to pause before the next
    look. ``first`` seconds pass before the first one. False when ``timeout`` seconds have passed
    without it; the last look is at the time-out.

    ``on_tick`` gets the seconds since this wait began, about once a second. Up to three looks in
    a row may find no network, unless there was none from the very start.
    """
    began = now()
    lost = LOST_LOOKS if first == 0 else 0
    pause: Optional[float] = first
    while pause is not None:
        if not _slept(pause, began, sleep, now, on_tick, timeout):
            return False
        try:
            pause = check()
            lost = 0
        except NetworkError:
            lost += 1
            if lost > LOST_LOOKS:
                raise
        pause = None if pause is None else max(pause, SHORTEST)
    return True


def _slept(
    pause: float,
    began: float,
    sleep: Callable[[float], None],
    now: Callable[[], float],
    on_tick: Optional[Callable[[float], None]],
    timeout: Optional[float],
) -> bool:
    """Sleep ``pause`` seconds, in ticks when somebody watches, and no longer than the time-out;
    False when that had passed before."""
    left = pause
    while left > 0:
        elapsed = now() - began
        if on_tick is not None:
            on_tick(elapsed)
        if timeout is not None and elapsed >= timeout:
            return False
        slice_ = min(left, TICK) if on_tick is not None else left
        if timeout is not None:
            slice_ = min(slice_, timeout - elapsed)
            left = min(left, timeout - elapsed)
        sleep(slice_)
        left -= slice_
    return True
