"""A row's figures, made from the clients' own logs, and what of the document they break."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional

from failing_over.log import Call, allowed, between, failures, first_good, last_good, slack
from failing_over.row import EXTENDED, PRIMARY, Observed

DOCUMENT = {"extended": ("Yes", "Yes"), "primary": ("Yes", "Maybe")}
"""Reads and writes allowed, by the affected region: the document's table."""

WRITES_BY_SCOPE = {"partition": "Yes", "pool": "Yes", "service": "No", "region": "No"}
"""What "Maybe" comes to (rule F3, edition 2025-04)."""


MOST_SLACK = 2.0
"""Seconds by which a bound is widened at most. A machine that holds clients up for longer cannot tell."""


@dataclass(frozen=True)
class Figures:
    """A row. Seconds; None where nothing failed over. ``slack`` is by how much the machine may have
    held up the clients: as long as it did the one that was not hit."""

    affected: str
    scope: str
    reads: str
    writes: str
    failover: Optional[float]
    failover_bound: float
    failover_at: Optional[float]
    failback: Optional[float]
    failback_bound: float
    broken: int
    refused: int
    calls: int
    slack: float
    problems: List[str] = field(default_factory=list)

    @property
    def is_telling(self) -> bool:
        """Was the machine free enough for bounds to mean something?"""
        return self.slack <= MOST_SLACK


def figures(seen: Observed) -> Figures:
    """The figures of a row, and its problems."""
    hit = seen.logs[seen.region]
    held_up = slack(seen.logs[seen.other])
    everyone = [*seen.logs[PRIMARY], *seen.logs[EXTENDED]]
    settled = between(everyone, seen.begin + _settles(seen) + held_up, seen.end)
    before = last_good(hit, seen.region, seen.begin)
    there = first_good(hit, seen.other, seen.begin)
    back = None if there is None else first_good(hit, seen.region, seen.end)
    broken, refused = failures(everyone)
    made = Figures(
        affected=seen.affected,
        scope=seen.scope,
        reads=allowed([call for call in settled if call.is_read]),
        writes=allowed([call for call in settled if not call.is_read]),
        failover=_span(before, there),
        failover_bound=seen.bounds.failover,
        failover_at=None if there is None else there.ended - seen.begin,
        failback=None if back is None else back.ended - seen.end,
        failback_bound=seen.bounds.failback,
        broken=broken,
        refused=refused,
        calls=len(everyone),
        slack=held_up,
    )
    made.problems.extend(_problems(seen, made))
    return made


def _settles(seen: Observed) -> float:
    """How long after its begin an outage may still be felt."""
    return seen.bounds.partition if seen.scope == "partition" else seen.bounds.failover


def _span(first: Optional[Call], second: Optional[Call]) -> Optional[float]:
    return None if first is None or second is None else second.ended - first.ended


def _problems(seen: Observed, made: Figures) -> List[str]:
    """What is not as the document, F3, F7 and F9 have it, in words."""
    if not made.is_telling:
        return [
            f"this machine is too busy to tell: it held up the client that was not hit {made.slack:.2f} s"
        ]
    found = _of_document(made)
    found += _of_partition(made) if seen.scope == "partition" else _of_failover(seen, made)
    unhit = seen.logs[seen.other]
    if seen.scope != "partition" and not all(call.is_good for call in unhit if call.is_read):
        found.append(f"a read of the client in {seen.other}, which was not hit, failed")
    if not _ends_well(seen, made.slack):
        found.append("calls still failed after the failback")
    return found


def _of_document(made: Figures) -> List[str]:
    found = []
    reads, writes = DOCUMENT[made.affected]
    by_scope = WRITES_BY_SCOPE[made.scope] if writes == "Maybe" else writes
    if made.reads != reads:
        found.append(f"reads were {made.reads}, the document says {reads}")
    if made.writes != by_scope:
        found.append(f"writes were {made.writes}, the document says {writes}, F3 for this scope {by_scope}")
    return found


def _of_partition(made: Figures) -> List[str]:
    return [] if made.failover is None else ["a dead partition alone moved a client to the other region"]


def _of_failover(seen: Observed, made: Figures) -> List[str]:
    found = []
    if made.failover is None or made.failover_at is None:
        return ["the client was never answered by the other region"]
    if made.failover > made.failover_bound + made.slack:
        found.append(f"failover took {made.failover:.2f} s; F7 allows {made.failover_bound:g} s")
    if made.failover_at < seen.bounds.detection:
        found.append(f"failover {made.failover_at:.2f} s after the outage: before it could be detected")
    if made.failback is None:
        found.append("the client never came back to its region")
    elif made.failback > made.failback_bound + made.slack:
        found.append(f"failback took {made.failback:.2f} s; F9 allows {made.failback_bound:g} s")
    return found


def _ends_well(seen: Observed, held_up: float) -> bool:
    rest = between(seen.logs[seen.region], seen.end + seen.bounds.failback + held_up, float("inf"))
    return all(call.is_good for call in rest)
