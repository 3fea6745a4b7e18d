"""How long operations took before: a small file under the home. It only feeds estimates, so
a file that cannot be read or written is no error."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Dict, List, Optional

KEPT = 5
FILE_NAME = "durations.json"


class Durations:
    """The last five durations, in seconds, by kind of operation."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE_NAME

    def expected(self, kind: str) -> Optional[float]:
        """The median of what was seen, None when nothing was."""
        seen = sorted(self._read().get(kind, []))
        if not seen:
            return None
        middle = len(seen) // 2
        return seen[middle] if len(seen) % 2 else (seen[middle - 1] + seen[middle]) / 2

    def record(self, kind: str, seconds: float) -> None:
        """Keep one more duration."""
        seen = self._read()
        seen[kind] = [*seen.get(kind, []), round(seconds, 3)][-KEPT:]
        with contextlib.suppress(OSError):
            self._write(seen)

    def _read(self) -> Dict[str, List[float]]:
        try:
            raw = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(raw, dict):
            return {}
        return {
            str(kind): [float(second) for second in seconds if isinstance(second, (int, float))][-KEPT:]
            for kind, seconds in raw.items()
            if isinstance(seconds, list)
        }

    def _write(self, seen: Dict[str, List[float]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_name(f"{FILE_NAME}.{os.getpid()}")
        beside.write_text(json.dumps(seen), encoding="utf-8")
        os.replace(beside, self._path)
