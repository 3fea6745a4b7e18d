"""The folder that holds an emulator's state: where it is, whether it can be used, its key."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path
from typing import Callable, Mapping, Optional

from azext_mhsmregion.emulator.errors import HomeError, HomeHeld, HomeOnNetwork, HomeUnwritable

NETWORK_FILE_SYSTEMS = frozenset(
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs", "lustre"]
)
_OCTAL = re.compile(r"\\([0-7]{3})")
"""How a mount table writes blanks and backslashes."""


def locate(environ: Mapping[str, str], override: Optional[str] = None) -> Path:
    """The home: ``override``, else MHSMREGION_HOME, else ``~/.mhsmregion``; or the folder of the
    throw-away emulator that runs for it."""
    from azext_mhsmregion.emulator.throwaway import follow

    return follow(
        Path(override or environ.get("MHSMREGION_HOME") or Path.home() / ".mhsmregion").expanduser()
    )


def prepare(home: Path, mounts: Callable[[], str]) -> None:
    """Make the folder (mode 0700) and refuse one that cannot be trusted.

    ``mounts`` gives the text of the system's mount table. Raises HomeUnwritable, HomeOnNetwork.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise unwritable(home, error) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise unwritable(home, PermissionError("permission denied"))
    kind = file_system(home.resolve(), mounts())
    if kind in NETWORK_FILE_SYSTEMS:
        raise HomeOnNetwork(
            f"The home {home} lies on a network file system ({kind}), where file locks cannot be trusted.",
            "Set MHSMREGION_HOME to a folder on a local disk.",
        )


def unwritable(home: Path, error: Exception) -> HomeUnwritable:
    """The error for a home that the system refuses to write."""
    reason = getattr(error, "strerror", None) or str(error)
    return HomeUnwritable(
        f"The home {home} cannot be written: {reason}.",
        "Set MHSMREGION_HOME to a folder that you can write.",
    )


def system_mounts() -> str:
    """The mount table of this system; empty where it has none that we can read (macOS)."""
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that holds ``path``: the longest mount point wins."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), fields[1])
        inside = str(path) == point or str(path).startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def home_key(home: Path, random: Callable[[int], bytes]) -> bytes:
    """The key that wraps private keys at rest; made on first use, mode 0600."""
    path = home / "home.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        from azext_mhsmregion.crypto.wrap import new_home_key
        from azext_mhsmregion.emulator.files import create_private

        return create_private(path, new_home_key(random), "home.key")


def is_of_the_system(error: sqlite3.Error) -> bool:
    """Did the system cause it (full disk, no right, not a database), or a mistake of ours?"""
    return type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError)


def sqlite_problem(home: Path, error: sqlite3.Error) -> HomeError:
    """The error for a database that the system keeps from us."""
    reason = str(error)
    if "locked" in reason:
        return HomeHeld(
            f"The database in {home} is held by another program.",
            "Close the program that has it open, or set MHSMREGION_HOME to another folder.",
        )
    if any(sign in reason for sign in _SIGNS_OF_DAMAGE):
        return HomeError(
            f"The database {home / 'store.db'} is damaged: {reason}.",
            "Restore it from a copy, or move the folder away to begin anew.",
        )
    return unwritable(home, error)


_SIGNS_OF_DAMAGE = ("not a database", "malformed", "no such table", "no such column")
