"""What a user may set of an emulator, kept in its store (DESIGN section 3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Tuple

from azext_mhsmregion.model.profile import DEFAULT_PROFILE, Profile, profile
from azext_mhsmregion.model.regions import DEFAULT_EDITION, EDITIONS, catalogue
from azext_mhsmregion.model.routing import METHODS


@dataclass(frozen=True)
class Settings:
    """``durations`` are seconds by name, over the profile's; ``seed`` makes ids' and lags'
    randomness repeatable; ``without_capacity`` names regions whose add ends in Failed (E5, G3);
    ``place`` is where a client stands that does not say; ``routing`` is how the traffic manager
    orders healthy regions (F6), ``latency`` milliseconds by place and region for it."""

    profile: str = DEFAULT_PROFILE
    durations: Mapping[str, float] = field(default_factory=dict)
    edition: str = DEFAULT_EDITION
    seed: int = 0
    advance_on_poll: bool = True
    without_capacity: Tuple[str, ...] = ()
    place: str = ""
    routing: str = "nearest"
    latency: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def changed(self, **changes: Any) -> Settings:
        """The settings with some replaced. Raises ValueError for what cannot be."""
        made = replace(self, **changes)
        made.checked_profile()
        if made.edition not in EDITIONS:
            raise ValueError(f"unknown edition {made.edition!r}: {', '.join(EDITIONS)}")
        if made.routing not in METHODS:
            raise ValueError(f"unknown routing {made.routing!r}: {', '.join(METHODS)}")
        measured = {name for row in made.latency.values() for name in row}
        for name in (*made.without_capacity, *made.latency, *measured):
            if not catalogue().known(name):
                raise ValueError(f"unknown region {name!r}")
        return made

    def checked_profile(self) -> Profile:
        """The profile with this emulator's durations. Raises ValueError."""
        return profile(self.profile, self.durations)


def encode(settings: Settings) -> Dict[str, Any]:
    return asdict(settings)


def decode(raw: Optional[Mapping[str, Any]]) -> Settings:
    if raw is None:
        return Settings()
    return Settings(**{**raw, "without_capacity": tuple(raw["without_capacity"])})
