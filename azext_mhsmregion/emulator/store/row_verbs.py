"""Verbs over the rows that regions hold of writes, with their bodies, in one transaction."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.rows import Kind, Links, Object, Row, Stamp

if TYPE_CHECKING:
    from azext_mhsmregion.model.loss import Loss


class Backlog(NamedTuple):
    """What ``region`` does not show yet of what ``origin`` accepted: how many writes, how many of
    them take a right away, and when the oldest of each was accepted."""

    region: str
    origin: str
    writes: int
    oldest: int
    revocations: int
    oldest_revocation: int


class _Seen(NamedTuple):
    """How far one write of an object has come: in how many of the ``wanted`` regions it has a row,
    and when the last of them shows it."""

    latest: int
    regions: int
    tombstone: bool
    body: int
    wanted: int

    @property
    def everywhere(self) -> bool:
        return self.regions == self.wanted


_COLUMNS = "kind, name, version, hlc, origin, accepted, lag, visible_from, tombstone, via, body, data"
"""What :meth:`RowVerbs._row` reads behind the region."""

_DROPPED = "dropped:"
"""Before a pool's id: under which key of ``meta`` the highest stamp of what was dropped is kept."""


def _marks(values: Sequence[Any]) -> str:
    """SQL's question marks for some values."""
    return ",".join("?" * len(values))


def _shown_in(regions: Sequence[str]) -> str:
    """SQL that is true of a row ``held`` whose write one of the regions shows or will show; takes their
    names, and NEVER."""
    marks = _marks(regions)
    return (
        f"EXISTS (SELECT 1 FROM row AS kept WHERE kept.pool = held.pool AND kept.region IN ({marks}) "
        "AND kept.kind = held.kind AND kept.name = held.name AND kept.version = held.version "
        "AND kept.hlc = held.hlc AND kept.origin = held.origin AND kept.visible_from < ?)"
    )


def _awaited_in(regions: Sequence[str]) -> str:
    """SQL that is true of a row ``held`` of these regions that is not shown yet, and that one of them has, or
    will, to send it on; takes the pool's id, the names, the instant, NEVER, the names, and NEVER."""
    return (
        f"held.pool = ? AND held.region IN ({_marks(regions)}) AND held.visible_from > ? "
        f"AND (held.visible_from < ? OR {_shown_in(regions)})"
    )


