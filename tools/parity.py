"""The control plane's operations, as the official SDK lists them, and what the emulator does of each.

    python tools/parity.py             check all, then switch each route off: its row's test must fail
    python tools/parity.py --write     write docs/parity.md anew
    python tools/parity.py --refresh   read the SDK in .clients/python anew into docs/operations.json

docs/operations.json holds what the SDK's own request builders say (group, operation, method, path);
docs/parity.toml grades each and names the test that proves it; docs/parity.md is made of both.
What fails this program: an operation without a row, a row without an operation, a test that does not
exist or does not pass, a graded route that the router does not have, an absent one that it has, a
stale page, an SDK in .clients/python that lists other operations, a route whose test passes without it.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHECKOUT = Path(__file__).resolve().parent.parent
DOCS = CHECKOUT / "docs"
PAGE, ROWS, OPERATIONS = DOCS / "parity.md", DOCS / "parity.toml", DOCS / "operations.json"
REQUIREMENTS = CHECKOUT / "tests" / "clients" / "python" / "requirements.txt"
PACKAGE = "azure-mgmt-keyvault"
GROUPS = (
    "managed_hsms",
    "mhsm_regions",
    "managed_hsm_keys",
    "mhsm_private_endpoint_connections",
    "mhsm_private_link_resources",
)
"""The package's groups of Managed HSM; its others are those of vaults."""

REAL, EMULATED, ABSENT = GRADES = ("real", "emulated", "absent")
OFF = "MHSMREGION_PARITY_OFF"
TESTS_FAILED = 1
"""pytest's exit code when tests ran and failed; any other than this and 0 means they did not run."""

PATIENCE_SECONDS = 120
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov")


@dataclass(frozen=True)
class Operation:
    """One method of the SDK. ``method`` and ``path`` are what its request builder sends."""

    group: str
    operation: str
    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.group}.{self.operation}"


@dataclass(frozen=True)
class Listing:
    """The operations of one release of the SDK; ``read`` is the day on which they were read."""

    package: str
    version: str
    api_version: str
    read: str
    operations: Tuple[Operation, ...]


@dataclass(frozen=True)
class Row:
    """What the emulator does of an operation. ``test`` is a pytest node id from the checkout."""

    name: str
    grade: str
    test: str
    note: str = ""


def main() -> int:
    arguments = _arguments()
    if arguments.refresh:
        refresh()
    if arguments.write:
        PAGE.write_text(render(listing(), rows()), encoding="utf-8")
    if arguments.refresh or arguments.write:
        return 0
    start = time.monotonic()
    known = listing()
    table = rows()
    problems = checked(known, table) + changed_sdk(known)
    caught, survivors = ({}, []) if problems else switch_off(known, table, arguments.jobs)
    problems += survivors
    for problem in problems:
        print(f"FAILED {problem}")
    print(f"took {time.monotonic() - start:.0f} s")
    counts = ", ".join(f"{sum(row.grade == grade for row in table)} {grade}" for grade in GRADES)
    print(f"parity: {len(known.operations)} operations, {counts}, {len(caught)} routes off and noticed")
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Each operation of the control plane with its grade.")
    parser.add_argument("--write", action="store_true", help="write docs/parity.md anew")
    parser.add_argument("--refresh", action="store_true", help="read the SDK in .clients/python anew")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2), help="processes at once")
    return parser.parse_args()


# -- the data files ----------------------------------------------------------------------


def listing() -> Listing:
    raw = json.loads(OPERATIONS.read_text(encoding="utf-8"))
    return Listing(**{**raw, "operations": tuple(Operation(**item) for item in raw["operations"])})


def rows() -> List[Row]:
    """Raises TypeError for an entry with missing or unknown members."""
    raw = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    return [Row(**item) for item in raw["operation"]]


def refresh() -> None:
    found = read_sdk(sdk_folder())
    if found is None:
        raise SystemExit(f"{PACKAGE} is not installed in .clients/python (make clients-env)")
    OPERATIONS.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")


# -- the SDK -----------------------------------------------------------------------------


def sdk_folder() -> Optional[Path]:
    """Where ``make clients-env`` installed the package; None where it did not."""
    return next((CHECKOUT / ".clients" / "python").glob("lib/python*/site-packages"), None)


