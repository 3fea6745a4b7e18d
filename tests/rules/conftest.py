"""Fixtures of the rule tests, and the list of rules and tests that tools/rules.py reads.

MHSMREGION_RULES_REPORT: write ``{node id: [rules]}`` of what was collected to that file.
MHSMREGION_RULES_PACKAGE: the package must come from that folder (a mutant's copy).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, List

import pytest

import azext_mhsmregion

from .harness import World


def pytest_configure(config: pytest.Config) -> None:
    wanted = os.environ.get("MHSMREGION_RULES_PACKAGE")
    found = Path(azext_mhsmregion.__file__).resolve().parent
    if wanted and found != Path(wanted).resolve():
        raise pytest.UsageError(f"azext_mhsmregion comes from {found}, not from {wanted}")


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    path = os.environ.get("MHSMREGION_RULES_REPORT")
    if path:
        report = {item.nodeid: [mark.args[0] for mark in item.iter_markers("rule")] for item in items}
        Path(path).write_text(json.dumps(report), encoding="utf-8")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A fresh emulator with the documented durations."""
    return World(tmp_path / "home")


@pytest.fixture
def new_world(tmp_path: Path) -> Callable[..., World]:
    """Makes emulators, each on a home of its own."""
    made: List[World] = []

    def make(**settings: Any) -> World:
        made.append(World(tmp_path / f"home{len(made)}", **settings))
        return made[-1]

    return make
