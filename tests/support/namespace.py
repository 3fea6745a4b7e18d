"""A test again, as the root of namespaces of its own: what a user who is not root may do where the
system lets him."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, NoReturn

import pytest

OWN_ROOT = ("unshare", "--map-root-user")
AGAIN = "MHSMREGION_TEST_IN_NAMESPACE"
SECONDS = 300


def again(item: Any, kind: str, reason: str, required: bool) -> None:
    """Run the test in a process that is root of a namespace of ``kind`` (``--net``, ``--mount``), and
    leave its body here out: a process with threads cannot become that itself. Where that is not allowed
    either the test is skipped for ``reason``, or fails if it is ``required``."""
    if AGAIN in os.environ or not may_be_root(kind):
        _missed(reason, required)
    _run(item, kind)
    item.obj = lambda **_fixtures: None


def _missed(reason: str, required: bool) -> NoReturn:
    if required:
        pytest.fail(reason)
    pytest.skip(reason)


def may_be_root(kind: str) -> bool:
    """May this user be the root of a namespace of ``kind``?"""
    try:
        return subprocess.run([*OWN_ROOT, kind, "true"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(item: Any, kind: str) -> None:
    """Fails the test, with what pytest said, when it does not pass there."""
    command = [*OWN_ROOT, kind, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", item.nodeid]
    environment = {**os.environ, AGAIN: "1"}
    done = subprocess.run(
        command, cwd=item.config.rootpath, env=environment, capture_output=True, text=True, timeout=SECONDS
    )
    if done.returncode != 0 or "1 passed" not in done.stdout:
        pytest.fail(f"in a namespace of its own:\n{done.stdout}{done.stderr}")
