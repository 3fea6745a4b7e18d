"""An az of each tested version, and homes to run it on."""

from __future__ import annotations

import shutil

import pytest
from az import homes, installation


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory):
    """Made once; tests work on copies."""
    with installation.made_once(tmp_path_factory, "prepared-home") as folder:
        if not folder.exists():
            homes.prepare(folder)
    return folder


@pytest.fixture
def home(prepared_home, tmp_path):
    """A home of the test's own."""
    shutil.copytree(prepared_home, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(params=installation.VERSIONS)
def version(request):
    installation.python_of(request.param)
    return request.param


@pytest.fixture
def fresh_az(version, tmp_path, home, tmp_path_factory):
    """az with our extension, an empty profile, the emulator provider."""
    extensions = installation.extensions_of(version, tmp_path_factory)
    settings = {"MHSMREGION_PROVIDER": "emulator", "MHSMREGION_HOME": str(home)}
    return installation.Az(version, tmp_path / "az", extensions, settings)


@pytest.fixture
def az(fresh_az, tmp_path_factory):
    """The same with a profile that has a command index and no login."""
    shutil.copytree(installation.warm_profile_of(fresh_az.version, tmp_path_factory), fresh_az.profile)
    return fresh_az


@pytest.fixture
def server(home):
    with homes.served(home) as running:
        yield running


def logged_in(az, server):
    """The same az, led to the server and signed in as the emulator's service principal."""
    kept = ("AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR", "MHSMREGION_PROVIDER", "JAVA_TOOL_OPTIONS")
    az.settings = {
        **az.settings,
        **{name: value for name, value in server.environment.items() if name not in kept},
    }
    done = az(
        f"login --service-principal -u {server.environment['AZURE_CLIENT_ID']}"
        f" -p {server.environment['AZURE_CLIENT_SECRET']} --tenant {server.environment['AZURE_TENANT_ID']}"
    )
    assert done.code == 0, done.err
    return az


@pytest.fixture
def az_online(az, server):
    """az with our extension, signed in over the server's socket."""
    return logged_in(az, server)


@pytest.fixture
def plain_az(version, tmp_path, home, server):
    """Unmodified az: no extension; signed in over the server's socket."""
    return logged_in(installation.Az(version, tmp_path / "plain", tmp_path / "none"), server)
