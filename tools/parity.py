"""The official SDKs' operations on both planes, and what the emulator does of each.

    python tools/parity.py             check all, then switch each route off: its row's test must fail
    python tools/parity.py --write     write docs/parity.md anew
    python tools/parity.py --refresh   read the SDKs in .clients anew into docs/operations.json

docs/document.toml holds what the user's document says (tools/document.py);
docs/operations.json holds what the SDKs' own code says (tools/sdk_lists.py); docs/parity.toml grades each
operation and names the test that proves it; docs/parity.md is made of both.
What fails this program: an operation of any SDK without a row, a row without an operation, a test that
does not exist or does not pass, a graded route that the router does not have, an absent one that it has,
a stale page, an SDK in .clients that lists other operations, a route whose test passes without it.
Python's packages must be there (`make parity` installs them); of the other languages docs/operations.json
is believed where their folder is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import document
import sdk_lists
from sdk_lists import CONTROL, DATA, Listing, Operation

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHECKOUT = Path(__file__).resolve().parent.parent
DOCS = CHECKOUT / "docs"
PAGE, ROWS, OPERATIONS = DOCS / "parity.md", DOCS / "parity.toml", DOCS / "operations.json"

REAL, EMULATED, ABSENT = GRADES = ("real", "emulated", "absent")
OFF = "MHSMREGION_PARITY_OFF"
TESTS_FAILED = 1
"""pytest's exit code when tests ran and failed; any other than this and 0 means they did not run."""

PATIENCE_SECONDS = 120
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov")


@dataclass(frozen=True)
class Entry:
    """An operation as one line of the page. ``listed`` are the languages whose SDKs have it."""

    plane: str
    package: str
    operation: Operation
    listed: Tuple[str, ...]

    @property
    def name(self) -> str:
        return self.operation.name


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
        PAGE.write_text(render(listings(), rows()), encoding="utf-8")
    if arguments.refresh or arguments.write:
        return 0
    start = time.monotonic()
    known, table = listings(), rows()
    changes, compared = changed_sdks(known)
    problems = checked(known, table) + changes
    caught, survivors = ({}, []) if problems else switch_off(entries(known), table, arguments.jobs)
    problems += survivors
    for problem in problems:
        print(f"FAILED {problem}")
    print(f"lists compared with the installed {', '.join(compared) or 'none'}")
    print(f"took {time.monotonic() - start:.0f} s")
    print(document.counted(document.statements()))
    print(f"parity: {counted(entries(known), table)}, {len(caught)} routes off and noticed")
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Each operation of the SDKs with its grade.")
    parser.add_argument("--write", action="store_true", help="write docs/parity.md anew")
    parser.add_argument("--refresh", action="store_true", help="read the SDKs in .clients anew")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2), help="processes at once")
    return parser.parse_args()


# -- the data files ----------------------------------------------------------------------


def listings() -> List[Listing]:
    raw = json.loads(OPERATIONS.read_text(encoding="utf-8"))["listings"]
    return [
        Listing(**{**item, "operations": tuple(Operation(**one) for one in item["operations"])})
        for item in raw
    ]


def rows() -> List[Row]:
    """Raises TypeError for an entry with missing or unknown members."""
    raw = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    return [Row(**item) for item in raw["operation"]]


def entries(known: Sequence[Listing]) -> List[Entry]:
    """One for each request that any SDK sends, named as the first listing that has it names it."""
    found: Dict[Tuple[str, Tuple[str, str]], Entry] = {}
    for listing in known:
        for operation in listing.operations:
            key = listing.plane, operation.request
            entry = found.get(key) or Entry(listing.plane, listing.package, operation, ())
            if listing.language not in entry.listed:
                entry = replace(entry, listed=(*entry.listed, listing.language))
            found[key] = entry
    return list(found.values())


def refresh() -> None:
    """A list whose SDK is not installed stays as it is."""
    before = {listing.package: listing for listing in listings()} if OPERATIONS.exists() else {}
    found = [sdk.listing() or before.get(sdk.package) for sdk in sdk_lists.SDKS]
    missing = [sdk.package for sdk, listing in zip(sdk_lists.SDKS, found) if listing is None]
    if missing:
        raise SystemExit(f"not installed in .clients (make clients-env): {', '.join(missing)}")
    data = {"listings": [asdict(listing) for listing in found if listing is not None]}
    OPERATIONS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def changed_sdks(known: Sequence[Listing]) -> Tuple[List[str], List[str]]:
    """Do the installed SDKs say what docs/operations.json says? Problems, and what was compared."""
    problems, compared = [], []
    for sdk in sdk_lists.SDKS:
        found = sdk.listing()
        if found is not None:
            compared.append(f"{found.package} {found.version}")
            problems += changed(found, known)
        elif sdk.language == "Python":
            problems.append(f"{sdk.package} is not installed in .clients/python (make clients-env)")
    return problems, compared


def changed(found: Listing, known: Sequence[Listing]) -> List[str]:
    if replace(found, read="") in [replace(listing, read="") for listing in known]:
        return []
    return [
        f"{found.package} {found.version} is not what docs/operations.json says: tools/parity.py --refresh"
    ]


# -- the page ----------------------------------------------------------------------------

HEAD = """<!-- Made by tools/parity.py of operations.json, parity.toml and document.toml; do not edit. -->
# What each operation does here

Every Managed HSM operation that the official SDKs list, with the test that proves its grade. `make parity`
checks this page against the SDKs and the routers, runs the tests, and runs each once more with its route
switched off (501): it must fail.

- **real**: does on the emulator's pools all that the operation does on Azure's, in service time.
- **emulated**: answered in the service's shapes; the note says what is left out.
- **absent**: refused with an error that says so.

| SDK | version | API version | read |
|---|---|---|---|
{sdks}

{counts}.
"""
PLANES = {
    CONTROL: "## Control plane\n\nThe columns of languages say whose management SDK lists the operation.",
    DATA: "## Data plane\n\nAs Python's generated clients list it. A key's version may be left out.",
}
LISTED, NOT_LISTED = "yes", "no"


