"""What each region costs an hour, from the control plane alone. How many hours were billed only
Azure's own bill knows (rules B1 to B4)."""

from __future__ import annotations

from typing import Iterable, List, Optional, Tuple

from azext_mhsmregion.model.billing import PRICE_DATE, price_usd_per_hour
from azext_mhsmregion.provider.answers import text_at, value_at
from azext_mhsmregion.provider.interface import DEFAULT_SKU, Cost, CostLine, Pool, Region
from azext_mhsmregion.provider.states import FAILED, UNBILLED

NOTE = "List prices; the hours billed so far are in Azure's cost analysis, not known here."


def estimated_cost(pools: Iterable[Pool]) -> Cost:
    """One line by pool and billed region, hours unknown."""
    lines: List[CostLine] = []
    notes = [NOTE]
    next_price = 0.0
    for pool in pools:
        price, warnings = price_of(pool)
        notes.extend(warnings)
        next_price = max(next_price, price)
        billed = [one.name for one in _billed(pool)]
        lines.extend(CostLine(pool.name, region, None, price, None) for region in [pool.location, *billed])
    return Cost(tuple(lines), next_price or price_usd_per_hour(DEFAULT_SKU), PRICE_DATE, " ".join(notes))


def bill(pool: Pool, adding: bool, present: Optional[Region]) -> Tuple[float, float, Tuple[str, ...]]:
    """(USD an hour before, after, warnings) of adding or removing the region that is ``present``
    there now: one pool's price per region, an extended one from Succeeded until its removal is
    accepted (rules B1, B2). Trying a Failed region again may bring other Failed ones (E5)."""
    price, unpriced = price_of(pool)
    billed = _billed(pool)
    before = price * (1 + len(billed))
    after = before
    if not adding:
        after -= price if present in billed else 0.0
    elif present is not None and _is_failed(present):
        after += price * len([one for one in pool.extended if _is_failed(one)])
    elif present not in billed:
        after += price
    return dollars(before), dollars(after), unpriced


def price_of(pool: Pool) -> Tuple[float, Tuple[str, ...]]:
    """(USD an hour of the pool in one region, warnings). Without a known price: 0 and a warning."""
    sku = value_at(pool.body, "sku.name")
    name = sku if isinstance(sku, str) else text_at(pool.body, "sku.name", f"managed HSM {pool.name}")
    try:
        return price_usd_per_hour(name), ()
    except KeyError:
        return 0.0, (f"No price is known for the sku {name}.",)


def dollars(amount: float) -> float:
    """Without the noise of binary fractions: to a hundredth of a cent."""
    return round(amount, 4)


def _billed(pool: Pool) -> List[Region]:
    return [one for one in pool.extended if one.provisioning_state.lower() not in UNBILLED]


def _is_failed(region: Region) -> bool:
    return region.provisioning_state.lower() == FAILED
