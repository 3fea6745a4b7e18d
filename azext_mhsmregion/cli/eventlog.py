"""The emulator's events, page by page as it gives them."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple

from azext_mhsmregion.cli import documents

Get = Callable[[str], Any]
"""Asks the emulator's own API for a path."""

Event = Dict[str, Any]


def since(get: Get, mark: str, pool: Optional[str] = None) -> Tuple[List[Event], str]:
    """All events behind ``mark``, oldest first, and the mark to ask with next time."""
    found: List[Event] = []
    while True:
        page = get(documents.with_query("events", after=mark, hsmName=pool))
        found, mark = found + page["value"], page["after"]
        if not page["more"]:
            return found, mark


def newest(get: Get, most: int, pool: Optional[str] = None) -> Tuple[List[Event], str]:
    """The last ``most`` events, oldest first, and the mark behind them."""
    page = get(documents.with_query("events", newest=str(most), hsmName=pool))
    return page["value"], page["after"]
