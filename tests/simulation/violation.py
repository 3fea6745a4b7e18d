"""What a check says when a rule is broken."""

from __future__ import annotations


class Violation(AssertionError):
    """``rule`` is its number in RULES.md; ``pool`` and ``name`` say whose story to tell."""

    def __init__(self, rule: str, message: str, pool: str = "", name: str = "") -> None:
        super().__init__(f"{rule}: {message}")
        self.rule = rule
        self.pool = pool
        self.name = name
