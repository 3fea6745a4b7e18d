"""What a home's store holds, and whether that is legal. Reads the file itself, not through the
store's verbs: it judges them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

from azext_mhsmregion.emulator.store import codec
from azext_mhsmregion.model import merge
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.replication import Kind, Row, Stamp

WRITE = "pool, kind, name, version, hlc, origin"


def connect(home: Path) -> sqlite3.Connection:
    return sqlite3.connect(home / "store.db", isolation_level=None)


def schema_version(home: Path) -> int:
    """0 where there is no schema yet."""
    return int(connect(home).execute("PRAGMA user_version").fetchone()[0])


def state(home: Path) -> Dict[str, List[Any]]:
    """Everything in the store that is the same in every run: public keys and wrapped private
    ones are not."""
    database = connect(home)
    try:
        return {
            "meta": _rows(database, "SELECT key, value FROM meta ORDER BY key"),
            "pool": _rows(database, "SELECT id, name, revision, record FROM pool ORDER BY id"),
            "operation": _rows(database, "SELECT id, pool, record FROM operation ORDER BY id"),
            "row": [
                [*row[:-1], _without_public(row[-1])]
                for row in _rows(
                    database,
                    f"SELECT region, {WRITE}, accepted, lag, visible_from, tombstone, data "
                    f"FROM row LEFT JOIN body ON body.id = row.body ORDER BY region, {WRITE}",
                )
            ],
            "material": _rows(database, "SELECT version, pool FROM material ORDER BY version"),
            "fault": _rows(database, "SELECT id, record FROM fault ORDER BY id"),
            "event": _rows(database, "SELECT service_time, pool, kind, data FROM event ORDER BY id"),
        }
    finally:
        database.close()


def problems(home: Path) -> List[str]:
    """What is not legal in a store, whatever its history."""
    database = connect(home)
    try:
        return list(_problems(database))
    finally:
        database.close()


def _problems(database: sqlite3.Connection) -> Iterator[str]:
    for (verdict,) in database.execute("PRAGMA integrity_check"):
        if verdict != "ok":
            yield f"integrity: {verdict}"
    for row in database.execute("SELECT region, name FROM row WHERE body NOT IN (SELECT id FROM body)"):
        yield f"a row without body: {row}"
    for (orphan,) in database.execute("SELECT id FROM body WHERE id NOT IN (SELECT body FROM row)"):
        yield f"a body without row: {orphan}"
    clock = codec.decode_clock(_meta(database, "clock"))
    pools = [codec.decode_pool(text) for (text,) in database.execute("SELECT record FROM pool")]
    for table in ("row", "material", "operation"):
        for (pool,) in database.execute(
            f"SELECT DISTINCT pool FROM {table} WHERE pool NOT IN (SELECT id FROM pool)"
        ):
            yield f"{table} of an unknown pool {pool}"
    for pool in pools:
        assert clock is not None, "a pool, and no clock"
        yield from _pool_problems(database, pool, clock.now(1))


def _pool_problems(database: sqlite3.Connection, pool: Pool, now: int) -> Iterator[str]:
    (revision,) = database.execute("SELECT revision FROM pool WHERE id = ?", (pool.id,)).fetchone()
    names = [region.name for region in pool.regions]
    if revision != pool.revision or revision < 1:
        yield f"revision {revision} and in the record {pool.revision}"
    if names[0] != pool.location or not pool.primary.is_primary or len(set(names)) != len(names):
        yield f"regions {names}"
    if any(region.is_primary for region in pool.regions[1:]):
        yield "two primaries"
    if any(len(region.partitions) != 3 for region in pool.regions):
        yield "a region without its three partitions"
    yield from _operation_problems(database, pool)
    yield from _deletion_problems(pool, now)
    yield from _region_problems(pool, now)
    yield from _data_problems(database, pool, now)


def _operation_problems(database: sqlite3.Connection, pool: Pool) -> Iterator[str]:
    if pool.operation is None:
        yield "a pool that no operation made"
        return
    found = database.execute("SELECT record FROM operation WHERE id = ?", (pool.operation.id,)).fetchone()
    if found is None or codec.decode_operation(found[0]) != pool.operation:
        yield f"the operation {pool.operation.kind} is not stored as in the record"
    if pool.operation.done < pool.operation.accepted or pool.operation.pool != pool.id:
        yield f"operation {pool.operation}"


def _deletion_problems(pool: Pool, now: int) -> Iterator[str]:
    kinds = {"delete", "recover", "purge"}
    deletion, operation = pool.deletion, pool.operation
    assert operation is not None
    if deletion is None:
        if operation.kind in kinds - {"recover"}:
            yield f"{operation.kind} without a deletion"
        return
    if operation.kind not in kinds and deletion.recovered is None:
        yield f"a deletion and the operation {operation.kind}"
    ends = {"delete": deletion.done, "recover": deletion.recovered, "purge": deletion.purged}
    if operation.kind in kinds and ends[operation.kind] != operation.done:
        yield f"{operation.kind} ends at {operation.done}, the record says {ends[operation.kind]}"
    if pool.phase(now) == "deleted" and pool.extended(now):
        yield "deleted while extended (D1)"
    if deletion.purged is not None and any(span.end is None for span in pool.spans):
        yield "purged and still billed (B3)"


def _region_problems(pool: Pool, now: int) -> Iterator[str]:
    for region in pool.regions:
        if (region.removing is None) != (region.gone is None):
            yield f"{region.name} is half removed"
        open_spans = [span for span in pool.spans if span.region == region.name and span.end is None]
        fails = region.failed or region.struck is not None
        billed = region.removing is None and not fails and pool.deletion is None
        if billed and len(open_spans) != 1:
            yield f"{region.name} has {len(open_spans)} open spans (B1, B2)"
    names = {region.name for region in pool.regions}
    for link in pool.links:
        if not set(link) <= names:
            yield f"a link {link} to a region that the pool does not have"
    if pool.is_active(now) and pool.activated is not None and pool.activated < pool.created:
        yield "active before it was made"


def _data_problems(database: sqlite3.Connection, pool: Pool, now: int) -> Iterator[str]:
    purged = pool.deletion is not None and pool.deletion.purged is not None
    held: Dict[str, Set[Any]] = {region.name: set() for region in pool.regions}
    rows: Dict[str, List[Row]] = {}
    for found in database.execute(
        "SELECT region, kind, name, version, hlc, origin, accepted, lag, visible_from, tombstone, data "
        "FROM row JOIN body ON body.id = row.body WHERE pool = ?",
        (pool.id,),
    ):
        region, kind, name, version, hlc, origin, accepted, lag, visible, tombstone, data = found
        row = Row(region, Kind(kind), name, version, Stamp(hlc, origin), accepted, lag, visible,
                  bool(tombstone), json.loads(data))  # fmt: skip
        if region not in held:
            yield f"rows in {region}, which the pool does not have"
            return
        held[region].add((row.object, row.stamp))
        rows.setdefault(region, []).append(row)
    material = {version for (version,) in
                database.execute("SELECT version FROM material WHERE pool = ?", (pool.id,))}  # fmt: skip
    if purged:
        if rows or material:
            yield f"purged, and it holds {sum(map(len, rows.values()))} rows, {len(material)} keys"
        return
    living = [region.name for region in pool.regions if region.holds_data(now)]
    for region in living:
        if held[region] != held[living[0]]:
            yield f"{region} and {living[0]} were not given the same writes"
    if (pool.activated is not None) != (f"domain:{pool.id}" in material):
        yield "security domain and activation disagree"
    for region in living:
        for key in merge.objects(rows.get(region, ())).keys.values():
            missing = [version.version for version in key.versions if version.version not in material]
            if missing:
                yield f"no material for {key.name} {missing} in {region}"
    versions = {row.version for row in rows.get(living[0], ()) if row.kind is Kind.KEY_VERSION}
    for version in material - versions - {f"domain:{pool.id}", f"transfer:{pool.id}"}:
        yield f"material {version} without its key"


def _meta(database: sqlite3.Connection, key: str) -> Any:
    found = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if found is None else found[0]


def _rows(database: sqlite3.Connection, query: str) -> List[List[Any]]:
    return [list(row) for row in database.execute(query)]


def _without_public(data: str) -> Any:
    body = json.loads(data)
    body.pop("public", None)
    return body
