"""How long things take: a profile of durations, each also a setting (DESIGN section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from azext_mhsmregion.model.data import load

DEFAULT_PROFILE = "quick"


@dataclass(frozen=True)
class Profile:
    """Durations in milliseconds by name: operations by kind, ``replication.max_lag``,
    ``dns.ttl``, ``probe.interval``, ``poll.cap``."""

    name: str
    durations: Mapping[str, int]

    def of(self, what: str) -> int:
        """Duration of ``what`` in milliseconds."""
        return self.durations[what]


def profile(name: str, settings: Mapping[str, float]) -> Profile:
    """The profile ``name`` with single durations replaced by ``settings`` (seconds).

    Raises ValueError for a profile that does not exist or a setting that is none.
    """
    data = load("profiles")
    if name not in data or not isinstance(data[name], dict):
        raise ValueError(f"unknown profile {name!r}")
    unknown = set(settings) - set(data[name])
    if unknown:
        raise ValueError(f"unknown duration {', '.join(sorted(unknown))}")
    seconds = {**data[name], **settings}
    return Profile(name, {key: int(value * 1000) for key, value in seconds.items()})
