"""Every rule with its tests, and every rule broken on purpose.

    python tools/rules.py [--rule L3] [--jobs 2]

Rule tests live in tests/rules and carry ``@pytest.mark.rule("L3")``; mutants live in
tests/mutants.toml: (rule, file, old text, new text, why). All rule tests must pass; then each mutant
is applied to a copy of the package and only its own rule's tests run against the copy: they must fail.
What fails this program: a failing test, a rule without a test or a mutant, a mutant whose old text
does not occur exactly once, that cannot run, or that survives.

Everything runs on a copy taken at the start, so that others may go on editing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = "azext_mhsmregion"
RULES = (
    "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "L1", "L2", "L3", "L4", "L5", "L5b", "L6", "L7",
    "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E9",
    "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10",
    "G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "B1", "B2", "B3", "B4", "B5",
    "D1", "D2", "D3", "D4", "D5", "C1", "C2", "C3", "C3b", "C4", "C4d", "C5", "C6", "K1", "K2", "K3", "K4",
)  # fmt: skip
"""The rules of RULES.md that are built so far; others join them by a test or a mutant."""

CAUGHT, SURVIVED = "caught", "SURVIVED"
TESTS_FAILED = 1
"""pytest's exit code when tests ran and failed; any other than this and 0 means they did not run."""

PATIENCE_SECONDS = 180
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov")


@dataclass(frozen=True)
class Mutant:
    """One mistake. ``file`` is relative to the checkout."""

    rule: str
    file: str
    old: str
    new: str
    why: str

    @property
    def name(self) -> str:
        return f"{self.rule} ({self.why})"


@dataclass(frozen=True)
class Workshop:
    """The copy that everything runs on: ``suite`` holds the tests, ``base`` the package."""

    suite: Path
    base: Path

    def pytest(self, packages: Path, arguments: Sequence[str], **environment: str) -> Tuple[int, str]:
        """Run pytest on the tests with the package that lies in ``packages``: exit code, output."""
        environ = {
            **os.environ,
            "PYTHONPATH": str(packages),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "MHSMREGION_SHARED": os.environ.get("MHSMREGION_SHARED") or str(CHECKOUT.parent / "shared"),
            "MHSMREGION_RULES_PACKAGE": str(packages / PACKAGE),
            **environment,
        }
        try:
            done = subprocess.run(
                [sys.executable, *PYTEST, *arguments],
                cwd=self.suite,
                env=environ,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return -1, f"still running after {PATIENCE_SECONDS} s"
        return done.returncode, done.stdout + done.stderr


def main() -> int:
    arguments = _arguments()
    start = time.monotonic()
    problems: List[str] = []
    mutants = load_mutants(CHECKOUT / "tests" / "mutants.toml")
    with tempfile.TemporaryDirectory(prefix="mhsmregion-rules-") as folder:
        workshop = open_workshop(Path(folder))
        tests = collect(workshop)
        wanted = sorted_rules({*RULES, *tests, *(mutant.rule for mutant in mutants)}, arguments.rule)
        chosen = [mutant for mutant in mutants if mutant.rule in wanted]
        problems += incomplete(wanted, tests, chosen)
        passed, failures = run_all(workshop, sorted({n for r in wanted for n in tests.get(r, [])}), arguments)
        problems += failures
        # Where the tests fail anyway, a mutant that they "catch" proves nothing.
        fates = [] if failures else hunt_all(workshop, chosen, tests, arguments.jobs)
    print_table(wanted, tests, fates)
    problems += [f"mutant {mutant.name}: {fate}" for mutant, fate in fates if fate != CAUGHT]
    for problem in problems:
        print(f"FAILED {problem}")
    caught = sum(fate == CAUGHT for _, fate in fates)
    print(f"took {time.monotonic() - start:.0f} s")
    print(f"rules: {len(wanted)} rules, {passed} tests, {len(fates)} mutants, {caught} caught")
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Each rule with its tests, each mutant caught.")
    parser.add_argument("--rule", help="only this rule, such as L3")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2), help="processes at once")
    return parser.parse_args()


def load_mutants(path: Path) -> List[Mutant]:
    """The mutants of the file. Raises TypeError for an entry with missing or unknown members."""
    raw: Dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Mutant(**entry) for entry in raw.get("mutant", [])]


