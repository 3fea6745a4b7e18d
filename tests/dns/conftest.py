"""A pool in two regions under the manual clock, asked by DNS."""

from __future__ import annotations

import time

import pytest
from rules.harness import World

from azext_mhsmregion.emulator.http.authority import Authority


@pytest.fixture
def world(tmp_path):
    """ContosoMHSM in UK South and Australia East, documented durations; polls do not move the clock."""
    made = World(tmp_path / "home").extended_pool()
    made.hold_time_still()
    yield made
    made.emulator.store.close()


@pytest.fixture
def authority(world):
    made = Authority(world.emulator.home, time.time)
    made.bundle()
    return made
