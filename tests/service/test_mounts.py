"""Tests that mount cannot vanish: without the right to they run in a namespace, and where that is not
allowed either they fail if a run requires them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import namespace

TESTS = ("tests/service/test_bad_input.py::test_a_full_disk",
         "tests/store/test_store_home.py::test_a_home_on_a_read_only_file_system_is_refused")  # fmt: skip
CHECKOUT = Path(__file__).resolve().parents[2]
REQUIRED = {"MHSMREGION_REQUIRE_MOUNTS": "1"}


def outcome(path: str, **more: str) -> str:
    """What pytest says last of the tests where programs are looked for in ``path``."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MHSMREGION_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS],
        cwd=CHECKOUT,
        env={**environment, "PATH": path, **more},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout.strip().splitlines()[-1]


def test_where_nothing_can_be_mounted_they_are_skipped_and_fail_if_required(tmp_path: Path) -> None:
    nothing = str(tmp_path)
    assert "2 skipped" in outcome(nothing)
    assert "2 errors" in outcome(nothing, **REQUIRED)


def test_without_the_right_to_mount_they_run_in_a_namespace(tmp_path: Path) -> None:
    """``mount`` refuses, as it does anybody but root, until a test is root of a namespace."""
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
    assert "2 passed" in said
