"""A world in memory: pools, faults, clients and a clock, driven by the service's own functions
(``emulator/acceptance.py``, ``emulator/breaking.py`` and the model) and watched by the oracle."""

from __future__ import annotations

import random
from collections import Counter
from typing import Dict, List, Optional, Sequence, Tuple

from azext_mhsmregion.emulator import acceptance
from azext_mhsmregion.emulator.settings import Settings
from azext_mhsmregion.model import merge
from azext_mhsmregion.model.extension import RegionChange
from azext_mhsmregion.model.faults import Faults
from azext_mhsmregion.model.merge import Objects
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.model.replication import Kind, Write
from azext_mhsmregion.model.routing import Traffic

from .invariants import control, merging, restoring
from .invariants.replication import Replication
from .memory import KEYS, Group, Memory, RegionShelf
from .oracle.book import Book, Stay
from .oracle.entry import Entry
from .oracle.history import History
from .oracle.rights import Rights
from .oracle.traffic import Manager
from .story import Story
from .violation import Violation

START = 1_767_225_600_000
"""2026-01-01."""

_SAMPLED = 8
"""Every so many views of an object, its superseded writes are compared too."""


class Bench:
    """What acceptance and breaking take for a unit of work (``emulator/unit.py``), without a store."""

    def __init__(self, tx: Memory, settings: Settings) -> None:
        self.tx = tx
        self.settings = settings
        self.profile = settings.checked_profile()
        self.real = 0
        self.now = START
        self._faults: Optional[Faults] = None

    @property
    def faults(self) -> Faults:
        if self._faults is None:
            self._faults = self.tx.faults()
        return self._faults

    def faults_changed(self) -> None:
        self._faults = None


