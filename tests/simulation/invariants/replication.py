"""Rules L1, L3, L5, L5b, E1: what arrives where, when, in which order, and from whom."""

from __future__ import annotations

import itertools
from typing import Dict, Iterable, List, Tuple

from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.replication import Row

from ..memory import Event, write_id
from ..oracle.book import Book, Stay
from ..oracle.entry import Entry
from ..oracle.history import earliest, last_end
from ..violation import Violation

_REMEMBERED = 86_400_000 - 1
"""For how long the service remembers a fault that has ended."""


class Replication:
    """Watches one pool's rows; everything is asked for at the pool's own pace, when it is touched."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.history = book.history

    # -- what happened since the pool was last touched ----------------------------------------
    def elapsed(self, rows: Iterable[Row], now: int) -> None:
        """Arrivals, destructions and ends of removals up to ``now``, in their order."""
        happened: List[Tuple[int, int, int, int, object]] = [
            (row.visible_from, 0, row.accepted, row.stamp.hlc, row) for row in rows
        ]
        for stay in self.book.stays.values():
            dead = self.history.destroyed(self.book.id, stay.name)
            if dead is not None and dead <= now and stay.dead is None and dead >= stay.added:
                happened.append((dead, 1, 0, 0, stay))
            elif dead is not None and dead < stay.added and stay.dead is None:
                happened.append((stay.added, 1, 0, 0, stay))
            if stay.owed and stay.ready <= now:
                happened.append((stay.ready, 2, 0, 0, stay))
            if stay.gone is not None and stay.gone <= now:
                happened.append((stay.gone, 3, 0, 0, stay))
        happened.sort(key=lambda item: item[:4])
        for when, what, _, _, item in happened:
            if isinstance(item, Row):
                self.arrived(item)
            elif isinstance(item, Stay):
                (self._died, self._is_seeded, self._left)[what - 1](item, when)
        for stay in self.book.stays.values():
            if stay.ready <= now:
                self._nothing_is_overdue(stay, now)
            if stay.removed is not None:
                self._ends(stay, now)

    def _died(self, stay: Stay, when: int) -> None:
        stay.dead = when
        self._lose_what_nobody_has(stay, when)

    def _left(self, stay: Stay, when: int) -> None:
        if stay.dead is None and not stay.failed:
            homes = [home for home in self.book.homes if home is stay or not home.is_there(when)]
            unseen = (one for home in homes for one in self.book.unseen(home, when, stay))
            unsent = [one for one in unseen if stay in one.shown]
            if unsent and self.book.witnesses(when, stay):
                self._fail("E3", f"{stay.name} is gone with {len(unsent)} writes unsent", unsent[0])
        self.book.leave(stay.name, when)
        self._lose_what_nobody_has(stay, when)

    def _lose_what_nobody_has(self, stay: Stay, when: int) -> None:
        for home in self.book.homes:
            if home is stay or home.dead is not None or home.ended is not None:
                self.book.lose(self.book.unseen(home, when), when)

    def _is_seeded(self, stay: Stay, when: int) -> None:
        """E1: what the primary showed at the acceptance is there at Succeeded."""
        owed, stay.owed = stay.owed, []
        primary = self.book.stays.get(self.book.primary.name)
        if stay.failed or primary is None or (primary.dead is not None and primary.dead <= when):
            return
        for entry in owed:
            if stay not in entry.shown and not entry.ended:
                self._fail("E1", f"{stay.name} is Succeeded and does not show what it was seeded with", entry)

    # -- what a command did -------------------------------------------------------------------
    def absorb(self, journal: List[Event], now: int, above_all: bool = False) -> List[Entry]:
        """Rows put, moved and dropped by one command; answers the writes it acknowledged. ``above_all``: it
        was a full restore, whose stamps are above all that any region has, seen or on its way (E7)."""
        made: List[Entry] = []
        held = (one for one in self.book.entries.values() if above_all and one.lost is None)
        floor = max((one.order[0] for one in held if not one.ended), default=0)
        for event in journal:
            row = event.row
            if event.what == "put":
                known = self.book.entries.get(write_id(row))
                if known is None:
                    made.append(self._acknowledged(row, now, floor))
                elif row.visible_from <= now:
                    self.arrived(row)
                elif row.via == self.book.primary.name and self.book.primary not in known.shown:
                    self._fail("E1", f"{row.region} is seeded with what {row.via} does not show", known)
            elif event.what == "moved":
                assert event.before is not None
                if event.before.visible_from <= now:
                    entry = self.book.entries[write_id(row)]
                    self._fail("L3", f"{row.region} showed a write and shows it no more", entry)
                if row.visible_from <= now:
                    self.arrived(row)
            elif event.what == "dropped":
                self._dropped(row)
            else:
                self._given_up(row)
        journal.clear()
        return made

    def _acknowledged(self, row: Row, now: int, floor: int) -> Entry:
        if row.region != row.stamp.origin or row.via:
            raise Violation("L6", f"a row that nobody acknowledged: {row}", self.book.id, row.name)
        stay = self.book.stays[row.region]
        seen, clock = max(stay.hlc, self.book.dropped, floor), now + self.history.skew(row.region, now)
        highest = max(seen, self.book.highest if floor else 0)
        entry = self.book.acknowledged(row)
        if row.visible_from != now or row.accepted != now:
            self._fail("L3", f"{row.region} does not show its own write at once", entry)
        wanted = max(clock << 16, seen + 1)
        if not wanted <= row.stamp.hlc <= max(clock << 16, highest + 1):
            rule, message = "E7" if floor else "L6", f"stamp {row.stamp.hlc} where {wanted} was due"
            self._fail(rule, f"{message} (seen: {seen})", entry)
        return entry

    def _dropped(self, row: Row) -> None:
        """Rows leave the store with their region, superseded, or once a purge is everywhere (D5); their
        stamps are remembered (L6)."""
        entry, stay = self.book.entries[write_id(row)], self.book.stays.get(row.region)
        self.book.dropped = max(self.book.dropped, row.stamp.hlc)
        if stay is None or not stay.holds():
            return
        if stay not in entry.shown and (entry.lost is not None or stay.dead is not None):
            return
        if not entry.ended and not self._may_end(entry):
            self._fail("L6", f"the row of a write left {row.region} for no reason", entry)
        if not entry.ended:
            entry.ended = True
            self.book.ended += 1
        self.book.forget(stay, entry)

    def _given_up(self, row: Row) -> None:
        """Rows leave the store where nobody living will see them, with a removal that lost them (E3)."""
        entry, stay = self.book.entries[write_id(row)], self.book.stays.get(row.region)
        if entry.lost is None and not entry.ended:
            self._fail("E3", f"{row.region} will not be sent a write that is not lost", entry)
        if stay is not None:
            self.book.forget(stay, entry)

    def _may_end(self, entry: Entry) -> bool:
        """Purged, superseded by what every region shows, or a tombstone that hides nothing more."""
        holding = [stay for stay in self.book.stays.values() if stay.holds()]
        same = [one for one in self.book.objects[entry.object] if not one.ended and one.lost is None]
        if entry.kind.value != "key_purge":
            shown = [one for one in same if all(stay in one.shown for stay in holding)]
            if any(one.order > entry.order for one in shown):
                return True
            if entry.tombstone and len(shown) == len(same) and max(same, key=_order) is entry:
                return True
        return self._is_purged(entry)

    def _is_purged(self, entry: Entry) -> bool:
        """Some purge that every region shows is above it, or above the last making of its version."""
        same = self.book.objects.get(("key_version", entry.group[1], entry.anchor), [])
        made = max((one.order for one in same if one.lost is None and not one.ended), default=(0, ""))
        for purge in self.book.purges.get(entry.group[1], ()):
            if not all(stay in purge.shown for stay in self.book.stays.values() if stay.holds()):
                continue
            if entry.order <= purge.order or (entry.version and made <= purge.order):
                return True
        return False

    # -- an arrival -----------------------------------------------------------------------
    def arrived(self, row: Row) -> None:
        entry, stay = self.book.entries[write_id(row)], self.book.stays.get(row.region)
        if stay is None or not stay.holds():
            return
        when = row.visible_from
        if stay in entry.shown:
            self._fail("L3", f"{stay.name} is given the same write twice", entry)
        if entry.lost is not None and not (entry.told and stay.removed is not None):  # they go together
            self._fail("L5b", f"{stay.name} shows a write that nobody had any more", entry)
        if when < stay.ready:
            self._fail("E1", f"{stay.name} shows a write before it is Succeeded", entry)
        if stay.dead is not None and stay.dead < when:
            self._fail("L5b", f"{stay.name} is destroyed and shows a new write", entry)
        self._in_order(stay, entry)
        self._in_time(stay, entry, row, when)
        self.book.show(stay, entry, when)

    def _in_order(self, stay: Stay, entry: Entry) -> None:
        for earlier in entry.home.log[stay.nexts.get(entry.home, 0) : entry.number]:
            if earlier.lost is None and not earlier.ended and stay not in earlier.shown:
                self._fail("L3", f"{stay.name} shows a write without the one accepted before it", entry)
        if stay.nexts.get(entry.home, 0) > entry.number:
            self._fail("L3", f"{stay.name} shows a write after a later one", entry)

    def _in_time(self, stay: Stay, entry: Entry, row: Row, when: int) -> None:
        home = entry.home
        if row.via:
            if when != stay.ready or entry.shown.get(self.book.primary, when) > stay.added:
                self._fail(
                    "E1", f"{stay.name} is not seeded at Succeeded with what the primary showed", entry
                )
        elif home.is_there(when) and home.removed is None and self.book.stays.get(home.name) is home:
            self._exactly(stay, entry, when)
        else:
            self._in_bounds(stay, entry, when)

    def _in_bounds(self, stay: Stay, entry: Entry, when: int) -> None:
        """Sent by somebody who could, and not too late."""
        if not self._has_sender(stay, entry, when):
            self._fail("L5b", f"{stay.name} shows a write that nobody could have sent then", entry)
        together = when <= stay.last.get(entry.home, 0)  # with the one before it, which was in time
        if not together and self._is_overdue(stay, entry, when - 1):
            self._fail("L5", f"{stay.name} shows a write later than max_lag allows", entry)

    def _exactly(self, stay: Stay, entry: Entry, when: int) -> None:
        """Its lag after its link let it go, in its link's order (L1, L3, L5)."""
        pair = (self.book.id, entry.home.name, stay.name)
        sent = max(entry.accepted, stay.ready)
        blocked, slow = self.history.blocked(*pair, sent), self.history.slow(*pair)
        due = max(earliest(sent, entry.lag, blocked, slow), stay.last.get(entry.home, 0))
        late = when - due
        if late > 0:
            late = max(0, when - max(due, self._let_go_before(stay, entry)))
        ends = [span[1] for span in (*blocked, *slow)]
        if late and any(sent < end < when - _REMEMBERED for end in ends):
            self._in_bounds(stay, entry, when)  # faults are kept for a day: what held it is forgotten
        elif late and not (late == 1 and (blocked or slow)):
            rule = "L5" if blocked or slow else "L1"
            self._fail(rule, f"{stay.name} shows a write {late} ms after it was due ({due})", entry)

    def _let_go_before(self, stay: Stay, entry: Entry) -> int:
        """Until when writes before it held it up that a purge has let go of since."""
        last, number = 0, entry.number - 1
        pair = (self.book.id, entry.home.name, stay.name)
        while number >= 0 and stay not in entry.home.log[number].shown:
            gone = entry.home.log[number]
            sent = max(gone.accepted, stay.ready)
            blocked = self.history.blocked(*pair, sent)
            last = max(last, earliest(sent, gone.lag, blocked, self.history.slow(*pair)))
            number -= 1
        return last

    def _has_sender(self, stay: Stay, entry: Entry, when: int) -> bool:
        """Some region showed it, lived, and had a link that was up."""
        for one in self.book.every_stay():
            shown = entry.shown.get(one)
            if one is stay or shown is None or shown > when or (one.dead is not None and one.dead < when):
                continue
            if one.ended is not None and one.ended < when:
                continue
            spans = self.history.blocked(self.book.id, one.name, stay.name, when - 1)
            if not any(start < when < end for start, end in spans):
                return True
        return False

    # -- nothing is late ------------------------------------------------------------------
    def _nothing_is_overdue(self, stay: Stay, now: int) -> None:
        """The next write of each log that this region has to show."""
        if not stay.is_there(now):
            return
        for home in self.book.homes:
            first = stay.nexts.get(home, 0)
            if home is stay or first >= len(home.log):
                continue
            while first < len(home.log) and self._is_excused(home.log[first], stay):
                first += 1
            stay.nexts[home] = first
            if first == len(home.log) or home.log[first].told:
                continue
            if self._is_overdue(stay, home.log[first], now):
                message = f"{stay.name} has waited for a write for longer than max_lag"
                self._fail("L5" if self.history.version else "L1", message, home.log[first])

    def _is_excused(self, entry: Entry, stay: Stay) -> bool:
        if entry.told and stay.removed is not None and not entry.ended:
            return stay in entry.shown  # it goes together with what has it, and may still be sent it
        return entry.lost is not None or entry.ended or stay in entry.shown

    def _is_overdue(self, stay: Stay, entry: Entry, now: int) -> bool:
        """Has somebody who must send it been able to for longer than ``max_lag``?"""
        if now <= max(entry.accepted, stay.ready) + self.book.max_lag:
            return False
        for sender, since in self._senders(entry, stay, now):
            pair = (self.book.id, sender.name, stay.name)
            up = last_end(self.history.blocked(*pair, 0), now)
            if up is None:
                continue
            extra = sum(more for start, _, more in self.history.slow(*pair) if start <= now)
            if now > max(since, up, stay.ready) + self.book.max_lag + extra + 1:
                return True
        return False

    def _senders(self, entry: Entry, stay: Stay, now: int) -> List[Tuple[Stay, int]]:
        """Who has to send a write, and since when: its origin, while it lives; then who shows it (L5b)."""
        home = entry.home
        if self.book.stays.get(home.name) is home and home.is_there(now):
            return [(home, entry.accepted)]
        ended = max(home.dead or 0, home.ended or 0)
        able = [one for one in self.book.witnesses(now, stay) if entry.shown.get(one, now + 1) <= now]
        early = [one for one in able if one.added <= ended] or able  # those who knew it then
        return [(one, max(ended, entry.shown[one])) for one in early]

    def _ends(self, stay: Stay, now: int) -> None:
        """E3: a removal ends once what was accepted is sent; nobody waits for what is dead."""
        assert stay.removed is not None
        last = max(stay.removed + self.book.removal, *(one.dead or 0 for one in self.book.stays.values()))
        if stay.dead is None:
            witnesses = self.book.witnesses(now)
            # What it sends may have to wait for what others have to bring before (L3).
            for sender, other in itertools.permutations(witnesses, 2):
                pair = (self.book.id, sender.name, other.name)
                up = last_end(self.history.blocked(*pair, 0), now)
                if up is None:
                    return
                slow = sum(more for *_, more in self.history.slow(*pair))
                last = max(last, max(up, stay.removed, other.ready) + self.book.max_lag + slow)
            last += self.book.max_lag  # for what it sends on of dead regions
        if now > last + self.book.removal:
            message = f"the removal of {stay.name}, accepted {stay.removed}, does not end"
            raise Violation("E3", message, self.book.id)

    # -- what goes with a region ----------------------------------------------------------------
    def given_up(self, leaving: List[Stay], now: int) -> Dict[Stay, List[Entry]]:
        """E3: what regions that go together lose: what only they have and can never bring to one that
        stays. Who accepted a write tells it, else the last of them that has it."""
        alive = self.book.witnesses(now)
        going = [stay for stay in leaving if stay in alive]
        lost: Dict[Stay, List[Entry]] = {stay: [] for stay in leaving}
        for home in self.book.homes if going else ():
            if home in alive and home not in going:
                continue
            last: Dict[Stay, int] = {}
            everywhere = min((one.nexts.get(home, 0) for one in alive if one is not home), default=0)
            for entry in home.log[everywhere if len(going) < len(alive) else 0 :]:
                if entry.lost is not None or entry.ended:
                    continue
                due = self._dues(entry, alive, now)
                last = {one: max(when, last.get(one, 0)) for one, when in due.items()}
                if all(last[one] >= NEVER for one in alive if one not in going):
                    holders = [one for one in going if last[one] < NEVER]
                    named = [one for one in going if one.name == home.name]
                    lost[(named or holders)[-1]].append(entry)
        return lost

    def _dues(self, entry: Entry, alive: List[Stay], now: int) -> Dict[Stay, int]:
        """From when on each living region shows a write of one that goes, or is dead or gone: from that,
        while it is there, else from whoever has it first."""
        home = entry.home
        due = {stay: entry.shown.get(stay, NEVER) for stay in alive}
        since = home.dead or home.removed or home.ended or now
        if home in alive:
            since, waiting = now, [one for one in alive if due[one] >= NEVER]
            due.update((one, self._from(home, one, entry, entry.accepted)) for one in waiting)
        for _ in alive:
            for one in [stay for stay in alive if due[stay] >= NEVER]:
                offers = (
                    self._from(other, one, entry, max(since, seen))
                    for other, seen in due.items()
                    if other is not one and seen < NEVER
                )
                due[one] = min(offers, default=NEVER)
        return due

    def _from(self, sender: Stay, stay: Stay, entry: Entry, sent: int) -> int:
        pair, sent = (self.book.id, sender.name, stay.name), max(sent, stay.ready)
        return earliest(sent, entry.lag, self.history.blocked(*pair, sent), self.history.slow(*pair))

    def died_with(self, stay: Stay, now: int) -> List[Entry]:
        """L5b, E6: what is lost since a region was destroyed, and was not told with another. What other
        dead ones accepted is told as theirs; the last of all took everything with it."""
        alive = self.book.witnesses(now)
        dead = [one for one in self.book.stays.values() if one.dead is not None and not one.failed]
        last = max(dead, key=lambda one: (one.dead or 0, one.name))
        found = [
            entry
            for entry in self.book.entries.values()
            if stay in entry.shown and not entry.ended and entry.lost is not None and not entry.told
        ]
        if alive or stay is not last:
            names = [one.name for one in dead if one is not stay]
            found = [entry for entry in found if entry.home.name not in names]
            found = [entry for entry in found if alive or last not in entry.shown]
        return found

    def _fail(self, rule: str, message: str, entry: Entry) -> None:
        what = f"{entry.kind.value} {entry.group[1]} {entry.version} of {entry.home.name}"
        raise Violation(rule, f"{message}: {what}, accepted {entry.accepted}", self.book.id, entry.group[1])


def _order(entry: Entry) -> Tuple[int, str]:
    return entry.order
