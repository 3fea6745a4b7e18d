"""What is refused while something is down (rules E4, F3): writes in an extended region while the
primary is out, and the control plane of pools whose primary's region is out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Unavailable
from azext_mhsmregion.model.pool import Pool

if TYPE_CHECKING:
    from azext_mhsmregion.model.faults import Faults

WRITES_GO_ON_SINCE = "2026-04"
"""The edition from which on writes go on in the extended region, whatever the outage (F3)."""


def require_writes(pool: Pool, region: str, faults: Faults, edition: str, now: int) -> None:
    """Raises Unavailable in an extended region while the primary is out with the service or the
    whole region; an outage of the pool alone leaves writes going (F3)."""
    if region == pool.primary.name or edition >= WRITES_GO_ON_SINCE or not faults:
        return
    from azext_mhsmregion.model.faults import site_fault  # where there is a fault at all

    if site_fault(faults, pool.primary.name, now) is not None:
        is_gone = _is_gone(faults, pool.primary.name, now)
        say = messages.writes_gone if is_gone else messages.writes_unavailable
        raise Unavailable(say(pool.primary.name))


def require_control_plane(regions: Iterable[str], faults: Faults, now: int) -> None:
    """Raises Unavailable while the service or the whole region is out in one of ``regions``."""
    if not faults:
        return
    from azext_mhsmregion.model.faults import site_fault

    for region in regions:
        if site_fault(faults, region, now) is not None:
            is_gone = _is_gone(faults, region, now)
            say = messages.control_plane_gone if is_gone else messages.control_plane_unavailable
            raise Unavailable(say(region))


def _is_gone(faults: Faults, region: str, now: int) -> bool:
    """Is the service, or the whole region, destroyed (E6)?"""
    from azext_mhsmregion.model.faults import is_destroyed

    return is_destroyed(faults, "", region, now)
