"""Backup, restore and rotation by the unmodified clients of the data plane, led by what `mhsm keyvault
emulator env` prints and nothing else (rule K1)."""

from __future__ import annotations

import pytest
from clients import programs
from clients.server import sow

pytestmark = [
    pytest.mark.clients,
    pytest.mark.slow,
    pytest.mark.socket,
    pytest.mark.usefixtures("python_sdks"),
]


def steps_of(program, emulator):
    sow(emulator.home, {"name": "ContosoMHSM", "location": "uksouth"})
    with programs.running(program, "ContosoMHSM", emulator.environment("--from", "uksouth")) as run:
        return run.rest()


def test_k1_a_pool_and_its_keys_come_back_by_the_official_clients(emulator):
    steps = steps_of("python-backups", emulator)

    assert steps == [
        {"step": "taken", "status": 409},
        {"step": "key", "name": "payments", "type": "RSA-HSM"},
        {"step": "backup", "folder": "https://contosobackups.blob.core.windows.net/hsm/mhsm-ContosoMHSM"},
        {"step": "changed", "keys": ["later"]},
        {"step": "restore", "keys": ["payments"], "verifies": True},
        {"step": "selective", "keys": ["payments"], "verifies": True},
    ]
    assert not any("blob" in one.what for one in emulator.asked)


def test_k1_a_key_gets_a_policy_and_is_rotated_by_the_official_client(emulator):
    steps = steps_of("python-rotation", emulator)

    assert steps == [
        {"step": "none yet", "actions": []},
        {"step": "policy", "expires_in": "P90D", "actions": [["Rotate", "P30D", None]]},
        {"step": "rotated", "versions": 2, "is_new": True, "days": 90},
        {"step": "old", "verifies": True, "current": False},
    ]
