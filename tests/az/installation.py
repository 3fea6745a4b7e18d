"""Azure CLI installations and our extension in them. Everything slow is made once a session,
also where several pytest-xdist workers share one."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Dict, Iterator, List

import portalocker
import pytest
from shared_data import CHECKOUT, az_folder

VERSIONS = ("2.91.0", "2.48.1")
GUARD = Path(__file__).resolve().parent / "guard"
SOURCES = ("setup.py", "pyproject.toml", "README.md", "HISTORY.rst")
SECONDS = 180
AZ_VERSION_CHECK = ("'azcliprod.blob.core.windows.net'", "'raw.githubusercontent.com'")
"""Where az itself looks for a newer az, once in a fresh profile, before it loads a command. It
has no switch for that; it is refused like all else."""
QUIET = {"AZURE_CORE_COLLECT_TELEMETRY": "no", "AZURE_CORE_ERROR_RECOMMENDATION": "off"}
"""az sends telemetry by a process of its own, and asks a service of Microsoft's about usage errors."""

OURS = ("AZURE_", "MHSMREGION_", "PYTHON", "HTTP_PROXY", "HTTPS_PROXY", "REQUESTS_CA", "SSL_CERT", "CURL_CA")


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def bare_environment(**settings: str) -> Dict[str, str]:
    """The caller's environment without what would lead az or ours elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)}
    return {**kept, **QUIET, **settings}


@contextmanager
def made_once(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """A folder of the whole session, locked while in the block: who comes first fills it."""
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with portalocker.Lock(str(base / f"{name}.lock"), timeout=SECONDS):
        yield base / name


def wheel(factory: pytest.TempPathFactory) -> Path:
    """Our wheel, from a copy of the checkout: a build writes into its source."""
    with made_once(factory, "wheel") as folder:
        if not folder.exists():
            source = folder.with_name("source")
            source.mkdir()
            for name in SOURCES:
                shutil.copy(CHECKOUT / name, source)
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(CHECKOUT / "azext_mhsmregion", source / "azext_mhsmregion", ignore=skip)
            pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
            command = [*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    return next(folder.glob("*.whl"))


def python_of(version: str) -> Path:
    """The interpreter of that az; skips the test where it is not installed."""
    python = az_folder() / version / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no az {version} in {az_folder()} (`make az-env`, or MHSMREGION_AZ)")
    return python


@cache
def isolation() -> tuple:
    """The command in front of a program that takes its network away; empty where it is not
    permitted (then the audit hook alone forbids)."""
    for words in (("unshare", "--net"), ("unshare", "--user", "--map-root-user", "--net")):
        try:
            if subprocess.run([*words, "true"], capture_output=True, timeout=30).returncode == 0:
                return words
        except (OSError, subprocess.TimeoutExpired):
            continue
    return ()


@dataclass
class Az:
    """One az with a profile of its own. ``extensions`` is its extension folder, ``settings``
    environment variables for every command; with ``quiet`` it sends no telemetry either."""

    version: str
    folder: Path
    extensions: Path
    settings: Dict[str, str] = field(default_factory=dict)
    quiet: bool = True

    @property
    def profile(self) -> Path:
        return self.folder / "profile"

    @property
    def _attempts(self) -> Path:
        return self.folder / "attempts"

    def environment(self, **more: str) -> Dict[str, str]:
        made = bare_environment(
            AZURE_CONFIG_DIR=str(self.profile),
            AZURE_EXTENSION_DIR=str(self.extensions),
            **{**self.settings, **more},
        )
        return made if self.quiet else {name: value for name, value in made.items() if name not in QUIET}

    def __call__(self, line: str, *more: str, **settings: str) -> Result:
        """Run one command; the network is the caller's."""
        command = [str(python_of(self.version).parent / "az"), *shlex.split(line), *more]
        return self.run(command, self.environment(**settings))

    def offline(self, line: str, *more: str, **settings: str) -> Result:
        """Run one command that may not touch a socket; fails the test when it tries."""
        command = [str(python_of(self.version).parent / "az"), *shlex.split(line), *more]
        result = self.offline_program(command, **settings)
        assert self.attempts() == "", f"az {line} tried: {self.attempts()}"
        return result

    def offline_program(self, command: List[str], **settings: str) -> Result:
        """Run a program that may not touch a socket; :meth:`attempts` tells what it tried."""
        guard = {"PYTHONPATH": str(GUARD), "MHSMREGION_TEST_ATTEMPTS": str(self._attempts)}
        self.folder.mkdir(parents=True, exist_ok=True)
        self._attempts.write_text("")
        return self.run([*isolation(), *command], self.environment(**guard, **settings))

    def attempts(self) -> str:
        """What the last program run offline tried to reach, az's own check of its version apart."""
        lines = self._attempts.read_text().splitlines()
        return "\n".join(line for line in lines if not any(host in line for host in AZ_VERSION_CHECK))

    def run(self, command: List[str], environment: Dict[str, str]) -> Result:
        """Run a program in this az's folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            timeout=SECONDS,
            check=False,
            env=environment,
        )
        return Result(done.returncode, done.stdout, done.stderr)


def extensions_of(version: str, factory: pytest.TempPathFactory) -> Path:
    """The extension folder of that az with our wheel in it, put there by ``az extension add``;
    pip fetches what it requires from PyPI, once a session."""
    python_of(version)
    source = wheel(factory)
    with made_once(factory, f"extensions-{version}") as folder:
        if not folder.exists():
            az = Az(version, folder.with_name(f"install-{version}"), folder)
            added = az(f"extension add --source {source} --yes")
            if added.code != 0:
                shutil.rmtree(folder, ignore_errors=True)
            assert added.code == 0, added.err
    return folder


def warm_profile_of(version: str, factory: pytest.TempPathFactory) -> Path:
    """A profile in which az has built its command index, nobody signed in: tests work on copies,
    since az takes two seconds to build one."""
    extensions = extensions_of(version, factory)
    with made_once(factory, f"warm-{version}") as folder:
        if not folder.exists():
            az = Az(version, folder, extensions)
            shown = az.offline("keyvault region list --help")
            assert shown.code == 0, shown.err
    return folder / "profile"
