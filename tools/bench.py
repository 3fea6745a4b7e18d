"""The ratios that README quotes, each measured in one run: ``make bench``.

Whole processes are timed from outside, in turns (tools/turns.py); each command of ours runs on a
fresh copy of a prepared home, its output is checked, and nothing may be left running. A broken
limit ends with exit 1.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

from turns import Ratio, take_turns

CHECKOUT = Path(__file__).resolve().parent.parent
POOL = "ContosoMHSM"
ROUNDS = 15
KEYS = 10_000
AZ_VERSION = "2.91.0"
MHSM = Path(sys.executable).parent / "mhsm"
EXPECTED = [
    {"name": "uksouth", "provisioningState": "Succeeded", "isPrimary": True},
    {"name": "australiaeast", "provisioningState": "Succeeded", "isPrimary": False},
]


class Run(NamedTuple):
    """One finished process: wall seconds and peak resident MiB."""

    seconds: float
    mebibytes: float


def timed(command: Sequence[str], environment: Dict[str, str]) -> Run:
    """Run a command that must print the two regions as JSON and exit 0."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None and child.stderr is not None
    output, errors = child.stdout.read(), child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0 or json.loads(output) != EXPECTED:
        raise SystemExit(f"bench: {' '.join(command)} answered {child.returncode}: {output!r} {errors!r}")
    return Run(seconds, usage.ru_maxrss / 1024)


class Command:
    """``az keyvault region list``, over the socket: runs of one command."""

    def __init__(self, words: Sequence[str], environment: Dict[str, str]) -> None:
        self._words, self._environment = words, environment
        self.runs: List[Run] = []
        self.costs: List[float] = []
        self._run()  # the first does not count

    def round(self) -> None:
        """One run; ``costs`` gets its wall seconds."""
        self.runs.append(self._run())
        self.costs.append(self.runs[-1].seconds)

    def _run(self) -> Run:
        return timed(self._words, self._environment)


class Ours(Command):
    """``mhsm keyvault region list`` in process, on a fresh copy of a home each time."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home, self._folder = home, folder
        super().__init__([str(MHSM), "keyvault", "region", "list", "--hsm-name", POOL], {})

    def _run(self) -> Run:
        copy = self._folder / f"{self._home.name}-copy"
        shutil.copytree(self._home, copy)
        run = timed(self._words, plain(copy))
        left = [name.name for name in copy.iterdir() if name.name == "server.json"]
        if left or still_running(copy):
            raise SystemExit("bench: something was left running")
        shutil.rmtree(copy)
        return run


def prepare(home: Path, keys: int) -> None:
    """Make a home in a process of its own: a child's peak memory counts from its parent's size,
    so this process stays small."""
    command = [sys.executable, "-m", "support.homes", str(home), str(keys)]
    subprocess.run(command, cwd=CHECKOUT / "tests", check=True)


def plain(home: Path) -> Dict[str, str]:
    """The environment of a user's shell: byte code may be cached, nothing points elsewhere."""
    dropped = ("MHSMREGION_", "AZURE_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return {**kept, "MHSMREGION_HOME": str(home)}


def still_running(home: Path) -> bool:
    """Does any process still name this home in its environment?"""
    needle = f"MHSMREGION_HOME={home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.name != str(os.getpid()) and needle in (folder / "environ").read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def az_environment(home: Path) -> Dict[str, str]:
    """What ``emulator env`` prints, in an az profile that is logged in, its command index built."""
    subprocess.run([str(MHSM), "keyvault", "emulator", "start"], env=plain(home), check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    printed = subprocess.run(
        [str(MHSM), "keyvault", "emulator", "env"],
        env=plain(home),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    shell = subprocess.run(
        ["sh", "-c", f"{printed}\nenv -0"], env=plain(home), check=True, capture_output=True, text=True
    ).stdout
    environment = dict(line.split("=", 1) for line in shell.split("\0") if "=" in line)
    environment["AZURE_EXTENSION_DIR"] = str(home / "no-extensions")
    environment["AZURE_CORE_COLLECT_TELEMETRY"] = "no"
    return environment


def show(what: str, command: Command) -> None:
    """Its best run."""
    best = min(command.runs)
    print(f"{what:<48} {best.seconds:6.3f} s {best.mebibytes:6.1f} MiB")


def az() -> Path:
    folder = Path(os.environ.get("MHSMREGION_AZ") or CHECKOUT / ".az")
    return folder / AZ_VERSION / "bin" / "az"


def main() -> int:
    rows: List[Tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory(prefix="mhsm-bench-") as name:
        folder = Path(name)
        small, large, served = folder / "small", folder / "large", folder / "served"
        prepare(small, 0)
        shutil.copytree(small, served)
        prepare(large, KEYS)
        environment = az_environment(served)
        try:
            login = ["login", "--service-principal", "--tenant", environment["AZURE_TENANT_ID"]]
            login += ["-u", environment["AZURE_CLIENT_ID"], "-p", environment["AZURE_CLIENT_SECRET"]]
            subprocess.run([str(az()), *login], env=environment, check=True, stdout=subprocess.DEVNULL)
            command = [str(az()), "keyvault", "region", "list", "--hsm-name", POOL]
            ours, theirs = Ours(small, folder), Command(command, environment)
            take_turns([(ours, theirs)], ROUNDS)
        finally:
            subprocess.run([str(MHSM), "keyvault", "emulator", "stop"], env=plain(served), check=True)
        show("mhsm keyvault region list, in process", ours)
        show(f"az {AZ_VERSION} keyvault region list, over the socket", theirs)
        few, many = Ours(small, folder), Ours(large, folder)
        take_turns([(few, many)], ROUNDS)
        show("mhsm, no keys", few)
        show(f"mhsm, {KEYS:,} keys in two regions", many)
        listed, grown = Ratio.of(ours, theirs), Ratio.of(many, few)
        print(f"mhsm / az: {listed}\n{KEYS:,} keys / no keys: {grown}")
        peak = max(run.mebibytes for run in many.runs)
        rows.append(("mhsm / az, wall", min(listed), 0.25))
        rows.append((f"{KEYS:,} keys / no keys, wall", min(grown), 1.5))
        rows.append((f"peak memory with {KEYS:,} keys, of 150 MiB", peak / 150, 1.0))
    broken = [what for what, ratio, limit in rows if ratio > limit]
    for what, ratio, limit in rows:
        print(f"{what:<45} {ratio:6.3f}  (limit {limit})")
    print(f"bench: {len(rows)} ratios, {len(broken)} over their limit")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
