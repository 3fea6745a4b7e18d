"""Rows that nobody observed: what two clients would have logged, second by second."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

from failing_over.log import Call
from failing_over.row import EXTENDED, PRIMARY, Bounds, Observed

BOUNDS = Bounds(interval=1.0, failover=3.5, detection=1.0, failback=2.5, partition=2.5)
BEGIN, END, LAST = 100.0, 110.0, 116.0
TURNS = ("get", "sign", "update", "get")

Phase = Tuple[float, int, Optional[str]]
"""Up to when, which status, and whose answer."""


def log(*phases: Phase, late: float = 0.0) -> List[Call]:
    """A call each tenth of a second. Writes that a phase of status 503 answers are refused; its reads
    are good."""
    calls, at, number = [], BEGIN - 5, 0
    for until, status, region in phases:
        while at < until:
            kind = TURNS[number % len(TURNS)]
            given = 200 if status == 503 and kind in ("get", "sign") else status
            calls.append(Call(kind, at, at + late, at + late + 0.01, given, region if given else None))
            at, number = round(at + 0.1, 3), number + 1
    return calls


def failing_over(moved: float = 2.0, back: float = 1.0, status: int = 200, late: float = 0.0) -> List[Call]:
    """The client that is hit: silence, then the other region, then its own again."""
    return log(
        (BEGIN, 200, PRIMARY),
        (BEGIN + moved, 0, None),
        (END, status, EXTENDED),
        (END + back, 200, EXTENDED),
        (LAST, 200, PRIMARY),
        late=late,
    )


def hanging(seconds: float) -> List[Call]:
    """The client that is hit, of a server that lets its first call to the dead region hang for so long. The
    client calls on when that has ended; what was due meanwhile it leaves out, as ours does."""
    before, after = log((BEGIN, 200, PRIMARY)), failing_over(moved=0.0)
    hung = Call("get", BEGIN, BEGIN, BEGIN + seconds, 0)
    return [*before, hung, *(call for call in after if call.due >= hung.ended)]


def undisturbed(status: int = 200, late: float = 0.0) -> List[Call]:
    return log((BEGIN, 200, EXTENDED), (END, status, EXTENDED), (LAST, 200, EXTENDED), late=late)


def row(hit: List[Call], other: List[Call], scope: str = "pool", **changes: Any) -> Observed:
    """An outage of the primary."""
    events = [
        {"kind": "region-unhealthy", "region": PRIMARY, "time": "1970-01-01T00:01:41.500Z"},
        {"kind": "region-healthy", "region": PRIMARY, "time": "1970-01-01T00:01:50.500Z"},
    ]
    lag = [(BEGIN + second, max(0.0, float(second))) for second in range(-5, 15)]
    facts = {"affected": "primary", "scope": scope, "seed": 1, "bounds": BOUNDS, "begin": BEGIN, "end": END}
    return Observed(
        **{**facts, "logs": {PRIMARY: hit, EXTENDED: other}, "lag": lag, "events": events, **changes}
    )
