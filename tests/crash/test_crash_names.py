"""The list of failpoints is exact: read from the source, nothing more and nothing less."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Dict, Iterator, Set, Tuple

import pytest

import azext_mhsmregion
from azext_mhsmregion.emulator import failpoints

PACKAGE = Path(azext_mhsmregion.__file__).parent
PASSED_ON = {"what"}
"""A parameter of this name was labelled by the caller."""


def calls() -> Iterator[Tuple[Path, str, ast.Call]]:
    for path in (PACKAGE / "emulator").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                yield path, name, node


def labels(path: Path, node: ast.expr) -> Set[str]:
    """The texts that an expression may be. Fails for what the source does not show."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return labels(path, node.body) | labels(path, node.orelse)
    if isinstance(node, ast.Name) and node.id in PASSED_ON:
        return set()
    if isinstance(node, ast.Name) and node.id.isupper():
        module = ".".join([PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts])
        return {getattr(importlib.import_module(module), node.id)}
    raise AssertionError(f"{path}:{node.lineno}: a label that cannot be read: {ast.unparse(node)}")


def commit_labels() -> Set[str]:
    found: Set[str] = set()
    for path, name, call in calls():
        if name in ("writing", "recording", "_committed") or (name == "write" and _is_store(call)):
            found |= labels(path, call.args[0])
    return found


def _is_store(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).endswith("store")


def file_labels() -> Set[str]:
    found: Set[str] = set()
    for path, name, call in calls():
        if name in ("create_private", "replace_private", "publish"):
            found |= labels(path, call.args[2] if len(call.args) > 2 else _last_part(call.args[0]))
    return found


def _last_part(path: ast.expr) -> ast.expr:
    return path.right if isinstance(path, ast.BinOp) else path


def test_every_commit_has_its_failpoints_and_none_is_left_over() -> None:
    assert commit_labels() == set(failpoints.COMMITS)


def test_every_private_file_has_its_failpoints_and_none_is_left_over() -> None:
    assert file_labels() == set(failpoints.FILES)


def test_nothing_commits_or_renames_past_the_failpoints() -> None:
    """In the emulator, SQL's COMMIT and the system's rename and link stand in one file each."""
    wanted: Dict[str, Set[str]] = {"COMMIT": set(), "rename": set()}
    for path in (PACKAGE / "emulator").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        place = path.relative_to(PACKAGE).as_posix()
        if re.search(r"""execute\(["']COMMIT|\.commit\(""", text):
            wanted["COMMIT"].add(place)
        if re.search(r"os\.(rename|replace|link)\(|shutil\.move\(", text):
            wanted["rename"].add(place)
    assert wanted == {"COMMIT": {"emulator/store/store.py"}, "rename": {"emulator/files.py"}}


def test_names_are_a_pair_for_each_label() -> None:
    assert len(failpoints.NAMES) == 2 * len(failpoints.COMMITS + failpoints.FILES)
    assert len(set(failpoints.NAMES)) == len(failpoints.NAMES)


def test_a_passage_that_is_not_on_the_list_fails_once_failpoints_are_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failpoints.passes("commit.nonsense.before")
    monkeypatch.setattr(failpoints, "_ON", True)
    with pytest.raises(LookupError, match="nonsense"):
        failpoints.passes("commit.nonsense.before")
