"""The scenarios, replayed from tests/recordings without a network, or recorded with --record."""

import pytest
from scenario import RECORDINGS, recorded, replayed
from scenarios import SCENARIOS, file_name


@pytest.mark.parametrize("name", SCENARIOS)
def test_mhsm(name, record, request, tmp_path):
    path = RECORDINGS / file_name(name)
    if record:
        with recorded(path, tmp_path, request.getfixturevalue("service")) as scenario:
            SCENARIOS[name](scenario)
    else:
        with replayed(path, tmp_path) as scenario:
            SCENARIOS[name](scenario)