def read_sdk(packages: Optional[Path]) -> Optional[Listing]:
    """What the package's own code says, read without running it. Raises SystemExit where a public
    method has no request builder, or a builder no method: then this reader no longer understands it."""
    folder = packages and packages / "azure" / "mgmt" / "keyvault"
    if not folder or not folder.exists():
        return None
    tree = ast.parse((folder / "operations" / "_operations.py").read_text(encoding="utf-8"))
    builders = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    methods = {node.name: list(_public(node)) for node in tree.body if isinstance(node, ast.ClassDef)}
    classes = _classes_of_groups((folder / "_client.py").read_text(encoding="utf-8"))
    wanted = {f"build_{group}_{name}_request" for group in GROUPS for name in methods[classes[group]]}
    there = {name for name in builders if name.startswith(tuple(f"build_{group}_" for group in GROUPS))}
    if wanted != there:
        raise SystemExit(f"methods and request builders differ: {sorted(wanted ^ there)}")
    operations = [
        Operation(group, name, *_sent(builders[f"build_{group}_{name}_request"]))
        for group in GROUPS
        for name in methods[classes[group]]
    ]
    version = _match(r'VERSION = "([^"]+)"', (folder / "_version.py").read_text(encoding="utf-8"))
    client = (folder / "_configuration.py").read_text(encoding="utf-8")
    api_version = _match(r'kwargs\.pop\("api_version", "([^"]+)"\)', client)
    today = datetime.now(timezone.utc).date().isoformat()
    return Listing(PACKAGE, version, api_version, today, tuple(operations))


def _public(node: ast.ClassDef) -> Iterator[str]:
    """The operations of a class, once each, without ``begin_``."""
    names = [item.name for item in node.body if isinstance(item, ast.FunctionDef)]
    for name in dict.fromkeys(names):
        if not name.startswith("_"):
            yield name[len("begin_") :] if name.startswith("begin_") else name


def _classes_of_groups(client: str) -> Dict[str, str]:
    return dict(re.findall(r"self\.(\w+) = (\w+Operations)\(", client))


def _sent(builder: ast.FunctionDef) -> Tuple[str, str]:
    """Method and URL template of a request builder."""
    text = ast.unparse(builder)
    return _match(r"HttpRequest\(method='(\w+)'", text), _match(r"_url = '(/[^']+)'", text)


def _match(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"the SDK no longer holds {pattern}")
    return found[1]


def changed_sdk(known: Listing) -> List[str]:
    """Does the installed SDK say what docs/operations.json says?"""
    found = read_sdk(sdk_folder())
    if found is None:
        return [f"{PACKAGE} is not installed in .clients/python (make clients-env)"]
    if {**asdict(found), "read": ""} == {**asdict(known), "read": ""}:
        return []
    return [f"{PACKAGE} {found.version} is not what docs/operations.json says: tools/parity.py --refresh"]


# -- the page ----------------------------------------------------------------------------

HEAD = """<!-- Made by tools/parity.py of docs/operations.json and docs/parity.toml; do not edit. -->
# What the control plane's operations do here

Every Managed HSM operation of {package} {version} (API version {api_version}, read {read}), with the test
that proves its grade. `make parity` checks this page against the SDK and the router, runs the tests, and
runs each once more with its route switched off (501): it must fail.

- **real**: does on the emulator's pools all that the operation does on Azure's, in service time.
- **emulated**: answered in the service's shapes; the note says what is left out.
- **absent**: refused with an error that says so.

{counts}
"""


def render(known: Listing, table: Sequence[Row]) -> str:
    """The page."""
    by_name = {row.name: row for row in table}
    counts = ", ".join(f"{sum(row.grade == grade for row in table)} {grade}" for grade in GRADES)
    facts = {**asdict(known), "counts": f"{len(known.operations)} operations: {counts}."}
    lines = [HEAD.format(**facts)]
    for group in GROUPS:
        lines += [f"## {group}", "", "| operation | request | grade | test |", "|---|---|---|---|"]
        for operation in known.operations:
            if operation.group == group and operation.name in by_name:
                lines.append(_line(operation, by_name[operation.name]))
        lines.append("")
    return "\n".join(lines)


def _line(operation: Operation, row: Row) -> str:
    path = operation.path.replace("/subscriptions/{subscriptionId}", "…").replace(
        "/resourceGroups/{resourceGroupName}", "/{group}"
    )
    grade = f"{row.grade}: {row.note}" if row.note else row.grade
    return f"| `{operation.operation}` | {operation.method} `{path}` | {grade} | `{row.test}` |"


