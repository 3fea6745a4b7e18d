"""The store: one SQLite file a home. One command = one transaction = one bump of its pool's
revision (DESIGN section 2b). A :class:`Transaction` has the ten or so verbs; nobody else
speaks SQL."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from azext_mhsmregion.emulator import failpoints
from azext_mhsmregion.emulator.errors import HomeTooNew
from azext_mhsmregion.emulator.store import codec, schema
from azext_mhsmregion.emulator.store.home import sqlite_problem
from azext_mhsmregion.emulator.store.lease import Lease
from azext_mhsmregion.model.clock import ClockState
from azext_mhsmregion.model.pool import Operation, Pool
from azext_mhsmregion.model.replication import Kind, Row, Stamp

FILE = "store.db"
BUSY_SECONDS = 10.0


class Transaction:
    """Verbs over one transaction. Reads see one instant; writes are refused by SQLite in a
    read transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection
        self._bodies: Dict[Tuple[str, str, str, int, str], int] = {}

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
        """Write the record; answers it with its revision moved on."""
        pool = replace(pool, revision=pool.revision + 1)
        self._sql.execute(
            "INSERT INTO pool (id, name, revision, record) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, revision = excluded.revision, "
            "record = excluded.record",
            (pool.id, pool.name, pool.revision, codec.encode_pool(pool)),
        )
        if pool.operation is not None:
            self._sql.execute(
                "INSERT OR REPLACE INTO operation (id, pool, record) VALUES (?, ?, ?)",
                (pool.operation.id, pool.id, codec.encode_operation(pool.operation)),
            )
        return pool

    def pool_by_id(self, pool_id: str) -> Optional[Pool]:
        found = self._sql.execute("SELECT record FROM pool WHERE id = ?", (pool_id,)).fetchone()
        return None if found is None else codec.decode_pool(found[0])

    def operation(self, operation_id: str) -> Optional[Operation]:
        found = self._sql.execute(
            "SELECT record FROM operation WHERE id = ?", (operation_id.lower(),)
        ).fetchone()
        return None if found is None else codec.decode_operation(found[0])

    # -- objects -------------------------------------------------------------------
    def rows(
        self,
        pool_id: str,
        region: str,
        kinds: Sequence[Kind] = tuple(Kind),
        name: Optional[str] = None,
    ) -> List[Row]:
        """Rows of a region, of some kinds, of one object's name; visible or not."""
        marks = ",".join("?" * len(kinds))
        query = (
            "SELECT kind, name, version, hlc, origin, accepted, lag, visible_from, tombstone, body, data "
            f"FROM row JOIN body ON body.id = row.body WHERE pool = ? AND region = ? AND kind IN ({marks})"
        )
        values: List[Any] = [pool_id, region, *(kind.value for kind in kinds)]
        if name is not None:
            query += " AND name = ?"
            values.append(name)
        return [self._row(region, found) for found in self._sql.execute(query, values)]

    def put_rows(self, pool_id: str, rows: Iterable[Row]) -> None:
        """Add rows; rows of one write share one body."""
        self._sql.executemany(
            "INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (pool_id, row.region, row.kind.value, row.name, row.version, row.stamp.hlc,
                 row.stamp.origin, row.accepted, row.lag, row.visible_from, row.tombstone, self._body(row))
                for row in rows
            ],
        )  # fmt: skip

    def last_hlc(self, pool_id: str, region: str, now: int) -> int:
        """The highest hybrid time among what a region shows at ``now``; 0 when nothing."""
        found = self._sql.execute(
            "SELECT hlc FROM row WHERE pool = ? AND region = ? AND visible_from <= ? "
            "ORDER BY hlc DESC LIMIT 1",
            (pool_id, region, now),
        ).fetchone()
        return 0 if found is None else int(found[0])

    def last_arrival(self, pool_id: str, origin: Optional[str], living: Sequence[str]) -> int:
        """The latest instant at which a write (of ``origin``, or of any region) becomes visible in
        another of the ``living`` regions; 0 when there is none."""
        marks = ",".join("?" * len(living))
        query = (
            f"SELECT max(visible_from) FROM row WHERE pool = ? AND region IN ({marks}) AND region <> origin"
        )
        values: List[Any] = [pool_id, *living]
        if origin is not None:
            query += " AND origin = ?"
            values.append(origin)
        found = self._sql.execute(query, values).fetchone()
        return int(found[0] or 0)

    def in_flight(self, pool_id: str, now: int, living: Sequence[str], origin: Optional[str] = None) -> int:
        """How many rows are not yet visible at ``now`` in the ``living`` regions."""
        marks = ",".join("?" * len(living))
        query = f"SELECT count(*) FROM row WHERE pool = ? AND region IN ({marks}) AND visible_from > ?"
        values: List[Any] = [pool_id, *living, now]
        if origin is not None:
            query += " AND origin = ?"
            values.append(origin)
        return int(self._sql.execute(query, values).fetchone()[0])

    def drop_regions(self, pool_id: str, living: Sequence[str]) -> None:
        """Purge what regions other than ``living`` hold; without any, the pool's material too."""
        marks = ",".join("?" * len(living))
        self._sql.execute(f"DELETE FROM row WHERE pool = ? AND region NOT IN ({marks})", (pool_id, *living))
        if not living:
            self._sql.execute("DELETE FROM material WHERE pool = ?", (pool_id,))

    # -- material, settings, events --------------------------------------------------
    def material(self, version: str) -> Optional[bytes]:
        """Wrapped private key of a key version."""
        found = self._sql.execute("SELECT wrapped FROM material WHERE version = ?", (version,)).fetchone()
        return None if found is None else bytes(found[0])

    def put_material(self, pool_id: str, version: str, wrapped: bytes) -> None:
        self._sql.execute("INSERT INTO material VALUES (?, ?, ?)", (version, pool_id, wrapped))

    def drop_material(self, versions: Iterable[str]) -> None:
        self._sql.executemany("DELETE FROM material WHERE version = ?", [(v,) for v in versions])

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
        self._sql.execute(
            "INSERT INTO event (service_time, real_time, pool, kind, data) VALUES (?, ?, ?, ?, ?)",
            (service, real, pool, kind, json.dumps(data)),
        )

    def events(self, kind: Optional[str] = None) -> List[Dict[str, Any]]:
        """Audit events, oldest first."""
        found = self._sql.execute(
            "SELECT service_time, real_time, pool, kind, data FROM event "
            "WHERE ?1 IS NULL OR kind = ?1 ORDER BY id",
            (kind,),
        )
        names = ("service_time", "real_time", "pool", "kind")
        return [{**dict(zip(names, row)), **json.loads(row[4])} for row in found]

    # -- inside ------------------------------------------------------------------------
    def _row(self, region: str, found: Tuple[Any, ...]) -> Row:
        kind, name, version, hlc, origin, accepted, lag, visible, tombstone, body, data = found
        self._bodies[(kind, name, version, hlc, origin)] = body
        return Row(
            region, Kind(kind), name, version, Stamp(hlc, origin),
            accepted, lag, visible, bool(tombstone), json.loads(data),
        )  # fmt: skip

    def _body(self, row: Row) -> int:
        key = (row.kind.value, row.name, row.version, row.stamp.hlc, row.stamp.origin)
        if key not in self._bodies:
            text = json.dumps(row.body, separators=(",", ":"))
            inserted = self._sql.execute("INSERT INTO body (data) VALUES (?)", (text,)).lastrowid
            assert inserted is not None
            self._bodies[key] = inserted
        return self._bodies[key]


