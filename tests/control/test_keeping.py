"""Reset, snapshots, export and import."""

import errno
import io
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
from pathlib import Path

import pytest

from azext_mhsmregion.emulator import carrying, keeping
from azext_mhsmregion.emulator.errors import HomeError, HomeTooNew
from azext_mhsmregion.emulator.service import open_emulator
from azext_mhsmregion.emulator.store import schema
from azext_mhsmregion.emulator.store.home import sqlite_problem
from azext_mhsmregion.model.errors import Invalid

POOL = {"name": "ContosoMHSM", "roles": [{"role": "Managed HSM Crypto User"}], "keys": [{"name": "k"}]}
SIGN = ("POST", "/keys/k/sign", {"alg": "ES256", "value": "A" * 43})


def test_reset_leaves_a_home_just_made_and_keeps_the_directory(control):
    control.seed(POOL)
    control("PATCH", "/settings", {"seed": 9})
    control("PATCH", "/clock", {"mode": "manual"})
    owner = control.emulator.directory.owner
    assert control("POST", "/reset") == (204, None)
    found = control("GET", "/status")[1]
    assert (found["pools"], found["settings"]["seed"], found["clock"]["mode"]) == ([], 0, "real")
    assert control.emulator.directory.owner == owner
    assert control.seed(POOL) == ["ContosoMHSM"], "the name is free again"


def test_a_snapshot_brings_back_pools_keys_settings_and_clock(control):
    control("PATCH", "/clock", {"mode": "manual", "now": "2030-01-01T00:00:00Z"})
    control.seed(POOL)
    before, kid = control("GET", "/status")[1], control.data("GET", "/keys/k")[1]["key"]["kid"]
    assert control("PUT", "/snapshots/first")[0] == 201
    control("POST", "/clock/advance", {"seconds": 60})
    control("POST", "/reset")
    assert control("POST", "/snapshots/first/restore") == (204, None)
    assert control("GET", "/status")[1] == before
    assert control.data("GET", "/keys/k")[1]["key"]["kid"] == kid
    assert control.data(*SIGN)[0] == 200


def test_snapshots_are_listed_and_dropped(control):
    control("PUT", "/snapshots/b")
    control("PUT", "/snapshots/a")
    listed = control("GET", "/snapshots")[1]["value"]
    assert [item["name"] for item in listed] == ["a", "b"]
    assert control("DELETE", "/snapshots/a")[0] == 204
    assert [item["name"] for item in control("GET", "/snapshots")[1]["value"]] == ["b"]


def test_a_snapshot_that_is_there_is_not_overwritten(control):
    control("PUT", "/snapshots/a")
    control.seed(POOL)
    assert control("PUT", "/snapshots/a")[0] == 400
    control("POST", "/snapshots/a/restore")
    assert control.pools() == {}


@pytest.mark.parametrize("call", [("POST", "/snapshots/none/restore"), ("DELETE", "/snapshots/none")])
def test_a_snapshot_that_is_not_there(control, call):
    assert control(*call)[0] == 404


@pytest.mark.parametrize("name", ["..%2Fstore", ".hidden", "a b", "x" * 65])
def test_a_snapshots_name_is_no_path(control, name):
    assert control("PUT", f"/snapshots/{name.replace(' ', '%20')}")[0] == 400


