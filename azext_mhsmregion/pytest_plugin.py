"""Fixtures for suites that talk to managed HSMs (installed with the package, nothing to import).

``mhsm_emulator``: one emulator a session (one a worker under xdist), with a server of its own.
``mhsm_pool``: a fresh active pool in two regions for each test; its name.
``mhsm_clock``: service time stands still; advance it by hand. Runs again after the test.
``mhsm_fault``: breaks something; it ends with the test. What is destroyed stays so.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Callable, Iterator

import pytest

if TYPE_CHECKING:
    from azext_mhsmregion.emulator.embedded import Embedded
    from azext_mhsmregion.emulator.embedded_faults import Injected

_numbers = count(1)


@pytest.fixture(scope="session")
def mhsm_emulator() -> Iterator[Embedded]:
    """A running emulator; ``environment(place)`` gives the variables for clients."""
    from azext_mhsmregion.emulator import embedded

    with embedded.running() as emulator:
        yield emulator


@pytest.fixture
def mhsm_pool(mhsm_emulator: Embedded) -> str:
    """The name of a new active pool in UK South and Australia East; its administrators and
    Crypto Users are the home's owner and the service principal of ``environment``."""
    name = f"test-pool-{next(_numbers)}"
    app = mhsm_emulator.emulator.directory.app
    people = ["owner", *([app.object_id] if app else [])]
    roles = [{"role": "Managed HSM Crypto User", "principal": who, "scope": "/keys"} for who in people]
    mhsm_emulator.seed({"name": name, "regions": ["australiaeast"], "administrators": people, "roles": roles})
    return name


@pytest.fixture
def mhsm_clock(mhsm_emulator: Embedded) -> Iterator[Embedded]:
    """The emulator with its clock held; ``advance(seconds)`` moves it."""
    mhsm_emulator.hold_time()
    yield mhsm_emulator
    mhsm_emulator.emulator.set_clock(lambda clock, real: clock.with_mode(real, "real"))


@pytest.fixture
def mhsm_fault(mhsm_emulator: Embedded) -> Iterator[Callable[..., Injected]]:
    """Injects a fault, as :meth:`Embedded.fault` does; its id. What a test broke ends with it."""
    yield mhsm_emulator.fault
    mhsm_emulator.clear()
