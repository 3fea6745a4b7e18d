"""A pool's regions as a picture of text: what ``keyvault region watch`` draws."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from azext_mhsmregion.cli.tables_regions import fault_words, lag, revoked_lag

Facts = Mapping[str, Any]

PLAIN: Dict[str, str] = {}
COLOURS = {
    "good": "\x1b[32m", "bad": "\x1b[31;1m", "soon": "\x1b[33m", "dim": "\x1b[2m", "bold": "\x1b[1m",
}  # fmt: skip
_END = "\x1b[0m"
_CODE = re.compile(r"(\x1b\[[0-9;]*m)")
_SIGNS = {
    ("up", True): ("good", "●"),
    ("up", False): ("soon", "○"),
    ("down", True): ("bad", "!"),
    ("down", False): ("bad", "✗"),
}
_EVENTS = 8
_PHRASES = {"in_seconds": "in {:g} s", "for_seconds": "for {:g} s"}
_HIDDEN = ("time", "realTime", "hsmName", "kind", "fault", "clientsKnowBy", "fault_kind")
_OF_FAULT = ("scope", "region", "partition", "to", "one_way", "effect", "rate", "milliseconds", "never_began")


class Size(NamedTuple):
    """What a terminal has room for."""

    columns: int
    rows: int


class Layout(NamedTuple):
    """How wide the columns are, their title of partitions, and the words that depend on the room."""

    widths: Tuple[int, ...]
    title: str
    primary: str
    unnoticed: str
    noticed: str


WIDE = Layout(
    (20, 14, 28, 12, 8, 9, 9),
    "PARTITIONS",
    " (primary)",
    "out, not noticed yet",
    "out, clients sent elsewhere",
)
NARROW = Layout((7, 13, 15, 6, 8, 8, 8), "HSMS", " *", "out, unnoticed", "out, noticed")
"""The column of regions, the first, is at least so wide; the last three are numbers."""
_NUMBERS = 4
_MATTER = (0, 1, 2, 3, 5, 4, 6)
"""Columns by what a narrow terminal shows first: the backlog before the lag, revoked rights last."""
_INDENT = 2


class Picture:
    """Draws with ``colours``: :data:`COLOURS` on a terminal, else :data:`PLAIN`."""

    def __init__(self, colours: Mapping[str, str]) -> None:
        self._colours = colours

    def lines(
        self, status: Facts, routes: Sequence[Facts], events: Sequence[Facts], size: Optional[Size] = None
    ) -> List[str]:
        """The whole picture; ``routes`` of the places watched, ``events`` oldest first. With a size, no
        more than there is room for: the least of the columns go, and the oldest events."""
        layout = _fitting(status, size)
        made = [self._title(status, routes), "", self._head(layout)]
        made += [self._region(region, layout) for region in status["regions"]]
        made += ["", *(self._route(route) for route in routes)]
        made += [self._in("bad", f"  fault: {fault_words(fault)}") for fault in status["faults"]]
        made += self._losses(status)
        room = _EVENTS if size is None else min(_EVENTS, size.rows - len(made) - 1)
        if events and room > 0:
            made += ["", *(self._event(event) for event in events[-room:])]
        return made if size is None else [clipped(line, size.columns) for line in made[: size.rows]]

    def _title(self, status: Facts, routes: Sequence[Facts]) -> str:
        ttl = f", TTL {routes[0]['ttlSeconds']:g} s" if routes else ""
        facts = f"{_clock(status['time'])}  failover within {status['failoverWithinSeconds']:g} s{ttl}"
        return f"{self._in('bold', status['hsmName'])}  {self._in('dim', facts)}"

    def _head(self, layout: Layout) -> str:
        names = ("REGION", "STATE", "HEALTH", layout.title, "LAG", "BACKLOG", "REVOKED")
        return self._in("dim", _row(layout, [_cell(layout, *named) for named in enumerate(names)]))

    def _region(self, region: Facts, layout: Layout) -> str:
        name = region["name"] + layout.primary * region["isPrimary"]
        state, behind, revoked = region["provisioningState"], lag(dict(region)), revoked_lag(dict(region))
        backlog = sum(lack["writes"] for lack in region["lacks"])
        late = "soon" if behind else ""
        cells = [
            _cell(layout, 0, name),
            self._in("" if state == "Succeeded" else "soon", _cell(layout, 1, state)),
            self._health(region, layout),
            self._partitions(region, layout),
            self._in(late, _cell(layout, 4, f"{behind:.1f}s")),
            self._in(late, _cell(layout, 5, str(backlog))),
            self._in("bad" if revoked else "", _cell(layout, 6, f"{revoked:.1f}s")),
        ]
        return _row(layout, cells)

    def _health(self, region: Facts, layout: Layout) -> str:
        out, health = region["outage"] is not None, region["health"]
        if region["destroyed"]:
            return self._in("bad", _cell(layout, 2, "destroyed"))
        if health is None:
            return self._in("dim", _cell(layout, 2, "-"))
        if out:
            words = layout.unnoticed if health == "healthy" else layout.noticed
            return self._in("bad", _cell(layout, 2, words))
        return self._in("good" if health == "healthy" else "soon", _cell(layout, 2, health))

    def _partitions(self, region: Facts, layout: Layout) -> str:
        if region["health"] is None:
            return self._in("dim", _cell(layout, 3, "-"))
        signs = [_SIGNS[part["state"], part["inRotation"]] for part in region["partitions"]]
        drawn = " ".join(self._in(colour, sign) for colour, sign in signs)
        return drawn + " " * max(0, layout.widths[3] - 2 * len(signs) + 1)

    def _route(self, route: Facts) -> str:
        target = route["region"] or "nobody"
        words = f"  client in {route['from'] or 'no place':<20} -> {target}"
        if route["answers"]:
            return f"{words}"
        return words + self._in("bad", "  no answer")

    def _losses(self, status: Facts) -> List[str]:
        made = [
            self._in(
                "bad",
                f"  lost with {one['region']}: {one['writes']} writes, up to {one['seconds']:.1f} s old",
            )
            for one in status["lost"]
        ]
        if status["conflicts"] or status["superseded"]:
            counts = f"  conflicts {status['conflicts']}, superseded writes {status['superseded']}"
            made.append(self._in("soon", counts))
        return made

    def _event(self, event: Facts) -> str:
        return self._in("dim", f"  {_clock(event['time'])}  {event['kind']:<17} {event_words(event)}")

    def _in(self, colour: str, text: str) -> str:
        code = self._colours.get(colour, "")
        return f"{code}{text}{_END}" if code else text


def event_words(event: Facts) -> str:
    """What an event says beside its time and kind."""
    said = []
    hidden: Tuple[str, ...] = _HIDDEN
    if "scope" in event:
        spec = {"partition": None, "to": None, "one_way": False, "rate": 1, "milliseconds": None, **event}
        said.append(fault_words({**spec, "oneWay": spec["one_way"], "end": None}))
        said += ["that never began"] if "never_began" in event else []
        hidden = (*_HIDDEN, *_OF_FAULT)
    said += [_PHRASES.get(key, "{}").format(value) for key, value in event.items() if key not in hidden]
    return " ".join(said)


def clipped(line: str, columns: int) -> str:
    """A line's first ``columns`` characters, with all codes of its colours."""
    made, left = [], columns
    for part in _CODE.split(line):
        if not _CODE.fullmatch(part):
            part = part[: max(0, left)]
            left -= len(part)
        made.append(part)
    return "".join(made)


