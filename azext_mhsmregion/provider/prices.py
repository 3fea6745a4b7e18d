"""``region cost`` from the control plane alone: what each region costs an hour. How many hours
were billed only Azure's own bill knows (rules B1 to B4)."""

from __future__ import annotations

from typing import Iterable, List

from azext_mhsmregion.model.billing import PRICE_DATE, price_usd_per_hour
from azext_mhsmregion.provider.interface import Cost, CostLine, Pool
from azext_mhsmregion.provider.regions import UNBILLED, price_of

DEFAULT_SKU = "Standard_B1"
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
        billed = [one.name for one in pool.extended if one.provisioning_state.lower() not in UNBILLED]
        lines.extend(CostLine(pool.name, region, None, price, None) for region in [pool.location, *billed])
    return Cost(tuple(lines), next_price or price_usd_per_hour(DEFAULT_SKU), PRICE_DATE, " ".join(notes))
