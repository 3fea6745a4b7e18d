"""The document's table of failover, made from a client's own log over sockets (``make failover``).

    python tools/failover.py [--seed 1] [--affected primary] [--scope region] [--write]

For each affected region and each scope: an emulator of its own with the quick profile, a client of
azure-keyvault-keys in each region that reads and writes about ten times a second, an outage. The
figures come from the clients' logs; they are compared with the document's row and with the bounds
that follow from the configured values (F7, F9). ``--write`` puts them into docs/failover.md, and draws
docs/failover.svg and docs/failover-region.svg. Fails when a row breaks what it is compared with.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from failing_over import picture, report
from failing_over.figures import DOCUMENT, WRITES_BY_SCOPE, Figures, figures
from failing_over.log import steps
from failing_over.row import CLIENTS_PYTHON, EXTENDED, PRIMARY, Observed, observe

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "failover.md"
PICTURES = {("primary", "pool"): DOCS / "failover.svg", ("primary", "region"): DOCS / "failover-region.svg"}
BLOCK = r"(<!-- {name} -->\n).*?(<!-- end -->)"

AT_ONCE = 4
"""Rows that are made at the same time: each keeps two clients and a server busy."""

Row = Tuple[str, str]


def wanted(affected: Optional[str], scope: Optional[str]) -> List[Row]:
    """The rows of the table, or those that were asked for."""
    return [
        (one, other)
        for one in DOCUMENT
        for other in WRITES_BY_SCOPE
        if affected in (None, one) and scope in (None, other)
    ]


def made(rows: Sequence[Row], seed: int) -> Dict[Row, Observed]:
    affected, scopes = zip(*rows)
    with ProcessPoolExecutor(AT_ONCE) as pool:
        return dict(zip(rows, pool.map(observe, affected, scopes, [seed] * len(rows))))


def told(seen: Dict[Row, Observed], seed: int) -> Dict[Row, Observed]:
    """The rows; those that this machine was too busy to tell made once more, one at a time."""
    return {row: one if figures(one).is_telling else observe(*row, seed) for row, one in seen.items()}


def write(seen: Dict[Row, Observed], table: Sequence[Figures]) -> None:
    """The page's generated parts, and the pictures."""
    text = PAGE.read_text(encoding="utf-8")
    text = _put(text, "table", report.markdown(table))
    shown = seen.get(("primary", "region"))
    if shown is not None:
        start = shown.begin - 3
        seconds = steps(shown.logs[PRIMARY], start, shown.end + 5, 1.0)
        text = _put(text, "seconds", report.by_second(seconds, shown.begin, (PRIMARY, EXTENDED)))
    PAGE.write_text(text, encoding="utf-8")
    for row, path in PICTURES.items():
        if row in seen:
            path.write_text(picture.draw(seen[row]), encoding="utf-8")


def _put(text: str, name: str, body: str) -> str:
    pattern = re.compile(BLOCK.format(name=name), re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}\n{body}\n{found[2]}", text)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--affected", choices=list(DOCUMENT))
    parser.add_argument("--scope", choices=list(WRITES_BY_SCOPE))
    parser.add_argument("--write", action="store_true", help="into docs/")
    asked = parser.parse_args(arguments)
    if not CLIENTS_PYTHON.exists():
        print("failover: the SDK is missing: python tests/clients/setup.py python", file=sys.stderr)
        return 2
    begun = time.monotonic()
    seen = told(made(wanted(asked.affected, asked.scope), asked.seed), asked.seed)
    table = [figures(one) for one in seen.values()]
    print(report.text(table))
    for one in seen.values():
        print(f"{one.affected} {one.scope}: the outage began {one.phase:.3f} of an interval behind a probe")
    if asked.write:
        write(seen, table)
    wrong = sum(bool(row.problems) for row in table)
    took = time.monotonic() - begun
    print(f"failover: {len(table) - wrong} of {len(table)} rows hold, seed {asked.seed}, in {took:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
