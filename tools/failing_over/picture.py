"""A row as a picture: what each client got, step by step, and how far replication was behind; the
outage, its detection, failover and failback as marks across."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from failing_over.figures import figures
from failing_over.log import PERIOD, Second, steps
from failing_over.row import EXTENDED, PRIMARY, Observed
from failing_over.svg import Drawing

NAMES = {PRIMARY: "UK South", EXTENDED: "Australia East"}
KINDS = {PRIMARY: "one", EXTENDED: "two"}
STEP = 0.5
"""Seconds that a bar stands for."""

WIDTH, LEFT, RIGHT = 980, 70, 24
MARKS_TOP, MARK_ROW = 86, 19
FIRST, CHART, GAP, LAG = 178, 96, 46, 70

LIGHT = {
    "card": "#ffffff", "ink": "#1f2328", "soft": "#59636e", "rule": "#d1d9e0", "out": "#fff0ee",
    "one": "#2f6fde", "two": "#e3a008", "broken": "#d1242f", "refused": "#f3a5a0", "lag": "#8250df",
}  # fmt: skip
DARK = {
    "card": "#0d1117", "ink": "#f0f6fc", "soft": "#9da7b3", "rule": "#3d444d", "out": "#2d1416",
    "one": "#4c8dff", "two": "#e8b931", "broken": "#ff5b5b", "refused": "#8f3b3b", "lag": "#b48cff",
}  # fmt: skip


@dataclass(frozen=True)
class Axis:
    """Seconds, counted from the outage's begin, as pixels."""

    start: float
    end: float

    def at(self, seconds: float) -> float:
        return LEFT + (seconds - self.start) / (self.end - self.start) * (WIDTH - LEFT - RIGHT)


@dataclass(frozen=True)
class Mark:
    """An instant with a name. ``seconds`` from the outage's begin."""

    seconds: float
    words: str
    kind: str = "mark"


def style(dark: Optional[bool] = None) -> str:
    """The colours: by what the reader's screen prefers, or one of the two."""
    if dark is not None:
        return _rules(DARK if dark else LIGHT)
    return _rules(LIGHT) + "@media (prefers-color-scheme: dark) {" + _rules(DARK) + "}"


def draw(seen: Observed, dark: Optional[bool] = None) -> str:
    """The picture of a row, as SVG."""
    height = FIRST + 2 * (CHART + GAP) + LAG + 56
    title = f"Two clients while {_what(seen)} is out"
    picture = Drawing(WIDTH, height, style(dark), title)
    axis = Axis(-3.0, seen.end - seen.begin + seen.bounds.failback + 2.0)
    picture.box(0, 0, WIDTH, height, "card")
    picture.text(24, 34, title, "title")
    _legend(picture, 24, 60, answers(seen, axis))
    bottom = FIRST + 2 * (CHART + GAP) + LAG
    _outage(picture, axis, seen, bottom)
    heads = [f"A client in {NAMES[place]}: its requests in each half second" for place in _places(seen)]
    heads.append("Replication: age of the oldest write that a region does not show yet")
    for number, place in enumerate(_places(seen)):
        _client(picture, axis, seen, place, FIRST + number * (CHART + GAP))
    _lag(picture, axis, seen, FIRST + 2 * (CHART + GAP))
    _marks(picture, axis, marks(seen), bottom)
    for number, words in enumerate(heads):
        picture.text(LEFT, FIRST + number * (CHART + GAP) - 14, words, "head")
    _seconds(picture, axis, bottom)
    return picture.done()


def marks(seen: Observed) -> List[Mark]:
    """The instants that a reader looks for, in order."""
    made = figures(seen)
    lasts = seen.end - seen.begin
    found = [Mark(0.0, "outage begins"), Mark(lasts, f"outage ends, +{lasts:.1f} s")]
    for instant in seen.changed_health("region-unhealthy")[:1]:
        after = instant - seen.begin
        found.append(Mark(after, f"probes have noticed, +{after:.1f} s"))
    if made.failover_at is not None:
        words = f"failed over: first answer from {NAMES[seen.other]}, +{made.failover_at:.1f} s"
        found.append(Mark(made.failover_at, words, "good"))
    if made.failback is not None:
        words = f"failed back, {made.failback:.1f} s after its end"
        found.append(Mark(lasts + made.failback, words, "good"))
    return sorted(found, key=lambda mark: mark.seconds)


def _rules(colours: dict) -> str:
    filled = "".join(
        f".{name} {{fill: {colours[name]}}}" for name in ("card", "one", "two", "broken", "refused", "out")
    )
    return filled + _TEMPLATE.format(**colours)


_TEMPLATE = (
    "text {{font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: {ink}}} "
    ".title {{font-size: 20px; font-weight: 600}} .head {{font-weight: 600; "
    "paint-order: stroke; stroke: {card}; stroke-width: 5px}} .soft {{fill: {soft}}}"
    ".rule {{stroke: {rule}; stroke-width: 1}} .mark {{stroke: {ink}; stroke-width: 1.5; "
    "stroke-dasharray: 5 4}} .good {{stroke: {ink}; stroke-width: 2}}"
    ".lag {{fill: none; stroke: {lag}; stroke-width: 2}} .under {{fill: {lag}; opacity: 0.18}}"
)


