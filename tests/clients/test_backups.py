"""Backup and restore by the unmodified clients of the data plane, led by what `mhsm keyvault emulator env`
prints and nothing else (rule K1)."""

from __future__ import annotations

import json

import pytest
from clients import programs, setup
from clients.server import APP, mhsm

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.socket]

ROLES = ("Managed HSM Crypto User", "Managed HSM Crypto Officer")


@pytest.fixture
def program(is_required):
    if not setup.is_ready("python"):
        reason = "python tests/clients/setup.py python has not been run since its files changed"
        pytest.fail(reason) if is_required else pytest.skip(reason)
    return "python-backups"


def sow(emulator):
    """An active pool of the service principal that `emulator env` hands out."""
    roles = [{"role": role, "principal": APP, "scope": "/"} for role in ROLES]
    pool = {"name": "ContosoMHSM", "location": "uksouth", "administrators": [APP], "roles": roles}
    file = emulator.home.parent / "pools.json"
    file.write_text(json.dumps({"pools": [pool]}))
    mhsm(emulator.home, "emulator", "seed", "--file", str(file), "-o", "none")


def test_k1_a_pool_and_its_keys_come_back_by_the_official_clients(program, emulator):
    sow(emulator)

    with programs.running(program, "ContosoMHSM", emulator.environment("--from", "uksouth")) as run:
        steps = run.rest()

    assert steps == [
        {"step": "taken", "status": 409},
        {"step": "key", "name": "payments", "type": "RSA-HSM"},
        {"step": "backup", "folder": "https://contosobackups.blob.core.windows.net/hsm/mhsm-ContosoMHSM"},
        {"step": "changed", "keys": ["later"]},
        {"step": "restore", "keys": ["payments"], "verifies": True},
        {"step": "selective", "keys": ["payments"], "verifies": True},
    ]
    assert not any("blob" in one.what for one in emulator.asked)
