"""Private files, written whole or not at all: a draft, fsync, then one rename or link.

``what`` names a file's failpoints, where its own name does not. A draft's name tells the process
that makes it, so that what a killed one left can be swept.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator

from azext_mhsmregion.emulator import failpoints

_DRAFT = re.compile(r"\..+\.draft-([0-9]{1,7})-[0-9a-f]{16}(-journal)?")


def create_private(path: Path, data: bytes, what: str = "") -> bytes:
    """Make the file ``path`` (mode 0600) with ``data`` in one step, unless it exists; answer
    what it holds then. Of two processes that make it at once one wins, and both answer alike."""
    _make_folder(path.parent)
    with _written(path, data) as made, _failpoints(what or path.name):
        try:
            os.link(made, path)
        except FileExistsError:
            return path.read_bytes()
    _sync(path.parent)
    return data


def replace_private(path: Path, data: bytes, what: str = "") -> None:
    """Make or replace the file ``path`` (mode 0600) in one step."""
    _make_folder(path.parent)
    with _written(path, data) as made, _failpoints(what or path.name):
        os.replace(made, path)
    _sync(path.parent)


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """A name beside ``path`` for the file or folder that is to be there once it is made; gone at
    the end, unless it was published. What killed processes left in the folder goes first."""
    _sweep(path.parent)
    name = _draft_name(path)
    try:
        yield name
    finally:
        _remove(name)


def publish(made: Path, path: Path, what: str) -> None:
    """Give a draft that is whole its name. Raises FileExistsError when there is such a file, or such
    a folder that is not empty."""
    for file in [*(made.iterdir() if made.is_dir() else ()), made]:
        _sync(file)
    with _failpoints(what):
        if made.is_dir():
            _rename_folder(made, path)
        else:
            _link(made, path)
    _sync(path.parent)


def _rename_folder(made: Path, path: Path) -> None:
    try:
        os.rename(made, path)
    except OSError as error:
        if path.is_dir() and any(path.iterdir()):
            raise FileExistsError(error.errno, "it is not empty", str(path)) from error
        raise


def _link(made: Path, path: Path) -> None:
    """By a rename where the file system has no links, at the risk of another process's equal idea."""
    try:
        os.link(made, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(f"{path} exists") from None
        os.rename(made, path)


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
def _written(path: Path, data: bytes) -> Iterator[Path]:
    """A file beside ``path`` that holds ``data`` for good; gone at the end unless renamed."""
    made = _draft_name(path)
    try:
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield made
    finally:
        made.unlink(missing_ok=True)


def _draft_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.draft-{os.getpid()}-{os.urandom(8).hex()}")


def _sweep(folder: Path) -> None:
    """Remove the drafts in ``folder`` of processes that are no more."""
    for path in folder.iterdir() if folder.is_dir() else []:
        found = _DRAFT.fullmatch(path.name)
        if found is not None and not _is_alive(int(found[1])):
            _remove(path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
