"""Private files, written whole or not at all: a draft, fsync, then one rename or link.

``what`` names a file's failpoints, where its own name does not.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from azext_mhsmregion.emulator import failpoints


def create_private(path: Path, data: bytes, what: str = "") -> bytes:
    """Make the file ``path`` (mode 0600) with ``data`` in one step, unless it exists; answer
    what it holds then. Of two processes that make it at once one wins, and both answer alike."""
    _make_folder(path.parent)
    with _draft(path, data) as draft, _failpoints(what or path.name):
        try:
            os.link(draft, path)
        except FileExistsError:
            return path.read_bytes()
    _sync_folder(path.parent)
    return data


def replace_private(path: Path, data: bytes, what: str = "") -> None:
    """Make or replace the file ``path`` (mode 0600) in one step."""
    _make_folder(path.parent)
    with _draft(path, data) as draft, _failpoints(what or path.name):
        os.replace(draft, path)
    _sync_folder(path.parent)


@contextmanager
def _failpoints(what: str) -> Iterator[None]:
    failpoints.passes(f"rename.{what}.before")
    yield
    failpoints.passes(f"rename.{what}.after")


def _make_folder(folder: Path) -> None:
    """The folder and those above it, mode 0700 (``parents=True`` would give those the umask's)."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)


@contextmanager
def _draft(path: Path, data: bytes) -> Iterator[Path]:
    """A file beside ``path`` that holds ``data`` for good; gone at the end unless renamed."""
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