def test_a_snapshot_of_another_schema_is_refused(control, monkeypatch):
    keeping.take(control.emulator.parts, "old")
    monkeypatch.setattr(schema, "VERSION", 99)
    with pytest.raises(HomeTooNew, match="schema"):
        keeping.restore(control.emulator.parts, "old")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_snapshot_that_fails_leaves_its_name_free(control, monkeypatch):
    """A full disk, and a kill: half a copy lies there, under the draft's name."""
    store, good = control.emulator.store, control.emulator.store.snapshot

    def full(target):
        target.write_bytes(b"half")
        raise sqlite_problem(control.emulator.home, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(store, "snapshot", full)
    status, body = control("PUT", "/snapshots/a")
    assert (status, body["error"]["code"]) == (409, "Home")
    assert "full" in body["error"]["message"]
    assert names_in(control.emulator.home / "snapshots") == []

    monkeypatch.setattr(store, "snapshot", good)
    assert control("PUT", "/snapshots/a")[0] == 201
    assert names_in(control.emulator.home / "snapshots") == ["a.db"]


def test_a_folder_that_takes_no_file_is_told(control, monkeypatch):
    monkeypatch.setattr(keeping.files.os, "link", _no_space)
    monkeypatch.setattr(keeping.files.os, "rename", _no_space)
    status, body = control("PUT", "/snapshots/a")
    assert status == 409
    assert "No space left" in body["error"]["message"]
    assert names_in(control.emulator.home / "snapshots") == []


def _no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


KILLED = """
import os, signal, sys
from pathlib import Path
from azext_mhsmregion.emulator import keeping
from azext_mhsmregion.emulator.service import open_emulator
emulator = open_emulator(Path(sys.argv[1]))
copy = emulator.store.snapshot
def half(target):
    copy(target)
    target.write_bytes(target.read_bytes()[:5000])
    target.with_name(target.name + "-journal").write_bytes(b"x")
    os.kill(os.getpid(), signal.SIGKILL)
emulator.store.snapshot = half
keeping.take(emulator.parts, "a")
"""


def test_what_a_killed_snapshot_left_is_swept_and_what_others_make_is_not(control):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(control.emulator.home)], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    folder = control.emulator.home / "snapshots"
    assert len(names_in(folder)) == 2
    assert control("GET", "/snapshots")[1]["value"] == []
    mine = folder / f".b.db.draft-{os.getppid()}-{'0' * 16}"
    mine.write_text("under way")
    assert control("PUT", "/snapshots/a")[0] == 201
    assert names_in(folder) == [mine.name, "a.db"]


def test_of_many_at_once_one_takes_the_name(control):
    taken = []

    def take():
        try:
            taken.append(keeping.take(control.emulator.parts, "a"))
        except Invalid as error:
            assert "already" in error.message

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert names_in(control.emulator.home / "snapshots") == ["a.db"]


@pytest.mark.parametrize("size", [0, 17, 100, 5000, -4096])
def test_a_snapshot_that_was_cut_is_refused_and_the_store_stays(control, size):
    control.seed(POOL)
    control("PUT", "/snapshots/a")
    path = control.emulator.home / "snapshots" / "a.db"
    path.write_bytes(path.read_bytes()[:size])
    status, body = control("POST", "/snapshots/a/restore")
    assert (status, body["error"]["code"]) == (409, "Home")
    assert "snapshot 'a' is damaged" in body["error"]["message"]
    assert set(control.pools()) == {"ContosoMHSM"}
    assert control.data(*SIGN)[0] == 200


def test_a_snapshot_with_holes_is_refused(control):
    control.seed(POOL)
    control("PUT", "/snapshots/a")
    path = control.emulator.home / "snapshots" / "a.db"
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    assert "is damaged" in control("POST", "/snapshots/a/restore")[1]["error"]["message"]
    assert set(control.pools()) == {"ContosoMHSM"}


