"""Reset, snapshots, export and import of a home (DESIGN section 9)."""

from __future__ import annotations

import os
import re
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import List

from azext_mhsmregion.emulator.errors import HomeError, HomeTooNew
from azext_mhsmregion.emulator.frame import Parts
from azext_mhsmregion.emulator.store import schema
from azext_mhsmregion.emulator.store.store import FILE
from azext_mhsmregion.model.errors import Invalid, NotFound

FOLDER = "snapshots"
SUFFIX = ".db"
CARRIED = ("home.key", "directory.json")
"""What an export holds beside the store: without the home's key its keys cannot be unwrapped."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


@dataclass(frozen=True)
class Snapshot:
    """One snapshot: its name, its size in bytes, when it was taken (real time, milliseconds)."""

    name: str
    bytes: int
    taken: int


def reset(parts: Parts) -> None:
    """Back to a home just made: no pools, default settings, the clock running. The directory,
    its certificates and snapshots stay."""
    with parts.writing("reset") as unit:
        unit.tx.clear()
        unit.restart()


def take(parts: Parts, name: str) -> Snapshot:
    """Take a snapshot, as of one instant. Raises Invalid for a name that is none or is taken."""
    path = _path(parts, name)
    if path.exists():
        raise Invalid(f"There is a snapshot named '{name}' already.")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    parts.store.snapshot(path)
    return _described(path)


def restore(parts: Parts, name: str) -> None:
    """Put a snapshot's pools, objects, settings and clock back. Raises NotFound, HomeTooNew."""
    path = _path(parts, name)
    if not path.exists():
        raise NotFound(f"There is no snapshot named '{name}'.")
    _check_schema(path)
    with parts.writing("restore") as unit:
        unit.tx.copy_from(path)
        unit.restart()


def drop(parts: Parts, name: str) -> None:
    """Delete a snapshot. Raises NotFound."""
    try:
        _path(parts, name).unlink()
    except FileNotFoundError:
        raise NotFound(f"There is no snapshot named '{name}'.") from None


def listed(parts: Parts) -> List[Snapshot]:
    """All snapshots, by name."""
    return [_described(path) for path in sorted((parts.home / FOLDER).glob(f"*{SUFFIX}"))]


def export(parts: Parts, target: Path) -> None:
    """Write the home's state to a new file (mode 0600): the store, the key that unwraps its
    keys, the directory. Raises FileExistsError."""
    parts.home_key()
    with tempfile.TemporaryDirectory(dir=parts.home) as folder:
        copy = Path(folder) / FILE
        parts.store.snapshot(copy)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            archive.add(copy, FILE)
            for name in CARRIED:
                archive.add(parts.home / name, name)


def unpack(source: Path, home: Path) -> None:
    """Make a home of an export. The home must not exist, or be empty. Raises HomeError."""
    if home.exists() and any(home.iterdir()):
        raise HomeError(f"The home {home} is not empty.", "Import into a folder that does not exist yet.")
    try:
        with tarfile.open(source, "r:gz") as archive:
            parts = {name: archive.extractfile(name) for name in (FILE, *CARRIED)}
            contents = {name: part.read() for name, part in parts.items() if part is not None}
    except (OSError, tarfile.TarError, KeyError, EOFError) as error:
        raise HomeError(f"{source} is not an export of an emulator: {error}", "") from error
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, data in contents.items():
        with os.fdopen(os.open(home / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)


def _path(parts: Parts, name: str) -> Path:
    if not _NAME.match(name):
        raise Invalid("A snapshot's name has letters, digits, dots, hyphens and underscores, 64 at most.")
    return parts.home / FOLDER / f"{name}{SUFFIX}"


def _described(path: Path) -> Snapshot:
    facts = path.stat()
    return Snapshot(path.name[: -len(SUFFIX)], facts.st_size, facts.st_mtime_ns // 1_000_000)


def _check_schema(path: Path) -> None:
    with closing(sqlite3.connect(path)) as snapshot:
        (version,) = snapshot.execute("PRAGMA user_version").fetchone()
    if version != schema.VERSION:
        raise HomeTooNew(
            f"The snapshot {path.name} has schema {version}, this version of mhsmregion {schema.VERSION}.",
            "Take the snapshot again with this version.",
        )
