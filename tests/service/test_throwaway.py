"""``emulator start --memory``: found like any other, and gone when it stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List, Set

import pytest
from servicekit import TIMEOUT, ServerProcess, environment, seeded

from azext_mhsmregion.emulator import running, throwaway
from azext_mhsmregion.emulator.errors import HomeError

Mhsm = Callable[..., Any]
PLACES = (throwaway.SHARED_MEMORY, Path(tempfile.gettempdir()))


def folders(home: Path) -> Set[Path]:
    """The folders of throw-away servers of that home."""
    pattern = f"{throwaway.prefix_of(home)}*"
    return {path for place in PLACES if place.is_dir() for path in place.glob(pattern)}


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist, nor does the folder above it."""
    return tmp_path / "above" / "home"


@pytest.fixture
def mhsm(home: Path) -> Iterator[Mhsm]:
    def run(line: str, code: int = 0, **more: str) -> Any:
        command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", *line.split()]
        variables = {**environment(home), **more}
        done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)
        assert done.returncode == code, (line, done.stdout, done.stderr)
        return done

    yield run
    run("emulator stop")


@pytest.mark.socket
def test_every_command_of_the_home_finds_it_and_nothing_is_left(home: Path, mhsm: Mhsm) -> None:
    started = json.loads(mhsm("emulator start --memory").stdout)
    assert (started["home"], started["memory"]) == (str(home), True)
    folder = throwaway.follow(home)
    assert folder.parent == (PLACES[0] if os.access(PLACES[0], os.W_OK) else PLACES[1])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.iterdir()] == ["memory.json"]

    mhsm("create --hsm-name ContosoMHSM --location uksouth")
    status = json.loads(mhsm("emulator status").stdout)
    assert [pool["name"] for pool in status["pools"]] == ["ContosoMHSM"]
    assert "managedHSMs/ContosoMHSM" in mhsm("emulator logs").stdout
    variables = json.loads(mhsm("emulator env --format json").stdout)
    assert variables["HTTPS_PROXY"] == f"http://127.0.0.1:{started['port']}"
    assert variables["MHSMREGION_HOME"] == str(home)
    assert Path(variables["REQUESTS_CA_BUNDLE"]).is_file()
    assert "ContosoMHSM" in mhsm("list", **variables).stdout
    mhsm("emulator snapshot create --name before")
    mhsm(f"emulator export --file {home.parents[1] / 'saved.tar.gz'}")
    assert f"process {started['pid']}" in mhsm("emulator start", code=1).stderr
    assert "forgets everything" in mhsm("emulator restart", code=1).stderr

    mhsm("emulator stop")
    assert not folder.exists()
    assert not home.parent.exists()
    assert "No server runs" in mhsm("emulator stop").stderr
    assert mhsm("list").stdout.strip() == "[]"


@pytest.mark.socket
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_nothing_in_the_foreground(home: Path, number: int) -> None:
    server = ServerProcess(home, "--memory")
    folder = throwaway.follow(home)
    assert running.find(folder) is not None
    assert running.find(home) is None
    server.process.send_signal(number)
    assert server.process.wait(TIMEOUT) == 0
    assert not folder.exists()
    assert not home.parent.exists()


@pytest.mark.socket
def test_a_signal_while_it_starts_leaves_nothing(home: Path) -> None:
    """At whatever moment: each round waits for a later sign of its beginning."""
    signs: List[Callable[[Path], bool]] = [
        lambda folder: True,
        lambda folder: (folder / "directory.json").exists(),
        lambda folder: (folder / "ca" / "authority.crt").exists(),
        lambda folder: (folder / "server.json").exists(),
        lambda folder: home.exists(),
    ]
    for sign in signs:
        command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", "emulator", "start"]
        process = subprocess.Popen(
            [*command, "--foreground", "--memory"], env=environment(home), stderr=subprocess.DEVNULL
        )
        wait_until(lambda: folders(home))
        (folder,) = folders(home)
        wait_until(lambda sign=sign, folder=folder: sign(folder))
        process.terminate()
        assert process.wait(TIMEOUT) == 0
        assert folders(home) == set()
        assert not home.parent.exists()


