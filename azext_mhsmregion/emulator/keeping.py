"""Reset and snapshots of a home (DESIGN section 9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import List

from azext_mhsmregion.emulator import files
from azext_mhsmregion.emulator.frame import Parts
from azext_mhsmregion.emulator.store import schema
from azext_mhsmregion.emulator.store.copies import check
from azext_mhsmregion.emulator.store.home import unwritable
from azext_mhsmregion.model.errors import Invalid, NotFound

FOLDER = "snapshots"
SUFFIX = ".db"

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
    taken = Invalid(f"There is a snapshot named '{name}' already.")
    if path.exists():
        raise taken
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with files.draft(path) as copy:
            parts.store.snapshot(copy)
            files.publish(copy, path, "snapshot")
    except FileExistsError:
        raise taken from None
    except OSError as error:
        raise unwritable(parts.home, error) from error
    return _described(path)


def restore(parts: Parts, name: str) -> None:
    """Put a snapshot's pools, objects, settings and clock back. Raises NotFound, HomeTooNew, HomeError
    for a snapshot that is damaged."""
    path = _path(parts, name)
    if not path.exists():
        raise NotFound(f"There is no snapshot named '{name}'.")
    check(path, f"The snapshot '{name}'", oldest=schema.VERSION)
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


def _path(parts: Parts, name: str) -> Path:
    if not _NAME.match(name):
        raise Invalid("A snapshot's name has letters, digits, dots, hyphens and underscores, 64 at most.")
    return parts.home / FOLDER / f"{name}{SUFFIX}"


def _described(path: Path) -> Snapshot:
    facts = path.stat()
    return Snapshot(path.name[: -len(SUFFIX)], facts.st_size, facts.st_mtime_ns // 1_000_000)
