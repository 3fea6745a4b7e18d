"""The bill: one pool's price per region and hour (rules B1 to B4)."""

from __future__ import annotations

from typing import Iterable, NamedTuple, Optional, Tuple

from azext_mhsmregion.model.clock import HOUR
from azext_mhsmregion.model.data import load

PRICE_DATE: str = load("prices")["date"]


class BilledSpan(NamedTuple):
    """One pool billed in one region from ``start`` to ``end`` (None: still billed); service
    time in milliseconds. A span whose start lies ahead costs nothing yet."""

    pool: str
    region: str
    sku: str
    start: int
    end: Optional[int] = None

    def hours(self, now: int) -> float:
        """Hours billed up to ``now``."""
        end = now if self.end is None else min(self.end, now)
        return max(0, end - self.start) / HOUR


def price_usd_per_hour(sku: str) -> float:
    """USD an hour for one pool in one region (B4). Raises KeyError for a SKU whose price is
    not in the data file."""
    price: float = load("prices")["usd_per_pool_hour"][sku]
    return price


def cost(spans: Iterable[BilledSpan], now: int) -> Tuple[Tuple[str, str, float, float], ...]:
    """(pool, region, hours, USD an hour) summed by pool and region, in order of first billing."""
    hours: dict[Tuple[str, str, str], float] = {}
    for span in sorted(spans, key=lambda item: (item.start, item.region)):
        place = (span.pool, span.region, span.sku)
        hours[place] = hours.get(place, 0.0) + span.hours(now)
    return tuple(
        (pool, region, amount, price_usd_per_hour(sku)) for (pool, region, sku), amount in hours.items()
    )
