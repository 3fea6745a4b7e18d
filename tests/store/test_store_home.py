"""Homes that cannot be used, each with its hint; the modes of what lies in one."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional

import pytest
from storekit import PRIMARY, pool, row

from azext_mhsmregion.emulator import files
from azext_mhsmregion.emulator.errors import HomeError, HomeHeld, HomeOnNetwork, HomeUnwritable
from azext_mhsmregion.emulator.service import open_emulator
from azext_mhsmregion.emulator.store.home import file_system, locate
from azext_mhsmregion.emulator.store.store import Store


def refusal(home: Path, kind: type = HomeUnwritable, mounts: str = "") -> HomeError:
    with pytest.raises(HomeError) as refused:
        open_emulator(home, mounts=lambda: mounts, patience=0)
    assert type(refused.value) is kind
    assert str(home) in refused.value.message
    return refused.value


@pytest.mark.parametrize("home", ["/dev/null/home", "/proc/nowhere"])
def test_a_home_below_what_is_no_folder_is_refused(home: str) -> None:
    assert "MHSMREGION_HOME" in refusal(Path(home)).hint


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert "cannot be written" in refusal(tmp_path / "home").message


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere: the read-only mount tests it")
def test_a_home_without_the_right_to_write_is_refused(home: Path) -> None:
    home.mkdir(mode=0o500)
    assert "permission denied" in refusal(home).message


def test_a_home_on_a_read_only_file_system_is_refused(mount: Callable[[str], Path]) -> None:
    point = mount("ro")
    refusal(point)
    refusal(point / "below")


MOUNTS = "/dev/vda / ext4 rw 0 0\nserver:/srv /mnt/our\\040files nfs4 rw 0 0\n"


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"])
def test_a_home_on_a_network_file_system_is_refused(home: Path, kind: str) -> None:
    mounts = f"/dev/vda / ext4 rw 0 0\nserver:/srv {home.parent} {kind} rw 0 0\n"
    error = refusal(home, HomeOnNetwork, mounts)
    assert kind in error.message and "local disk" in error.hint
    assert list(home.iterdir()) == []


def test_the_longest_mount_point_decides() -> None:
    assert file_system(Path("/mnt/our files/home"), MOUNTS) == "nfs4"
    assert file_system(Path("/mnt/our filesystem"), MOUNTS) == "ext4"
    assert file_system(Path("/mnt"), "") == ""


def test_a_local_home_is_taken(home: Path) -> None:
    open_emulator(home, mounts=lambda: MOUNTS)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_store_that_is_no_database_is_refused(home: Path, content: bytes) -> None:
    open_emulator(home).store.close()
    for path in home.glob("store.db*"):
        path.unlink()
    (home / "store.db").write_bytes(content)
    error = refusal(home, HomeError)
    assert "store.db is damaged" in error.message and "Restore" in error.hint
    assert (home / "store.db").read_bytes() == content


def test_a_store_that_lost_a_table_is_refused(store: Store, home: Path) -> None:
    sqlite3.connect(home / "store.db").execute("DROP TABLE pool")
    with pytest.raises(HomeError, match="damaged: no such table"), store.read() as tx:
        tx.pools()


def test_a_database_that_another_program_holds_is_refused(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.read() as tx:
        connection = tx._sql
    connection.execute("PRAGMA busy_timeout = 1")
    program = sqlite3.connect(home / "store.db", isolation_level=None)
    program.execute("BEGIN IMMEDIATE")
    with pytest.raises(HomeHeld, match="another program"), store.write("settings"):
        pass
    program.execute("ROLLBACK")
    with store.write("settings") as other_try:
        other_try.put_meta("x", 1)


def test_a_full_disk_is_said_and_loses_nothing(mount: Callable[[str], Path]) -> None:
    point = mount("size=1m,mode=700")
    home = point / "home"
    emulator = open_emulator(home)
    store = emulator.store
    with store.write("create") as tx:
        tx.put_pool(pool())
    number = 0
    with pytest.raises(HomeUnwritable, match="full"):
        for number in range(200):
            with store.write("key") as tx:
                tx.put_pool(tx.pools()[0])
                tx.put_rows("p", [row(number, body={"text": "x" * 20_000})])
    assert number > 2
    with store.read() as tx:
        assert len(tx.rows("p", PRIMARY)) == number
        assert tx.pools()[0].revision == number + 1
    with pytest.raises(HomeUnwritable), store.write("key") as tx:
        tx.put_rows("p", [row(999, body={"text": "x" * 100_000})])
    with pytest.raises(OSError):
        files.create_private(home / "big", b"x" * 2_000_000)
    assert not [path for path in home.iterdir() if "big" in path.name]


def test_a_home_that_has_no_room_at_all_is_refused(mount: Callable[[str], Path]) -> None:
    point = mount("size=8k,mode=700")
    (point / "filler").write_bytes(b"x" * 8192)
    assert "No space left" in refusal(point).message or "full" in refusal(point).message


def test_where_the_home_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    cases: List[Any] = [
        ({"MHSMREGION_HOME": "/a"}, "/b", "/b"),
        ({"MHSMREGION_HOME": "~/a"}, None, "/home/ada/a"),
        ({"MHSMREGION_HOME": ""}, None, "/home/ada/.mhsmregion"),
        ({}, None, "/home/ada/.mhsmregion"),
    ]
    for environ, override, expected in cases:
        assert locate(_typed(environ), override) == Path(expected)


def _typed(environ: Mapping[str, str], _: Optional[str] = None) -> Mapping[str, str]:
    return environ


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_everything_in_a_home_is_its_owners_alone(home: Path, umask: int) -> None:
    from azext_mhsmregion.emulator.http.authority import Authority

    before = os.umask(umask)
    try:
        emulator = open_emulator(home)
        emulator.configure(seed=1)
        emulator.home_key()
        emulator.tokens().issue(emulator.directory.owner, "audience")
        authority = Authority(home, lambda: 1_767_000_000)
        authority.bundle()
        authority.context("management.azure.com")
    finally:
        os.umask(before)
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in [home, *home.rglob("*")]}
    assert {"store.db", "store.db-wal", "store.db-shm", "lease.lock"} <= {path.name for path in found}
    assert {path: mode for path, mode in found.items() if mode != (0o700 if path.is_dir() else 0o600)} == {}


# -- private files -----------------------------------------------------------------------------
def test_a_private_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draft, its fsync, the name, the folder's fsync: in this order."""
    events: List[str] = []
    fsync, link, rename = os.fsync, os.link, os.replace

    def spy_fsync(handle: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def spy_link(source: Path, target: Path) -> None:
        events.append(f"name with {len(source.read_bytes())}")
        link(source, target)

    def spy_replace(source: Path, target: Path) -> None:
        events.append(f"name with {len(source.read_bytes())}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "link", spy_link)
    monkeypatch.setattr(os, "replace", spy_replace)
    files.create_private(tmp_path / "a", b"12345")
    files.replace_private(tmp_path / "a", b"123")
    assert events == ["file", "name with 5", "folder", "file", "name with 3", "folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_private_file_that_exists_is_kept_and_answered(tmp_path: Path) -> None:
    assert files.create_private(tmp_path / "a", b"first") == b"first"
    assert files.create_private(tmp_path / "a", b"second") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_rename_that_fails_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError):
        files.replace_private(tmp_path / "a", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
