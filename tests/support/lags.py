"""The lag that a client of the other region sees, by the rate of writes: the table of docs/replication.md,
made from the model (rule L2)."""

from __future__ import annotations

import random
from statistics import median, quantiles
from typing import Dict, List, Tuple

from azext_mhsmregion.model import replication
from azext_mhsmregion.model.profile import profile
from azext_mhsmregion.model.rows import Kind, Write

RATES = {"one a minute": 1 / 60, "one in ten seconds": 0.1, "one a second": 1.0, "ten a second": 10.0}
"""Writes a second, by what the table calls them."""
WRITES = 36_000
"""An hour at the highest of these rates."""


def seen(rate: float, writes: int = WRITES) -> List[float]:
    """Seconds from each write's acceptance until the other region shows it, at a steady rate on one link."""
    source, links = random.Random(f"docs:{rate}"), {}
    longest = profile("documented", {}).of("replication.max_lag")
    lags: List[float] = []
    last = 0
    for number in range(writes):
        now = int(1000 * number / rate)
        made = replication.accept(
            [Write(Kind.SETTING, "s")], "here", {"there": 0}, now, last,
            lambda: replication.draw_lag(source, longest), links,
        )  # fmt: skip
        links, last = dict(made.links), made.rows[0].stamp.hlc
        lags.append((made.rows[1].visible_from - now) / 1000)
    return lags


def table() -> List[str]:
    """The rows of the table, as the page has them."""
    rows: Dict[str, Tuple[float, float, float, float]] = {}
    for what, rate in RATES.items():
        lags = seen(rate)
        above = sum(lag > 60 for lag in lags) / len(lags)
        rows[what] = median(lags), quantiles(lags, n=10)[-1], max(lags), 100 * above
    return [
        f"| {what} | {half:.1f} s | {most:.1f} s | {longest:.0f} s | {above:.1f} % |"
        for what, (half, most, longest, above) in rows.items()
    ]


if __name__ == "__main__":
    print("\n".join(table()))
