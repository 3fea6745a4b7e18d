"""The regions that a pool can be extended to, as documented (rules G1, G2, G8)."""

from __future__ import annotations

from typing import List, Optional

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.regions import Catalogue, RegionInfo, catalogue
from azext_mhsmregion.provider.interface import Location, Pool


def same_region(one: str, other: str) -> bool:
    """Do two spellings name the same region (rules G5, G7)?"""
    return catalogue().normalise(one) == catalogue().normalise(other)


def locations(known: Catalogue, edition: str, pool: Optional[Pool]) -> List[Location]:
    """Every region by name, with the reason where it cannot be an extended region; for a pool
    also its own regions and those of other clouds."""
    return [_location(known, edition, info, pool) for _, info in sorted(known.regions.items())]


def _location(known: Catalogue, edition: str, info: RegionInfo, pool: Optional[Pool]) -> Location:
    reason = _taken(info.name, pool) if pool else None
    if reason is None:
        reason = known.refusal(info.name, edition, _cloud(known, info, pool))
    return Location(info.name, info.display_name, reason is None, reason or "")


def _taken(name: str, pool: Pool) -> Optional[str]:
    if same_region(pool.location, name):
        return messages.own_region(pool.name, name)
    if any(same_region(one.name, name) for one in pool.extended):
        return f"Pool {pool.name} is extended to it already."
    return None


def _cloud(known: Catalogue, info: RegionInfo, pool: Optional[Pool]) -> str:
    """The pool's cloud; without a pool every region is measured in its own."""
    if pool is None:
        return info.cloud
    home = known.regions.get(known.normalise(pool.location))
    return home.cloud if home else "public"
