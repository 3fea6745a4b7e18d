"""The scenarios, replayed from tests/recordings without a network, or recorded with --record."""

import az_program
import pytest
from az.installation import VERSIONS, python_of
from scenario import RECORDINGS, recorded, replayed
from scenarios import IN_AZ, SCENARIOS, file_name


@pytest.mark.parametrize("name", SCENARIOS)
def test_mhsm(name, record, request, tmp_path):
    path = RECORDINGS / file_name(name)
    if record:
        with recorded(path, tmp_path, request.getfixturevalue("service")) as scenario:
            SCENARIOS[name](scenario)
    else:
        with replayed(path, tmp_path) as scenario:
            SCENARIOS[name](scenario)


@pytest.fixture(scope="module", params=VERSIONS)
def az(request, record, tmp_path_factory):
    """One process of az for all its scenarios."""
    if record:
        pytest.skip("az replays what mhsm recorded")
    python_of(request.param)
    with az_program.replaying(request.param, tmp_path_factory) as program:
        yield program


@pytest.mark.az
@pytest.mark.parametrize("name", IN_AZ)
def test_az(name, az, tmp_path):
    with az_program.replayed(az, RECORDINGS / file_name(name), tmp_path) as scenario:
        SCENARIOS[name](scenario)
