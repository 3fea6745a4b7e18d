"""The simulation in its quick form; the long one is ``make simulate``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulation import bugs, report
from simulation.driver import Run
from simulation.twin import Twin
from simulation.violation import Violation
from simulation.world import World

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STEPS = 2_500
RATIO = 1.5
"""How many times as much a step of a thousand pools may cost as one of ten."""


@pytest.mark.parametrize("seed", [1, 2])
def test_no_rule_is_broken_in_a_few_thousand_steps(seed: int) -> None:
    counts = report.simulate(seed, STEPS)

    assert counts["steps"] == STEPS
    assert counts["steps that wrote"] > STEPS / 10
    assert counts["resolutions"] and counts["quiet points"]


def test_a_seed_runs_the_same_way_again() -> None:
    first, second = (_ended(Run(5, 0)) for _ in range(2))

    assert first == second


def test_another_seed_runs_another_way() -> None:
    assert _ended(Run(5, 0)) != _ended(Run(6, 0))


def _ended(run: Run) -> object:
    """Everything that a world holds after some steps."""
    run.steps(800)
    tx = run.world.tx
    rows = {
        pool: {name: shelf.groups for name, shelf in shelf.regions.items()}
        for pool, shelf in tx.shelves.items()
    }
    return run.world.now, tx.by_id, rows, tx.broken, tx.log, run.world.counts


def test_the_store_does_what_the_simulations_memory_does() -> None:
    """Every verb of the store asked beside it, over SQLite in memory."""
    twin = Twin()
    run = Run(8, 2, tx=twin)

    run.steps(500)

    assert twin.compared > 1_000


def test_steps_can_be_left_out_and_the_others_stay_what_they_are() -> None:
    run = Run(5, 0)

    run.steps(400, set(range(100, 300)))

    assert run.world.counts["steps"] == 200


def test_a_violation_names_the_command_that_shows_it_again_and_tells_its_story(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    after_step = World.after_step

    def broken(self: World, book: object) -> None:
        after_step(self, book)  # type: ignore[arg-type]
        if self.step == 321:
            raise Violation("L3", "made up", getattr(book, "id", ""))

    monkeypatch.setattr(World, "after_step", broken)

    with pytest.raises(report.Found) as caught:
        report.simulate(5, 1_000)
    told = "\n".join(caught.value.told())

    assert "VIOLATION L3: made up" in told
    assert "tools/simulate.py --seed 5 --epoch 0 --steps 322 --replay" in told
    assert " step " in told and " writes " in told


def test_a_failing_run_is_cut_down_to_the_steps_that_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: World, book: object) -> None:
        if self.counts["data: delete"] > 1:
            raise Violation("L3", "two deletes", "")

    monkeypatch.setattr(World, "after_step", broken)
    with pytest.raises(report.Found) as caught:
        report.simulate(5, 1_000)

    steps, smaller = report.shrunk(caught.value, 4)

    assert smaller is not None and smaller.rule == "L3"
    assert len(steps) < caught.value.run.world.step / 2


def test_a_long_run_must_reach_the_absolute_figures_too() -> None:
    counts = {"steps": 999_999, "steps that wrote": 400_000, "steps under a fault": 100_000}
    counts.update(
        {"conflict": 1_000, "writes lost": 100, "steps with three regions and 1000 objects": 200_000}
    )

    assert report.missed(counts) == []
    assert report.missed({**counts, "steps": 1_000_000}) == ["conflict, in all", "writes lost, in all"]


def test_backups_are_restored_and_what_they_come_to_is_compared() -> None:
    counts = report.simulate(1, STEPS)

    assert counts["full restores"] and counts["keys restored"] and counts["restores compared"]
    assert counts["data: rotate"] and counts["data: set_policy"] and counts["data: import_key"]


def test_a_step_costs_no_more_with_a_thousand_pools() -> None:
    """In one run, the best of three, in turns: ten pools and a thousand, each after all of them are there."""
    costs = [(_cost(10), _cost(1_000)) for _ in range(3)]
    few, many = (min(cost) for cost in zip(*costs))

    print(f"a step costs {few * 1e6:.0f} us with 10 pools, {many * 1e6:.0f} us with 1,000")
    assert many < few * RATIO


def _cost(pools: int) -> float:
    run = Run(12, 0, pools)
    run.steps(pools + 400)
    first = run.world.step + 1
    start = time.process_time()
    for number in range(first, first + 1_500):
        run.step(number)
    return (time.process_time() - start) / 1_500


def test_every_bug_still_fits_the_package() -> None:
    known = bugs.load(CHECKOUT)

    assert len(known) >= 20
    assert [bug.why for bug in known if not bugs.fits(CHECKOUT, bug)] == []


@pytest.mark.parametrize("new", ["return no_such_name", "return )"])
def test_a_bug_that_only_crashes_is_not_found(new: str) -> None:
    file, old = "azext_mhsmregion/model/replication.py", "return max(now << _COUNTER_BITS, last_seen + 1)"
    is_found, how = bugs.hunt(CHECKOUT, bugs.Bug("crash", file, old, new, "it breaks"), 300)

    assert not is_found and how.startswith("CRASHED: "), how


def test_a_bug_is_found_by_the_rule_that_it_breaks() -> None:
    (bug,) = [one for one in bugs.load(CHECKOUT) if one.why.startswith("a write with a short lag overtakes")]
    is_found, how = bugs.hunt(CHECKOUT, bug, 300)

    assert is_found and " L3: " in how, how


def test_a_word_that_no_bug_has_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert bugs.hunt_all(CHECKOUT, "no such word", 1) == 1
    assert "no bug has the word" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("bug", bugs.load(CHECKOUT), ids=lambda bug: bug.why.replace(" ", "-"))
def test_each_bug_put_in_on_purpose_is_found_within_50_000_steps(bug: bugs.Bug) -> None:
    is_found, how = bugs.hunt(CHECKOUT, bug)

    assert is_found, how
    print(how)


@pytest.mark.slow
def test_the_program_runs_two_processes_and_prints_its_figures() -> None:
    program = [sys.executable, str(CHECKOUT / "tools" / "simulate.py"), "--steps", "4000", "--processes", "2"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "simulate: 4000 steps" in done.stdout
