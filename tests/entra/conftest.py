"""One directory, one signing key and a clock that the test moves."""

import itertools

import pytest

from azext_mhsmregion.emulator.directory import Directory
from azext_mhsmregion.emulator.entra.context import EntraContext
from azext_mhsmregion.emulator.entra.tokens import Tokens


class Clock:
    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self):
        return self.seconds


@pytest.fixture(scope="session")
def entra_home(tmp_path_factory):
    """Making an RSA key takes time: one for all."""
    return tmp_path_factory.mktemp("entra")


@pytest.fixture(scope="session")
def directory(entra_home):
    numbers = itertools.count(1)
    return Directory.load(
        entra_home, lambda: f"00000000-0000-0000-0000-{next(numbers):012}", lambda: "s3cret+%&"
    )


@pytest.fixture
def clock():
    return Clock(1_800_000_000)


@pytest.fixture
def context(entra_home, directory, clock):
    return EntraContext(directory, Tokens(entra_home, directory, clock), clock)