def render(known: Sequence[Listing], table: Sequence[Row]) -> str:
    """The page."""
    by_name = {row.name: row for row in table}
    lines = [HEAD.format(sdks="\n".join(map(_sdk, known)), counts=counted(entries(known), table))]
    for plane, title in PLANES.items():
        languages = [one.language for one in known if one.plane == plane]
        columns = languages if plane == CONTROL else []
        found = [entry for entry in entries(known) if entry.plane == plane and entry.name in by_name]
        lines += [title, ""]
        for group in dict.fromkeys(entry.operation.group for entry in found):
            members = [entry for entry in found if entry.operation.group == group]
            lines += [f"### {group}", "", *_head(columns)]
            lines += [_line(entry, by_name[entry.name], columns) for entry in members]
            lines.append("")
    return "\n".join([*lines, document.render(document.statements())])


def _sdk(listing: Listing) -> str:
    name = f"{listing.language}: `{listing.package}`"
    return f"| {name} | {listing.version} | {listing.api_version} | {listing.read} |"


def counted(found: Sequence[Entry], table: Sequence[Row]) -> str:
    """How many operations, and of each grade, on each plane."""
    grades = {row.name: row.grade for row in table}
    parts = []
    for plane in PLANES:
        of_plane = [grades.get(entry.name) for entry in found if entry.plane == plane]
        counts = ", ".join(f"{of_plane.count(grade)} {grade}" for grade in GRADES)
        parts.append(f"{len(of_plane)} operations of the {plane} plane ({counts})")
    return ", ".join(parts)


def _head(languages: Sequence[str]) -> List[str]:
    columns = ["operation", "request", *languages, "grade", "test"]
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]


def _line(entry: Entry, row: Row, languages: Sequence[str]) -> str:
    path = entry.operation.path.replace("/subscriptions/{subscriptionId}", "…").replace(
        "/resourceGroups/{resourceGroupName}", "/{group}"
    )
    grade = f"{row.grade}: {row.note}" if row.note else row.grade
    listed = [LISTED if language in entry.listed else NOT_LISTED for language in languages]
    cells = [f"`{entry.operation.operation}`", f"{entry.operation.method} `{path}`", *listed, grade]
    return f"| {' | '.join([*cells, f'`{row.test}`'])} |"


# -- checks ------------------------------------------------------------------------------


def checked(known: Sequence[Listing], table: Sequence[Row]) -> List[str]:
    """Everything that can be said without running a test, and without the SDKs."""
    found = entries(known)
    by_name = {entry.name: entry for entry in found}
    problems = mismatched(found, table) + [problem for row in table for problem in unproven(row)]
    problems += [
        problem for row in table if row.name in by_name for problem in misrouted(row, by_name[row.name])
    ]
    problems += unpinned(known) + document.problems(document.statements())
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != render(known, table):
        problems.append("docs/parity.md is stale: tools/parity.py --write")
    return problems


def unpinned(known: Sequence[Listing]) -> List[str]:
    """Lists of another release than the client programs use."""
    versions = {listing.package: listing.version for listing in known}
    return [
        f"the clients use {sdk.package} {sdk.pinned()}: tools/parity.py --refresh"
        for sdk in sdk_lists.SDKS
        if versions.get(sdk.package) != sdk.pinned()
    ]


def mismatched(found: Sequence[Entry], table: Sequence[Row]) -> List[str]:
    """Operations without a row, rows without an operation, names twice."""
    names = [row.name for row in table]
    listed = [entry.name for entry in found]
    return (
        [
            f"{entry.name} ({', '.join(entry.listed)}) has no row in docs/parity.toml"
            for entry in found
            if entry.name not in names
        ]
        + [f"{name} is no operation of the SDKs" for name in names if name not in listed]
        + [f"{name} has two rows" for name in sorted(set(names)) if names.count(name) > 1]
        + [f"{name} stands for two requests" for name in sorted(set(listed)) if listed.count(name) > 1]
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


def misrouted(row: Row, entry: Entry) -> List[str]:
    """Does the router have what the row says, and only that?"""
    sent = f"{entry.operation.method} {entry.operation.path}"
    served = is_served(entry)
    if row.grade == ABSENT and served:
        return [f"{row.name}: absent, and the router answers {sent}"]
    if row.grade != ABSENT and not served:
        return [f"{row.name}: {row.grade}, and no route answers {sent}"]
    return []


def is_served(entry: Entry) -> bool:
    """Has it a route other than one that refuses it?"""
    method, path = entry.operation.method, entry.operation.path
    if entry.plane == CONTROL:
        from azext_mhsmregion.emulator.arm import door

        return door._routes(False).find(method, path)[0] is not None
    from azext_mhsmregion.emulator.dataplane import absent
    from azext_mhsmregion.emulator.dataplane import door as data_door

    return data_door.router.find(method, path)[0] not in (None, absent.refuse)


# -- routes off --------------------------------------------------------------------------


def switch_off(found: Sequence[Entry], table: Sequence[Row], jobs: int) -> Tuple[Dict[str, Row], List[str]]:
    """Run each row's test, then each once more without its route: what was noticed, what was not."""
    code, output = pytest(sorted({row.test for row in table}))
    if code != 0 or " skipped" in output:
        return {}, ["the rows' tests do not all pass:\n" + "\n".join(output.splitlines()[-40:])]
    operations = {entry.name: entry.operation for entry in found}
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
