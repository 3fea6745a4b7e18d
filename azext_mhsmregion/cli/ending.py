"""A command that changed something for its time only, and is told to end."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import Iterator, Optional


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that what it changed is put back."""

    def stop(*_: Optional[object]) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