class World:
    """Everything of one run. ``random`` is seeded anew for each step, so that a step can be left out."""

    def __init__(self, settings: Settings, tx: Optional[Memory] = None) -> None:
        self.random = random.Random(0)
        self.tx = Memory() if tx is None else tx
        self.tx.now = START
        self.bench = Bench(self.tx, settings)
        self.history = History()
        self.traffic_faults: Optional[Faults] = None
        self.manager = Manager(self.history, self.traffic)
        self.rights = Rights()
        self.books: Dict[str, Book] = {}
        self.watchers: Dict[str, Replication] = {}
        self.story = Story()
        self.counts: Counter[str] = Counter()
        self.step = 0
        self.made = 0
        self.change: Optional[RegionChange] = None
        self._views: Dict[Tuple[str, str, Group], Tuple[RegionShelf, int, Objects]] = {}
        self._rights: Dict[Tuple[str, str], Tuple[RegionShelf, int, Objects]] = {}
        self._looks = 0

    # -- time and touch -----------------------------------------------------------------------
    @property
    def now(self) -> int:
        return self.bench.now

    def advance(self, milliseconds: int) -> None:
        self.bench.now += milliseconds
        self.tx.now = self.bench.now

    @property
    def traffic(self) -> Traffic:
        """What decides where clients go, as ``emulator/traffic.py`` puts it together."""
        faults = self.bench.faults
        if self.traffic_faults is not faults:
            self.traffic_faults = faults
            profile, settings = self.bench.profile, self.bench.settings
            self._traffic = Traffic(
                catalogue(), faults, profile.probes("probe"), profile.probes("balancer"),
                profile.of("dns.ttl"), settings.routing, settings.latency, settings.seed,
            )  # fmt: skip
        return self._traffic

    def touch(self, book: Book) -> Pool:
        """Let the oracle see what happened to a pool up to now; answers its record."""
        self.watchers[book.id].elapsed(self.tx.arrivals(book.id, self.now), self.now)
        return self.tx.by_id[book.id]

    def absorb(self, book: Book, above_all: bool = False) -> List[Entry]:
        return self.watchers[book.id].absorb(self.tx.shelf(book.id).journal, self.now, above_all)

    def new_id(self, what: str) -> str:
        """An id that no other step makes, whichever steps are left out."""
        self.made += 1
        return f"{what}-{self.step}-{self.made % 1000}"

    def tell(self, book: Optional[Book], text: str, *parts: object) -> None:
        self.story.tell(book.id if book is not None else "", self.step, self.now, text, *parts)

    # -- writes ---------------------------------------------------------------------------
    def accept(
        self, book: Book, region: str, writes: Sequence[Write], restoring: Optional[Pool] = None
    ) -> List[Entry]:
        """Acknowledge writes in a region, as the data plane does. ``restoring``: the record with a full
        restore begun, whose writes they are (E7)."""
        conflicts = len(self.tx.log)
        pool, full = restoring or self.tx.by_id[book.id], restoring is not None
        acceptance.accept(self.bench, pool, region, writes, above_all=full)  # type: ignore[arg-type]
        made = self.absorb(book, full)
        self._wait_on(book)
        if len(made) != len(writes):
            raise Violation("L6", f"{len(writes)} writes, {len(made)} acknowledged", book.id, writes[0].name)
        for event in self.tx.log[conflicts:]:
            self.counts[event["kind"]] += 1
        self.counts["writes"] += len(writes)
        for write in writes[:4]:
            what = "takes away" if write.tombstone else "writes"
            self.tell(
                book, "{} {} {} {} {} " + _lag(made), region, what, write.kind.value,
                f"'{write.name}", write.version,
            )  # fmt: skip
        return made

    def _wait_on(self, book: Book) -> None:
        """A removal may have to wait for what was accepted since (E3, L5b)."""
        pool = self.tx.by_id[book.id]
        for region in pool.regions:
            if region.removing is not None and region.exists(self.now) and pool.operation is not None:
                book.stays[region.name].gone = region.gone
                book.busy_until = pool.operation.done

    # -- reads ----------------------------------------------------------------------------
    def view(self, book: Book, region: str, group: Group) -> Objects:
        """What a region shows of one object, by the model; compared with the oracle when it is new."""
        shelf = self.tx.shelf(book.id).regions.get(region)
        if shelf is None:
            return Objects()
        key, changes = (book.id, region, group), shelf.changes.get(group, 0)
        known = self._views.get(key)
        if known is not None and known[0] is shelf and known[1] == changes:
            return known[2]
        kinds = KEYS if group[0] == "key" else (Kind(group[0]),)
        visible = merge.visible(self.tx.rows(book.id, region, kinds, group[1]), self.now)
        objects = merge.objects(visible)
        stay = book.stays[region]
        merging.shows_what_it_should(book, stay, group, objects)
        self._looks += 1
        if self._looks % _SAMPLED == 0:
            merging.holds_what_it_should(book, stay, group, visible)
        self._views[key] = (shelf, changes, objects)
        book.dirty.pop((stay, group), None)
        return objects

    def roles(self, book: Book, region: str) -> Objects:
        """The role definitions and assignments that a region shows, by the model."""
        shelf = self.tx.shelf(book.id).regions.get(region)
        if shelf is None:
            return Objects()
        changes = shelf.families.get("role_assignment", 0) + shelf.families.get("role_definition", 0)
        known = self._rights.get((book.id, region))
        if known is not None and known[0] is shelf and known[1] == changes:
            return known[2]
        rows = [row for group in shelf.roles for row in shelf.groups[group].values()]
        objects = merge.objects(merge.visible(rows, self.now))
        self._rights[(book.id, region)] = (shelf, changes, objects)
        return objects

    # -- checks ---------------------------------------------------------------------------
    def after_step(self, book: Book) -> None:
        """Every rule, of the pool that this step touched: its record, its bill, and each object that has
        changed in one of its regions since, by what it shows (L6). Which of an object's writes were
        superseded is compared on every eighth of those views, and of all objects where all is quiet."""
        if book.id not in self.books:
            return
        pool = self.touch(book)
        control.states_are_right(book, pool, self.now)
        for stay, group in list(book.dirty):
            if stay.ended is None and stay.ready <= self.now and not stay.failed:
                self.view(book, stay.name, group)
        book.dirty.clear()
        control.bill_is_right(book, pool, self.now)

    def settle(self, book: Book) -> bool:
        """The full check of a pool, where all is quiet: every changed object, equality, the counts."""
        self.touch(book)
        if not merging.is_quiet(book, self.now) or control.phase(book, self.now) != "live":
            return False
        stays = [stay for stay in book.stays.values() if _shows(stay, self.now) and not _goes(book, stay)]
        views = {stay: [(g, self._whole(book, stay, g)) for g in book.unsettled] for stay in stays}
        if views:
            merging.agree(book, self.now, views)
        self._stands_restored(book, stays)
        self.counts["quiet points"] += 1
        if len(book.entries) < 1_500 or self.counts["quiet points"] % 6 == 0:
            merging.adds_up(book, self.now)
        control.bill_is_right(book, self.tx.by_id[book.id], self.now)
        book.unsettled.clear()
        return True

    def _stands_restored(self, book: Book, stays: Sequence[Stay]) -> None:
        """E7; a restore that went in part with its region is nothing to compare with."""
        if book.restored is not None and book.restored.is_lost():
            book.restored = None
        for stay in stays if book.restored is not None else ():
            self.counts["restores compared"] += 1
            for group in book.unsettled:
                restoring.nothing_came_back(book, stay, group)

    def _whole(self, book: Book, stay: Stay, group: Group) -> Objects:
        if group not in stay.tally:
            kinds = KEYS if group[0] == "key" else (Kind(group[0]),)
            visible = merge.visible(self.tx.rows(book.id, stay.name, kinds, group[1]), self.now)
            merging.holds_what_it_should(book, stay, group, visible)
            if group in stay.seen:
                merging.tallied(stay, group)
        return self.view(book, stay.name, group)

    def objects_in(self, book: Book) -> int:
        """How many objects the pool's primary has."""
        return len(book.primary.seen)


def _lag(made: Sequence[Entry]) -> str:
    return f"(lag {made[0].lag} ms, stamp {made[0].order[0]})" if made else ""


def _goes(book: Book, stay: Stay) -> bool:
    """Is it being removed, with what the others will never be sent?"""
    if stay.removed is None:
        return False
    return any(entry.told and stay in entry.shown for entry in book.entries.values())


def _shows(stay: Stay, now: int) -> bool:
    return stay.holds() and stay.ready <= now and stay.dead is None
