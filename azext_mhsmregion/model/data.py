"""Reads the package's data files. Data is dated and names its source; code only reads it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Dict

_FOLDER = Path(__file__).resolve().parent.parent / "data"


@cache
def load(name: str) -> Dict[str, Any]:
    """The data file ``name`` (without ``.json``), parsed once a process."""
    parsed: Dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return parsed
