"""The end of a server's process, when a thread of it does not end: a handler that is stuck, a name
lookup that nobody answers. Python waits for such threads for ever; a user who says stop does not."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextlib import suppress
from typing import List, NoReturn

THREADS = "mhsmregion-"
"""What the names of a server's threads begin with."""

PATIENCE = 1.0
"""Seconds that idle threads have to notice that the server has stopped."""

log = logging.getLogger(__name__)


def stuck_threads(patience: float = PATIENCE) -> List[threading.Thread]:
    """The threads of servers in this process that have not ended within ``patience`` seconds."""
    deadline = time.monotonic() + patience
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(THREADS)]
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in threads if thread.is_alive()]


def abandon(threads: List[threading.Thread]) -> NoReturn:
    """End the process at once, with code 0, and ``threads`` with it. What they have not committed is
    rolled back by the next who opens the store."""
    names = ", ".join(thread.name for thread in threads)
    log.warning("ended with %d threads that would not: %s", len(threads), names)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(0)
