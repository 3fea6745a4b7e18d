"""The sides that the provider suite runs against, and what unit tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

import sides  # noqa: E402


@pytest.fixture(scope="session")
def emulator_server(tmp_path_factory):
    """The environment of one emulator's server, for the whole session."""
    with sides.served(tmp_path_factory.mktemp("server") / "home") as environ:
        yield environ


@pytest.fixture(
    params=[
        "player",
        "emulator",
        pytest.param("socket", marks=pytest.mark.socket),
        pytest.param("server", marks=pytest.mark.socket),
    ]
)
def provider_side(request):
    """One side of the suite: see sides.py."""
    return sides.SIDES[request.param](request)


@pytest.fixture(
    params=[
        "emulator",
        pytest.param("socket", marks=pytest.mark.socket),
        pytest.param("server", marks=pytest.mark.socket),
    ]
)
def data_plane_side(request):
    """A side with a data plane: the region recording has none."""
    return sides.SIDES[request.param](request)
