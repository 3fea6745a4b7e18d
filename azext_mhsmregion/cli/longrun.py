"""Waiting, for every command that waits: progress on a terminal, and a stop (Ctrl-C, an error
while looking) that says how to take the wait up again."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional

from knack.log import get_logger

from azext_mhsmregion.cli import context
from azext_mhsmregion.cli.errors import Interrupted
from azext_mhsmregion.cli.progress import Progress, duration
from azext_mhsmregion.provider.errors import (
    BadAnswerError,
    NetworkError,
    OperationFailedError,
    ProviderError,
    ServiceError,
    WaitTimeoutError,
)

logger = get_logger(__name__)

INTERVAL_SECONDS = {"emulator": 1.0, "arm": 30.0}
GOES_ON = "{what} goes on in the service."
MAY_GO_ON = "{what} may be under way."

GoesOn = Callable[[ProviderError], bool]


def interval_of(provider: Any) -> float:
    """How often to look when the user named no interval: az's 30 s for Azure, else one second."""
    return INTERVAL_SECONDS.get(provider.kind, 30.0)


def still_runs(error: ProviderError) -> bool:
    """Does what is waited for go on after this error? Only its own end is its end."""
    return not isinstance(error, OperationFailedError)


def outcome_unknown(error: ProviderError) -> bool:
    """May a request that ended in this error have been accepted?"""
    return isinstance(error, (NetworkError, BadAnswerError, ServiceError))


@contextmanager
def watching(
    cli_ctx: Any,
    what: str,
    resume: str,
    expected: Optional[float] = None,
    goes_on: str = GOES_ON,
    after: GoesOn = still_runs,
) -> Iterator[Progress]:
    """Progress for the length of a wait for ``what`` ("Adding region ..."). ``resume`` is the
    command that waits again, ``goes_on`` what happens without us. Raises Interrupted on Ctrl-C;
    an error for which ``after`` says that it goes on is told the same."""
    progress = Progress(what, expected, sys.stderr, context.shows_progress(cli_ctx), context.now)
    goes_on = goes_on.format(what=what)
    again = f"To wait for it again, run:\n  {resume}"
    try:
        yield progress
    except KeyboardInterrupt:
        raise Interrupted(f"Stopped waiting. {goes_on}", hint=again) from None
    except ProviderError as error:
        if after(error) and again not in error.hint:
            error.hint = "\n".join(part for part in (error.hint, goes_on, again) if part)
        raise
    finally:
        progress.end()


def follow(
    cli_ctx: Any,
    provider: Any,
    send: Callable[[], Any],
    what: str,
    resume: str,
    no_wait: bool = False,
) -> None:
    """Begin a long operation with ``send``, which returns it, and wait for its end unless
    ``no_wait``. From the first byte sent, a stop says how to wait for what may be under way."""
    context.sending(cli_ctx)
    with watching(cli_ctx, what, resume, goes_on=MAY_GO_ON, after=outcome_unknown):
        operation = send()
        for warning in operation.warnings:
            logger.warning(warning)
        if not no_wait:
            finish(cli_ctx, provider, operation, what, resume)


def finish(cli_ctx: Any, provider: Any, operation: Any, what: str, resume: str) -> None:
    """Follow a long operation to its end."""
    if operation.done:
        return
    with watching(cli_ctx, what, resume, operation.expected_seconds) as progress:
        from azext_mhsmregion.provider.waiting import wait

        on_tick = progress.tick if progress.visible else None
        wait(provider, operation, context.sleep, context.now, on_tick=on_tick)


def until(
    progress: Progress,
    check: Callable[[], Optional[float]],
    interval: float,
    timeout: Optional[float],
    what: str,
    held: Callable[[], Optional[float]],
) -> None:
    """Call ``check`` until it returns None. A number is how many seconds it would like to wait
    before the next look; ``interval`` is the most. Raises WaitTimeoutError after ``timeout``, and
    TimeHeldError where it would wait for a clock that stands still: ``held`` gives the seconds that
    it lacks, None where time passes."""
    from azext_mhsmregion.provider import waiting

    def within_interval() -> Optional[float]:
        wish = check()
        lacking = None if wish is None else held()
        if lacking is not None:
            raise waiting.time_held(what, lacking)
        return None if wish is None else min(wish, interval)

    on_tick = progress.tick if progress.visible else None
    if not waiting.until(within_interval, context.sleep, context.now, on_tick, timeout):
        raise WaitTimeoutError(f"{what}: not reached in {duration(timeout or 0)}.")
