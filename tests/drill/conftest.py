"""A home with a pool in two regions, and drills on it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Iterator

import pytest
from drill.rehearsal import Rehearsal

from azext_mhsmregion.emulator import running, seeding
from azext_mhsmregion.emulator.service import open_emulator


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MHSMREGION_PROVIDER", "MHSMREGION_PLACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    """Drills that start a server of their own."""
    yield Rehearsal(prepared(tmp_path / "home"), tmp_path)
    end_server(tmp_path / "home")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """Drills on a server that runs."""
    folder = tmp_path_factory.mktemp("served")
    made = Rehearsal(prepared(folder / "home"), folder)
    assert made.run("emulator", "start").returncode == 0
    yield made
    end_server(folder / "home")


def prepared(home: Path) -> Path:
    emulator = open_emulator(home)
    role = {"role": "Managed HSM Crypto User", "principal": "emulator-app", "scope": "/keys"}
    keys = [{"name": "payments"}]
    pool = {"name": "ContosoMHSM", "regions": ["australiaeast"], "roles": [role], "keys": keys}
    seeding.sow(emulator.parts, emulator.keyring(), seeding.parsed({"pools": [pool]}))
    emulator.store.close()
    return home


def end_server(home: Path) -> None:
    server = running.find(home)
    if server is not None:
        os.kill(server.pid, signal.SIGTERM)
