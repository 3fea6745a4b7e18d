"""docs/parity.md says what is so: the quick checks of `make parity`, and that each of them bites."""

from __future__ import annotations

from dataclasses import replace

import pytest
from parity_table import ENTRIES, KNOWN, TABLE, parity, sdk_lists


def row(name="managed_hsms.get", **changes):
    """The row of an operation, altered."""
    return replace(next(one for one in TABLE if one.name == name), **changes)


def entry(name="managed_hsms.get"):
    return next(one for one in ENTRIES if one.name == name)


def listed_by(language, change):
    """All lists, that of one language's management SDK altered."""
    return [
        replace(one, operations=tuple(change(list(one.operations))))
        if (one.plane, one.language) == (sdk_lists.CONTROL, language)
        else one
        for one in KNOWN
    ]


def sent(operation):
    return f"{operation.method} {operation.path}"


def test_the_page_is_true():
    assert parity.checked(KNOWN, TABLE) == []


def test_a_sentence_of_the_document_may_name_several_tests_and_each_must_be_there():
    said = next(
        one for one in parity.document.statements() if one.says == "Deleted pools and keys can be recovered"
    )
    pool, key = said.tests
    assert pool.rpartition("::")[2].startswith("test_d4_a_recovered_pool")
    assert key.rpartition("::")[2].startswith("test_d5_a_deleted_key")
    assert f"| D4, D5 | `{pool}`, `{key}` |" in parity.PAGE.read_text(encoding="utf-8")
    for tests in ([pool, key + "_no"], [pool + "_no", key]):
        assert len(parity.document.problems([replace(said, test=tests)])) == 1
    assert parity.document.counted([replace(said, test="")]).endswith("0 with a test, 1 absent")


def test_a_missing_row_fails():
    rest = [one for one in TABLE if one.name != "managed_hsms.get"]
    assert parity.mismatched(ENTRIES, rest) == [
        "managed_hsms.get (Python, Node, Go, Java) has no row in docs/parity.toml"
    ]


@pytest.mark.parametrize("language", ["Node", "Go", "Java"])
def test_an_operation_that_one_sdk_alone_has_needs_a_row(language):
    new = sdk_lists.Operation("mhsm_regions", "promote", "POST", "/managedHSMs/{name}/regions/{r}/promote")
    known = listed_by(language, lambda operations: [*operations, new])

    assert parity.mismatched(parity.entries(known), TABLE) == [
        f"mhsm_regions.promote ({language}) has no row in docs/parity.toml"
    ]


@pytest.mark.parametrize("language", ["Python", "Node", "Go", "Java"])
def test_the_page_says_which_sdks_list_an_operation(language):
    column = ["Python", "Node", "Go", "Java"].index(language)
    known = listed_by(
        language, lambda all_: [one for one in all_ if one.name != "mhsm_regions.list_by_resource"]
    )

    (line,) = [line for line in parity.render(known, TABLE).splitlines() if "/regions`" in line]

    assert [cell.strip() for cell in line.split("|")][3:7] == [
        "no" if number == column else "yes" for number in range(4)
    ]


def test_names_and_case_of_parameters_make_no_other_operation():
    one, other = (
        sdk_lists.Operation(group, "get", "GET", path)
        for group, path in (("pools", "/managedHSMs/{name}"), ("hsms", "/managedhsms/{hsmName}"))
    )
    assert one.request == other.request
    assert one.request != replace(one, method="PUT").request


