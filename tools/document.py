"""Every sentence of the user's document that states a behaviour, with the test that proves it: a part of
docs/parity.md, made of docs/document.toml by tools/parity.py. What it says is run by ``make test``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Union

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CHECKOUT = Path(__file__).resolve().parent.parent
STATEMENTS = CHECKOUT / "docs" / "document.toml"
LATER = "absent: follows later"

HEAD = """## The document

What Azure's page on multi-region replication (edition 2025-04-14) states, in its order and our words.
[multi-region.md](multi-region.md) shows each with a command. {count}.

| section | it says | rules | test |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Statement:
    """One behaviour. ``test`` is a pytest node id from the checkout, or several; empty: not here yet."""

    section: str
    says: str
    rules: str
    test: Union[str, List[str]]

    @property
    def tests(self) -> List[str]:
        return list(filter(None, [self.test] if isinstance(self.test, str) else self.test))


def statements() -> List[Statement]:
    """Raises TypeError for an entry with missing or unknown members."""
    raw = tomllib.loads(STATEMENTS.read_text(encoding="utf-8"))
    return [Statement(**item) for item in raw["statement"]]


def counted(found: Sequence[Statement]) -> str:
    proven = sum(bool(one.tests) for one in found)
    return f"{len(found)} statements of the document: {proven} with a test, {len(found) - proven} absent"


def render(found: Sequence[Statement]) -> str:
    """The part of the page."""
    lines = [f"| {one.section} | {one.says} | {one.rules} | {_proof(one)} |" for one in found]
    return HEAD.format(count=counted(found)) + "\n".join(lines) + "\n"


def _proof(one: Statement) -> str:
    return ", ".join(f"`{test}`" for test in one.tests) or LATER


def problems(found: Sequence[Statement]) -> List[str]:
    """Tests that do not exist."""
    return [f"there is no test {test}" for one in found for test in one.tests if not _exists(test)]


def _exists(node: str) -> bool:
    file, _, function = node.partition("[")[0].partition("::")
    path = CHECKOUT / file
    return path.is_file() and f"\ndef {function}(" in path.read_text(encoding="utf-8")
