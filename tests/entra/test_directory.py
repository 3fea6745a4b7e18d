"""The directory file: defaults, edits, and clear words for what is wrong with it."""

import itertools
import json
import stat
import subprocess
import sys
import threading

import pytest

from azext_mhsmregion.emulator.directory import Directory, DirectoryError
from azext_mhsmregion.emulator.files import create_private


def ids():
    numbers = itertools.count(1)
    return lambda: f"00000000-0000-0000-0000-{next(numbers):012}"


def load(home):
    return Directory.load(home, ids(), lambda: "s3cret")


def edited(home, change):
    load(home)
    path = home / "directory.json"
    body = json.loads(path.read_text())
    change(body)
    path.write_text(json.dumps(body))
    return load(home)


def test_the_first_load_makes_owner_app_and_other(tmp_path):
    directory = load(tmp_path / "home")
    assert [(p.name, p.kind) for p in directory.principals] == [
        ("owner", "user"),
        ("emulator-app", "servicePrincipal"),
        ("other", "user"),
    ]
    assert directory.owner.name == "owner"
    assert (directory.app.secret, directory.owner.secret, directory.owner.app_id) == ("s3cret", None, None)
    object_ids = [p.object_id for p in directory.principals]
    assert len({directory.tenant_id, directory.subscription_id, directory.app.app_id, *object_ids}) == 6


def test_the_file_is_the_owners_alone_and_stays_as_it_is(tmp_path):
    first = load(tmp_path)
    assert stat.S_IMODE((tmp_path / "directory.json").stat().st_mode) == 0o600
    assert Directory.load(tmp_path, lambda: 1 / 0, lambda: 1 / 0) == first
    assert [path.name for path in tmp_path.iterdir()] == ["directory.json"]


def test_principals_are_found_by_name_and_by_ids_in_any_case(tmp_path):
    directory = load(tmp_path)
    app = directory.by_name("emulator-app")
    assert directory.by_object_id(app.object_id.upper()) is app
    assert directory.by_app_id(app.app_id.upper()) is app
    assert directory.by_user_principal_name("Owner@mhsmregion.onmicrosoft.com") is directory.owner
    assert directory.by_name("nobody") is directory.by_app_id("x") is directory.by_object_id("x") is None


def test_a_user_may_add_people(tmp_path):
    person = {"name": "ann@contoso.com", "kind": "user", "objectId": "A0000000-0000-0000-0000-00000000000A"}
    directory = edited(tmp_path, lambda body: body["principals"].append(person))
    assert directory.by_name("ann@contoso.com").object_id == "a0000000-0000-0000-0000-00000000000a"
    assert directory.by_user_principal_name("ann@contoso.com").name == "ann@contoso.com"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda body: body.pop("tenantId"), "tenantId"),
        (lambda body: body.update(subscriptionId="mine"), "subscriptionId"),
        (lambda body: body.update(principals={}), "principals"),
        (lambda body: body["principals"].append("ann"), "principals[3]"),
        (lambda body: body["principals"][0].update(kind="group"), "principals[0].kind"),
        (lambda body: body["principals"][2].update(objectId=7), "principals[2].objectId"),
        (lambda body: body["principals"][2].update(name=" "), "principals[2].name"),
        (lambda body: body["principals"][1].pop("appId"), "principals[1].appId"),
        (lambda body: body["principals"][1].update(secret=None), "principals[1].secret"),
        (lambda body: body["principals"][2].update(name="owner"), "principals[2].name"),
        (lambda body: body["principals"].append(body["principals"][1]), "principals[3].name"),
        (lambda body: body["principals"].pop(0), "principals"),
    ],
)
def test_a_malformed_file_is_refused_by_field(tmp_path, change, field):
    with pytest.raises(DirectoryError) as caught:
        edited(tmp_path, change)
    assert caught.value.field == field
    assert str(tmp_path / "directory.json") in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff", "[" * 100_000])
def test_a_file_that_is_no_json_object_is_refused(tmp_path, text):
    (tmp_path / "directory.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DirectoryError, match="the file"):
        load(tmp_path)


def test_of_many_first_loads_one_wins_and_all_agree(tmp_path):
    barrier = threading.Barrier(8)
    found = []

    def race(number):
        barrier.wait()
        found.append(create_private(tmp_path / "file", b"%d" % number, "directory.json"))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_directory_needs_the_standard_library_alone():
    program = (
        "import sys, azext_mhsmregion.emulator.directory;"
        "print([n for n in ('jwt', 'cryptography', 'requests', 'asyncio', 'uvicorn') if n in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


def test_users_have_generated_passwords(tmp_path):
    directory = load(tmp_path)
    assert [p.password for p in directory.principals] == ["s3cret", None, "s3cret"]


def test_an_application_may_have_certificates_instead_of_a_secret(tmp_path):
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

    def change(body):
        del body["principals"][1]["secret"]
        body["principals"][1]["certificates"] = [pem]

    app = edited(tmp_path, change).app
    assert (app.secret, app.certificates) == (None, (pem,))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda rows: rows[0].update(password=" "), "principals[0].password"),
        (lambda rows: rows[1].update(certificates="pem"), "principals[1].certificates"),
        (lambda rows: rows[1].update(certificates=["/path"]), "principals[1].certificates[0]"),
    ],
)
def test_malformed_credentials_are_refused_by_field(tmp_path, change, field):
    with pytest.raises(DirectoryError) as caught:
        edited(tmp_path, lambda body: change(body["principals"]))
    assert caught.value.field == field


