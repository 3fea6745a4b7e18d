"""The model driven by seeded random commands, faults, clocks and clients; every rule after every step.

    python tools/simulate.py [--seed N] [--steps N] [--pools N] [--processes 2] [--figures]
    python tools/simulate.py --seed N --epoch E --steps N --replay      one world again, exactly
    python tools/simulate.py --seed N --epoch E --steps N --shrink 60   fewer steps, the same rule broken
    python tools/simulate.py --bugs [--bug WORD]                        the bugs of tests/simulation/bugs.toml

A violation prints its story and the command that replays it. ``--figures`` fails where the run's figures
(share of writes, of steps under a fault, conflicts, losses) are below what a long run must reach.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from pathlib import Path
from typing import List, Optional, Tuple

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "tests"))

from simulation import bugs, report  # noqa: E402


def main() -> int:
    arguments = _arguments()
    if arguments.bugs:
        return bugs.hunt_all(CHECKOUT, arguments.bug, arguments.processes)
    if arguments.replay or arguments.shrink:
        return _again(arguments)
    return _run(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Simulates the model and checks its rules.")
    parser.add_argument("--seed", type=int, default=1, help="the first seed; each process has one")
    parser.add_argument("--steps", type=int, default=100_000, help="in all")
    parser.add_argument("--epoch", type=int, default=0, help="the first world")
    parser.add_argument("--pools", type=int, help="pools of a world (else by its character)")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--replay", action="store_true", help="one world, and its story at the end")
    parser.add_argument("--shrink", type=float, metavar="SECONDS", help="cut a violation down")
    parser.add_argument("--figures", action="store_true", help="fail below the least figures")
    parser.add_argument("--bugs", action="store_true", help="find each bug that is put in on purpose")
    parser.add_argument("--bug", default="", help="only bugs with this word")
    return parser.parse_args()


def _again(arguments: argparse.Namespace) -> int:
    try:
        report.simulate(arguments.seed, arguments.steps, arguments.pools, arguments.epoch)
    except report.Found as found:
        print("\n".join(found.told()))
        if arguments.shrink:
            steps, smaller = report.shrunk(found, arguments.shrink)
            print(f"shrunk to {len(steps)} steps: {','.join(map(str, steps))}")
            print("\n".join((smaller or found).told()[:-1]))
        return 1
    print(f"simulate: no violation in {arguments.steps} steps of seed {arguments.seed}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    start = time.monotonic()
    share = -(-arguments.steps // arguments.processes)
    work = [(arguments.seed + n, share, arguments.pools, arguments.epoch) for n in range(arguments.processes)]
    if len(work) == 1:
        results = [_part(work[0])]
    else:
        with multiprocessing.Pool(len(work)) as pool:
            results = pool.map(_part, work)
    counts: Counter[str] = Counter()
    stories: List[str] = []
    for found, story in results:
        counts.update(found)
        stories += story or []
    print("\n".join(report.histogram(counts)))
    print("\n".join(stories))
    took = time.monotonic() - start
    low = report.missed(counts) if arguments.figures else []
    for name in low:
        print(f"too few: {name}")
    rate = counts["steps"] / took
    print(
        f"simulate: {counts['steps']} steps, {rate:.0f} a second ({rate / len(work):.0f} a process), "
        f"{'VIOLATED' if stories else 'no violation'}"
    )
    return 1 if stories or low else 0


def _part(work: Tuple[int, int, Optional[int], int]) -> Tuple[Counter[str], Optional[List[str]]]:
    try:
        return report.simulate(*work), None
    except report.Found as found:
        return found.counts, found.told()


if __name__ == "__main__":
    sys.exit(main())
