"""Throw-away emulators (``start --memory``): their state lies in a private folder in memory, where
the system has one, and is gone when they stop.

The home that the user names holds nothing but ``memory.json``, which points to that folder while
the server lives: so every command of that home finds it. What a killed server leaves is pointed to
still; it is ignored, and taken away by the next ``stop`` or ``start``.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Tuple

from azext_mhsmregion.emulator.errors import HomeError, HomeHeld

POINTER = "memory.json"
PREFIX = "mhsmregion-"
SHARED_MEMORY = Path("/dev/shm")


class Pointer(NamedTuple):
    """Where the state lies, and the folders that were made for the pointer, innermost first."""

    folder: Path
    made: Tuple[Path, ...]


def make(home: Path, shared_memory: Path = SHARED_MEMORY) -> Path:
    """A new folder (mode 0700) for ``home``: in shared memory where there is any, else in the
    system's temporary folder. Raises HomeError."""
    import tempfile

    is_usable = shared_memory.is_dir() and os.access(shared_memory, os.W_OK | os.X_OK)
    where = shared_memory if is_usable else Path(tempfile.gettempdir())
    try:
        return Path(tempfile.mkdtemp(prefix=prefix_of(home), dir=where))
    except OSError as error:
        raise HomeError(f"No folder can be made in {where}: {error.strerror}.", "Set TMPDIR.") from error


def prefix_of(home: Path) -> str:
    """What the names of a home's folders begin with, so that a user can tell whose they are."""
    import hashlib

    return f"{PREFIX}{hashlib.sha256(str(home).encode()).hexdigest()[:8]}-"


def follow(home: Path) -> Path:
    """The folder with the home's state: that of the throw-away emulator that runs for it, else the
    home itself."""
    if not os.path.lexists(home / POINTER):
        return home  # the usual case, at the cost of one look
    pointer = _read(home)
    return pointer.folder if pointer is not None and _is_alive(pointer.folder) else home


def announce(home: Path, folder: Path) -> None:
    """Point from ``home`` to ``folder``, whose server is announced already. Raises HomeError, also
    when the home has a server by now."""
    from azext_mhsmregion.emulator import running
    from azext_mhsmregion.emulator.files import create_private
    from azext_mhsmregion.emulator.store.home import unwritable

    try:
        made = _make_folders(home)
        facts = {"folder": str(folder), "made": [str(path) for path in made]}
        data = json.dumps(facts).encode()
        is_ours = create_private(home / POINTER, data, "server.json") == data
    except OSError as error:
        raise unwritable(home, error) from error
    if not is_ours or running.find(home) is not None:
        raise HomeHeld(f"Another server was started on {home} meanwhile.", "One home has one server.")


def remove(home: Path, folder: Path) -> None:
    """Remove the folder, and what points to it from ``home``. What is gone already is no error."""
    pointer = _read(home)
    _remove_folder(folder)
    if pointer is not None and pointer.folder == folder:
        _withdraw(home, pointer)


def sweep(home: Path) -> Optional[Path]:
    """Remove what a killed server has left, if it left anything; answer its folder."""
    if not os.path.lexists(home / POINTER):
        return None
    pointer = _read(home)
    if pointer is None or _is_alive(pointer.folder):
        return None
    _remove_folder(pointer.folder)
    _withdraw(home, pointer)
    return pointer.folder


def _read(home: Path) -> Optional[Pointer]:
    try:
        facts: Any = json.loads((home / POINTER).read_text(encoding="utf-8"))
        return Pointer(Path(facts["folder"]), tuple(Path(path) for path in facts["made"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_alive(folder: Path) -> bool:
    from azext_mhsmregion.emulator import running

    return _is_private(folder) and running.find(folder) is not None


def _is_private(folder: Path) -> bool:
    """Is it a folder that :func:`make` has made for this user? Where it lies others may make some of
    that name, once ours is gone."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    is_ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()
    return is_ours and folder.name.startswith(PREFIX)


def _make_folders(home: Path) -> List[Path]:
    """Make the home and the folders above it; those that were made, innermost first."""
    missing = []
    path = home
    while not path.exists():
        missing.append(path)
        path = path.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700)
    return missing


def _remove_folder(folder: Path) -> None:
    if _is_private(folder):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _withdraw(home: Path, pointer: Pointer) -> None:
    with suppress(FileNotFoundError):
        (home / POINTER).unlink()
    with suppress(OSError):  # somebody has put something there, or removed it
        for path in pointer.made:
            path.rmdir()
