"""The test of a full disk cannot vanish: without the right to mount it runs in a namespace, and where
that is not allowed either it fails if a run requires it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import namespace

TEST = "tests/service/test_bad_input.py::test_a_full_disk"
CHECKOUT = Path(__file__).resolve().parents[2]
REQUIRED = {"MHSMREGION_REQUIRE_MOUNTS": "1"}


def outcome(path: str, **more: str) -> str:
    """What pytest says last of the test where programs are looked for in ``path``."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MHSMREGION_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST],
        cwd=CHECKOUT,
        env={**environment, "PATH": path, **more},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout.strip().splitlines()[-1]


def test_where_nothing_can_be_mounted_it_is_skipped_and_fails_if_required(tmp_path: Path) -> None:
    nothing = str(tmp_path)
    assert "1 skipped" in outcome(nothing)
    assert "1 error" in outcome(nothing, **REQUIRED)


def test_without_the_right_to_mount_it_runs_in_a_namespace(tmp_path: Path) -> None:
    """``mount`` refuses, as it does anybody but root, until the test is root of a namespace."""
    real = shutil.which("mount")
    if real is None or not namespace.may_be_root("--mount"):
        pytest.skip("no namespaces can be made here")
    mount = tmp_path / "mount"
    mount.write_text(
        f'#!/bin/sh\n[ -n "$MHSMREGION_TEST_IN_NAMESPACE" ] && exec {real} "$@"\n'
        'echo "mount: must be superuser" >&2\nexit 32\n'
    )
    mount.chmod(0o755)
    said = outcome(f"{tmp_path}:{os.environ['PATH']}", **REQUIRED)
    assert "1 passed" in said
