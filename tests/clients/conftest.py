"""A server on a home of the test's own, in a network of loopback only."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from clients import server
from support import required
from support.loopback import only_loopback


@pytest.fixture
def python_sdks():
    """The Python programs and the SDKs that they use are there."""
    required.sdks("python")


@pytest.fixture
def without_network():
    """Where a user may not cut off the network, the doorways' notes are all the proof there is."""
    with ExitStack() as stack:
        try:
            stack.enter_context(only_loopback())
        except (OSError, AttributeError) as error:
            if required.REQUIRED:
                pytest.fail(f"the network cannot be cut off here: {error}")
        yield


@pytest.fixture
def emulator(tmp_path, without_network):
    home = tmp_path / "home"
    server.prepare(home)
    with server.served(home) as running:
        yield running
