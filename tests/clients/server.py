"""The emulator as a user starts it, by ``mhsm``, with a doorway in front of each of its ports."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping

from az.homes import AT_ONCE, write_certificates
from clients.doorway import Asked, Doorway, doorway

from azext_mhsmregion.emulator.service import open_emulator

SECONDS = 60
PLACES = ("uksouth", "australiaeast")
MAIN = ""
APP = "emulator-app"
KEY_ROLES = ("Managed HSM Crypto User", "Managed HSM Crypto Officer")


@dataclass(frozen=True)
class Emulator:
    """A running server. ``doorways``: by the place of the port behind, :data:`MAIN` for the main one."""

    home: Path
    port: int
    doorways: Dict[str, Doorway]

    @property
    def asked(self) -> List[Asked]:
        """What all clients have asked for so far."""
        return [one for door in self.doorways.values() for one in door.asked]

    def environment(self, *arguments: str, port_of: str = MAIN) -> Dict[str, str]:
        """What `emulator env` prints; its port is that of a doorway."""
        exports = shlex.split(mhsm(self.home, "emulator", "env", *arguments))
        names = dict(word.split("=", 1) for word in exports if word != "export")
        ours = re.compile(rf"(127\.0\.0\.1:|proxyPort=){self.port}\b")
        replaced = rf"\g<1>{self.doorways[port_of].port}"
        return {name: ours.sub(replaced, value) for name, value in names.items()}

    def activate(self, pool: str, administrator: str = APP) -> None:
        """Download the security domain of a pool that `emulator env`'s service principal made."""
        keys = [str(file) for file in write_certificates(self.home)]
        file = str(self.home / f"{pool}.json")
        whose = ["--hsm-name", pool, "--as", administrator, "--security-domain-file", file]
        mhsm(
            self.home, "security-domain", "download", *whose, "--sd-quorum", "2", "--sd-wrapping-keys", *keys
        )


def prepare(home: Path) -> None:
    """A home whose long operations end at once."""
    emulator = open_emulator(home)
    emulator.configure(durations=AT_ONCE)
    emulator.store.close()


@contextmanager
def served(home: Path) -> Iterator[Emulator]:
    """A server on ``home``, with one more port for each place."""
    ports = [word for place in PLACES for word in ("--place", f"{place}=0")]
    started = json.loads(mhsm(home, "emulator", "start", *ports, "-o", "json"))
    try:
        with ExitStack() as stack:
            behind = {MAIN: started["port"], **started["places"]}
            doorways = {place: stack.enter_context(doorway(port)) for place, port in behind.items()}
            yield Emulator(home, started["port"], doorways)
    finally:
        mhsm(home, "emulator", "stop")


def bare_environment() -> Dict[str, str]:
    """What any shell has, and nothing that leads a client anywhere."""
    return {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}


def mhsm(home: Path, *arguments: str) -> str:
    """What a `mhsm keyvault` command prints. Raises AssertionError when it fails."""
    command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", *arguments, "--home", str(home)]
    environment = {**bare_environment(), "HOME": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


def sow(home: Path, *pools: Mapping[str, Any]) -> None:
    """Pools of the service principal that `emulator env` hands out, which may do all with their keys."""
    roles = [{"role": role, "principal": APP, "scope": "/"} for role in KEY_ROLES]
    made = [{"administrators": [APP], "roles": roles, **pool} for pool in pools]
    file = home.parent / "pools.json"
    file.write_text(json.dumps({"pools": made}))
    mhsm(home, "emulator", "seed", "--file", str(file), "-o", "none")
