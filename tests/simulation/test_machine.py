"""The simulation's world driven by hypothesis: the same operations and the same oracle, a violation cut down
to the steps that matter."""

from __future__ import annotations

from typing import List

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from azext_mhsmregion.emulator import arranging
from simulation.machine import Machine
from simulation.violation import Violation

QUICK = settings(
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    deadline=None,
    max_examples=600,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


def test_no_rule_is_broken_whatever_happens_in_which_order() -> None:
    run_state_machine_as_test(Machine, settings=QUICK)


def test_a_bug_is_found_and_cut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes on their way do not wait for an outage that comes after them."""
    monkeypatch.setattr(arranging, "rearrange", lambda unit, pool: pool)

    lengths: List[int] = []

    class Counted(Machine):
        def teardown(self) -> None:
            lengths.append(self.world.step)

    with pytest.raises(Violation):
        run_state_machine_as_test(Counted, settings=QUICK)

    assert lengths[-1] < 10, "the last run is the one that hypothesis shows"
