"""Durations as people write them."""

from __future__ import annotations

import re

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")


def seconds(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``6m``, ``2h`` or ``7d``. Raises ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return float(found.group(1)) * _UNITS[found.group(2)]
