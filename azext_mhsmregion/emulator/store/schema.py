"""The store's schema and its versions. Migrations go forward only; a newer one is refused."""

from __future__ import annotations

import sqlite3
from typing import Dict, Iterator

VERSION = 3

CREATE = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pool (
    id TEXT PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, revision INTEGER NOT NULL, record TEXT NOT NULL
);
CREATE INDEX pool_by_name ON pool (name);
CREATE TABLE operation (id TEXT PRIMARY KEY, pool TEXT NOT NULL, record TEXT NOT NULL);
CREATE TABLE body (id INTEGER PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE row (
    pool TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    version TEXT NOT NULL, hlc INTEGER NOT NULL, origin TEXT NOT NULL,
    accepted INTEGER NOT NULL, lag INTEGER NOT NULL, visible_from INTEGER NOT NULL,
    tombstone INTEGER NOT NULL, body INTEGER NOT NULL REFERENCES body (id), via TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (pool, region, kind, name, version, hlc, origin)
) WITHOUT ROWID;
CREATE INDEX row_by_stamp ON row (pool, region, hlc);
CREATE INDEX row_by_arrival ON row (pool, origin, visible_from);
CREATE TABLE material (
    pool TEXT NOT NULL, version TEXT NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (pool, version)
) WITHOUT ROWID;
CREATE TABLE event (
    id INTEGER PRIMARY KEY, service_time INTEGER NOT NULL, real_time INTEGER NOT NULL,
    pool TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL
);
CREATE TABLE fault (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
"""

MIGRATIONS: Dict[int, str] = {
    1: """
ALTER TABLE row ADD COLUMN via TEXT NOT NULL DEFAULT '';
CREATE TABLE fault (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
""",
    2: """
CREATE TABLE material_before (pool TEXT NOT NULL, version TEXT NOT NULL, wrapped BLOB NOT NULL);
INSERT INTO material_before SELECT pool, version, wrapped FROM material;
DROP TABLE material;
CREATE TABLE material (
    pool TEXT NOT NULL, version TEXT NOT NULL, wrapped BLOB NOT NULL, PRIMARY KEY (pool, version)
) WITHOUT ROWID;
INSERT INTO material SELECT pool, version, wrapped FROM material_before;
DROP TABLE material_before;
""",
}
"""From version N to N+1, by N. Every released version keeps its migration and its test."""


def steps(version: int) -> Iterator[str]:
    """The statements that lead from ``version`` (0: nothing there) to the newest."""
    if version == 0:
        yield from _statements(CREATE)
        return
    for number in range(version, VERSION):
        yield from _statements(MIGRATIONS[number])


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"an unfinished statement: {statement.strip()}")
