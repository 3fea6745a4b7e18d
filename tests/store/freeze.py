"""Freezes a home of the newest schema as ``homes/schema_N.sql``, once, when N is released:

    python tests/store/freeze.py

The file is what the migration tests start from. It is never written again.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path

from storekit import EXTENDED, NOW, PRIMARY, open_store, pool, rows

from azext_mhsmregion.emulator.store import schema
from azext_mhsmregion.model.clock import manual_clock

HOMES = Path(__file__).parent / "homes"


def frozen(version: int) -> Path:
    return HOMES / f"schema_{version}.sql"


def fill(home: Path) -> None:
    """What every frozen home holds, by the verbs of its time."""
    store = open_store(home)
    with store.write("create") as tx:
        made = tx.put_pool(pool())
        tx.put_rows(made.id, rows(range(3), PRIMARY, EXTENDED))
        tx.put_material(made.id, "v0", b"\x00\xffwrapped")
        tx.put_meta("settings", {"profile": "quick"})
        tx.put_clock(manual_clock(NOW))
        tx.put_event(made.name, "conflict", NOW, NOW, {"object": "key-0"})
    store.close()


def main() -> int:
    target = frozen(schema.VERSION)
    if target.exists():
        print(f"{target} is frozen already: a released schema does not change", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder))
        database = sqlite3.connect(Path(folder) / "store.db")
        text = "\n".join([*database.iterdump(), f"PRAGMA user_version = {schema.VERSION};", ""])
        database.close()
    HOMES.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
