"""The table, as text for a terminal and as Markdown for docs/failover.md."""

from __future__ import annotations

from typing import List, Optional, Sequence

from failing_over.figures import DOCUMENT, Figures
from failing_over.log import Second

COLUMNS = (
    "Affected region", "Scope", "Reads", "Writes", "Failover", "bound", "Failback", "bound",
    "No answer", "Refused", "Calls", "As documented",
)  # fmt: skip


def markdown(rows: Sequence[Figures]) -> str:
    """The table of docs/failover.md."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *(cells(row) for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def text(rows: Sequence[Figures]) -> str:
    """The same in columns."""
    table = [list(COLUMNS), *(cells(row) for row in rows)]
    widths = [max(len(line[number]) for line in table) for number in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in table)


def cells(row: Figures) -> List[str]:
    reads, writes = DOCUMENT[row.affected]
    return [
        row.affected.capitalize(),
        row.scope,
        f"{row.reads} ({reads})",
        f"{row.writes} ({writes})",
        _seconds(row.failover),
        _seconds(row.failover_bound if row.failover is not None else None),
        _seconds(row.failback),
        _seconds(row.failback_bound if row.failback is not None else None),
        str(row.broken),
        str(row.refused),
        str(row.calls),
        "yes" if not row.problems else "NO: " + "; ".join(row.problems),
    ]


def by_second(steps: Sequence[Second], begin: float, regions: Sequence[str]) -> str:
    """A client's log second by second, as a Markdown table."""
    head = ["Second", *regions, "No answer", "Refused"]
    lines = [head, ["---:"] * len(head)]
    for step in steps:
        good = [str(step.good.get(region, 0)) for region in regions]
        lines.append([f"{step.start - begin:+.0f}", *good, str(step.broken), str(step.refused)])
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _seconds(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.2f} s"
