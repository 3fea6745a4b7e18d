"""A home carried elsewhere: exported to a file, and made of one (DESIGN section 9)."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from pathlib import Path

from azext_mhsmregion.crypto.wrap import HOME_KEY_SIZE
from azext_mhsmregion.emulator import directory_text, files
from azext_mhsmregion.emulator.directory import DirectoryError
from azext_mhsmregion.emulator.errors import HomeError
from azext_mhsmregion.emulator.frame import Parts
from azext_mhsmregion.emulator.store.copies import check
from azext_mhsmregion.emulator.store.home import unwritable
from azext_mhsmregion.emulator.store.store import FILE

CARRIED = ("home.key", "directory.json")
"""What an export holds beside the store: without the home's key its keys cannot be unwrapped."""
_NO_ARCHIVE = (tarfile.TarError, KeyError, EOFError, zlib.error, gzip.BadGzipFile)


def export(parts: Parts, target: Path) -> None:
    """Write the home's state to a new file (mode 0600): the store, the key that unwraps its
    keys, the directory. Raises FileExistsError, OSError."""
    parts.home_key()
    if os.path.lexists(target):
        raise FileExistsError(f"{target} exists")
    with files.draft(parts.home / FILE) as copy, files.draft(target) as made:
        parts.store.snapshot(copy)
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            archive.add(copy, FILE)
            for name in CARRIED:
                archive.add(parts.home / name, name)
        files.publish(made, target, "export")


def unpack(source: Path, home: Path) -> None:
    """Make a home of an export, whole or not at all. The home must not exist, or be empty. Raises
    HomeError."""
    home = home.resolve()
    inside = home.exists()  # it may be a mount, which nothing can be renamed to
    try:
        home.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with files.draft(home / home.name if inside else home) as made:
            if inside and any(home.iterdir()):
                raise FileExistsError(str(home))
            made.mkdir(mode=0o700)
            _extract(source, made)
            _check_import(source, made)
            if inside:
                for name in (*CARRIED, FILE):
                    files.publish(made / name, home / name, "import")
            else:
                files.publish(made, home, "import")
    except FileExistsError:
        hint = "Import into a folder that does not exist yet."
        raise HomeError(f"The home {home} is not empty.", hint) from None
    except OSError as error:
        raise unwritable(home, error) from error


def _extract(source: Path, folder: Path) -> None:
    """The three files of an export and nothing else. Raises HomeError, OSError for the folder."""
    try:
        with source.open("rb"):
            pass
    except OSError as error:
        raise _no_export(source, error) from error
    try:
        with tarfile.open(source, "r:gz") as archive:
            for name in (FILE, *CARRIED):
                _extract_one(archive, name, folder / name)
    except _NO_ARCHIVE as error:
        raise _no_export(source, error) from error


def _extract_one(archive: tarfile.TarFile, name: str, target: Path) -> None:
    part = archive.extractfile(name)
    if part is None:
        raise KeyError(f"{name} is no file in it")
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(part, file)


def _no_export(source: Path, error: Exception) -> HomeError:
    reason = getattr(error, "strerror", None) or str(error).strip("'\"")
    return HomeError(f"{source} is not an export of an emulator: {reason}.", "")


def _check_import(source: Path, folder: Path) -> None:
    """Raises HomeError unless a home can be opened on what was unpacked."""
    check(folder / FILE, f"The store in {source}", oldest=1)
    if len((folder / "home.key").read_bytes()) != HOME_KEY_SIZE:
        raise HomeError(f"The key in {source} is none.", "Export the home again.")
    try:
        directory_text.parsed(folder / "directory.json", (folder / "directory.json").read_bytes())
    except DirectoryError as error:
        what = f"{error.field}: {error.problem}"
        raise HomeError(f"The directory in {source} cannot be used: {what}.", "Export it again.") from error