def test_a_row_too_many_fails():
    unknown = replace(row(), name="managed_hsms.explode")
    assert parity.mismatched(ENTRIES, [*TABLE, row(), unknown]) == [
        "managed_hsms.explode is no operation of the SDKs",
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


@pytest.mark.parametrize("name", ["managed_hsms.get", "keys.get_key", "role_definitions.list"])
def test_a_row_must_agree_with_its_planes_router(name):
    there = entry(name)
    operation = replace(there.operation, path=there.operation.path + "/nowhere/at/all")
    assert "no route answers GET" in parity.misrouted(row(name), replace(there, operation=operation))[0]
    assert "absent, and the router answers GET" in parity.misrouted(row(name, grade="absent"), there)[0]


def test_a_route_that_refuses_is_none():
    from azext_mhsmregion.emulator.dataplane import absent

    method, template = absent.ROUTES[0]
    refused = sdk_lists.Operation("keys", "x", method, template)
    assert not parity.is_served(parity.Entry(sdk_lists.DATA, "", refused, ("Python",)))


def test_a_stale_page_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(parity, "PAGE", tmp_path / "parity.md")
    assert parity.checked(KNOWN, TABLE) == ["docs/parity.md is stale: tools/parity.py --write"]


@pytest.mark.parametrize("sdk", sdk_lists.SDKS, ids=lambda sdk: sdk.package)
def test_a_list_of_another_release_than_the_clients_use_fails(sdk):
    older = [replace(one, version="0.0.1") if one.package == sdk.package else one for one in KNOWN]
    assert parity.unpinned(KNOWN) == []
    assert parity.unpinned(older) == [
        f"the clients use {sdk.package} {sdk.pinned()}: tools/parity.py --refresh"
    ]


# -- the SDKs -----------------------------------------------------------------------------------


def test_an_installed_sdk_that_lists_something_else_fails():
    now = replace(KNOWN[1], read="2030-01-01")
    fewer = replace(now, operations=now.operations[1:])
    assert parity.changed(now, KNOWN) == []
    assert parity.changed(fewer, KNOWN) == [
        f"@azure/arm-keyvault {now.version} is not what docs/operations.json says: tools/parity.py --refresh"
    ]


def test_of_a_language_that_is_not_installed_the_kept_list_is_believed(monkeypatch, tmp_path):
    monkeypatch.setattr(sdk_lists, "INSTALLED", tmp_path)
    problems, compared = parity.changed_sdks(KNOWN)
    assert compared == []
    assert problems == [
        f"{sdk.package} is not installed in .clients/python (make clients-env)"
        for sdk in sdk_lists.SDKS
        if sdk.language == "Python"
    ]


@pytest.mark.parametrize("sdk", sdk_lists.SDKS, ids=lambda sdk: sdk.package)
def test_what_is_installed_is_read_as_it_is_kept(sdk):
    found = sdk.listing()
    if found is None or found.version != sdk.pinned():
        pytest.skip(f"{sdk.package} {sdk.pinned()} is not installed (make clients-env)")
    assert parity.changed(found, KNOWN) == []


PYTHON = """
def build_hsms_make_request():
    _url = '/hsms/{name}'
    return HttpRequest(method='PUT', url=_url)
def build_hsms_look_request():
    _url = '/hsms'
    return HttpRequest(method='GET', url=_url)
class HsmsOperations:
    def _make_initial(self): ...
    def begin_make(self): ...
    def %s(self): ...
    def _hidden(self): ...
"""

NODE = """
function _listThemSend(context, name, options = {}) {
  const path = expandUrlTemplate(
    "/hsms/{name}/things{?api%%2Dversion}",
    { name });
  return context.path(path).get({});
}
function _$deleteSend(context, name) {
  const path = expandUrlTemplate("/hsms/{name}{?api%%2Dversion}", { name });
  return context.path(path).delete({});
}
export {
  _listThemSend,
  $delete,
  %s
};
"""

GO = """
type MHSMThingsClient struct {}
func (client *MHSMThingsClient) BeginMake(ctx context.Context) {}
func (client *MHSMThingsClient) makeCreateRequest(ctx context.Context) {
	urlPath := "/hsms/{name}"
	req, err := runtime.NewRequest(ctx, http.MethodPut, urlPath)
}
func (client *MHSMThingsClient) New%sPager(name string) {}
func (client *MHSMThingsClient) listByNameCreateRequest(ctx context.Context) {
	urlPath := "/hsms"
	req, err := runtime.NewRequest(ctx, http.MethodGet, urlPath)
}
"""


def read_python(code):
    return sdk_lists.python_operations(code, {"hsms": ("hsms", "HsmsOperations")})


def read_node(code):
    return sdk_lists.node_operations("mhsmThings", code)


def read_go(code):
    return sdk_lists.go_operations("MHSMThings", code)


@pytest.mark.parametrize(
    ("read", "code", "expected"),
    [
        (read_python, PYTHON % "look", {"hsms.make PUT /hsms/{name}", "hsms.look GET /hsms"}),
        (
            read_node,
            NODE % "listThem",
            {"mhsm_things.list_them GET /hsms/{name}/things", "mhsm_things.delete DELETE /hsms/{name}"},
        ),
        (
            read_go,
            GO % "ListByName",
            {"mhsm_things.make PUT /hsms/{name}", "mhsm_things.list_by_name GET /hsms"},
        ),
    ],
    ids=["Python", "Node", "Go"],
)
def test_methods_and_paths_are_read_from_what_builds_the_requests(read, code, expected):
    assert {f"{one.name} {sent(one)}" for one in read(code)} == expected


@pytest.mark.parametrize(
    ("read", "code"),
    [(read_python, PYTHON % "stare"), (read_node, NODE % "explode"), (read_go, GO % "ListByOwner")],
    ids=["Python", "Node", "Go"],
)
def test_a_method_that_sends_what_is_not_understood_is_not_passed_over(read, code):
    with pytest.raises(SystemExit, match="differ"):
        read(code)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MHSMRegions", "mhsm_regions"),
        ("mhsmRegions", "mhsm_regions"),
        ("ListByMHSMResource", "list_by_mhsm_resource"),
        ("checkMhsmNameAvailability", "check_mhsm_name_availability"),
    ],
)
def test_all_languages_names_become_one(name, expected):
    assert sdk_lists.snake(name) == expected


# -- routes off ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("managed_hsms.list_by_subscription", "managed_hsms.list_by_resource_group"),
        ("keys.get_key_versions", "keys.get_deleted_keys"),
        ("security_domain.get_upload_status", "keys.sign"),
    ],
)
def test_a_route_that_is_off_is_noticed_and_another_is_not(name, other):
    test = row(name).test

    off, on = (parity.pytest([test], **{parity.OFF: sent(entry(one).operation)}) for one in (name, other))

    assert (off[0], on[0]) == (parity.TESTS_FAILED, 0), off[1] + on[1]
