"""A file system that is soon full."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

from support import namespace


@contextmanager
def small_disk(item: Any, folder: Path, required: bool) -> Iterator[Path]:
    """A file system of 8 MB on ``folder``, for a whole test: mounted here, else in a namespace in which
    the test runs again. Where neither is allowed it is skipped, or fails if it is ``required``."""
    problem = _mount(folder)
    if problem:
        namespace.again(item, "--mount", f"a small tmpfs cannot be mounted here: {problem}", required)
        yield folder
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(folder: Path) -> str:
    """Why it is not mounted, empty when it is."""
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"
