"""How ``make bench`` judges a ratio: what costs more is caught, other work on the machine is not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import bench_regions
import turns


class Side:
    """One side of a benchmark, with costs that are given."""

    def __init__(self, costs: List[float], journal: List[str], name: str) -> None:
        self.costs, self._journal, self._name = costs, journal, name

    def round(self) -> None:
        self._journal.append(self._name)


def ratio(one: List[float], other: List[float]) -> turns.Ratio:
    return turns.Ratio.of(Side(one, [], "one"), Side(other, [], "other"))


def test_each_side_is_first_in_every_other_round() -> None:
    journal: List[str] = []
    a, b, c, d, e = (Side([1.0], journal, name) for name in "abcde")
    turns.take_turns([(a, b), (c, d, e)], 3)
    assert "".join(journal) == "abcde" + "baedc" + "abcde"


@pytest.mark.parametrize(
    ("one", "other", "paired", "best"),
    [
        ([1.3, 1.3, 1.3], [1.0, 1.0, 1.0], 1.3, 1.3),
        ([1.2, 1.2, 3.0], [1.0, 2.0, 1.0], 1.2, 1.2),
        ([1.0, 1.4, 1.4], [1.0, 1.0, 1.0], 1.4, 1.0),
        ([1.5, 2.0, 2.0], [1.0, 2.0, 2.0], 1.0, 1.5),
    ],
)
def test_a_ratio_of_pairs_and_one_of_the_best(
    one: List[float], other: List[float], paired: float, best: float
) -> None:
    assert ratio(one, other) == pytest.approx((paired, best))


@pytest.mark.parametrize(
    ("costs", "code"),
    [([1.25, 1.25, 1.25], 1), ([1.0, 1.4, 1.4], 0), ([1.1, 1.1, 1.1], 0)],
    ids=["dearer", "disturbed", "within"],
)
def test_the_smaller_of_both_is_judged_and_both_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], costs: List[float], code: int
) -> None:
    even = Side([1.0, 1.0, 1.0], [], "even")
    monkeypatch.setattr(bench_regions, "asked", lambda folder: [even, Side(costs, [], "two"), *[even] * 4])
    assert bench_regions.main() == code
    told = capsys.readouterr().out
    assert f"median of paired rounds {sorted(costs)[1]:.3f}, of best rounds {min(costs):.3f}" in told