def open_workshop(folder: Path) -> Workshop:
    """Copy the package and the rule tests. They lie apart, since pytest puts its own folder first
    on the path and a mutant's package must win."""
    suite, base = folder / "suite", folder / "base"
    (suite / "tests").mkdir(parents=True)
    shutil.copytree(CHECKOUT / PACKAGE, base / PACKAGE)
    shutil.copytree(
        CHECKOUT / "tests" / "rules",
        suite / "tests" / "rules",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(CHECKOUT / "tests" / "shared_data.py", suite / "tests")
    shutil.copy(CHECKOUT / "pyproject.toml", suite)
    return Workshop(suite, base)


def collect(workshop: Workshop) -> Dict[str, List[str]]:
    """The tests of each rule, by their node ids."""
    report = workshop.suite / "report.json"
    code, output = workshop.pytest(
        workshop.base, ["--collect-only", "tests/rules"], MHSMREGION_RULES_REPORT=str(report)
    )
    if code != 0:
        raise SystemExit(f"the rule tests cannot be collected:\n{output}")
    found: Dict[str, List[str]] = {}
    for node, rules in json.loads(report.read_text(encoding="utf-8")).items():
        if not rules:
            raise SystemExit(f"{node} carries no rule")
        for rule in rules:
            found.setdefault(rule, []).append(node)
    return found


def sorted_rules(rules: set[str], only: Optional[str]) -> List[str]:
    """In the order of RULES.md as listed above, then the others."""
    if only is not None and only not in rules:
        raise SystemExit(f"{only}: no such rule")
    order = {rule: number for number, rule in enumerate(RULES)}
    ordered = sorted(rules, key=lambda rule: (order.get(rule, len(order)), rule))
    return [rule for rule in ordered if only in (None, rule)]


def incomplete(wanted: Sequence[str], tests: Dict[str, List[str]], mutants: Sequence[Mutant]) -> List[str]:
    """Rules without a test or without a mutant."""
    broken = {mutant.rule for mutant in mutants}
    return [f"rule {rule} has no test" for rule in wanted if rule not in tests] + [
        f"rule {rule} has no mutant" for rule in wanted if rule not in broken
    ]


def run_all(workshop: Workshop, nodes: List[str], arguments: argparse.Namespace) -> Tuple[int, List[str]]:
    """Run the tests as they are: how many passed, and what failed."""
    shares = [
        share for share in (nodes[number :: arguments.jobs] for number in range(arguments.jobs)) if share
    ]
    passed, problems = 0, []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for code, output in pool.map(lambda share: workshop.pytest(workshop.base, share), shares):
            counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|skipped)", output)}
            passed += counts.get("passed", 0)
            if counts.get("skipped"):
                print(f"note: {counts['skipped']} tests were skipped (no recordings?)")
            if code != 0:
                problems.append("the rule tests do not pass:\n" + "\n".join(output.splitlines()[-40:]))
    return passed, problems


def hunt_all(
    workshop: Workshop, mutants: Sequence[Mutant], tests: Dict[str, List[str]], jobs: int
) -> List[Tuple[Mutant, str]]:
    """What became of each mutant."""
    with ThreadPoolExecutor(jobs) as pool:
        fates = pool.map(lambda mutant: hunt(workshop, mutant, tests.get(mutant.rule, [])), mutants)
        return list(zip(mutants, fates))


def hunt(workshop: Workshop, mutant: Mutant, nodes: List[str]) -> str:
    """Break the package in a copy of its own and run the rule's tests against it."""
    original = workshop.base / mutant.file
    if not original.is_file():
        return f"there is no {mutant.file}"
    text = original.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1 or mutant.old == mutant.new:
        return f"its old text occurs {text.count(mutant.old)} times in {mutant.file}, not once"
    if not nodes:
        return "its rule has no test"
    with tempfile.TemporaryDirectory(prefix="mutant-", dir=workshop.suite.parent) as folder:
        shutil.copytree(workshop.base / PACKAGE, Path(folder) / PACKAGE)
        target = Path(folder) / mutant.file
        target.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        for stale in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
            stale.unlink()
        code, output = workshop.pytest(Path(folder), ["-x", *nodes], MHSMREGION_RULES_HUNT="1")
    if code == TESTS_FAILED:
        return CAUGHT
    if code == 0:
        return f"{SURVIVED}: {mutant.file}: {mutant.old.strip().splitlines()[0]!r}"
    return "its tests did not run:\n" + "\n".join(output.splitlines()[-15:])


def print_table(
    wanted: Sequence[str], tests: Dict[str, List[str]], fates: Sequence[Tuple[Mutant, str]]
) -> None:
    print(f"{'rule':5} {'tests':>5} {'mutants':>7} {'caught':>6}  broken on purpose")
    for rule in wanted:
        mine = [(mutant, fate) for mutant, fate in fates if mutant.rule == rule]
        caught = sum(fate == CAUGHT for _, fate in mine)
        whys = "; ".join(mutant.why for mutant, _ in mine)
        print(f"{rule:5} {len(tests.get(rule, [])):5} {len(mine):7} {caught:6}  {whys}")


if __name__ == "__main__":
    sys.exit(main())
