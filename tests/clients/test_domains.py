"""A security domain from one pool into another by the unmodified client (rules E6, K1), led by what `mhsm
keyvault emulator env` prints and nothing else."""

from __future__ import annotations

import json

import pytest
from clients import programs
from clients.server import sow
from rules import recovering

pytestmark = [
    pytest.mark.clients,
    pytest.mark.slow,
    pytest.mark.socket,
    pytest.mark.usefixtures("python_sdks"),
]

POOLS = ("ContosoMHSM", "uksouth"), ("ContosoMHSM2", "australiaeast")


def test_e6_a_security_domain_and_a_key_go_into_another_pool_by_the_official_client(emulator):
    sow(emulator.home, *({"name": name, "location": where, "activated": False} for name, where in POOLS))

    with programs.running("python-domains", "ContosoMHSM", emulator.environment("--from", "uksouth")) as run:
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
