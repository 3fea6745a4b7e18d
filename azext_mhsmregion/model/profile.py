"""How long things take: a profile of durations, each also a setting (DESIGN section 3)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Mapping, NamedTuple, Tuple

from azext_mhsmregion.model.data import load

if TYPE_CHECKING:
    from azext_mhsmregion.model.health import Probes

DEFAULT_PROFILE = "quick"
COUNTS = ("probe.tolerated_failures", "balancer.tolerated_failures")
"""Entries of a profile that are no durations."""


class Profile(NamedTuple):
    """Durations in milliseconds by name: operations by kind, ``replication.max_lag``,
    ``dns.ttl``, ``probe.interval`` and ``.timeout`` of the traffic manager, ``balancer.interval``
    and ``.timeout`` of a region's balancer, ``poll.cap``. Counts by name: see :data:`COUNTS`."""

    name: str
    durations: Mapping[str, int]
    counts: Mapping[str, int]

    def of(self, what: str) -> int:
        """Duration of ``what`` in milliseconds."""
        return self.durations[what]

    def probes(self, whose: str) -> Probes:
        """The probes of ``probe`` (the traffic manager) or ``balancer``."""
        from azext_mhsmregion.model.health import Probes  # the control plane's reads need none

        return Probes(
            self.of(f"{whose}.interval"),
            self.of(f"{whose}.timeout"),
            self.counts[f"{whose}.tolerated_failures"],
        )


def profile(name: str, settings: Mapping[str, float]) -> Profile:
    """The profile ``name`` with single durations replaced by ``settings`` (seconds).

    Raises ValueError for a profile that does not exist or a setting that is none.
    """
    return _profile(name, tuple(settings.items()))


@lru_cache(maxsize=64)
def _profile(name: str, replaced: Tuple[Tuple[str, float], ...]) -> Profile:
    settings = dict(replaced)
    data = load("profiles")
    if name not in data or not isinstance(data[name], dict):
        raise ValueError(f"unknown profile {name!r}")
    unknown = set(settings) - set(data[name])
    if unknown:
        raise ValueError(f"unknown duration {', '.join(sorted(unknown))}")
    values = {**data[name], **settings}
    durations = {key: int(value * 1000) for key, value in values.items() if key not in COUNTS}
    counts = {key: _count(key, values[key]) for key in COUNTS}
    for whose in ("probe", "balancer"):
        if not 0 < durations[f"{whose}.timeout"] <= durations[f"{whose}.interval"]:
            raise ValueError(f"{whose}.timeout must be above 0 and at most {whose}.interval")
    return Profile(name, durations, counts)


def _count(name: str, value: float) -> int:
    if value != int(value) or value < 0:
        raise ValueError(f"{name} is a whole number from 0 on")
    return int(value)
