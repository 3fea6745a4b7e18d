"""Verbs over one transaction of the store; nobody else speaks SQL (DESIGN section 2b)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from azext_mhsmregion.emulator.store import codec
from azext_mhsmregion.emulator.store.row_verbs import RowVerbs
from azext_mhsmregion.model.clock import ClockState
from azext_mhsmregion.model.pool import Operation, Pool

if TYPE_CHECKING:
    from azext_mhsmregion.model.faults import Fault, Faults


TABLES = ("meta", "pool", "operation", "body", "row", "material", "event", "fault")
"""All tables, each behind those that its rows refer to."""

_OF_POOL = "(event.pool = ?1 OR event.pool = ?2 COLLATE NOCASE AND service_time >= ?3)"
"""True of the events of the pool whose :func:`_names` come first. Stores of before have its name where its
id is now."""

_SHOWN_TO = f"(?1 IS NULL OR {_OF_POOL} OR event.pool = '' AND service_time >= ?3)"
"""True of those and of events that hit every pool; without a pool, of all."""


class Transaction(RowVerbs):
    """Reads see one instant. In a read transaction SQLite refuses every write."""

    # -- pools and operations ----------------------------------------------------
    def pools(self) -> List[Pool]:
        """All records, also those of pools that are gone."""
        return [codec.decode_pool(text) for (text,) in self._sql.execute("SELECT record FROM pool")]

    def pool_named(self, name: str, now: int) -> Optional[Pool]:
        """The pool that has the name at ``now`` (live or soft-deleted), case aside (C3b)."""
        found = self._sql.execute("SELECT record FROM pool WHERE name = ?", (name,))
        pools = (codec.decode_pool(text) for (text,) in found)
        return next((pool for pool in pools if pool.phase(now) != "gone"), None)

    def put_pool(self, pool: Pool) -> Pool:
        """Write the record; answers it with its revision moved on. Raises RuntimeError for a
        record that is not the newest: it was read outside this transaction."""
        pool = pool._replace(revision=pool.revision + 1)
        written = self._sql.execute(
            "INSERT INTO pool (id, name, revision, record) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, revision = excluded.revision, "
            "record = excluded.record WHERE revision = excluded.revision - 1",
            (pool.id, pool.name, pool.revision, codec.encode_pool(pool)),
        )
        if written.rowcount != 1:
            raise RuntimeError(f"stale record of pool {pool.name}: revision {pool.revision - 1}")
        if pool.operation is not None:
            self.put_operation(pool.operation)
        return pool

    def pool_by_id(self, pool_id: str) -> Optional[Pool]:
        found = self._sql.execute("SELECT record FROM pool WHERE id = ?", (pool_id,)).fetchone()
        return None if found is None else codec.decode_pool(found[0])

    def put_operation(self, operation: Operation) -> None:
        self._sql.execute(
            "INSERT OR REPLACE INTO operation (id, pool, record) VALUES (?, ?, ?)",
            (operation.id.lower(), operation.pool, codec.encode_operation(operation)),
        )

    def operation(self, operation_id: str) -> Optional[Operation]:
        found = self._sql.execute(
            "SELECT record FROM operation WHERE id = ?", (operation_id.lower(),)
        ).fetchone()
        return None if found is None else codec.decode_operation(found[0])

    # -- faults ----------------------------------------------------------------------------
    def faults(self) -> Faults:
        """All faults that were injected and not cleared, past ones included, by id."""
        found = self._sql.execute("SELECT record FROM fault ORDER BY id")
        return tuple(codec.decode_fault(text) for (text,) in found)

    def put_fault(self, fault: Fault) -> None:
        self._sql.execute("INSERT OR REPLACE INTO fault VALUES (?, ?)", (fault.id, codec.encode_fault(fault)))

    def drop_fault(self, fault_id: str) -> None:
        self._sql.execute("DELETE FROM fault WHERE id = ?", (fault_id,))

    # -- material, settings, events --------------------------------------------------
    def material(self, pool_id: str, version: str) -> Optional[bytes]:
        """Wrapped private key of a key version of a pool: a version that was restored is of several."""
        found = self._sql.execute(
            "SELECT wrapped FROM material WHERE pool = ? AND version = ?", (pool_id, version)
        ).fetchone()
        return None if found is None else bytes(found[0])

    def put_material(self, pool_id: str, version: str, wrapped: bytes) -> None:
        self._sql.execute("INSERT INTO material VALUES (?, ?, ?)", (pool_id, version, wrapped))

    def drop_material(self, pool_id: str, version: str) -> None:
        """What there is of it, if anything."""
        self._sql.execute("DELETE FROM material WHERE pool = ? AND version = ?", (pool_id, version))

    def meta(self, key: str) -> Any:
        """A JSON value by its key; None when there is none."""
        found = self._sql.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else json.loads(found[0])

    def put_meta(self, key: str, value: Any) -> None:
        self._sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def clock(self) -> Optional[ClockState]:
        found = self._sql.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()
        return codec.decode_clock(None if found is None else found[0])

    def put_clock(self, clock: ClockState) -> None:
        self._sql.execute("INSERT OR REPLACE INTO meta VALUES ('clock', ?)", (codec.encode_clock(clock),))

    def put_event(self, pool: str, kind: str, service: int, real: int, data: Mapping[str, Any]) -> None:
        """Add an audit event; ``pool`` is a name, "" for what hits every pool. It stays with the pool that
        has the name now: one that takes the name later starts without a history."""
        self._sql.execute(
            "INSERT INTO event (service_time, real_time, pool, kind, data) VALUES "
            "(?1, ?2, coalesce((SELECT id FROM pool WHERE name = ?3 ORDER BY rowid DESC), ?3), ?4, ?5)",
            (service, real, pool, kind, json.dumps(data)),
        )

    def events(self, kind: Optional[str] = None) -> List[Dict[str, Any]]:
        """Audit events, oldest first."""
        return self._events("?1 IS NULL OR kind = ?1", (kind,), "event.id")

    def event_counts(self, pool: Pool) -> Dict[str, int]:
        """How many events of each kind a pool has."""
        found = self._sql.execute(
            f"SELECT kind, count(*) FROM event WHERE {_OF_POOL} GROUP BY kind", _names(pool)
        )
        return dict(found.fetchall())

    def events_of(self, pool: Pool, kind: str) -> List[Dict[str, Any]]:
        """A pool's own audit events of a kind, oldest first."""
        return self._events(f"{_OF_POOL} AND kind = ?4", (*_names(pool), kind), "event.id")

    def events_after(self, last: int, pool: Optional[Pool] = None, most: int = -1) -> List[Dict[str, Any]]:
        """Audit events behind the one with id ``last``, oldest first, ``most`` of them; with a pool, its
        own and those that hit every pool while it was there."""
        values = (*_names(pool), last, most)
        return self._events(f"{_SHOWN_TO} AND event.id > ?4", values, "event.id LIMIT ?5")

    def newest_events(self, most: int, pool: Optional[Pool] = None) -> List[Dict[str, Any]]:
        """The last ``most`` of them, oldest first."""
        return self._events(_SHOWN_TO, (*_names(pool), most), "event.id DESC LIMIT ?4")[::-1]

    def last_event(self) -> int:
        """The id of the newest audit event, 0 when there is none."""
        return int(self._sql.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0])

    def _events(self, which: str, values: Sequence[Any], order: str) -> List[Dict[str, Any]]:
        """Each with its id, times, the name of its pool, and its own kind; what its facts say of the kind
        of an object is ``object_kind``."""
        found = self._sql.execute(
            "SELECT event.id, service_time, real_time, coalesce(pool.name, event.pool), kind, data "
            f"FROM event LEFT JOIN pool ON pool.id = event.pool WHERE {which} ORDER BY {order}",
            tuple(values),
        )
        return [_event(row) for row in found]

    def clear(self) -> None:
        """Take everything out: pools, objects, material, settings, clock, events."""
        for table in reversed(TABLES):
            self._sql.execute(f"DELETE FROM {table}")
        self._bodies.clear()

    def copy_from(self, snapshot: Path) -> None:
        """Replace everything by what a snapshot of the same schema holds."""
        self.clear()
        with closing(sqlite3.connect(f"file:{quote(str(snapshot))}?mode=ro", uri=True)) as source:
            for table in TABLES:
                rows = source.execute(f"SELECT * FROM {table}")
                marks = ",".join("?" * len(rows.description))
                self._sql.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _names(pool: Optional[Pool]) -> Tuple[Any, ...]:
    return (None, None, None) if pool is None else (pool.id, pool.name, pool.created)


def _event(row: Tuple[Any, ...]) -> Dict[str, Any]:
    facts = json.loads(row[5])
    if "kind" in facts:
        facts["object_kind"] = facts.pop("kind")
    own = dict(zip(("id", "service_time", "real_time", "pool", "kind"), row))
    return {**own, **facts, **own}
