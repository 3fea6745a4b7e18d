"""Floors import only from floors below (DESIGN section 1): every import is read, and each floor
is imported in a process where the upper ones do not exist."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "azext_mhsmregion"
FLOORS = {"model": 1, "crypto": 1, "emulator": 2, "provider": 3, "cli": 4}
FORBIDDEN = {
    "model": {
        "cryptography", "sqlite3", "socket", "asyncio", "ssl", "threading", "time", "random", "http",
        "requests", "knack", "azure", "uuid", "secrets", "os", "subprocess", "datetime",
    },
    "crypto": {"sqlite3", "socket", "asyncio", "ssl", "requests", "knack", "azure", "secrets", "os"},
    "emulator": {"requests", "knack", "azure"},
    "provider": {"sqlite3", "knack", "uvicorn"},
    "cli": {"sqlite3"},
}  # fmt: skip
ALLOWED = {("provider/credentials.py", "knack"), ("provider/selection.py", "knack")}
"""az's own CLIError, caught where az's login is read."""

DYNAMIC = {"__init__.py", "provider/selection.py", "cli/commands.py"}


def imports(path: Path) -> Iterator[Tuple[int, str]]:
    """Every module named in an import of the file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import hides its floor"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def files(floor: str) -> List[Path]:
    return sorted((PACKAGE / floor).rglob("*.py"))


@pytest.mark.parametrize("floor", FLOORS)
def test_no_import_looks_up(floor: str) -> None:
    upward = []
    for path in files(floor):
        for line, name in imports(path):
            parts = name.split(".")
            if parts[0] == "azext_mhsmregion" and len(parts) > 1:
                there = FLOORS.get(parts[1], 0)
                beside = there == FLOORS[floor] and parts[1] != floor
                if there > FLOORS[floor] or beside:
                    upward.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
    assert upward == []


@pytest.mark.parametrize("floor", FLOORS)
def test_no_floor_knows_what_it_must_not(floor: str) -> None:
    known = []
    for path in files(floor):
        here = path.relative_to(PACKAGE).as_posix()
        for line, name in imports(path):
            top = name.split(".")[0]
            if top in FORBIDDEN[floor] and (here, top) not in ALLOWED:
                known.append(f"{here}:{line} imports {name}")
    assert known == []


def test_dynamic_imports_stand_in_the_allowed_places_only() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "import_module(" in path.read_text(encoding="utf-8")
        or "__import__(" in path.read_text(encoding="utf-8")
    }
    assert found <= DYNAMIC


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_without_the_upper_ones(floor: str) -> None:
    """In a process of its own, where every upper floor raises when imported."""
    upper = [name for name, level in FLOORS.items() if level > FLOORS[floor]]
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in files(floor)
        if path.name != "__init__.py" and path.name not in ("az.py",)
    ]
    program = (
        "import sys, importlib\n"
        f"for name in {upper!r}: sys.modules['azext_mhsmregion.' + name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
