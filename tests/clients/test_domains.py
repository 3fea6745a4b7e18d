"""A security domain from one pool into another by the unmodified client (rules E6, K1), led by what `mhsm
keyvault emulator env` prints and nothing else."""

from __future__ import annotations

import json

import pytest
from clients import programs, setup
from clients.server import APP, mhsm
from rules import recovering

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.socket]

ROLES = ("Managed HSM Crypto User", "Managed HSM Crypto Officer")


@pytest.fixture
def program(is_required):
    if not setup.is_ready("python"):
        reason = "python tests/clients/setup.py python has not been run since its files changed"
        pytest.fail(reason) if is_required else pytest.skip(reason)
    return "python-domains"


def sow(emulator):
    """Two pools of the service principal that `emulator env` hands out, none of them active."""
    roles = [{"role": role, "principal": APP, "scope": "/"} for role in ROLES]
    same = {"administrators": [APP], "activated": False, "roles": roles}
    pools = [
        {"name": "ContosoMHSM", "location": "uksouth", **same},
        {"name": "ContosoMHSM2", "location": "australiaeast", **same},
    ]
    file = emulator.home.parent / "pools.json"
    file.write_text(json.dumps({"pools": pools}))
    mhsm(emulator.home, "emulator", "seed", "--file", str(file), "-o", "none")


def test_e6_a_security_domain_and_a_key_go_into_another_pool_by_the_official_client(program, emulator):
    sow(emulator)

    with programs.running(program, "ContosoMHSM", emulator.environment("--from", "uksouth")) as run:
        run.go_on(json.dumps(recovering.request()["certificates"]))
        domain = run.step()["value"]
        transfer_key = run.step()
        run.go_on(json.dumps(recovering.restore_blob(domain, transfer_key)))
        steps = run.rest()

    assert transfer_key["key_format"] == "jwk"
    assert steps == [
        {"step": "cut", "status": 400},
        {"step": "upload", "result": None, "status": "Success"},
        {"step": "again", "status": 409},
        {"step": "key", "verifies": True},
    ]
