"""The store: one SQLite file a home. One command = one transaction = one bump of its pool's
revision (DESIGN section 2b)."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional

from azext_mhsmregion.emulator import failpoints
from azext_mhsmregion.emulator.errors import HomeTooNew
from azext_mhsmregion.emulator.store import schema
from azext_mhsmregion.emulator.store.home import is_of_the_system, sqlite_problem, unwritable
from azext_mhsmregion.emulator.store.lease import Lease
from azext_mhsmregion.emulator.store.transaction import Transaction

FILE = "store.db"
BUSY_SECONDS = 10.0


@dataclass
class _Session:
    """One thread's connection and the transaction that is open on it."""

    connection: sqlite3.Connection
    transaction: Optional[Transaction] = None
    query_only: Optional[bool] = None

    def begin(self, statement: str, query_only: bool) -> Transaction:
        if self.query_only is not query_only:
            self.connection.execute(f"PRAGMA query_only = {int(query_only)}")
            self.query_only = query_only
        self.connection.execute(statement)
        self.transaction = Transaction(self.connection)
        return self.transaction

    def end(self) -> None:
        """Roll back what was not committed."""
        self.transaction = None
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


class Store:
    """The store of one home. Threads share it: each has a connection of its own, and writers
    take turns. The lease is taken for each write, or kept by a server (:meth:`own`)."""

    def __init__(self, home: Path, lease: Lease) -> None:
        self._home = home
        self._lease = lease
        self._local = threading.local()
        self._turn = threading.RLock()
        self._owned = False
        self._closed = False
        self._sessions: List[_Session] = []
        try:
            self._ensure_schema()
        except BaseException:
            self.close()
            raise

    def own(self) -> None:
        """Keep the lease until :meth:`close` (the server does). Raises HomeHeld."""
        with self._turn:
            if not self._owned:
                self._lease.acquire()
                self._owned = True

    def close(self) -> None:
        """End it for good: later calls raise RuntimeError. A write under way in another thread
        is waited for; a read under way closes its own connection as it ends."""
        self._refuse_nesting()
        with self._turn:
            self._closed = True
            for session in self._sessions:
                if session.transaction is None:
                    session.connection.close()
            self._owned = False
            self._lease.release()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One read transaction: one instant of the store, no lease. Inside another transaction
        of the same thread: that one (a command sees its own writes). Raises HomeError."""
        with self._problems():
            session = self._session()
            if session.transaction is not None:
                yield session.transaction
                return
            try:
                yield session.begin("BEGIN", query_only=True)
            finally:
                session.end()
                if self._closed:
                    session.connection.close()

    @contextmanager
    def write(self, what: str) -> Iterator[Transaction]:
        """One write transaction under the lease; ``what`` names its failpoints. Not inside
        another transaction of the same thread (RuntimeError). Raises HomeError."""
        with self._exclusive(), self._problems(), self._committed(what) as transaction:
            yield transaction

    def snapshot(self, target: Path) -> None:
        """Write a copy of the store, as of one instant, to ``target``, which must not exist: a
        draft, since a copy that fails is left half made. Raises HomeError."""
        with self._problems(), closing(sqlite3.connect(self._home / FILE, timeout=BUSY_SECONDS)) as source:
            source.execute("VACUUM INTO ?", (str(target),))
        target.chmod(0o600)

    # -- inside ------------------------------------------------------------------------
    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """The turn among our threads, and the lease among processes."""
        self._refuse_nesting()
        with self._turn:
            if not self._owned:
                self._lease.acquire()
            try:
                yield
            finally:
                if not self._owned:
                    self._lease.release()

    @contextmanager
    def _committed(self, what: str) -> Iterator[Transaction]:
        session = self._session()
        try:
            yield session.begin("BEGIN IMMEDIATE", query_only=False)
            failpoints.passes(f"commit.{what}.before")
            session.connection.execute("COMMIT")
        finally:
            session.end()
        failpoints.passes(f"commit.{what}.after")

    @contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if is_of_the_system(error):
                raise sqlite_problem(self._home, error) from error
            raise

    def _refuse_nesting(self) -> None:
        session: Optional[_Session] = getattr(self._local, "session", None)
        if session is not None and session.transaction is not None:
            raise RuntimeError("a command is one transaction: this thread has one open")

    def _session(self) -> _Session:
        if self._closed:
            raise RuntimeError("the store is closed")
        found: Optional[_Session] = getattr(self._local, "session", None)
        if found is None:
            found = _Session(self._open())
            self._local.session = found
            self._sessions.append(found)
        return found

    def _open(self) -> sqlite3.Connection:
        path = self._home / FILE
        try:
            # SQLite gives its side files the mode of the file. Never open a database that is
            # there: closing it again would drop the locks of this process's other connections.
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError as error:
            raise unwritable(self._home, error) from error
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _ensure_schema(self) -> None:
        with self._problems():
            version = self._known_version()
        if version < schema.VERSION:
            self._migrate()

    def _migrate(self) -> None:
        """Make the schema or move it on, whole or not at all, by one process at a time: the lease
        comes first, since SQLite does not wait for others when it changes to WAL."""
        with self._exclusive(), self._problems():
            self._use_wal()
            with self._committed("schema"):
                connection, version = self._session().connection, self._known_version()
                for statement in schema.steps(version):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {schema.VERSION}")

    def _use_wal(self) -> None:
        (mode,) = self._session().connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise unwritable(self._home, OSError(f"its file system allows no write-ahead log ({mode})"))

    def _known_version(self) -> int:
        """The schema's version. Raises HomeTooNew for one that we do not know."""
        version = int(self._session().connection.execute("PRAGMA user_version").fetchone()[0])
        if version > schema.VERSION:
            raise HomeTooNew(
                f"The home {self._home} was made by a newer version of mhsmregion (schema {version}, "
                f"this one knows {schema.VERSION}).",
                "Upgrade mhsmregion, or set MHSMREGION_HOME to another folder.",
            )
        return version


__all__ = ["FILE", "Store", "Transaction"]
