"""The store's verbs over dictionaries: what ``emulator/acceptance.py`` and ``emulator/breaking.py`` ask of
a transaction, and a journal of what became visible. Cost follows what is touched, not what is held."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from azext_mhsmregion.model import merge
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.faults import Fault, Faults
from azext_mhsmregion.model.loss import Loss
from azext_mhsmregion.model.pool import Operation, Pool
from azext_mhsmregion.model.replication import Kind, Links, Row, Stamp

KEYS = (Kind.KEY_VERSION, Kind.KEY_ATTRIBUTES, Kind.KEY_STATE, Kind.KEY_PURGE)
RIGHTS = (Kind.ROLE_ASSIGNMENT, Kind.ROLE_DEFINITION)

Object = Tuple[Kind, str, str]
WriteId = Tuple[Kind, str, str, Stamp]
Group = Tuple[str, str]
"""What is merged together: ("key", name), or a kind of its own and a name."""


def family(kind: Kind) -> str:
    return "key" if kind in KEYS else kind.value


def write_id(row: Row) -> WriteId:
    return (row.kind, row.name, row.version, row.stamp)


class Event(NamedTuple):
    """What happened to a row: ``put``, ``moved`` (``before`` is the row as it was), ``dropped``, ``given up``
    (with a region that is removed)."""

    what: str
    row: Row
    before: Optional[Row] = None


@dataclass
class RegionShelf:
    """The rows of one region: by group, and those that it does not show yet."""

    groups: Dict[Group, Dict[WriteId, Row]] = field(default_factory=dict)
    pending: Dict[WriteId, Row] = field(default_factory=dict)
    due: List[Tuple[int, int, WriteId]] = field(default_factory=list)
    changes: Dict[Group, int] = field(default_factory=dict)
    families: Dict[str, int] = field(default_factory=dict)
    roles: Dict[Group, None] = field(default_factory=dict)
    hlc: int = 0

    def row(self, identity: WriteId) -> Optional[Row]:
        return self.groups.get((family(identity[0]), identity[1]), {}).get(identity)


@dataclass
class Shelf:
    """The rows of one pool."""

    regions: Dict[str, RegionShelf] = field(default_factory=dict)
    purges: Dict[WriteId, None] = field(default_factory=dict)
    reached: Dict[Tuple[str, str], int] = field(default_factory=dict)
    dropped: int = 0
    journal: List[Event] = field(default_factory=list)


class Memory:
    """Verbs as :class:`azext_mhsmregion.emulator.store.transaction.Transaction` has them."""

    def __init__(self) -> None:
        self.now = 0
        self.by_id: Dict[str, Pool] = {}
        self.shelves: Dict[str, Shelf] = {}
        self.broken: Dict[str, Fault] = {}
        self.log: List[Dict[str, Any]] = []
        self._count = 0

    # -- pools ----------------------------------------------------------------------------
    def pools(self) -> List[Pool]:
        return list(self.by_id.values())

    def pool_by_id(self, pool_id: str) -> Optional[Pool]:
        return self.by_id.get(pool_id)

    def put_pool(self, pool: Pool) -> Pool:
        known = self.by_id.get(pool.id)
        if known is not None and known.revision != pool.revision:
            raise RuntimeError(f"stale record of pool {pool.name}: revision {pool.revision}")
        pool = pool._replace(revision=pool.revision + 1)
        self.by_id[pool.id] = pool
        return pool

    def shelf(self, pool_id: str) -> Shelf:
        found = self.shelves.get(pool_id)
        if found is None:
            found = self.shelves[pool_id] = Shelf()
        return found

    def put_operation(self, operation: Operation) -> None:
        """Nobody asks for it again."""

    # -- rows -----------------------------------------------------------------------------
    def rows(
        self, pool_id: str, region: str, kinds: Sequence[Kind] = tuple(Kind), name: Optional[str] = None
    ) -> List[Row]:
        shelf = self.shelf(pool_id).regions.get(region)
        if shelf is None:
            return []
        if name is not None:
            families = dict.fromkeys(family(kind) for kind in kinds)
            groups: Iterable[Dict[WriteId, Row]] = (shelf.groups.get((one, name), {}) for one in families)
        else:
            groups = shelf.groups.values()
        return [row for group in groups for row in group.values() if row.kind in kinds]

    def put_rows(self, pool_id: str, rows: Iterable[Row]) -> None:
        shelf = self.shelf(pool_id)
        for row in rows:
            region = shelf.regions.setdefault(row.region, RegionShelf())
            identity = write_id(row)
            group = region.groups.setdefault((family(row.kind), row.name), {})
            if identity in group:
                raise RuntimeError(f"two rows of one write in {row.region}: {identity}")
            group[identity] = row
            if row.kind in RIGHTS:
                region.roles[(family(row.kind), row.name)] = None
            if row.kind is Kind.KEY_PURGE:
                shelf.purges[identity] = None
            self._wait_or_show(shelf, region, identity, row)
            shelf.journal.append(Event("put", row))

    def move_rows(self, pool_id: str, rows: Iterable[Row]) -> None:
        shelf = self.shelf(pool_id)
        for row in rows:
            region, identity = shelf.regions.get(row.region), write_id(row)
            old = region.row(identity) if region is not None else None
            if region is None or old is None:
                continue  # as an UPDATE that finds nothing
            new = old._replace(visible_from=row.visible_from, via=row.via)
            region.groups[(family(row.kind), row.name)][identity] = new
            region.pending.pop(identity, None)
            self._touch(region, row)
            self._wait_or_show(shelf, region, identity, new)
            shelf.journal.append(Event("moved", new, old))

    def _wait_or_show(self, shelf: Shelf, region: RegionShelf, identity: WriteId, row: Row) -> None:
        if row.visible_from <= self.now:
            self._show(shelf, region, row)
            return
        region.pending[identity] = row
        self._count += 1
        heapq.heappush(region.due, (row.visible_from, self._count, identity))

    def _show(self, shelf: Shelf, region: RegionShelf, row: Row) -> None:
        self._touch(region, row)
        region.hlc = max(region.hlc, row.stamp.hlc)
        if row.stamp.origin != row.region:
            link = (row.stamp.origin, row.region)
            shelf.reached[link] = max(shelf.reached.get(link, 0), row.visible_from)

    def _touch(self, region: RegionShelf, row: Row) -> None:
        one = family(row.kind)
        region.changes[(one, row.name)] = region.changes.get((one, row.name), 0) + 1
        region.families[one] = region.families.get(one, 0) + 1

    def arrivals(self, pool_id: str, now: int) -> List[Row]:
        """The rows that became visible up to ``now``, in the order in which they did."""
        shelf, found = self.shelf(pool_id), []
        for region in shelf.regions.values():
            while region.due and region.due[0][0] <= now:
                due, number, identity = heapq.heappop(region.due)
                row = region.pending.get(identity)
                if row is None or row.visible_from != due:
                    continue  # it was moved or dropped
                del region.pending[identity]
                self._show(shelf, region, row)
                found.append((due, row.accepted, number, row))
        found.sort(key=lambda item: item[:3])
        return [row for *_, row in found]

    def on_their_way(self, pool_id: str, now: int, living: Sequence[str]) -> List[Row]:
        regions = self.shelf(pool_id).regions
        waiting: Dict[WriteId, None] = {}
        for name in living:
            if name in regions:
                waiting.update(dict.fromkeys(regions[name].pending))
        found = (region.row(identity) for identity in waiting for region in regions.values())
        return [row for row in found if row is not None]

    def reached(self, pool_id: str, now: int) -> Links:
        return dict(self.shelf(pool_id).reached)

    def last_hlc(self, pool_id: str, region: str, now: int) -> int:
        shelf = self.shelf(pool_id)
        held = shelf.regions.get(region)
        if held is None:
            return shelf.dropped
        pending = held.pending.values() if now >= NEVER else ()
        return max([shelf.dropped, held.hlc, *(row.stamp.hlc for row in pending)])

    # -- losses ---------------------------------------------------------------------------
    def stuck(self, pool_id: str, region: str, others: Sequence[str]) -> Dict[str, Loss]:
        found: Dict[str, List[int]] = {}
        for row in self._stuck(pool_id, region, others):
            found.setdefault(row.stamp.origin, []).append(row.accepted)
        return {origin: Loss(len(times), min(times)) for origin, times in found.items()}

    def _stuck(self, pool_id: str, region: str, others: Sequence[str]) -> List[Row]:
        regions = self.shelf(pool_id).regions
        beside = [regions[name] for name in others if name in regions]
        held = (row for row in self.rows(pool_id, region) if row.visible_from < NEVER)
        return [row for row in held if not any(_has(shelf, row) for shelf in beside)]

    def drop_stuck(
        self, pool_id: str, region: str, origins: Sequence[str], others: Sequence[str], living: Sequence[str]
    ) -> None:
        shelf = self.shelf(pool_id)
        stuck = self._stuck(pool_id, region, others)
        lost = [write_id(row) for row in stuck if row.stamp.origin in origins]
        for name, where in shelf.regions.items():
            rows = (where.row(identity) for identity in lost if name != region)
            ended = [row for row in rows if row is not None]
            ended = [row for row in ended if name not in living or row.visible_from >= NEVER]
            self._drop(shelf, where, ended, "given up")

    # -- what ends ------------------------------------------------------------------------
    def drop_regions(self, pool_id: str, living: Sequence[str]) -> None:
        shelf = self.shelf(pool_id)
        for name in [name for name in shelf.regions if name not in living]:
            rows = [row for group in shelf.regions[name].groups.values() for row in group.values()]
            shelf.journal.extend(Event("dropped", row) for row in rows)
            shelf.dropped = max([shelf.dropped, *(row.stamp.hlc for row in rows)])
            del shelf.regions[name]
        if not living:
            shelf.purges.clear()
            shelf.dropped = 0

    def drop_purged_keys(self, pool_id: str, living: Sequence[str], now: int) -> None:
        shelf = self.shelf(pool_id)
        if not shelf.purges or not living:
            return
        for identity in list(shelf.purges):
            if self._is_settled(shelf, identity, living):
                self._drop_key(shelf, identity)

    def _is_settled(self, shelf: Shelf, purge: WriteId, living: Sequence[str]) -> bool:
        """Every living region shows the purge, and nothing below it is on its way to one."""
        group = ("key", purge[1])
        for name in living:
            region = shelf.regions.get(name)
            row = region.row(purge) if region is not None else None
            if region is None or row is None or purge in region.pending:
                return False
            for identity in region.groups.get(group, ()):
                if identity in region.pending and identity[3] < purge[3]:
                    return False
        return True

    def _drop_key(self, shelf: Shelf, purge: WriteId) -> None:
        group, cut = ("key", purge[1]), purge[3]
        newest: Dict[str, Stamp] = {}
        for region in shelf.regions.values():
            for row in region.groups.get(group, {}).values():
                if row.kind is Kind.KEY_VERSION:
                    newest[row.version] = max(row.stamp, newest.get(row.version, row.stamp))
        gone = [version for version, stamp in newest.items() if not stamp > cut]
        ended = {*gone, *map(merge.policy_of, gone)}
        for region in shelf.regions.values():
            rows = list(region.groups.get(group, {}).values())
            self._drop(shelf, region, [row for row in rows if row.stamp <= cut or row.version in ended])

    def compact(self, pool_id: str, what: Iterable[Object], living: Sequence[str], now: int) -> None:
        shelf = self.shelf(pool_id)
        for kind, name, version in sorted(what):
            held = self._copies(shelf, (kind, name, version), living)
            settled = sorted(
                stamp
                for stamp, rows in held.items()
                if len(rows) == len(living) and all(row.visible_from <= now for row in rows)
            )
            if not settled:
                continue
            hides_nothing = held[settled[-1]][0].tombstone and len(settled) == len(held)
            for stamp in settled if hides_nothing else settled[:-1]:
                for region in shelf.regions.values():
                    row = region.row((kind, name, version, stamp))
                    if row is not None:
                        self._drop(shelf, region, [row])

    def _copies(self, shelf: Shelf, what: Object, living: Sequence[str]) -> Dict[Stamp, List[Row]]:
        """The rows of one object in the living regions, by stamp."""
        held: Dict[Stamp, List[Row]] = {}
        group = (family(what[0]), what[1])
        for name in living:
            region = shelf.regions.get(name)
            for row in region.groups.get(group, {}).values() if region is not None else ():
                if row.kind is what[0] and row.version == what[2]:
                    held.setdefault(row.stamp, []).append(row)
        return held

    def _drop(self, shelf: Shelf, region: RegionShelf, rows: Sequence[Row], what: str = "dropped") -> None:
        for row in rows:
            identity, group = write_id(row), (family(row.kind), row.name)
            del region.groups[group][identity]
            if not region.groups[group]:
                del region.groups[group]
                region.roles.pop(group, None)
            region.pending.pop(identity, None)
            shelf.purges.pop(identity, None)
            self._touch(region, row)
            shelf.journal.append(Event(what, row))
            if what == "dropped":
                shelf.dropped = max(shelf.dropped, row.stamp.hlc)

    # -- faults and events ------------------------------------------------------------------
    def faults(self) -> Faults:
        return tuple(self.broken[name] for name in sorted(self.broken))

    def put_fault(self, fault: Fault) -> None:
        self.broken[fault.id] = fault

    def drop_fault(self, fault_id: str) -> None:
        self.broken.pop(fault_id, None)

    def put_event(self, pool: str, kind: str, service: int, real: int, data: Mapping[str, Any]) -> None:
        self.log.append({**data, "service_time": service, "pool": pool, "kind": kind})


def _has(shelf: RegionShelf, row: Row) -> bool:
    """Does a region show the same write, or will it?"""
    other = shelf.row(write_id(row))
    return other is not None and other.visible_from < NEVER
