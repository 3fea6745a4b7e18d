"""Names to object ids: Graph for ARM, the directory file for the emulator."""

import pytest

from azext_mhsmregion.emulator.open_home import open_home
from azext_mhsmregion.emulator.wire import Caller, Request
from azext_mhsmregion.provider import emulator, graph
from azext_mhsmregion.provider.errors import NotFoundError
from azext_mhsmregion.provider.transport import InProcessTransport


@pytest.fixture
def home(tmp_path):
    return open_home(str(tmp_path / "home"))


@pytest.fixture
def directory(home):
    return home.emulator.directory


@pytest.mark.parametrize("name", ["other", "other@mhsmregion.onmicrosoft.com"])
def test_the_emulator_looks_into_its_directory(home, directory, name):
    assert emulator.connect(home).find_principal(name) == directory.by_name("other").object_id


def test_an_application_is_found_by_its_id(home, directory):
    assert emulator.connect(home).find_principal(directory.app.app_id) == directory.app.object_id


def test_a_stranger_is_not_found(home):
    with pytest.raises(NotFoundError, match="nobody"):
        emulator.connect(home).find_principal("nobody")


def test_graph_is_asked_for_users_then_for_service_principals(home, directory):
    asked = []

    def handle(request: Request, caller: Caller):
        asked.append(request.path)
        return home.handle(request, caller)

    transport = InProcessTransport(handle, home.principal_id)
    assert graph.find_principal(transport, directory.app.app_id) == directory.app.object_id
    assert asked == ["/v1.0/users", "/v1.0/servicePrincipals"]
    assert graph.find_principal(transport, "other@mhsmregion.onmicrosoft.com")
    with pytest.raises(NotFoundError, match="o'hara"):
        graph.find_principal(transport, "o'hara")
