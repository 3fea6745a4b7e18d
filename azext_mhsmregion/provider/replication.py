"""Do a pool's regions agree? Asked of the regional names (rules A6, L4), once a call."""

from __future__ import annotations

from typing import Dict, FrozenSet, List, Optional, Sequence
from urllib.parse import urlsplit

from azext_mhsmregion.provider.data import DataPlane, comparable
from azext_mhsmregion.provider.errors import NetworkError, NotFoundError
from azext_mhsmregion.provider.interface import Region, Replication
from azext_mhsmregion.provider.states import SUCCEEDED


def compare_regions(data: DataPlane, base: str, regions: Sequence[Region], key: Optional[str]) -> Replication:
    """``pending`` counts the keys on which the regions differ; it is None when a regional name
    could not be reached, then only waiting out the six minutes helps (rule L1). Raises
    NotFoundError for a key that is in no region."""
    serving = [one.name for one in regions if one.provisioning_state.lower() == SUCCEEDED]
    if len(serving) < 2:
        return Replication(agreed=True, exact=False, pending=0, seconds=0.0)
    try:
        seen = [_seen(data, regional(base, region), key) for region in serving]
    except NetworkError:
        return Replication(agreed=False, exact=False)
    if key is not None and not any(seen):
        raise NotFoundError(f"Key {key} is in no region of the pool.", "`keyvault key list` shows the keys.")
    differing = frozenset.union(*seen) - frozenset.intersection(*seen)
    names = {item.partition("\n")[0] for item in differing}
    return Replication(agreed=not names, exact=False, pending=len(names), seconds=None if names else 0.0)


def regional(base: str, region: str) -> str:
    """``https://<region>.<hsm>.managedhsm.azure.net`` (A6)."""
    return f"https://{region}.{urlsplit(base).hostname}"


def _seen(data: DataPlane, base: str, key: Optional[str]) -> FrozenSet[str]:
    """The key (or every key's properties) in one region, each as its name and its text."""
    found: List[Dict[str, object]]
    if key is None:
        found = data.list_keys(base)
        return frozenset(
            f"{one.get('kid')!s}".partition("/keys/")[2] + "\n" + comparable(one) for one in found
        )
    try:
        return frozenset({f"{key}\n{comparable(data.get_key(base, key))}"})
    except NotFoundError:
        return frozenset()
