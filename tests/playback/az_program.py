"""The other side of az_runner.py: az as a scenario's program."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping

import portalocker
import pytest
import scrub
from az.installation import Az, bare_environment, extensions_of, python_of, warm_profile_of
from scenario import REPLAYED, Outcome, Program, Scenario, Service, standing_at
from shared_data import az_folder

HERE = Path(__file__).resolve().parent


class AzProgram:
    """A process of az_runner.py. ``sleep`` is told when az would sleep."""

    def __init__(self, version: str, environment: Mapping[str, str], sleep: Callable[[float], None]) -> None:
        path = f"{vcrpy_of(version)}:{HERE}"
        self._sleep = sleep
        self._process = subprocess.Popen(
            [str(python_of(version)), str(HERE / "az_runner.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.__stderr__,
            text=True,
            env={**environment, "PYTHONPATH": path},
        )

    def __call__(self, argv: List[str]) -> Outcome:
        answer = self.ask({"argv": argv})
        return Outcome(shlex.join(["az", *argv]), answer["code"], answer["out"], answer["err"])

    def ask(self, message: Mapping[str, Any]) -> Dict[str, Any]:
        """One order; its sleeps go to ``sleep``."""
        self._say(message)
        while True:
            answer: Dict[str, Any] = json.loads(self._process.stdout.readline())
            if "sleep" not in answer:
                return answer
            self._sleep(answer["sleep"])
            self._say({})

    def _say(self, message: Mapping[str, Any]) -> None:
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


def vcrpy_of(version: str) -> Path:
    """vcrpy for that az, in a folder beside it, made once. What vcrpy needs az has already."""
    folder = az_folder() / version / ".playback"
    wanted = f"vcrpy=={installed_version('vcrpy')}"
    marker = folder / f".{wanted}"
    with portalocker.Lock(str(az_folder() / f".playback-{version}.lock"), timeout=120):
        if not marker.exists():
            pip = [str(python_of(version)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run(
                [*pip, "--no-deps", "--upgrade", "--target", str(folder), wanted], check=True, timeout=120
            )
            marker.touch()
    return folder


@contextmanager
def replaying(version: str, factory: pytest.TempPathFactory) -> Iterator[AzProgram]:
    """An az whose profile says that somebody is signed in to the placeholder subscription."""
    folder = factory.mktemp(f"az-{version}")
    profile = folder / "profile"
    environment = _environment(version, factory, folder, {})
    (profile / "azureProfile.json").write_text(json.dumps(_signed_in()))
    program = AzProgram(version, environment, sleep=lambda seconds: None)
    try:
        yield program
    finally:
        program.end()


@contextmanager
def replayed(program: AzProgram, path: Path, folder: Path) -> Iterator[Scenario]:
    """A scenario of az on a cassette that ``mhsm`` recorded; each exchange must be asked for."""
    program.ask({"open": str(path), "known": {}, "record": False})
    try:
        yield Scenario(REPLAYED, folder, program, recording=False)
    finally:
        unasked = program.ask({"close": True})["unasked"]
    assert not unasked, f"nobody asked for {unasked}"


@contextmanager
def recorded(
    version: str, factory: pytest.TempPathFactory, path: Path, folder: Path, service: Service
) -> Iterator[Scenario]:
    """A scenario of az on ``service``, into a cassette; az signs in as the service principal that
    the service's environment names."""
    environment = _environment(version, factory, folder, service.environment)
    az = Az(version, folder, Path(environment["AZURE_EXTENSION_DIR"]))
    identity = (environment[f"AZURE_{name}"] for name in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"))
    login = "login --service-principal -u {} -p {} --tenant {}".format(*identity)
    signed = az.run([str(python_of(version).parent / "az"), *login.split()], environment)
    assert signed.code == 0, signed.err
    program = AzProgram(version, environment, service.sleep)
    try:
        with standing_at(service):  # the scenario's preparations are mhsm's
            yield Scenario(service.names, folder, _late(program, path, service), recording=True)
        program.ask({"close": True})
    finally:
        program.end()


def _late(program: AzProgram, path: Path, service: Service) -> Program:
    """The program, its cassette put in just before the first command."""
    inside: List[bool] = []

    def run(argv: List[str]) -> Outcome:
        if not inside:
            inside.append(True)
            program.ask({"open": str(path), "known": dict(service.names.known), "record": True})
        return program(argv)

    return run


def _environment(
    version: str, factory: pytest.TempPathFactory, folder: Path, settings: Mapping[str, str]
) -> Dict[str, str]:
    """A profile of its own with a command index, our extension, the ARM provider."""
    shutil.copytree(warm_profile_of(version, factory), folder / "profile")
    return bare_environment(
        **{
            **settings,
            "AZURE_CONFIG_DIR": str(folder / "profile"),
            "AZURE_EXTENSION_DIR": str(extensions_of(version, factory)),
            "MHSMREGION_PROVIDER": "arm",
            "MHSMREGION_HOME": str(folder / "arm"),
        }
    )


def _signed_in() -> Dict[str, Any]:
    """az's profile file of a service principal."""
    subscription = {
        "id": scrub.SUBSCRIPTION,
        "name": "replay",
        "state": "Enabled",
        "user": {"name": scrub.CLIENT, "type": "servicePrincipal"},
        "isDefault": True,
        "tenantId": scrub.TENANT,
        "homeTenantId": scrub.TENANT,
        "environmentName": "AzureCloud",
        "managedByTenants": [],
    }
    return {"installationId": scrub.CLIENT, "subscriptions": [subscription]}
