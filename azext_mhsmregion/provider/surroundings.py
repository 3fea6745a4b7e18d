"""What a provider is handed instead of fetching it: time, chance, and whom to tell."""

from __future__ import annotations

import time
from typing import Callable, NamedTuple, Optional

Tell = Callable[[str], None]


def chance() -> float:
    """Jitter, in [0, 1). Imported when the first retry needs it."""
    from random import random

    return random()


def unbounded() -> float:
    """Whoever asks waits as long as it takes."""
    return float("inf")


class Surroundings(NamedTuple):
    """``sleep`` takes seconds, ``random`` gives [0, 1), ``wall`` the seconds since the epoch,
    ``now`` is a monotonic clock; ``on_retry`` gets a sentence before each pause of a retry,
    and ``left`` gives the seconds for which whoever asks still waits."""

    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = chance
    wall: Callable[[], float] = time.time
    now: Callable[[], float] = time.monotonic
    on_retry: Optional[Tell] = None
    left: Callable[[], float] = unbounded
