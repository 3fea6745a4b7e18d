"""Rules L4, L6, A4: what a region shows of the rows it has, the fate of every write, and equality."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Sequence, Tuple

from azext_mhsmregion.model import merge
from azext_mhsmregion.model.merge import Objects
from azext_mhsmregion.model.replication import Row

from ..memory import Group, family, write_id
from ..oracle import replay
from ..oracle.book import Book, Stay
from ..oracle.history import last_end
from ..violation import Violation


def shows_what_it_should(book: Book, stay: Stay, group: Group, objects: Objects) -> None:
    """L6: the model's view of one object is what a replay of the arrived writes gives."""
    seen = stay.seen.get(group, {})
    wanted = replay.shown(group, seen.values())
    found = replay.told(group, objects)
    if found != wanted:
        message = f"{stay.name} shows {group[1]} as {found}, not as {wanted}"
        raise Violation("L6", message, book.id, group[1])


def holds_what_it_should(book: Book, stay: Stay, group: Group, visible: Sequence[Row]) -> None:
    """L6: the rows that count are the writes that have arrived, and those that lost are reported."""
    seen = stay.seen.get(group, {})
    rows = {write_id(row) for row in visible}
    if rows != set(seen):
        message = f"{stay.name} has rows {sorted(map(str, rows ^ set(seen)))} of {group[1]} too many or few"
        raise Violation("L6", message, book.id, group[1])
    fates = replay.fates(seen.values())
    lost = merge.superseded(visible)
    if lost != fates["superseded"]:
        message = f"{stay.name}: superseded {sorted(map(str, lost ^ fates['superseded']))} of {group[1]}"
        raise Violation("L6", message, book.id, group[1])


def is_quiet(book: Book, now: int) -> bool:
    """Have all links of living regions been up, and no write accepted, for longer than ``max_lag``?"""
    living = [stay for stay in book.stays.values() if not stay.failed and stay.dead is None]
    last = max([book.last_write, *(stay.ready for stay in living)])
    last = max([last, *(stay.dead or 0 for stay in book.stays.values())])
    last = max([last, *(stay.ended or 0 for stay in book.former)])
    extra = 0
    for one in living:
        for other in living:
            if one is other:
                continue
            up = last_end(book.history.blocked(book.id, one.name, other.name, 0), now)
            if up is None:
                return False
            last = max(last, up)
            extra = max(extra, sum(more for *_, more in book.history.slow(book.id, one.name, other.name)))
    return now > last + book.max_lag + extra


def agree(book: Book, now: int, shown: Dict[Stay, List[Tuple[Group, Objects]]]) -> None:
    """L4: byte for byte, the objects of every living region."""
    texts = {
        stay: json.dumps([[group, replay.told(group, objects)] for group, objects in views], sort_keys=True)
        for stay, views in shown.items()
    }
    if len(set(texts.values())) > 1:
        names = [stay.name for stay in texts]
        group = _first_difference(list(shown.values()))
        raise Violation("L4", f"{names} do not agree on {group} after six minutes of peace", book.id, group)


def _first_difference(views: List[List[Tuple[Group, Objects]]]) -> str:
    for rows in zip(*views):
        if any(replay.told(*row) != replay.told(*rows[0]) for row in rows):
            return rows[0][0][1]
    return ""


def adds_up(book: Book, now: int) -> Dict[str, int]:
    """L6: acknowledged = applied + superseded + lost + let go with a purge, once all is quiet."""
    counts = {"acknowledged": len(book.entries), "lost": book.lost, "ended": book.ended}
    counts["applied"] = counts["superseded"] = 0
    for stay in book.stays.values():
        if stay.failed or stay.dead is not None or stay.ready > now:
            continue
        tally = {"applied": 0, "superseded": 0, "waiting": 0}
        for group in stay.seen:
            for fate, number in tallied(stay, group).items():
                tally[fate] += number
        absent = (
            one.ended or (one.lost is not None and stay not in one.shown) for one in book.entries.values()
        )
        total = sum(tally.values()) + sum(absent)
        if tally["waiting"] or total != len(book.entries):
            missing = _missing(book, stay)
            raise Violation(
                "L6", f"{stay.name}: {len(book.entries)} acknowledged, but {tally}, {counts}: {missing}",
                book.id, missing[0][1] if missing else "",
            )  # fmt: skip
        counts.update(applied=tally["applied"], superseded=tally["superseded"])
    return counts


def tallied(stay: Stay, group: Group) -> Dict[str, int]:
    """How many writes of one object have which fate; counted anew when it has changed."""
    known = stay.tally.get(group)
    if known is None:
        found = replay.fates(stay.seen[group].values())
        known = stay.tally[group] = {fate: len(entries) for fate, entries in found.items()}
    return known


def _missing(book: Book, stay: Stay) -> List[Any]:
    return [
        entry.identity
        for entry in book.entries.values()
        if stay not in entry.shown and entry.lost is None and not entry.ended
    ][:3]


def rows_of(rows: Sequence[Row], group: Group) -> List[Row]:
    """Those that are merged together."""
    return [row for row in rows if (family(row.kind), row.name) == group]
