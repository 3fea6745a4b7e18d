"""The machine on which a page's commands run: a home of its own, and on PATH what the page needs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Mapping, Sequence

from clients import setup
from clients.server import bare_environment, prepare

from azext_mhsmregion.emulator import running

SECONDS = 180
CLIENTS = setup.FOLDER
OURS = Path(sys.executable).parent


class Machine:
    """``home`` is the user's folder and where the commands run; operations end at once."""

    def __init__(self, folder: Path, programs: Mapping[str, Path]) -> None:
        self.home = folder / "user"
        self._bin = folder / "bin"
        self.home.mkdir()
        self._bin.mkdir()
        for name, program in programs.items():
            self._put(name, program)
        prepare(self.emulator_home)
        self.variables: Dict[str, str] = {}

    @property
    def emulator_home(self) -> Path:
        return self.home / ".mhsmregion"

    def environment(self) -> Dict[str, str]:
        kept = bare_environment()
        path = os.pathsep.join([str(self._bin), kept["PATH"]])
        return {**kept, "PATH": path, "HOME": str(self.home), **self.variables}

    def run(self, script: str, shell: Sequence[str] = ("sh", "-eu")) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*shell, "-c", script],
            cwd=self.home,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def clean_up(self) -> None:
        """End a server that a script which failed has left."""
        if running.find(self.emulator_home):
            self.run("mhsm keyvault emulator stop")

    def _put(self, name: str, program: Path) -> None:
        """A program on PATH. By a script, since Python looks for its environment beside its own name."""
        script = self._bin / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(program))} "$@"\n')
        script.chmod(0o755)


def node_packages(machine: Machine) -> None:
    (machine.home / "node_modules").symlink_to(CLIENTS / "node" / "node_modules")


def go_modules(machine: Machine) -> None:
    """The module of our own client program, and the caches of its set-up."""
    for name in ("go.mod", "go.sum"):
        shutil.copy(setup.SOURCES / "go" / name, machine.home)
    for name in ("GOMODCACHE", "GOCACHE"):
        machine.variables[name] = subprocess.check_output(["go", "env", name], text=True).strip()
    machine.variables.update({"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"})


def java_libraries(machine: Machine) -> None:
    machine.variables["CLASSPATH"] = str(CLIENTS / "java" / "dependency" / "*")
