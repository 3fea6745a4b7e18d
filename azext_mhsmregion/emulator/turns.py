"""The how-manieth connection, or request, of its client something is: what makes each its own draw."""

from __future__ import annotations

import threading
from collections import OrderedDict

KEPT = 10_000
"""Clients whose counts are kept, those heard of last: labels are theirs to choose, and memory is not."""


class Turns:
    """Counts from 0 on for each client. Thread-safe. Those not kept share one row, the highest count of
    any of them: who comes back goes on from there, so that no client gets a number twice."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._next: OrderedDict[str, int] = OrderedDict()
        self._of_the_rest = 0
        self._turn = threading.Lock()

    def next(self, client: str) -> int:
        with self._turn:
            number = self._next.pop(client, self._of_the_rest)
            self._next[client] = number + 1
            if len(self._next) > self._kept:
                _, forgotten = self._next.popitem(last=False)
                self._of_the_rest = max(self._of_the_rest, forgotten)
        return number


__all__ = ["KEPT", "Turns"]