class RowVerbs:
    """A part of :class:`transaction.Transaction`: nothing else makes one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection
        self._bodies: Dict[Tuple[str, str, str, str, int, str], int] = {}

    def rows(
        self,
        pool_id: str,
        region: str,
        kinds: Sequence[Kind] = tuple(Kind),
        name: Optional[str] = None,
    ) -> List[Row]:
        """Rows of a region, of some kinds, of one object's name; visible or not."""
        marks = _marks(kinds)
        query = (
            f"SELECT region, {_COLUMNS} FROM row JOIN body ON body.id = row.body "
            f"WHERE pool = ? AND region = ? AND kind IN ({marks})"
        )
        values: List[Any] = [pool_id, region, *(kind.value for kind in kinds)]
        if name is not None:
            query += " AND name = ?"
            values.append(name)
        return [self._row(pool_id, found) for found in self._sql.execute(query, values)]

    def on_their_way(self, pool_id: str, now: int, living: Sequence[str]) -> List[Row]:
        """All rows of every write that some region of ``living`` does not show at ``now``."""
        marks = _marks(living)
        query = (
            f"SELECT region, {_COLUMNS} FROM row AS one JOIN body ON body.id = one.body "
            f"WHERE pool = ? AND EXISTS (SELECT 1 FROM row AS late WHERE late.pool = one.pool "
            f"AND late.region IN ({marks}) AND late.kind = one.kind AND late.name = one.name "
            "AND late.version = one.version AND late.hlc = one.hlc AND late.origin = one.origin "
            "AND late.visible_from > ?)"
        )
        return [self._row(pool_id, found) for found in self._sql.execute(query, (pool_id, *living, now))]

    def reached(self, pool_id: str, now: int) -> Links:
        """The latest ``visible_from`` up to ``now`` of each link."""
        found = self._sql.execute(
            "SELECT origin, region, max(visible_from) FROM row WHERE pool = ? AND visible_from <= ? "
            "AND origin <> region GROUP BY origin, region",
            (pool_id, now),
        )
        return {(origin, region): last for origin, region, last in found}

    def move_rows(self, pool_id: str, rows: Iterable[Row]) -> None:
        """Give rows that are there another ``visible_from`` and ``via``."""
        self._sql.executemany(
            "UPDATE row SET visible_from = ?, via = ? WHERE pool = ? AND region = ? AND kind = ? "
            "AND name = ? AND version = ? AND hlc = ? AND origin = ?",
            [
                (row.visible_from, row.via, pool_id, row.region, row.kind.value, row.name, row.version,
                 row.stamp.hlc, row.stamp.origin)
                for row in rows
            ],
        )  # fmt: skip

    def put_rows(self, pool_id: str, rows: Iterable[Row]) -> None:
        """Add rows; rows of one write share one body."""
        self._sql.executemany(
            "INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (pool_id, row.region, row.kind.value, row.name, row.version, row.stamp.hlc,
                 row.stamp.origin, row.accepted, row.lag, row.visible_from, row.tombstone,
                 self._body(pool_id, row), row.via)
                for row in rows
            ],
        )  # fmt: skip

    def last_hlc(self, pool_id: str, region: str, now: int) -> int:
        """The highest hybrid time among what a region shows at ``now``, and what the pool's regions held
        that has left the store; 0 when nothing."""
        found = self._sql.execute(
            "SELECT hlc FROM row WHERE pool = ? AND region = ? AND visible_from <= ? "
            "ORDER BY hlc DESC LIMIT 1",
            (pool_id, region, now),
        ).fetchone()
        return max(0 if found is None else int(found[0]), self._dropped(pool_id))

    def in_flight(self, pool_id: str, now: int, alive: Sequence[str]) -> Tuple[int, int]:
        """How many rows the regions ``alive`` do not show at ``now`` and may still get, and when the last of
        them arrives."""
        found = self._sql.execute(
            f"SELECT count(*), coalesce(max(visible_from), 0) FROM row AS held WHERE {_awaited_in(alive)}",
            (pool_id, *alive, now, NEVER, *alive, NEVER),
        ).fetchone()
        return int(found[0]), int(found[1])

    def backlogs(self, pool_id: str, now: int, alive: Sequence[str]) -> List[Backlog]:
        """What the regions ``alive`` do not show at ``now`` and may still get, by origin (L7). What is lost
        with a destroyed region is none (L5b)."""
        revoked = "kind = 'role_assignment' AND tombstone"
        found = self._sql.execute(
            f"SELECT region, origin, count(*), min(accepted), sum({revoked}), "
            f"coalesce(min(CASE WHEN {revoked} THEN accepted END), 0) FROM row AS held "
            f"WHERE {_awaited_in(alive)} GROUP BY region, origin ORDER BY region, origin",
            (pool_id, *alive, now, NEVER, *alive, NEVER),
        )
        return [Backlog(*row) for row in found]

    def last_applied(self, pool_id: str, region: str, now: int) -> Optional[int]:
        """When the newest write that a region shows was accepted, None: it shows none."""
        found = self._sql.execute(
            "SELECT accepted FROM row WHERE pool = ? AND region = ? AND visible_from <= ? "
            "ORDER BY hlc DESC LIMIT 1",
            (pool_id, region, now),
        ).fetchone()
        return None if found is None else int(found[0])

    def stuck(self, pool_id: str, region: str, others: Sequence[str]) -> Dict[str, Loss]:
        """By origin, the writes that ``region`` has and that no region of ``others`` will ever show as
        things stand."""
        found = self._sql.execute(
            "SELECT origin, count(*), min(accepted) FROM row AS held WHERE pool = ? AND region = ? "
            f"AND visible_from < ? AND NOT {_shown_in(others)} GROUP BY origin",
            (pool_id, region, NEVER, *others, NEVER),
        )
        from azext_mhsmregion.model.loss import Loss

        return {origin: Loss(writes, oldest) for origin, writes, oldest in found}

    def drop_stuck(
        self, pool_id: str, region: str, origins: Sequence[str], others: Sequence[str], living: Sequence[str]
    ) -> None:
        """Take out what :meth:`stuck` counts of some ``origins`` where it would never be shown, and where
        nobody ``living`` is: it was given up, and is counted once."""
        marks, of = _marks(living), _marks(origins)
        self._sql.execute(
            f"DELETE FROM row AS held WHERE pool = ? AND (visible_from >= ? OR region NOT IN ({marks})) "
            f"AND region <> ? AND origin IN ({of}) AND {_shown_in([region])} AND NOT {_shown_in(others)}",
            (pool_id, NEVER, *living, region, *origins, region, NEVER, *others, NEVER),
        )

    def drop_regions(self, pool_id: str, living: Sequence[str]) -> None:
        """Purge what regions other than ``living`` hold, with the bodies that no living region
        holds; without any, the pool's material too. Costs next to nothing when there are none."""
        for region in self._regions_with_rows(pool_id):
            if region not in living:
                self._drop_region(pool_id, region, living)
        if not living:
            self._sql.execute("DELETE FROM material WHERE pool = ?", (pool_id,))
            self._sql.execute("DELETE FROM meta WHERE key = ?", (_DROPPED + pool_id,))

    def drop_purged_keys(self, pool_id: str, living: Sequence[str], now: int) -> None:
        """Drop the rows and material of keys whose purge every living region shows, once nothing
        below the purge is still on its way. Costs one seek where nothing was purged."""
        for name, hlc, origin in self._settled_purges(pool_id, living, now):
            below = (pool_id, name, hlc, origin)
            found = self._sql.execute(
                "SELECT version FROM row WHERE pool = ? AND name = ? AND kind = 'key_version' "
                "GROUP BY version HAVING NOT max((hlc, origin) > (?, ?))",
                below,
            )
            from azext_mhsmregion.model.merge import policy_of  # few keys are purged

            versions = [version for (version,) in found]
            anchors = [*versions, *map(policy_of, versions)]  # whatever hangs on them, of whatever stamp
            ended = (
                "FROM row WHERE pool = ? AND name = ? AND kind LIKE 'key%' "
                f"AND ((hlc, origin) <= (?, ?) OR version IN ({_marks(anchors)}))"
            )
            self._remember(pool_id, f"SELECT max(hlc) {ended}", (*below, *anchors))
            self._sql.execute(f"DELETE FROM body WHERE id IN (SELECT body {ended})", (*below, *anchors))
            self._sql.execute(f"DELETE {ended}", (*below, *anchors))
            dead = f"pool = ? AND version IN ({_marks(versions)})"
            self._sql.execute(f"DELETE FROM material WHERE {dead}", (pool_id, *versions))
            self._bodies.clear()

    def compact(self, pool_id: str, what: Iterable[Object], living: Sequence[str], now: int) -> None:
        """Drop rows of some objects that a higher stamp has superseded, once every ``living`` region
        shows both (DESIGN section 2); a tombstone too, once nothing is left for it to hide. What other
        regions held has left the store before (:meth:`drop_regions`)."""
        for kind, name, version in what:
            held = self._stamps(pool_id, (kind.value, name, version), living)
            settled = sorted(stamp for stamp, seen in held.items() if seen.latest <= now and seen.everywhere)
            if not settled:
                continue
            hides_nothing = held[settled[-1]].tombstone and len(settled) == len(held)
            if hides_nothing:  # what else is dropped is below a row that stays
                self._remember(pool_id, "SELECT ?", (settled[-1][0],))
            for hlc, origin in settled if hides_nothing else settled[:-1]:
                key = (pool_id, kind.value, name, version, hlc, origin)
                where = "WHERE pool = ? AND kind = ? AND name = ? AND version = ? AND hlc = ? AND origin = ?"
                self._sql.execute("DELETE FROM body WHERE id = ?", (held[hlc, origin].body,))
                for region in living:
                    self._sql.execute(f"DELETE FROM row {where} AND region = ?", (*key, region))
                self._bodies.pop(key, None)

    # -- inside ------------------------------------------------------------------------
    def _stamps(
        self, pool_id: str, what: Tuple[str, str, str], living: Sequence[str]
    ) -> Dict[Tuple[int, str], _Seen]:
        """Of each write of one object: when the last of the ``living`` regions shows it."""
        held: Dict[Tuple[int, str], _Seen] = {}
        for region in living:
            found = self._sql.execute(
                "SELECT hlc, origin, visible_from, tombstone, body FROM row WHERE pool = ? AND region = ? "
                "AND kind = ? AND name = ? AND version = ?",
                (pool_id, region, *what),
            )
            for hlc, origin, visible, tombstone, body in found:
                before = held.get((hlc, origin), _Seen(0, 0, bool(tombstone), body, len(living)))
                latest = max(before.latest, visible)
                held[hlc, origin] = before._replace(latest=latest, regions=before.regions + 1)
        return held

    def _dropped(self, pool_id: str) -> int:
        """The highest hybrid time among the rows of a pool that have left the store (L6): a new write is
        above whatever a region has ever seen, be it gone."""
        found = self._sql.execute("SELECT value FROM meta WHERE key = ?", (_DROPPED + pool_id,)).fetchone()
        return 0 if found is None else int(found[0])

    def _remember(self, pool_id: str, query: str, values: Sequence[Any]) -> None:
        """Rows up to the hybrid time that ``query`` answers leave the store."""
        (hlc,) = self._sql.execute(query, tuple(values)).fetchone()
        if hlc is not None and hlc > self._dropped(pool_id):
            self._sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_DROPPED + pool_id, str(hlc)))

    def _regions_with_rows(self, pool_id: str) -> List[str]:
        """One seek of the primary key for each region, however many rows it has."""
        found = self._sql.execute(
            "WITH RECURSIVE held (region) AS ("
            "SELECT min(region) FROM row WHERE pool = ?1 UNION ALL "
            "SELECT (SELECT min(region) FROM row WHERE pool = ?1 AND region > held.region) "
            "FROM held WHERE held.region IS NOT NULL) "
            "SELECT region FROM held WHERE region IS NOT NULL",
            (pool_id,),
        )
        return [region for (region,) in found]

    def _settled_purges(self, pool_id: str, living: Sequence[str], now: int) -> List[Tuple[str, int, str]]:
        """(name, hlc, origin) of purges that all ``living`` regions show, with nothing below them
        in flight anywhere."""
        if not living:
            return []
        marks = _marks(living)
        found = self._sql.execute(
            "SELECT name, hlc, origin FROM row AS cut WHERE pool = ? AND region = ? AND kind = 'key_purge' "
            "AND (SELECT count(*) FROM row AS seen WHERE seen.pool = cut.pool "
            f"AND seen.region IN ({marks}) AND seen.kind = cut.kind AND seen.name = cut.name "
            "AND seen.version = cut.version AND seen.hlc = cut.hlc AND seen.origin = cut.origin "
            "AND seen.visible_from <= ?) = ? "
            "AND NOT EXISTS (SELECT 1 FROM row AS late WHERE late.pool = cut.pool "
            f"AND late.region IN ({marks}) AND late.kind LIKE 'key%' AND late.name = cut.name "
            "AND (late.hlc, late.origin) < (cut.hlc, cut.origin) AND late.visible_from > ?)",
            (pool_id, living[0], *living, now, len(living), *living, now),
        )
        return [(name, hlc, origin) for name, hlc, origin in found]

    def _drop_region(self, pool_id: str, region: str, living: Sequence[str]) -> None:
        """The rows of one write share one body, so a body lives on where the primary key finds
        the same write in a living region."""
        marks = _marks(living)
        self._remember(pool_id, "SELECT max(hlc) FROM row WHERE pool = ? AND region = ?", (pool_id, region))
        self._sql.execute(
            "DELETE FROM body WHERE id IN (SELECT body FROM row AS lost WHERE pool = ? AND region = ? "
            f"AND NOT EXISTS (SELECT 1 FROM row AS kept WHERE kept.pool = lost.pool "
            f"AND kept.region IN ({marks}) AND kept.kind = lost.kind AND kept.name = lost.name "
            "AND kept.version = lost.version AND kept.hlc = lost.hlc AND kept.origin = lost.origin))",
            (pool_id, region, *living),
        )
        self._sql.execute("DELETE FROM row WHERE pool = ? AND region = ?", (pool_id, region))
        self._bodies.clear()

    def _row(self, pool_id: str, found: Tuple[Any, ...]) -> Row:
        region, kind, name, version, hlc, origin, accepted, lag, visible, tombstone, via, body, data = found
        self._bodies[(pool_id, kind, name, version, hlc, origin)] = body
        return Row(
            region, Kind(kind), name, version, Stamp(hlc, origin),
            accepted, lag, visible, bool(tombstone), json.loads(data), via,
        )  # fmt: skip

    def _body(self, pool_id: str, row: Row) -> int:
        key = (pool_id, row.kind.value, row.name, row.version, row.stamp.hlc, row.stamp.origin)
        if key not in self._bodies:
            text = json.dumps(row.body, separators=(",", ":"))
            inserted = self._sql.execute("INSERT INTO body (data) VALUES (?)", (text,)).lastrowid
            assert inserted is not None
            self._bodies[key] = inserted
        return self._bodies[key]
