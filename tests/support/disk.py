"""File systems of a test's own: read-only ones, and ones that are soon full."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, List

from support import namespace

REQUIRED = "MHSMREGION_REQUIRE_MOUNTS" in os.environ
"""Does a run require that nothing is skipped for want of the right to mount?"""


@contextmanager
def mounting(item: Any, folder: Path) -> Iterator[Callable[[str], Path]]:
    """What mounts a tmpfs with some options below ``folder``, for a whole test: here, else in a
    namespace in which the test runs again. Where neither is allowed it is skipped, or fails if it is
    required."""
    mounted: List[Path] = []

    def make(options: str) -> Path:
        point = folder / f"mount{len(mounted)}"
        point.mkdir()
        problem = _mount(point, options)
        assert not problem, problem
        mounted.append(point)
        return point

    problem = _problem(folder)
    if problem:
        namespace.again(item, "--mount", f"a tmpfs cannot be mounted here: {problem}", REQUIRED)
        yield lambda _options: folder  # the test has run: its body is left out here
        return
    try:
        yield make
    finally:
        for point in mounted:
            subprocess.run(["umount", "-l", str(point)], check=True)


def _problem(folder: Path) -> str:
    """Why this process may not mount, empty where it may."""
    point = folder / "probe"
    point.mkdir()
    problem = _mount(point, "size=8k")
    if not problem:
        subprocess.run(["umount", str(point)], check=True)
    return problem


def _mount(point: Path, options: str) -> str:
    """Why it is not mounted, empty when it is."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"
