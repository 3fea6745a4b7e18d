"""``--record emulator|azure``: the cassettes are recorded anew instead of replayed."""

from __future__ import annotations

import os

import pytest
import scenario


def pytest_addoption(parser):
    parser.addoption(
        "--record",
        choices=("emulator", "azure"),
        help="record tests/recordings anew, against a fresh emulator or against real Azure",
    )


@pytest.fixture(scope="session")
def record(request):
    """Where to record, None to replay."""
    return request.config.getoption("--record", None)


@pytest.fixture
def emulator_service(tmp_path):
    with scenario.emulator_service(tmp_path / "home") as service:
        yield service


@pytest.fixture
def service(record, request, tmp_path):
    """Where the test records."""
    if record == "azure":
        return scenario.azure_service(dict(os.environ), tmp_path / "arm")
    return request.getfixturevalue("emulator_service")