def test_an_export_makes_the_same_home_elsewhere(control, tmp_path):
    control.seed(POOL)
    signed = control.data("GET", "/keys/k")[1]
    target = tmp_path / "export.tar.gz"
    carrying.export(control.emulator.parts, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    carrying.unpack(target, tmp_path / "elsewhere")
    other = type(control)(open_emulator(tmp_path / "elsewhere"))
    assert other.emulator.directory == control.emulator.directory
    assert other.data("GET", "/keys/k")[1] == signed
    assert other.data(*SIGN)[0] == 200
    other.emulator.store.close()


def test_an_export_overwrites_nothing(control, tmp_path):
    (tmp_path / "there").write_text("mine")
    with pytest.raises(FileExistsError):
        carrying.export(control.emulator.parts, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"


def test_an_export_that_fails_leaves_nothing(control, tmp_path, monkeypatch):
    monkeypatch.setattr(keeping.files.os, "link", _no_space)
    monkeypatch.setattr(keeping.files.os, "rename", _no_space)
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match="No space"):
        carrying.export(control.emulator.parts, tmp_path / "out" / "export.tar.gz")
    assert names_in(tmp_path / "out") == []
    assert not [name for name in names_in(control.emulator.home) if "draft" in name]


@pytest.fixture
def exported(control, tmp_path):
    """The members of an export of a home with a pool, by name."""
    control.seed(POOL)
    target = tmp_path / "export.tar.gz"
    carrying.export(control.emulator.parts, target)
    with tarfile.open(target) as archive:
        return {name: archive.extractfile(name).read() for name in archive.getnames()}


def packed(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.type, info.size = (tarfile.DIRTYPE, 0) if data is None else (tarfile.REGTYPE, len(data))
            archive.addfile(info, None if data is None else io.BytesIO(data))
    return path


JUNK = {
    "no archive": (None, "not an export"),
    "nothing in it": ({}, "not an export"),
    "a folder for the store": ({"store.db": None}, "store.db is no file"),
    "no key": ({"home.key": ...}, "'home.key' not found"),
    "a short key": ({"home.key": b"x"}, "key"),
    "no database": ({"store.db": b"junk" * 5000}, "damaged"),
    "an empty store": ({"store.db": b""}, "damaged"),
    "a cut store": ({"store.db": 5000}, "damaged"),
    "a directory that is none": ({"directory.json": b"{}"}, "principals: must be a list"),
}


@pytest.mark.parametrize("existing", [False, True], ids=["new", "empty"])
@pytest.mark.parametrize("name", JUNK)
def test_an_import_of_junk_leaves_no_home(exported, tmp_path, name, existing):
    changes, words = JUNK[name]
    path, home = tmp_path / "junk.tar.gz", tmp_path / "in" / "new"
    members = {} if changes == {} else {**exported, **(changes or {})}
    members = {k: exported[k][:v] if isinstance(v, int) else v for k, v in members.items() if v is not ...}
    packed(path, members)
    if changes is None:
        path.write_bytes(b"rubbish")
    if existing:
        home.mkdir(parents=True)

    with pytest.raises(HomeError) as caught:
        carrying.unpack(path, home)

    assert words in caught.value.message
    assert names_in(home) == [] if existing else names_in(home.parent) == []
    carrying.unpack(packed(path, exported), home)
    assert names_in(home) == ["directory.json", "home.key", "store.db"]


def test_an_archive_that_is_cut_leaves_no_home(exported, tmp_path):
    path = packed(tmp_path / "cut.tar.gz", exported)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(HomeError, match="not an export"):
        carrying.unpack(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_not_there_is_no_export(tmp_path):
    with pytest.raises(HomeError, match=r"none\.tar\.gz is not an export of an emulator: No such file"):
        carrying.unpack(tmp_path / "none.tar.gz", tmp_path / "new")


def test_an_import_into_an_empty_folder_of_another_file_system(exported, tmp_path):
    """Nothing can be renamed to a mount, and nothing made beside it."""
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("one file system")
    path = packed(tmp_path / "export.tar.gz", exported)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        (tmp_path / "mounted").symlink_to(folder)
        carrying.unpack(path, tmp_path / "mounted")
        assert names_in(Path(folder)) == ["directory.json", "home.key", "store.db"]


def test_an_import_needs_an_empty_home_and_an_export(control, tmp_path):
    target = tmp_path / "export.tar.gz"
    carrying.export(control.emulator.parts, target)
    with pytest.raises(HomeError, match="not empty"):
        carrying.unpack(target, control.emulator.home)
    (tmp_path / "rubbish").write_bytes(b"rubbish")
    with pytest.raises(HomeError, match="not an export"):
        carrying.unpack(tmp_path / "rubbish", tmp_path / "new")
    assert not (tmp_path / "new").exists()