def _fitting(status: Facts, size: Optional[Size]) -> Layout:
    """All columns wide where there is room for them, else as many narrow ones as fit."""
    wide, narrow = _named(WIDE, status), _named(NARROW, status)
    if size is None or _INDENT + sum(wide.widths) <= size.columns:
        return wide
    kept = [0]
    for place in _MATTER[1:]:
        if _INDENT + sum(narrow.widths[one] for one in (*kept, place)) > size.columns:
            break
        kept.append(place)
    widths = (width if place in kept else 0 for place, width in enumerate(narrow.widths))
    return narrow._replace(widths=tuple(widths))


def _named(layout: Layout, status: Facts) -> Layout:
    """With room for the longest name."""
    names = (len(region["name"] + layout.primary * region["isPrimary"]) for region in status["regions"])
    first, *others = layout.widths
    return layout._replace(widths=(max([first, *(length + 1 for length in names)]), *others))


def _cell(layout: Layout, place: int, text: str) -> str:
    width = layout.widths[place]
    return text.rjust(width) if place >= _NUMBERS else text.ljust(width)


def _row(layout: Layout, cells: Sequence[str]) -> str:
    """Columns without a width are left out."""
    return " " * _INDENT + "".join(cell for cell, width in zip(cells, layout.widths) if width)


def _clock(time: str) -> str:
    """The time of day of a time in ISO 8601, to the tenth of a second."""
    return time.partition("T")[2].rstrip("Z")[:10]
