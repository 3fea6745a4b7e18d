"""Unmodified management clients, led by what `mhsm keyvault emulator env` prints and nothing else."""

from __future__ import annotations

import pytest
from clients import programs
from support import required

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.socket]

PRIMARY = ["uksouth", True, "Succeeded"]
EXTENDED = ["australiaeast", False, "Succeeded"]
OTHERS_OF_OURS = {"CONNECT management.azure.com:443", "CONNECT login.microsoftonline.com:443"}

BY_NAME, BY_PORT = "by name", "by port"
PLACES_TOLD = {"python": BY_NAME, "python-aio": BY_NAME, "node": BY_NAME, "go": BY_NAME, "java": BY_PORT}
"""How a client says where it stands: its proxy's user name, or the port of that place. Java's sends a
user name (https.proxyUser, or HTTPS_PROXY's with java.net.useSystemProxies) only to a proxy that asks
for it by 407, and ours asks nobody."""


@pytest.fixture(params=programs.COMMANDS)
def program(request):
    required.sdks(programs.language(request.param))
    return request.param


def environment(emulator, program, place):
    if PLACES_TOLD[program] == BY_NAME:
        return emulator.environment("--from", place)
    return emulator.environment(port_of=place)


@pytest.mark.parametrize("place", ["uksouth", "australiaeast"])
def test_a_pool_lives_and_dies_by_the_official_client(program, place, emulator):
    told = environment(emulator, program, place)

    with programs.running(program, "ContosoMHSM", told) as run:
        created = run.step()
        emulator.activate("ContosoMHSM")
        run.go_on()
        steps = run.rest()

    assert created == {"step": "create", "pool": "ContosoMHSM", "location": "uksouth", "state": "Succeeded"}
    assert steps == [
        {"step": "extend", "regions": [PRIMARY, EXTENDED]},
        {"step": "place", "region": place},
        {"step": "list", "pools": ["ContosoMHSM"]},
        {"step": "shrink", "regions": [PRIMARY]},
        {"step": "delete", "deleted": ["ContosoMHSM"]},
        {"step": "purge", "deleted": []},
    ]
    assert_only_ours_was_asked(emulator, "contosomhsm.managedhsm.azure.net")
    assert {one.user for one in emulator.asked} == {place if PLACES_TOLD[program] == BY_NAME else ""}


def assert_only_ours_was_asked(emulator, pool_host):
    asked = {one.what.replace("ContosoMHSM", "contosomhsm") for one in emulator.asked}
    assert asked == OTHERS_OF_OURS | {f"CONNECT {pool_host}:443"}
