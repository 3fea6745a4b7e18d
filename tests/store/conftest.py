"""A home and a store for each test; small file systems where the system allows mounts."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Iterator

import pytest
from storekit import open_store
from support import disk

from azext_mhsmregion.emulator.store.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    made = open_store(home)
    yield made
    made.close()


@pytest.fixture
def mount(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a tmpfs with some options."""
    with disk.mounting(request.node, tmp_path) as make:
        yield make
