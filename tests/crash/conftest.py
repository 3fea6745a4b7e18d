"""What all crash tests share: certificates, the run that nothing disturbs, and a report."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from crashkit import Run, drive

from azext_mhsmregion.crypto import certificates
from azext_mhsmregion.emulator import failpoints

REPORT: List[str] = []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if REPORT:
        terminalreporter.section("crash suite")
        for line in REPORT:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def report() -> List[str]:
    """Lines to show at the end of the run."""
    return REPORT


@pytest.fixture(scope="session")
def certificates_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three certificates, as a request for a security domain has them."""
    path = tmp_path_factory.mktemp("certificates") / "three.json"
    began = datetime.datetime(2026, 1, 1)
    made = [certificates.self_signed(f"crash{number}", began, 365)[1] for number in range(3)]
    path.write_text(json.dumps([certificates.certificate_jwk(pem) for pem in made]))
    return path


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, certificates_file: Path) -> Run:
    """The whole story, its states, and every failpoint on its way."""
    folder = tmp_path_factory.mktemp("undisturbed")
    log = folder / "log"
    log.touch()
    run = drive("story", folder / "home", certificates_file, log=log, states=True)
    assert run.exit_code == 0, run.errors
    return run


@pytest.fixture(scope="session")
def hits(undisturbed: Run) -> Dict[str, int]:
    """How often the story passes each failpoint."""
    assert undisturbed.log is not None
    return failpoints.hits(str(undisturbed.log))


@pytest.fixture(scope="session")
def active_home(tmp_path_factory: pytest.TempPathFactory, certificates_file: Path) -> Path:
    """A home with an active pool, to copy."""
    home = tmp_path_factory.mktemp("active") / "home"
    run = drive("begin", home, certificates_file)
    assert run.exit_code == 0, run.errors
    return home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    shutil.rmtree(tmp_path, ignore_errors=True)
