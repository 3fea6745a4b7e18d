"""The schema: made once, moved on from every released version, refused when newer."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import List, Tuple

import pytest
from freeze import frozen
from storekit import EXTENDED, NOW, PRIMARY, open_store, other, pool, rows

from azext_mhsmregion.emulator.errors import HomeError, HomeTooNew
from azext_mhsmregion.emulator.store import schema
from azext_mhsmregion.model.clock import manual_clock

RELEASED = range(1, schema.VERSION + 1)
HOW = "run `python tests/store/freeze.py` and keep what it writes"


def raw(home: Path) -> sqlite3.Connection:
    return sqlite3.connect(home / "store.db", isolation_level=None)


def version_of(home: Path) -> int:
    return int(raw(home).execute("PRAGMA user_version").fetchone()[0])


def shape(home: Path) -> List[Tuple[str, str, str]]:
    """Tables and indexes with their SQL, blanks aside."""
    found = raw(home).execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    return sorted((kind, name, " ".join(sql.split())) for kind, name, sql in found)


def thaw(version: int, home: Path) -> None:
    path = frozen(version)
    assert path.exists(), f"schema {version} has no frozen home: {HOW}"
    home.mkdir(mode=0o700)
    database = raw(home)
    database.executescript(path.read_text(encoding="utf-8"))
    database.close()


def test_a_new_home_has_the_newest_schema(home: Path) -> None:
    open_store(home).close()
    assert version_of(home) == schema.VERSION
    tables = {name for kind, name, _ in shape(home) if kind == "table"}
    assert tables == {"meta", "pool", "operation", "body", "row", "material", "event", "fault"}


def test_a_home_made_by_a_newer_version_is_refused(home: Path) -> None:
    open_store(home).close()
    raw(home).execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(HomeTooNew) as refused:
        open_store(home)
    assert f"schema {schema.VERSION + 1}" in refused.value.message
    assert "Upgrade mhsmregion" in refused.value.hint
    assert version_of(home) == schema.VERSION + 1


def test_every_version_before_the_newest_has_a_migration() -> None:
    assert set(schema.MIGRATIONS) == set(range(1, schema.VERSION))


@pytest.mark.parametrize("version", RELEASED)
def test_a_home_of_every_released_version_opens_with_all_in_it(version: int, home: Path) -> None:
    """Fails when VERSION is raised without a frozen home or without a migration."""
    thaw(version, home)
    store = open_store(home)
    assert version_of(home) == schema.VERSION
    with store.read() as tx:
        found = tx.pool_named("contosomhsm", NOW)
        assert found is not None
        assert (found.id, found.revision, found.primary.name) == (pool().id, 1, PRIMARY)
        assert found.operation is not None and tx.operation(found.operation.id) == found.operation
        for region in (PRIMARY, EXTENDED):
            assert tx.rows(found.id, region) == rows(range(3), region)
        assert tx.material(found.id, "v0") == b"\x00\xffwrapped"
        assert tx.meta("settings")["profile"] == "quick"
        assert tx.clock() == manual_clock(NOW)
        assert [event["object"] for event in tx.events("conflict")] == ["key-0"]
    with store.write("update") as tx:
        tx.put_pool(found)


@pytest.mark.parametrize("version", RELEASED)
def test_a_migrated_home_has_the_shape_of_a_new_one(version: int, home: Path, tmp_path: Path) -> None:
    """Also fails when the newest CREATE is changed without raising VERSION."""
    thaw(version, home)
    open_store(home).close()
    open_store(tmp_path / "new").close()
    assert shape(home) == shape(tmp_path / "new")


def raise_version(monkeypatch: pytest.MonkeyPatch, migration: str) -> None:
    monkeypatch.setitem(schema.MIGRATIONS, schema.VERSION, migration)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)


def test_a_migration_moves_a_home_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thaw(schema.VERSION, home)
    raise_version(monkeypatch, "ALTER TABLE pool ADD COLUMN note TEXT;\nUPDATE pool SET note = 'a;b';\n")
    open_store(home).close()
    assert version_of(home) == schema.VERSION
    assert raw(home).execute("SELECT note FROM pool").fetchall() == [("a;b",)]


def test_a_migration_that_fails_leaves_the_home_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thaw(schema.VERSION, home)
    before = shape(home)
    version = schema.VERSION
    raise_version(monkeypatch, "ALTER TABLE pool ADD COLUMN note TEXT;\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(HomeError):
        open_store(home)
    assert (version_of(home), shape(home)) == (version, before)


def test_a_migration_without_its_last_semicolon_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    raise_version(monkeypatch, "ALTER TABLE pool ADD COLUMN note TEXT")
    with pytest.raises(ValueError, match="unfinished"):
        list(schema.steps(schema.VERSION - 1))


def test_two_processes_that_open_a_home_first_agree(tmp_path: Path) -> None:
    code = (
        "say('ready')\n"
        "for line in sys.stdin:\n"
        "    store = storekit.open_store(Path(line.strip()))\n"
        "    with store.write('settings') as tx:\n"
        "        tx.put_meta('count', (tx.meta('count') or 0) + 1)\n"
        "    store.close()\n"
        "    say('done')\n"
    )
    with other(tmp_path, code) as one, other(tmp_path, code) as two:
        one.hear(), two.hear()
        for number in range(15):
            home = tmp_path / f"home{number}"
            one.tell(str(home))
            two.tell(str(home))
            assert (one.hear(), two.hear()) == ("done", "done")
            with open_store(home).read() as tx:
                assert tx.meta("count") == 2