# -- checks ------------------------------------------------------------------------------


def checked(known: Listing, table: Sequence[Row]) -> List[str]:
    """Everything that can be said without running a test, and without the SDK."""
    problems = mismatched(known, table) + [problem for row in table for problem in unproven(row)]
    operations = {operation.name: operation for operation in known.operations}
    problems += [
        problem for row in table if row.name in operations for problem in misrouted(row, operations[row.name])
    ]
    pinned = _match(rf"(?m)^{PACKAGE}==(\S+)", REQUIREMENTS.read_text(encoding="utf-8"))
    if pinned != known.version:
        problems.append(f"the clients use {PACKAGE} {pinned}: tools/parity.py --refresh")
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != render(known, table):
        problems.append("docs/parity.md is stale: tools/parity.py --write")
    return problems


def mismatched(known: Listing, table: Sequence[Row]) -> List[str]:
    """Operations without a row, rows without an operation, rows twice."""
    names = [row.name for row in table]
    listed = [operation.name for operation in known.operations]
    return (
        [f"{name} has no row in docs/parity.toml" for name in listed if name not in names]
        + [f"{name} is no operation of the SDK" for name in names if name not in listed]
        + [f"{name} has two rows" for name in sorted(set(names)) if names.count(name) > 1]
    )


def unproven(row: Row) -> List[str]:
    """A grade that is none, a test that does not exist, an omission that nothing names."""
    problems = []
    if row.grade not in GRADES:
        problems.append(f"{row.name}: {row.grade} is no grade")
    if row.grade == EMULATED and not row.note:
        problems.append(f"{row.name}: emulated, and no note says what is left out")
    file, _, function = row.test.partition("[")[0].partition("::")
    path = CHECKOUT / file
    there = path.is_file() and f"\ndef {function}(" in path.read_text(encoding="utf-8")
    if not function or not there:
        problems.append(f"{row.name}: there is no test {row.test}")
    return problems


def misrouted(row: Row, operation: Operation) -> List[str]:
    """Does the router have what the row says, and only that?"""
    from azext_mhsmregion.emulator.arm import door

    handler, _, _ = door._routes(False).find(operation.method, operation.path)
    if row.grade == ABSENT and handler is not None:
        return [f"{row.name}: absent, and the router answers {operation.method} {operation.path}"]
    if row.grade != ABSENT and handler is None:
        return [f"{row.name}: {row.grade}, and no route answers {operation.method} {operation.path}"]
    return []


# -- routes off --------------------------------------------------------------------------


def switch_off(known: Listing, table: Sequence[Row], jobs: int) -> Tuple[Dict[str, Row], List[str]]:
    """Run each row's test, then each once more without its route: what was noticed, what was not."""
    code, output = pytest(sorted({row.test for row in table}))
    if code != 0 or " skipped" in output:
        return {}, ["the rows' tests do not all pass:\n" + "\n".join(output.splitlines()[-40:])]
    operations = {operation.name: operation for operation in known.operations}
    served = [row for row in table if row.grade != ABSENT]

    def without(row: Row) -> Tuple[int, str]:
        operation = operations[row.name]
        return pytest([row.test], **{OFF: f"{operation.method} {operation.path}"})

    with ThreadPoolExecutor(jobs) as pool:
        ends = list(zip(served, pool.map(without, served)))
    caught = {row.name: row for row, (code, _) in ends if code == TESTS_FAILED}
    survivors = [
        f"{row.name}: its route is off, and {row.test} ended with {code}\n{output}"
        for row, (code, output) in ends
        if code != TESTS_FAILED
    ]
    return caught, survivors


def pytest(nodes: Sequence[str], **environment: str) -> Tuple[int, str]:
    """Run tests with the plugin that switches routes off: exit code, output."""
    path = os.pathsep.join([str(Path(__file__).parent), str(CHECKOUT)])
    kept: Dict[str, Any] = {name: value for name, value in os.environ.items() if name != OFF}
    command = [*PYTEST, "-p", "parity_off", *nodes]
    environ = {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    try:
        done = subprocess.run(
            command, cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return -1, f"still running after {PATIENCE_SECONDS} s"
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    sys.exit(main())
