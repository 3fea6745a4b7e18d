"""What the oracle keeps of one pool: the stays of its regions, the log of each, what each shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Tuple

from azext_mhsmregion.model.replication import Row

from ..memory import Group, WriteId
from .entry import Entry
from .history import History
from .jobs import Job, Kept, Restored, ends

HALF_AN_HOUR = 1_800_000


@dataclass(eq=False)
class Stay:
    """A region of a pool from the acceptance of its add to the end of its removal. ``log`` is what it
    accepted, ``nexts`` how much of each other log it shows, ``last`` when the latest of that came,
    ``owed`` what it has to show at Succeeded (E1), ``dead`` since when it is destroyed. ``failed``: it is
    never to be used, as things stand, since it was ``refused``, or is destroyed before it is ``made``."""

    name: str
    primary: bool
    added: int
    ready: int
    failed: bool = False
    refused: bool = False
    made: int = 0
    removed: Optional[int] = None
    gone: Optional[int] = None
    dead: Optional[int] = None
    ended: Optional[int] = None
    log: List[Entry] = field(default_factory=list)
    nexts: Dict[Stay, int] = field(default_factory=dict)
    last: Dict[Stay, int] = field(default_factory=dict)
    owed: List[Entry] = field(default_factory=list)
    seen: Dict[Group, Dict[WriteId, Entry]] = field(default_factory=dict)
    hlc: int = 0
    roles: int = 0
    tally: Dict[Group, Dict[str, int]] = field(default_factory=dict)
    role_groups: Dict[Group, None] = field(default_factory=dict)

    def serves(self, when: int) -> bool:
        """Does the traffic manager know it at an instant, and send clients there?"""
        if self.failed or not self.ready <= when:
            return False
        return (self.removed is None or when < self.removed) and (self.ended is None or when < self.ended)

    def is_there(self, when: int) -> bool:
        """Does it hold what it has, and show it?"""
        return not self.failed and self.ended is None and (self.dead is None or when < self.dead)

    def holds(self) -> bool:
        return not self.failed and self.ended is None


@dataclass(eq=False)
class Book:
    """The oracle's record of one pool. ``stays`` are those of now, ``former`` those that ended,
    ``dropped`` the highest hybrid time that has left the store, ``highest`` of all."""

    id: str
    name: str
    created: int
    sku: str
    retention_days: int
    purge_protection: bool
    history: History
    max_lag: int
    removal: int
    stays: Dict[str, Stay] = field(default_factory=dict)
    former: List[Stay] = field(default_factory=list)
    homes: List[Stay] = field(default_factory=list)
    entries: Dict[WriteId, Entry] = field(default_factory=dict)
    purges: Dict[str, List[Entry]] = field(default_factory=dict)
    objects: Dict[Tuple[str, str, str], List[Entry]] = field(default_factory=dict)
    dirty: Dict[Tuple[Stay, Group], None] = field(default_factory=dict)
    unsettled: Dict[Group, None] = field(default_factory=dict)
    last_write: int = 0
    lost: int = 0
    ended: int = 0
    dropped: int = 0
    activated: Optional[int] = None
    busy_until: int = 0
    deleted: Optional[Tuple[int, int]] = None
    recovered: Optional[int] = None
    purged: Optional[int] = None
    live_since: int = 0
    bill: List[List[Optional[int]]] = field(default_factory=list)
    bill_regions: List[str] = field(default_factory=list)
    highest: int = 0
    backup: Optional[Job] = None
    restore: Optional[Job] = None
    restored: Optional[Restored] = None
    kept: Kept = field(default_factory=Kept)

    @property
    def primary(self) -> Stay:
        return next(stay for stay in self.stays.values() if stay.primary)

    def every_stay(self) -> List[Stay]:
        return [*self.stays.values(), *self.former]

    def witnesses(self, when: int, but: Optional[Stay] = None) -> List[Stay]:
        """The stays that are neither failed, gone nor destroyed."""
        return [stay for stay in self.stays.values() if stay is not but and stay.is_there(when)]

    # -- writes ---------------------------------------------------------------------------
    def acknowledged(self, row: Row) -> Entry:
        home = self.stays[row.region]
        entry = Entry(row, home, len(home.log), len(self.entries))
        self.highest = max(self.highest, row.stamp.hlc)
        home.log.append(entry)
        self.entries[entry.identity] = entry
        self.last_write = max(self.last_write, row.accepted)
        if entry.kind.value == "key_purge":
            self.purges.setdefault(row.name, []).append(entry)
        self.objects.setdefault(entry.object, []).append(entry)
        self._show(home, entry)
        return entry

    def show(self, stay: Stay, entry: Entry, when: int) -> None:
        entry.shown[stay] = when
        stay.nexts[entry.home] = max(stay.nexts.get(entry.home, 0), entry.number + 1)
        stay.last[entry.home] = when
        self._show(stay, entry)

    def _show(self, stay: Stay, entry: Entry) -> None:
        stay.seen.setdefault(entry.group, {})[entry.identity] = entry
        stay.hlc = max(stay.hlc, entry.order[0])
        self._changed(stay, entry)

    def _changed(self, stay: Stay, entry: Entry) -> None:
        self.dirty[(stay, entry.group)] = None
        stay.tally.pop(entry.group, None)
        self.unsettled[entry.group] = None
        if entry.group[0].startswith("role"):
            stay.roles += 1
            stay.role_groups[entry.group] = None

    def forget(self, stay: Stay, entry: Entry) -> None:
        group = stay.seen.get(entry.group)
        if group is not None and group.pop(entry.identity, None) is not None:
            if not group:
                del stay.seen[entry.group]
            self._changed(stay, entry)

    # -- losses ---------------------------------------------------------------------------
    def unseen(self, home: Stay, when: int, but: Optional[Stay] = None) -> List[Entry]:
        """The end of a log that no witness shows (each shows a beginning of it, L3)."""
        first = max((one.nexts.get(home, 0) for one in self.witnesses(when, but)), default=0)
        return [entry for entry in home.log[first:] if entry.lost is None and not entry.ended]

    def lose(self, entries: Iterable[Entry], when: int) -> None:
        for entry in entries:
            entry.lost = when
            self.lost += 1

    # -- backups and restores (E7) --------------------------------------------------------
    def jobs_end(self) -> int:
        return max(ends(self.backup, self.id, self.history), ends(self.restore, self.id, self.history))

    def has_a_job(self, now: int) -> bool:
        return now < self.jobs_end()

    def is_restoring(self, now: int) -> bool:
        return now < ends(self.restore, self.id, self.history)

    def may_be_restored(self, now: int) -> bool:
        """Nothing runs, and a backup ended well within half an hour."""
        if self.backup is None or self.has_a_job(now) or now < self.busy_until:
            return False
        done, failed = self.backup.end(self.id, self.history)
        return not failed and now <= done + HALF_AN_HOUR

    # -- stays ----------------------------------------------------------------------------
    def enter(self, stay: Stay, now: int) -> None:
        """A region is added: it owes what the primary shows now."""
        if not stay.primary:
            self.leave(stay.name, now)
            primary = self.primary
            stay.owed = [entry for group in primary.seen.values() for entry in group.values()]
            stay.owed = [] if stay.failed else stay.owed
        self.stays[stay.name] = stay
        self.homes.append(stay)

    def leave(self, name: str, when: int) -> None:
        stay = self.stays.pop(name, None)
        if stay is not None:
            stay.ended = when
            stay.seen.clear()
            self.former.append(stay)
            self.dirty = {key: None for key in self.dirty if key[0] is not stay}
