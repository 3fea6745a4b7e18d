"""A seeded home and a server process, one of each for the tests of a file; and a report."""

from __future__ import annotations

from typing import Any, Iterator, List

import pytest
from servicekit import Home, ServerProcess, seeded

REPORT: List[str] = []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if REPORT:
        terminalreporter.section("service suite")
        for line in REPORT:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def service_report() -> List[str]:
    """Lines to show at the end of the run."""
    return REPORT


@pytest.fixture(scope="module")
def seeded_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return seeded(tmp_path_factory.mktemp("service") / "home")


@pytest.fixture(scope="module")
def service(seeded_home: Home) -> Iterator[ServerProcess]:
    server = ServerProcess(seeded_home.folder)
    yield server
    server.stop()