ANSWERS = {
    "one": f"answered by {NAMES[PRIMARY]}",
    "two": f"answered by {NAMES[EXTENDED]}",
    "broken": "no answer",
    "refused": "refused: writes are not available",
}
"""What a request can come to, by the class of its bar."""


def answers(seen: Observed, axis: Axis) -> List[str]:
    """The kinds of answers that somebody got along the axis, in the legend's order."""
    drawn = [second for place in seen.logs for second in _drawn(axis, seen, place)]
    counts = {kind: sum(second.good.get(region, 0) for second in drawn) for region, kind in KINDS.items()}
    counts["broken"] = sum(second.broken for second in drawn)
    counts["refused"] = sum(second.refused for second in drawn)
    return [kind for kind in ANSWERS if counts[kind]]


def _legend(picture: Drawing, x: float, y: float, kinds: Sequence[str]) -> None:
    for kind in kinds:
        picture.box(x, y - 11, 13, 13, kind)
        picture.text(x + 19, y, ANSWERS[kind])
        x += 19 + 7.3 * len(ANSWERS[kind]) + 22


def _what(seen: Observed) -> str:
    """What is broken, by the outage's scope."""
    place = f"{NAMES[seen.region]}, the {seen.affected} region,"
    parts = {"pool": "the pool in ", "partition": "a partition in ", "service": "Managed HSM in "}
    return f"{parts.get(seen.scope, 'all of ')}{place}"


def _places(seen: Observed) -> Tuple[str, str]:
    """The client that is hit first."""
    return seen.region, seen.other


def _outage(picture: Drawing, axis: Axis, seen: Observed, bottom: float) -> None:
    left, right = axis.at(0), axis.at(seen.end - seen.begin)
    picture.box(left, FIRST - 8, right - left, bottom - FIRST + 8, "out")


def _client(picture: Drawing, axis: Axis, seen: Observed, place: str, top: float) -> None:
    seconds = _drawn(axis, seen, place)
    most = max([_total(second) for second in seconds] + [int(STEP / PERIOD)])
    base = top + CHART
    for second in seconds:
        _bar(picture, axis, second, second.start - seen.begin, base, CHART / most)
    picture.line((LEFT, base), (WIDTH - RIGHT, base), "rule")
    for count in (0, most):
        picture.text(LEFT - 8, base - count * CHART / most + 4, str(count), "soft", "end")


def _drawn(axis: Axis, seen: Observed, place: str) -> List[Second]:
    """What a client got along the axis, a bar each."""
    return steps(seen.logs[place], seen.begin + axis.start, seen.begin + axis.end, STEP)


def _total(second: Second) -> int:
    return sum(second.good.values()) + second.broken + second.refused


def _bar(picture: Drawing, axis: Axis, second: Second, start: float, base: float, unit: float) -> None:
    left, width = axis.at(start) + 1, axis.at(start + STEP) - axis.at(start) - 2
    parts: List[Tuple[str, int, str]] = [
        (KINDS[region], second.good.get(region, 0), f"answered by {NAMES[region]}") for region in KINDS
    ]
    parts += [("refused", second.refused, "refused"), ("broken", second.broken, "no answer")]
    for kind, count, words in parts:
        base -= count * unit
        picture.box(left, base, width, count * unit, kind, f"{count} {words}")


def _lag(picture: Drawing, axis: Axis, seen: Observed, top: float) -> None:
    samples = [(when - seen.begin, lag) for when, lag in seen.lag]
    samples = [(when, lag) for when, lag in samples if axis.start <= when <= axis.end]
    most = max([lag for _, lag in samples] + [1.0])
    base = top + LAG
    points = [(axis.at(when), base - lag / most * LAG) for when, lag in samples]
    picture.area(points, base, "under")
    picture.path(points, "lag")
    picture.line((LEFT, base), (WIDTH - RIGHT, base), "rule")
    picture.text(LEFT - 8, top + 4, f"{most:.0f} s", "soft", "end")
    picture.text(LEFT - 8, base + 4, "0 s", "soft", "end")


def _marks(picture: Drawing, axis: Axis, found: List[Mark], bottom: float) -> None:
    """Each with its words on a row of their own, so that close ones stay legible."""
    for number, mark in enumerate(found):
        x, y = axis.at(mark.seconds), MARKS_TOP + (number % 4) * MARK_ROW
        picture.line((x, y - 10), (x, bottom), mark.kind)
        picture.text(*((x + 6, y) if x < WIDTH * 0.7 else (x - 6, y)), mark.words,
                     "soft", "start" if x < WIDTH * 0.7 else "end")  # fmt: skip


def _seconds(picture: Drawing, axis: Axis, bottom: float) -> None:
    for second in range(int(axis.start), int(axis.end) + 1):
        picture.line((axis.at(second), bottom), (axis.at(second), bottom + 4), "rule")
        if second % 2 == 0:
            picture.text(axis.at(second), bottom + 20, f"{second:+d} s" if second else "0", "soft", "middle")
    picture.text(WIDTH - RIGHT, bottom + 42, "seconds from the outage's begin", "soft", "end")
