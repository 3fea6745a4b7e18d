"""``emulator stop`` ends a server in bounded time, whatever its threads do."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Iterator, List

import pytest
from servicekit import TIMEOUT, environment, seeded

from azext_mhsmregion.emulator import running, throwaway

pytestmark = pytest.mark.socket

STUCK = """
import sys, threading
from azext_mhsmregion.cli import app
from azext_mhsmregion.emulator import service
from azext_mhsmregion.emulator.http import server
server.GRACE = 0.1
def hang(self, request, caller):
    {before}
    print("stuck", file=sys.stderr, flush=True)
    while True:
        threading.Event().wait()
service.Emulator.handle = hang
sys.exit(app.main(["keyvault", "emulator", "start", "--foreground", *sys.argv[1:]]))
"""
IN_A_WRITE = "self.store._turn.acquire()"
IDENTITY = b"GET /msi/token?resource=x HTTP/1.1\r\nHost: x\r\n\r\n"


@contextlib.contextmanager
def stuck_server(home: Path, before: str, *options: str) -> Iterator[Any]:
    """A server one of whose handlers never returns: the process, and what it says."""
    command = [sys.executable, "-c", STUCK.format(before=before), "--home", str(home), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            ready = process.stderr.readline()
            assert ready.startswith("Ready on "), ready + process.stderr.read()
            port = int(ready.split(":", 1)[1].split(",")[0])
            with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock:
                sock.sendall(IDENTITY)
                assert process.stderr.readline() == "stuck\n"
                yield process
        finally:
            process.kill()


@pytest.mark.parametrize("before", ["pass", IN_A_WRITE])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_handler_that_never_returns_does_not_outlive_a_signal(
    tmp_path: Path, before: str, number: int
) -> None:
    home = tmp_path / "home"
    with stuck_server(home, before) as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, said
    assert "ended with 1 threads that would not: mhsmregion-door" in said
    assert not (home / "server.json").exists()
    assert running.find(home) is None


def test_the_store_is_whole_after_that(tmp_path: Path) -> None:
    home = seeded(tmp_path / "home").folder
    with stuck_server(home, IN_A_WRITE) as process:
        process.terminate()
        process.communicate(timeout=TIMEOUT)
    listed = mhsm(home, "list")
    assert [pool["name"] for pool in json.loads(listed.stdout)] == ["ServiceHSM"]


def test_a_throw_away_server_with_a_stuck_handler_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with stuck_server(home, "pass", "--memory") as process:
        folder = throwaway.follow(home)
        assert folder != home
        process.terminate()
        process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert not folder.exists() and not home.exists()


def test_stop_kills_what_does_not_hear(tmp_path: Path) -> None:
    """A process that is stopped cannot end by itself."""
    home = tmp_path / "home"
    started = json.loads(mhsm(home, "emulator", "start").stdout)
    os.kill(started["pid"], signal.SIGSTOP)
    program = (
        "import sys; from azext_mhsmregion.cli import app; from azext_mhsmregion.cli.ops import emulator\n"
        "emulator.STOP_SECONDS = 0.2\nsys.exit(app.main(['keyvault', 'emulator', 'stop']))"
    )
    stopped = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment(home),
        timeout=TIMEOUT,
    )
    assert stopped.returncode == 0, stopped.stderr
    assert f"process {started['pid']}) did not end in 0.2 seconds; killed" in stopped.stderr
    assert running.find(home) is None
    assert mhsm(home, "emulator", "start").returncode == 0
    assert mhsm(home, "emulator", "stop").returncode == 0


def test_a_server_that_is_stopped_leaves_no_thread_of_its_own() -> None:
    from azext_mhsmregion.emulator.http import ending

    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="mhsmregion-handler_0")
    thread.start()
    found: List[threading.Thread] = ending.stuck_threads(patience=0)
    release.set()
    thread.join(TIMEOUT)
    assert found == [thread]
    assert thread not in ending.stuck_threads(patience=0)


def mhsm(home: Path, *arguments: str) -> Any:
    command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment(home), timeout=60)
