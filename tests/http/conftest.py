"""One authority for all tests of the folder; a gateway and a server for each test."""

import time

import pytest
from floor import FakeGateway

from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.server import Server


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("home"), time.time)
    made.bundle()
    return made


@pytest.fixture(scope="session")
def bundle(authority):
    return str(authority.bundle_path)


@pytest.fixture
def gateway():
    return FakeGateway()


@pytest.fixture
def server(gateway, authority):
    with Server(gateway, authority, places={"uksouth": 0}, health={"version": "1"}).in_thread() as running:
        yield running
        gateway.release.set()