@pytest.mark.socket
@pytest.mark.parametrize("remedy", ["stop", "start", "start --memory"])
def test_what_a_killed_one_left_is_ignored_and_then_removed(home: Path, mhsm: Mhsm, remedy: str) -> None:
    mhsm("emulator start --memory")
    mhsm("create --hsm-name ContosoMHSM --location uksouth")
    folder = throwaway.follow(home)
    found = running.find(folder)
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    wait_until(lambda: running.find(folder) is None)
    assert (folder / "store.db").exists()
    assert throwaway.follow(home) == home
    assert f"had left: {folder}" in mhsm(f"emulator {remedy}").stderr
    assert not folder.exists()
    assert mhsm("list").stdout.strip() == "[]"


@pytest.mark.socket
def test_a_port_that_is_taken_leaves_nothing(home: Path, mhsm: Mhsm, tmp_path: Path) -> None:
    port = json.loads(mhsm("emulator start --memory").stdout)["port"]
    other = tmp_path / "other"
    for how in ("", " --foreground"):
        refused = mhsm(f"emulator start --memory --port {port} --home {other}{how}", code=1)
        assert "cannot listen on 127.0.0.1" in refused.stderr
        assert folders(other) == set()
        assert not other.exists()


def test_a_home_with_pools_is_not_hidden(mhsm: Mhsm, home: Path) -> None:
    seeded(home)
    refused = mhsm("emulator start --memory", code=1)
    assert "holds pools (ServiceHSM)" in refused.stderr
    assert "--home" in refused.stderr
    assert folders(home) == set()
    assert not (home / "memory.json").exists()


@pytest.mark.socket
def test_a_home_with_a_server_is_refused(mhsm: Mhsm, home: Path) -> None:
    mhsm("emulator start")
    assert "runs on" in mhsm("emulator start --memory", code=1).stderr


@pytest.mark.socket
def test_what_else_lies_in_the_home_stays(mhsm: Mhsm, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "config").write_text("[mhsmregion]\nprovider = emulator\n")
    mhsm("emulator start --memory")
    mhsm("emulator stop")
    assert [path.name for path in home.iterdir()] == ["config"]


# -- the folder and the pointer ---------------------------------------------------------------


def test_without_shared_memory_it_is_the_temporary_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert throwaway.make(tmp_path, tmp_path / "none").parent == tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(HomeError, match="No folder can be made"):
        throwaway.make(tmp_path, tmp_path / "none")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"folder": 1, "made": []}', "\x00"])
def test_a_pointer_that_cannot_be_read_leads_nowhere(tmp_path: Path, text: str) -> None:
    (tmp_path / "memory.json").write_text(text)
    assert throwaway.follow(tmp_path) == tmp_path
    assert throwaway.sweep(tmp_path) is None


def test_a_folder_that_is_not_ours_is_never_removed(tmp_path: Path) -> None:
    """The pointer may be stale, and its name another's by now."""
    real, link = tmp_path / "mine", tmp_path / f"{throwaway.PREFIX}x"
    real.mkdir()
    (real / "file").touch()
    link.symlink_to(real)
    for folder in (real, link):
        (tmp_path / "memory.json").write_text(json.dumps({"folder": str(folder), "made": []}))
        assert throwaway.sweep(tmp_path) == folder
        assert (real / "file").exists()
        assert not (tmp_path / "memory.json").exists()


def test_of_two_that_start_at_once_one_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    throwaway.announce(home, tmp_path / f"{throwaway.PREFIX}1")
    with pytest.raises(HomeError, match="meanwhile"):
        throwaway.announce(home, tmp_path / f"{throwaway.PREFIX}2")
    throwaway.remove(home, tmp_path / f"{throwaway.PREFIX}2")
    assert (home / "memory.json").exists()
    throwaway.remove(home, tmp_path / f"{throwaway.PREFIX}1")
    assert not home.exists()
