"""What is committed is what a recording gives today: recorded again against a fresh emulator,
each cassette comes out the same, byte for byte; by az as well, which sends what ``mhsm`` sends.
One that was recorded from Azure is compared with nothing: Azure's times and lengths are its own."""

import socket

import az_program
import pytest
import yaml
from az.installation import VERSIONS, python_of
from scenario import RECORDINGS, forbid_sockets, recorded, replayed
from scenarios import IN_AZ, SCENARIOS, file_name

pytestmark = pytest.mark.socket
STALE = "what is sent or answered has changed: look at the difference, then `make record`"


def committed(name):
    """The text of a cassette that the emulator gave."""
    text = (RECORDINGS / file_name(name)).read_text()
    origin = yaml.safe_load(text)["recorded_from"]
    if origin != "emulator":
        pytest.skip(f"{name} was recorded from {origin}")
    return text


@pytest.mark.parametrize("name", SCENARIOS)
def test_recording_again_gives_the_same_file(name, emulator_service, tmp_path):
    path, before = tmp_path / file_name(name), committed(name)
    with recorded(path, tmp_path, emulator_service) as scenario:
        SCENARIOS[name](scenario)
    assert path.read_text() == before, STALE


@pytest.mark.az
@pytest.mark.parametrize("version", VERSIONS)
def test_az_records_the_same_file(version, emulator_service, tmp_path, tmp_path_factory):
    python_of(version)
    name = IN_AZ[0]
    path, before = tmp_path / file_name(name), committed(name)
    with az_program.recorded(version, tmp_path_factory, path, tmp_path, emulator_service) as scenario:
        SCENARIOS[name](scenario)
    assert path.read_text() == before, STALE


def test_a_replay_fails_when_a_command_sends_something_else(tmp_path):
    with (
        pytest.raises(pytest.fail.Exception, match="sent what the cassette does not have"),
        replayed(RECORDINGS / file_name("region_dry_run"), tmp_path) as scenario,
    ):
        scenario.run(f"keyvault region add --hsm-name {scenario.pool} --region japaneast")


def test_a_replay_fails_when_something_recorded_is_not_asked_for(tmp_path):
    with (
        pytest.raises(AssertionError, match="nobody asked for"),
        replayed(RECORDINGS / file_name("region_dry_run"), tmp_path) as scenario,
    ):
        scenario.run(f"keyvault region list --hsm-name {scenario.pool}")


def test_a_replay_may_not_use_the_network():
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = door.getsockname()
        socket.create_connection(address).close()
        with pytest.MonkeyPatch.context() as patch:
            forbid_sockets(patch)
            for reach in (
                lambda: socket.create_connection(address),
                lambda: socket.socket().connect(address),
                lambda: socket.getaddrinfo("localhost", 80),
            ):
                with pytest.raises(PermissionError, match="may not use the network"):
                    reach()
