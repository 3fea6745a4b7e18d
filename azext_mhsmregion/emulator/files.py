"""Private files, written whole or not at all: a draft, fsync, then one rename or link."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from azext_mhsmregion.emulator import failpoints


def create_private(path: Path, data: bytes) -> bytes:
    """Make the file ``path`` (mode 0600) with ``data`` in one step, unless it exists; answer
    what it holds then. Of two processes that make it at once one wins, and both answer alike."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _write_draft(path, data)
    try:
        failpoints.passes(f"rename.{path.name}.before")
        os.link(draft, path)
        failpoints.passes(f"rename.{path.name}.after")
    except FileExistsError:
        return path.read_bytes()
    finally:
        draft.unlink()
    _sync_folder(path.parent)
    return data


def replace_private(path: Path, data: bytes) -> None:
    """Make or replace the file ``path`` (mode 0600) in one step."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _write_draft(path, data)
    try:
        failpoints.passes(f"rename.{path.name}.before")
        os.replace(draft, path)
        failpoints.passes(f"rename.{path.name}.after")
    except OSError:
        with suppress(FileNotFoundError):
            draft.unlink()
        raise
    _sync_folder(path.parent)


def _write_draft(path: Path, data: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
