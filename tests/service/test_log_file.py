"""The background server's log: bounded while it runs, and read in one piece by ``emulator logs``."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from servicekit import TIMEOUT, environment

from azext_mhsmregion.emulator.http import logfile, logturns
from azext_mhsmregion.emulator.http.logfile import begin, last_lines

LONGEST = 2000


def written(folder: Path, program: str) -> Path:
    """The log of a process whose stderr it is, and which runs ``program`` with ``log``, a logger."""
    path = folder / logfile.FILE
    opening = (
        "import logging, os, sys\nfrom pathlib import Path\n"
        "from azext_mhsmregion.emulator.http import logturns, requestlog\n"
        f"path = Path({str(path)!r})\n"
        "assert logturns.is_stderr(path)\n"
        f"requestlog.to(logturns.LogFile(path, {LONGEST}))\n"
        "log = logging.getLogger('azext_mhsmregion.emulator.test')\n"
    )
    with path.open("ab") as stream:
        subprocess.run([sys.executable, "-c", opening + program], stderr=stream, check=True, timeout=TIMEOUT)
    return path


def test_it_is_begun_anew_before_it_gets_too_long(tmp_path: Path) -> None:
    path = written(tmp_path, "for n in range(1000): log.info('line %d', n)")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["server.log", "server.log.1", "server.log.2"]
    assert all(file.stat().st_size <= LONGEST for file in files)
    assert [line.split()[-1] for line in last_lines(path, 60)] == [str(n) for n in range(940, 1000)]


def test_what_the_interpreter_says_is_there_and_counts(tmp_path: Path) -> None:
    program = (
        "for n in range(50):\n"
        "    os.write(2, b'raw %d %s\\n' % (n, b'x' * 100)); log.info('line %d', n)\n"
        "os.write(1, b'printed\\n')\n"
    )
    path = written(tmp_path, program)
    assert all(file.stat().st_size <= LONGEST + 200 for file in tmp_path.iterdir())
    raw, line, printed = last_lines(path, 3)
    assert (raw[:6], line.split()[-1], printed) == ("raw 49", "49", "printed\n")


def test_the_log_of_the_server_before_is_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / logfile.FILE
    begin(path)
    for number in range(4):
        path.write_text(f"server {number}\n")
        begin(path)
        assert not path.exists()
    path.write_text("")
    assert last_lines(path, 100) == ["server 2\n", "server 3\n"]
    assert last_lines(path, 1) == ["server 3\n"]
    assert last_lines(path, 0) == []


def test_another_stderr_is_none_of_it(tmp_path: Path) -> None:
    assert not logturns.is_stderr(tmp_path / "none")
    (tmp_path / "other").touch()
    assert not logturns.is_stderr(tmp_path / "other")


@pytest.mark.socket
def test_a_server_in_the_background_turns_its_log_while_it_runs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    small = tmp_path / "small"
    small.mkdir()
    (small / "sitecustomize.py").write_text(
        "import logging.handlers as h\n"
        "made = h.RotatingFileHandler.__init__\n"
        "def make(self, path, maxBytes=0, **more):\n"
        f"    made(self, path, maxBytes={LONGEST}, **more)\n"
        "h.RotatingFileHandler.__init__ = make\n"
    )
    path = os.pathsep.join([str(small), *filter(None, [os.environ.get("PYTHONPATH")])])

    def mhsm(*arguments: str) -> str:
        command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", "emulator", *arguments]
        variables = {**environment(home), "PYTHONPATH": path}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=variables).stdout

    port = json.loads(mhsm("start"))["port"]
    try:
        for number in range(100):
            with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock:
                sock.sendall(f"CONNECT host-{number}.test:443 HTTP/1.1\r\n\r\n".encode())
                while sock.recv(65536):
                    pass
        sizes: List[int] = [file.stat().st_size for file in home.glob("server.log*")]
        lines = mhsm("logs", "--lines", "40").splitlines()
    finally:
        mhsm("stop")
    assert len(sizes) == 3 and max(sizes) <= LONGEST
    assert [line.split()[2] for line in lines] == [f"host-{number}.test:443" for number in range(60, 100)]
