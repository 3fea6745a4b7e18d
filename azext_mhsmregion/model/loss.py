"""Acknowledged writes that no living region will ever show (rules L5b, E3): the RPO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable


@dataclass(frozen=True)
class Loss:
    """How many, and when the oldest of them was accepted (service milliseconds; 0: none)."""

    writes: int = 0
    oldest: int = 0

    def age(self, when: int) -> int:
        """Milliseconds by which the oldest lost write precedes ``when``: the RPO."""
        return max(0, when - self.oldest) if self.writes else 0

    def facts(self, region: str, when: int) -> Dict[str, Any]:
        """As an audit event says it."""
        return {"region": region, "writes": self.writes, "seconds": self.age(when) / 1000}


def total(losses: Iterable[Loss]) -> Loss:
    """Several of them told as one."""
    found = [loss for loss in losses if loss.writes]
    return Loss(sum(loss.writes for loss in found), min((loss.oldest for loss in found), default=0))
