"""mutmut on the modules that decide who sees what and who answers: ``make mutation``.

    python tools/mutation.py [MODULE …]        modules of azext_mhsmregion/model, without .py

mutmut changes each line in many ways and runs the rule tests against each change, in a copy of the
checkout. Changes that no test notices must stand in tests/survivors.toml, each with a word on why; one
that does not, or one that stands there and is noticed by now, fails the run. Takes about two seconds a
change.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Set

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHECKOUT = Path(__file__).resolve().parent.parent
WORK = CHECKOUT / ".mutation"
LIST = CHECKOUT / "tests" / "survivors.toml"
MODULES = ("replication", "sending", "routing", "health", "network", "merge")
MUTMUT = "mutmut==3.8.1"
COPIED = ("azext_mhsmregion", "tests/rules", "tests/support", "tests/conftest.py", "tests/shared_data.py",
          "tests/mutants.toml", "setup.py", "README.md", "HISTORY.rst")  # fmt: skip
NAME = re.compile(r"azext_mhsmregion\.model\.(\w+)\.x_?([^.\s]*?)__mutmut_\d+")


class Survivor(NamedTuple):
    """One change that no test noticed: the function, the line as it is, and as it was changed."""

    function: str
    old: str
    new: str


def main() -> int:
    parser = argparse.ArgumentParser(description="Changes that no rule test notices.")
    parser.add_argument("modules", nargs="*", default=MODULES)
    modules = parser.parse_args().modules
    python = _prepared(modules)
    environment = {**os.environ, "MHSMREGION_RULES_HUNT": "1"}
    mutmut = [str(python.with_name("mutmut"))]
    subprocess.run([*mutmut, "run", "--max-children", "2"], cwd=WORK, env=environment)
    found = _survivors(mutmut)
    return _told(found, {one for one in _listed() if one.function.split(".")[0] in modules})


def _prepared(modules: List[str]) -> Path:
    """A copy of what mutmut needs, and an environment of its own with it."""
    shutil.rmtree(WORK, ignore_errors=True)
    for name in COPIED:
        source, target = CHECKOUT / name, WORK / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        else:
            shutil.copy(source, target)
    (WORK / "shared").symlink_to(CHECKOUT.parent / "shared")
    paths = [f"azext_mhsmregion/model/{module}.py" for module in modules]
    (WORK / "pyproject.toml").write_text(
        f"{(CHECKOUT / 'pyproject.toml').read_text()}\n[tool.mutmut]\nsource_paths = {paths}\n"
        'pytest_add_cli_args_test_selection = ["tests/rules"]\n'
        'also_copy = ["azext_mhsmregion", "tests", "setup.py"]\n'
        'pytest_add_cli_args = ["-m", "rule and not slow", "-p", "no:cacheprovider"]\n'
    )
    subprocess.run([sys.executable, "-m", "venv", str(WORK / "venv")], check=True)
    python = WORK / "venv" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, MUTMUT, f"{WORK}[test]"], check=True)
    # The tests must find the changed copy, not the installed package.
    subprocess.run([*pip[:3], "uninstall", "--quiet", "--yes", "mhsmregion"], check=True)
    return python


def _survivors(mutmut: List[str]) -> Set[Survivor]:
    results = subprocess.run([*mutmut, "results"], cwd=WORK, capture_output=True, text=True, check=True)
    lines = [line.strip().partition(": ") for line in results.stdout.splitlines()]
    unchecked = [name for name, _, verdict in lines if verdict == "not checked"]
    if unchecked or not lines:
        raise SystemExit(f"mutation: mutmut ended early, {len(unchecked)} changes were not checked")
    names = [name for name, _, verdict in lines if verdict in ("survived", "no tests")]
    return {_shown(mutmut, name) for name in names}


def _shown(mutmut: List[str], name: str) -> Survivor:
    diff = subprocess.run([*mutmut, "show", name], cwd=WORK, capture_output=True, text=True, check=True)
    lines = [line for line in diff.stdout.splitlines() if not line.startswith(("---", "+++"))]
    old = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    new = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    found = NAME.fullmatch(name)
    assert found is not None, name
    return Survivor(f"{found[1]}.{found[2].rpartition('ǁ')[2]}", old, new)  # a method, without its class


def _listed() -> Dict[Survivor, str]:
    rows = tomllib.loads(LIST.read_text()).get("survivor", [])
    return {Survivor(row["function"], row["old"], row["new"]): row["why"] for row in rows}


def _told(found: Set[Survivor], listed: Set[Survivor]) -> int:
    for one in sorted(found - listed):
        print(f"not noticed: {one.function}\n  - {one.old}\n  + {one.new}")
    for one in sorted(listed - found):
        print(f"noticed by now: {one.function}\n  - {one.old}\n  + {one.new}")
    print(f"mutation: {len(found)} changes not noticed, {len(listed)} of them listed")
    return 1 if found != listed else 0


if __name__ == "__main__":
    sys.exit(main())
