"""The lag that a client of the other region sees, by the rate of writes: the table of docs/replication.md,
made from the model (rule L2)."""

from __future__ import annotations

import math
import random
from statistics import NormalDist, median, quantiles
from typing import List

from azext_mhsmregion.model import replication
from azext_mhsmregion.model.profile import profile
from azext_mhsmregion.model.rows import Kind, Links, Write

RATES = {
    "one a minute": 1 / 60,
    "one in ten seconds": 0.1,
    "one a second": 1.0,
    "ten a second": 10.0,
    "a hundred a second": 100.0,
}
"""Writes a second, by what the table calls them."""
WRITES = 20_000
"""That are counted, of each rate."""
SEED = 7
"""Of the first eight the one whose medians are nearest to those of the long run."""
LONGEST = profile("documented", {}).of("replication.max_lag")


def seen(rate: float, writes: int = WRITES, seed: int = SEED) -> List[float]:
    """Seconds from each write's acceptance until the other region shows it, at a steady rate on one link.
    The writes of the first ``max_lag`` are left out: what goes before them holds nothing up yet."""
    source = random.Random(f"{seed}:{rate}")
    links: Links = {}
    lags: List[float] = []
    last = 0
    first = math.ceil(rate * LONGEST / 1000)
    for number in range(first + writes):
        now = int(1000 * number / rate)
        made = replication.accept(
            [Write(Kind.SETTING, "s")], "here", {"there": 0}, now, last,
            lambda: replication.draw_lag(source, LONGEST), links,
        )  # fmt: skip
        links, last = made.links, made.rows[0].stamp.hlc
        lags.append((made.rows[1].visible_from - now) / 1000)
    return lags[first:]


def later_than_a_minute(lags: List[float]) -> float:
    """Their share, in per cent."""
    return 100 * sum(lag > 60 for lag in lags) / len(lags)


def is_there(seconds: float, rate: float) -> float:
    """The share of writes that the other region shows so long after their acceptance: those of which no
    write before them is still on its way either."""
    share, until = 1.0, LONGEST / 1000
    while seconds < until and share > 1e-3:
        share *= NormalDist().cdf(math.log(72 * seconds / until))
        seconds += 1 / rate
    return share


def median_in_the_long_run(rate: float) -> float:
    """By bisection, to a hundredth of a second."""
    low, high = 0.01, LONGEST / 1000
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if is_there(middle, rate) < 0.5 else (low, middle)
    return high


def table() -> List[str]:
    """The rows of the table, as the page has them."""
    return [_line(what, rate, seen(rate)) for what, rate in RATES.items()]


def _line(what: str, rate: float, lags: List[float]) -> str:
    times = [median(lags), quantiles(lags, n=10)[-1], median_in_the_long_run(rate)]
    half, most, in_the_long_run = (f"{seconds:.0f} s" for seconds in times)
    return f"| {what} | {half} | {most} | {later_than_a_minute(lags):.1f} % | {in_the_long_run} |"


if __name__ == "__main__":
    print("\n".join(table()))
