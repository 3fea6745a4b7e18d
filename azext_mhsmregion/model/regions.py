"""The catalogue of regions: names, places, clouds, and which can be extended regions in which
edition of the documentation (rules G1 to G8)."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import List, Mapping, NamedTuple, Optional, Tuple

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.data import load

DEFAULT_EDITION = "2025-04"
EDITIONS = ("2025-04", "2026-04")
EARTH_RADIUS_KM = 6371.0


class RegionInfo(NamedTuple):
    """One region. ``latitude`` and ``longitude`` in degrees, ``cloud`` public, china, usgov or
    germany, ``can_be_extended`` by edition."""

    name: str
    display_name: str
    latitude: float
    longitude: float
    cloud: str
    can_be_extended: Mapping[str, bool]


class Catalogue(NamedTuple):
    """All regions that the service knows."""

    regions: Mapping[str, RegionInfo]
    aliases: Mapping[str, str]
    refusal_order: Tuple[str, ...]
    maximum: Mapping[str, Optional[int]]
    date: str

    def normalise(self, text: str) -> str:
        """Canonical spelling: "Australia East" is australiaeast (G5), the document's own
        "US East" is eastus (G7). An unknown name comes back squeezed and in lower case."""
        squeezed = _squeeze(text)
        return self.aliases.get(squeezed, squeezed)

    def known(self, text: str) -> bool:
        """Does the service know a region of this name?"""
        return self.normalise(text) in self.regions

    def cloud(self, text: str) -> str:
        """The cloud of a known region (G8)."""
        return self.regions[self.normalise(text)].cloud

    def near(self, text: str) -> List[str]:
        """Known names that look like ``text``, best first, at most three."""
        from difflib import get_close_matches

        return get_close_matches(self.normalise(text), list(self.regions), n=3, cutoff=0.75)

    def refusal(self, text: str, edition: str, cloud: str = "public") -> Optional[str]:
        """Why the region cannot be an extended region, None when it can (G2, G8)."""
        info = self.regions[self.normalise(text)]
        if info.cloud != cloud:
            return messages.other_cloud(info.name, info.cloud, cloud)
        if not info.can_be_extended[edition]:
            return messages.documented_not_extendable(info.name, info.display_name, edition)
        return None

    def invalid_name_message(self, text: str) -> str:
        """The service's own words for an unknown region (G4, recorded)."""
        return (
            f"Invalid region name: {text} passed. "
            f"The valid list of region names: {', '.join(self.refusal_order)}"
        )

    def maximum_extended(self, edition: str) -> Optional[int]:
        """How many extended regions a pool may have (A8); None: the edition states no maximum."""
        return self.maximum[edition]

    def distance_km(self, one: str, other: str) -> float:
        """Great-circle distance between two known regions, in kilometres (F6)."""
        a, b = self.regions[one], self.regions[other]
        lat_a, lat_b = math.radians(a.latitude), math.radians(b.latitude)
        d_lat, d_lon = lat_b - lat_a, math.radians(b.longitude - a.longitude)
        h = math.sin(d_lat / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(d_lon / 2) ** 2
        return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(h))


@lru_cache(maxsize=1024)
def _squeeze(text: str) -> str:
    return "".join(text.split()).replace("-", "").replace("_", "").lower()


@cache
def catalogue() -> Catalogue:
    """The catalogue of the package's data file."""
    raw = load("regions")
    regions = {entry["name"]: RegionInfo(**entry) for entry in raw["regions"]}
    aliases = {_squeeze(alias): name for alias, name in raw["aliases"].items()}
    return Catalogue(
        regions, aliases, tuple(raw["refusal_order"]), raw["maximum_extended_regions"], raw["date"]
    )