class Store:
    """The store of one home. Threads share it: each has a connection of its own, and writers
    take turns. The lease is taken for each write, or kept by a server (:meth:`own`)."""

    def __init__(self, home: Path, lease: Lease) -> None:
        self._home = home
        self._lease = lease
        self._local = threading.local()
        self._turn = threading.RLock()
        self._owned = False
        self._connections: List[sqlite3.Connection] = []
        self._ensure_schema()

    def own(self) -> None:
        """Keep the lease until :meth:`close` (the server does). Raises HomeHeld."""
        self._lease.acquire()
        self._owned = True

    def close(self) -> None:
        with self._turn:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._local = threading.local()
            self._owned = False
            self._lease.release()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One read transaction: one instant of the store, no lease."""
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            yield Transaction(connection)
        finally:
            connection.execute("ROLLBACK")

    @contextmanager
    def write(self, what: str) -> Iterator[Transaction]:
        """One write transaction under the lease; ``what`` names its failpoints. Raises HomeHeld,
        HomeUnwritable."""
        with self._turn:
            if not self._owned:
                self._lease.acquire()
            try:
                yield from self._transaction(what)
            except sqlite3.OperationalError as error:
                raise sqlite_problem(self._home, error) from error
            finally:
                if not self._owned:
                    self._lease.release()

    def _transaction(self, what: str) -> Iterator[Transaction]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield Transaction(connection)
            failpoints.passes(f"commit.{what}.before")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        failpoints.passes(f"commit.{what}.after")

    def _connection(self) -> sqlite3.Connection:
        found: Optional[sqlite3.Connection] = getattr(self._local, "connection", None)
        if found is None:
            found = self._open()
            self._local.connection = found
            self._connections.append(found)
        return found

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self._home / FILE, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            raise sqlite_problem(self._home, error) from error
        return connection

    def _ensure_schema(self) -> None:
        version = self._schema_version()
        if version > schema.VERSION:
            raise HomeTooNew(
                f"The home {self._home} was made by a newer version of mhsmregion (schema {version}, "
                f"this one knows {schema.VERSION}).",
                "Upgrade mhsmregion, or set MHSMREGION_HOME to another folder.",
            )
        if version < schema.VERSION:
            self._migrate()

    def _migrate(self) -> None:
        """Make or move the schema on, whole or not at all, by one process at a time."""
        self._connection().execute("PRAGMA journal_mode = WAL")
        with self.write("schema"):
            connection, version = self._connection(), self._schema_version()
            while version < schema.VERSION:
                for statement in (schema.MIGRATIONS[version] if version else schema.CREATE).split(";"):
                    connection.execute(statement)
                version = version + 1 if version else schema.VERSION
            connection.execute(f"PRAGMA user_version = {version}")

    def _schema_version(self) -> int:
        try:
            return int(self._connection().execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.DatabaseError as error:
            raise sqlite_problem(self._home, error) from error
