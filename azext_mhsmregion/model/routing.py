"""Which region serves a client (rules A3, A5, F6 as far as all regions are healthy): nearest
first. Health, TTL and caches come with the two regions issue; the decision stays one function."""

from __future__ import annotations

from typing import Optional

from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import Catalogue


def nearest(pool: Pool, place: str, now: int, regions: Catalogue) -> Optional[str]:
    """The region of ``pool`` nearest to ``place`` among those the traffic manager uses; the
    primary where the place is not known. None where no region can serve yet."""
    serving = [region.name for region in pool.regions if region.serves(now)]
    if not serving:
        return None
    if not regions.known(place):
        return pool.primary.name if pool.primary.name in serving else serving[0]
    return min(serving, key=lambda name: (regions.distance_km(regions.normalise(place), name), name))