GROUP = {"name": "signers", "objectId": "B0000000-0000-0000-0000-00000000000B", "members": []}


def with_groups(home, *groups):
    return edited(home, lambda body: body.update(groups=list(groups)))


def test_a_group_holds_principals_and_groups_by_any_name_they_have(tmp_path):
    first = load(tmp_path)
    names = ["owner", "other@mhsmregion.onmicrosoft.com", first.app.app_id.upper(), "readers", "owner"]
    readers = {"name": "readers", "objectId": "c0000000-0000-0000-0000-00000000000c"}

    directory = with_groups(tmp_path, {**GROUP, "members": names}, readers)

    signers = directory.group("signers")
    assert signers is directory.group(GROUP["objectId"]) is directory.entry(GROUP["objectId"].lower())
    expected = [directory.owner, directory.by_name("other"), directory.app, directory.group("readers")]
    assert signers.members == tuple(entry.object_id for entry in expected)


def test_a_principal_has_the_ids_of_all_groups_that_it_is_in_by_others_too(tmp_path):
    """Groups may hold each other."""
    ids = {name: f"c0000000-0000-0000-0000-00000000000{number}" for number, name in enumerate("abcd")}
    holds = {"a": ["owner", "c"], "b": ["a"], "c": ["b"], "d": ["other"]}
    groups = [{"name": name, "objectId": ids[name], "members": holds[name]} for name in holds]

    directory = with_groups(tmp_path, *groups)

    owner, other = directory.owner, directory.by_name("other")
    assert directory.ids_of(owner) == (owner.object_id, ids["a"], ids["b"], ids["c"])
    assert directory.ids_of(other) == (other.object_id, ids["d"])
    assert directory.ids_of(directory.app) == (directory.app.object_id,)


def test_a_file_without_groups_has_none(tmp_path):
    assert edited(tmp_path, lambda body: body.pop("groups")).groups == ()


@pytest.mark.parametrize(
    ("groups", "field", "words"),
    [
        ({}, "groups", "a list"),
        (["x"], "groups[0]", "an object"),
        ([{**GROUP, "member": []}], "groups[0]", "'member'; it has name, objectId, members"),
        ([{**GROUP, "name": ""}], "groups[0].name", "not empty"),
        ([{**GROUP, "objectId": "x"}], "groups[0].objectId", "GUID"),
        ([{**GROUP, "members": "owner"}], "groups[0].members", "a list of names"),
        ([{**GROUP, "members": [7]}], "groups[0].members", "a list of names"),
        ([{**GROUP, "members": ["owner", "nobody"]}], "groups[0].members[1]", "'nobody' is no principal"),
        ([{**GROUP, "name": "owner"}], "groups[0].name", "principals[0].name"),
        ([GROUP, {**GROUP, "name": "x"}], "groups[1].objectId", "groups[0].objectId"),
    ],
)
def test_malformed_groups_are_refused_by_field(tmp_path, groups, field, words):
    with pytest.raises(DirectoryError) as caught:
        edited(tmp_path, lambda body: body.update(groups=groups))
    assert caught.value.field == field
    assert words in str(caught.value)


def test_a_member_of_the_file_that_nobody_knows_is_refused_by_name(tmp_path):
    with pytest.raises(DirectoryError) as caught:
        edited(tmp_path, lambda body: body.update(group=[GROUP]))
    words = "has no member 'group'; it has tenantId, subscriptionId, principals, groups"
    assert str(caught.value) == f"{tmp_path / 'directory.json'}: (the file): {words}"
