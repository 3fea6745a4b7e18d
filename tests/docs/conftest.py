"""Machines for the pages' commands, in a network of loopback only."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from docs.machine import OURS, Machine
from support.loopback import only_loopback
from support.required import REQUIRED


@pytest.fixture
def without_network():
    """Where a user may not cut off the network, the emulator's own refusals are all there is."""
    with ExitStack() as stack:
        try:
            stack.enter_context(only_loopback())
        except (OSError, AttributeError):
            if REQUIRED:
                pytest.fail("the network cannot be cut off here")
        yield


@pytest.fixture
def new_machine(tmp_path, without_network):
    """Makes the test's machine: ``mhsm`` of this environment, and further programs by name."""
    made = []

    def make(**programs):
        made.append(Machine(tmp_path, {"mhsm": OURS / "mhsm", **programs}))
        return made[-1]

    yield make
    for machine in made:
        machine.clean_up()
