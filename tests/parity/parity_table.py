"""tools/parity.py as a module, and the table that it keeps."""

from __future__ import annotations

import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
try:
    import parity
    import sdk_lists
finally:
    sys.path.remove(str(TOOLS))

KNOWN, TABLE = parity.listings(), parity.rows()
ENTRIES = parity.entries(KNOWN)


def absent(plane):
    """The operations of that plane which the table grades as absent, by their names."""
    grades = {row.name: row.grade for row in TABLE}
    return {
        entry.name: entry.operation
        for entry in ENTRIES
        if entry.plane == plane and grades.get(entry.name) == parity.ABSENT
    }


__all__ = ["ENTRIES", "KNOWN", "TABLE", "absent", "parity", "sdk_lists"]
