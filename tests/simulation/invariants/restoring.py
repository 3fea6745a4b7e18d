"""Rule E7: a restored pool is what the backup held, and what was accepted since; nothing else comes back."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..memory import Group
from ..oracle import replay
from ..oracle.book import Book, Stay
from ..oracle.replay import Shown
from ..violation import Violation


def contents(stay: Stay, now: int) -> Dict[Group, Shown]:
    """What a region shows, without keys whose retention has ended (D5): what a backup is to hold."""
    found = {group: plain(group, replay.shown(group, seen.values())) for group, seen in stay.seen.items()}
    return {group: one for group, one in found.items() if one is not None and not _is_over(group, one, now)}


def plain(group: Group, shown: Shown) -> Shown:
    """Versions with the attributes that count in their bodies, as a backup has them."""
    if group[0] != "key" or shown is None:
        return shown
    versions, state, policy = shown
    return ([(name, {**body, "attributes": given}) for name, body, given in versions], state, policy)


def shows_what_was_saved(book: Book, stay: Stay, saved: Mapping[Group, Shown]) -> None:
    """As the restore is accepted, in its region: no more and no less."""
    assert book.restored is not None
    for group in {**dict.fromkeys(stay.seen), **dict.fromkeys(saved)}:
        found = plain(group, replay.shown(group, stay.seen.get(group, {}).values()))
        if group not in book.restored.left and found != saved.get(group):
            message = f"{stay.name} is restored and shows {group} as {found}, not as {saved.get(group)}"
            raise Violation("E7", message, book.id, group[1])


def nothing_came_back(book: Book, stay: Stay, group: Group) -> None:
    """Once all is quiet: what was acknowledged before the restore makes no difference."""
    restored = book.restored
    if restored is None or group in restored.left:
        return
    seen = stay.seen.get(group, {}).values()
    since = [entry for entry in seen if entry.serial >= restored.before]
    if len(since) == len(seen):
        return
    found, wanted = replay.shown(group, seen), replay.shown(group, since)
    if found != wanted:
        message = f"{stay.name} shows {group} as {found}; since the restore it is {wanted}"
        raise Violation("E7", message, book.id, group[1])


def _is_over(group: Group, shown: Any, now: int) -> bool:
    return group[0] == "key" and bool(shown[1]) and now >= shown[1]["purge_at"]
