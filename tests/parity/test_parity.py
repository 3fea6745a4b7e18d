"""docs/parity.md says what is so: the quick checks of `make parity`, and that each of them bites."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def tool(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


parity = tool("parity")
KNOWN, TABLE = parity.listing(), parity.rows()


def row(name="managed_hsms.get", **changes):
    """The row of an operation, altered."""
    return replace(next(one for one in TABLE if one.name == name), **changes)


def operation(name="managed_hsms.get"):
    return next(one for one in KNOWN.operations if one.name == name)


def test_the_page_is_true():
    assert parity.checked(KNOWN, TABLE) == []


def test_a_missing_row_fails():
    assert parity.mismatched(KNOWN, TABLE[1:]) == ["managed_hsms.get has no row in docs/parity.toml"]


def test_a_row_too_many_fails():
    unknown = replace(row(), name="managed_hsms.explode")
    assert parity.mismatched(KNOWN, [*TABLE, row(), unknown]) == [
        "managed_hsms.explode is no operation of the SDK",
        "managed_hsms.get has two rows",
    ]


@pytest.mark.parametrize(
    "test",
    [
        "tests/parity/test_parity.py::test_that_is_not_there",
        "tests/parity/test_nowhere.py::test_the_page_is_true",
        "tests/parity/test_parity.py",
    ],
)
def test_a_row_whose_test_does_not_exist_fails(test):
    assert parity.unproven(row(test=test)) == [f"managed_hsms.get: there is no test {test}"]


def test_an_emulated_row_says_what_is_left_out_and_a_grade_is_one_of_three():
    assert len(parity.unproven(row(grade="emulated", note=""))) == 1
    assert len(parity.unproven(row(grade="done"))) == 1


def test_a_row_must_agree_with_the_router():
    gone = replace(operation(), path=operation().path + "/nowhere")
    assert "no route answers GET" in parity.misrouted(row(), gone)[0]
    assert "absent, and the router answers GET" in parity.misrouted(row(grade="absent"), operation())[0]


def test_a_stale_page_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(parity, "PAGE", tmp_path / "parity.md")
    assert parity.checked(KNOWN, TABLE) == ["docs/parity.md is stale: tools/parity.py --write"]


def test_an_sdk_of_another_version_fails(monkeypatch, tmp_path):
    older = tmp_path / "requirements.txt"
    older.write_text("azure-core==1.0.0\nazure-mgmt-keyvault==0.0.1\n")
    monkeypatch.setattr(parity, "REQUIREMENTS", older)
    assert parity.checked(KNOWN, TABLE) == [
        "the clients use azure-mgmt-keyvault 0.0.1: tools/parity.py --refresh"
    ]


SDK = {
    "_version.py": 'VERSION = "1.2.3"\n',
    "_configuration.py": 'version = kwargs.pop("api_version", "2030-01-01")\n',
    "_client.py": "".join(
        f"self.{group} = {group.title().replace('_', '')}Operations(self._client)\n"
        for group in parity.GROUPS
    ),
}


def sdk(folder, method="begin_make"):
    """A package with one operation in each group."""
    package = folder / "azure" / "mgmt" / "keyvault"
    (package / "operations").mkdir(parents=True)
    for name, text in SDK.items():
        (package / name).write_text(text)
    code = "".join(
        f"def build_{group}_make_request():\n"
        f"    _url = '/{group}/{{name}}'\n"
        "    return HttpRequest(method='PUT', url=_url)\n"
        f"class {group.title().replace('_', '')}Operations:\n"
        f"    def {method}(self): ...\n"
        "    def _hidden(self): ...\n"
        for group in parity.GROUPS
    )
    (package / "operations" / "_operations.py").write_text(code)
    return folder


def test_methods_and_paths_are_read_from_the_request_builders(tmp_path):
    found = parity.read_sdk(sdk(tmp_path))
    assert (found.version, found.api_version) == ("1.2.3", "2030-01-01")
    assert found.operations[0] == parity.Operation("managed_hsms", "make", "PUT", "/managed_hsms/{name}")
    assert len(found.operations) == len(parity.GROUPS)


def test_a_method_without_a_request_builder_is_not_passed_over(tmp_path):
    with pytest.raises(SystemExit, match="differ"):
        parity.read_sdk(sdk(tmp_path, method="begin_other"))


def test_a_route_that_is_off_is_noticed_and_another_is_not():
    name = "managed_hsms.list_by_subscription"
    of_a_group = operation("managed_hsms.list_by_resource_group")
    test = row(name).test

    off = parity.pytest([test], **{parity.OFF: f"{operation(name).method} {operation(name).path}"})
    other = parity.pytest([test], **{parity.OFF: f"{of_a_group.method} {of_a_group.path}"})

    assert (off[0], other[0]) == (parity.TESTS_FAILED, 0), off[1] + other[1]
