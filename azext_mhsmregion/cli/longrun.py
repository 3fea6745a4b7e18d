"""Waiting, for every command that waits: progress on a terminal, and Ctrl-C that says how to
take the wait up again."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional

from azext_mhsmregion.cli import context
from azext_mhsmregion.cli.errors import Interrupted
from azext_mhsmregion.cli.progress import Progress, duration
from azext_mhsmregion.provider.errors import WaitTimeoutError

INTERVAL_SECONDS = {"emulator": 1.0, "arm": 30.0}


def interval_of(provider: Any) -> float:
    """How often to look when the user named no interval: az's 30 s for Azure, else one second."""
    return INTERVAL_SECONDS.get(provider.kind, 30.0)


@contextmanager
def watching(
    cli_ctx: Any, what: str, resume: str, expected: Optional[float] = None, goes_on: str = ""
) -> Iterator[Progress]:
    """Progress for the length of a wait for ``what`` ("Adding region ..."). ``resume`` is the
    command that waits again, ``goes_on`` what happens without us, by default ``what`` itself.
    Raises Interrupted on Ctrl-C."""
    progress = Progress(
        what, expected, sys.stderr, context.shows_progress(cli_ctx), context.now, context.sleep
    )
    try:
        yield progress
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped waiting. {goes_on or what + ' goes on in the service.'}",
            hint=f"To wait for it again, run:\n  {resume}",
        ) from None
    finally:
        progress.end()


def finish(cli_ctx: Any, provider: Any, operation: Any, what: str, resume: str) -> None:
    """Follow a long operation to its end."""
    if operation.done:
        return
    from azext_mhsmregion.provider.waiting import wait

    with watching(cli_ctx, what, resume, operation.expected_seconds) as progress:
        on_tick = progress.tick if progress.visible else None
        wait(provider, operation, context.sleep, context.now, on_tick=on_tick)


def until(
    progress: Progress,
    check: Callable[[], Optional[float]],
    interval: float,
    timeout: float,
    what: str,
) -> None:
    """Call ``check`` until it returns None. A number is how many seconds it would like to wait
    before the next look; ``interval`` is the most. Raises WaitTimeoutError after ``timeout``."""
    began = context.now()
    while True:
        wish = check()
        if wish is None:
            return
        left = timeout - (context.now() - began)
        if left <= 0:
            raise WaitTimeoutError(
                f"{what}: not reached in {duration(timeout)}.",
                hint="The operation goes on; run the same command again to go on waiting.",
            )
        progress.sleep(min(interval, max(wish, 0.1), left))
