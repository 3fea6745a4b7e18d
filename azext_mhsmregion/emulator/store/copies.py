"""Copies of the store that lie somewhere: snapshots, exports. Can they be used?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from azext_mhsmregion.emulator.errors import HomeError, HomeTooNew
from azext_mhsmregion.emulator.store import schema


def check(path: Path, what: str, oldest: int) -> None:
    """Raises HomeError for a database that is damaged or none, HomeTooNew for a schema that is not
    from ``oldest`` to ours."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        version, verdict = 0, str(error)
    if verdict != "ok" or version == 0:
        reason = verdict if verdict != "ok" else "it is empty"
        raise HomeError(f"{what} is damaged: {reason}.", "Take another one.")
    if not oldest <= version <= schema.VERSION:
        raise HomeTooNew(
            f"{what} has schema {version}, this version of mhsmregion {schema.VERSION}.",
            "Make it again with this version.",
        )
