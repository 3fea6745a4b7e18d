"""Where the recordings of the real service lie: beside the checkout, never inside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """``shared`` beside the checkout, or the folder that MHSMREGION_SHARED names."""
    named = os.environ.get("MHSMREGION_SHARED")
    return Path(named) if named else CHECKOUT.parent / "shared"


def is_there(name: str) -> bool:
    """Is the recording ``name`` at hand?"""
    return (folder() / "golden" / f"{name}.json").exists()


def golden(name: str) -> List[Dict[str, Any]]:
    """The exchanges of a recording; skips the test, with the reason, where it is missing."""
    if not is_there(name):
        pytest.skip(f"the recording {name}.json is not in {folder() / 'golden'}", allow_module_level=True)
    exchanges: List[Dict[str, Any]] = json.loads((folder() / "golden" / f"{name}.json").read_text())
    return exchanges


def az_folder() -> Path:
    """The folder that holds az installations by version: MHSMREGION_AZ, else ``.az``."""
    return Path(os.environ.get("MHSMREGION_AZ") or CHECKOUT / ".az")
