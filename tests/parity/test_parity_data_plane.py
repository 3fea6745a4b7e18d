"""Operations of the data plane in docs/parity.md that no rule's test asks by themselves, and those that
are absent."""

from __future__ import annotations

import re

import pytest
from parity_table import absent, sdk_lists
from rules.harness import CRYPTO_AUDITOR, CRYPTO_USER, OTHER, World

ABSENT = absent(sdk_lists.DATA)
SETTING = "AllowKeyManagementOperationsThroughARM"
DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "home").active_pool()


def kids(answer):
    return [item["kid"] for item in answer.ok().body["value"]]


def versions(world, name):
    """Two of them, each as it was made."""
    return [world.put_key(name).ok().body for _ in range(2)]


def test_a_key_is_made_as_it_was_asked_for(world):
    made = world.put_key("k", kty="RSA-HSM", crv=None, key_size=3072, tags={"a": "b"}).ok().body

    assert (made["key"]["kty"], len(made["key"]["n"]), made["tags"]) == ("RSA-HSM", 512, {"a": "b"})
    assert made["attributes"]["enabled"] is True


def test_a_key_is_shown_by_its_name_and_by_each_version(world):
    older, newer = versions(world, "k")

    by_version = [
        world.data("GET", f"/keys/k/{made['key']['kid'].rsplit('/', 1)[-1]}").ok().body
        for made in (older, newer)
    ]

    assert by_version == [older, newer]
    assert world.get_key("k").ok().body == newer


def test_the_versions_of_a_key_are_listed(world):
    made = versions(world, "k")
    world.put_key("other").ok()

    assert kids(world.data("GET", "/keys/k/versions")) == [one["key"]["kid"] for one in made]


def test_keys_are_listed_once_each_and_without_their_material(world):
    versions(world, "k")
    world.put_key("other").ok()

    listed = world.data("GET", "/keys").ok().body["value"]

    assert [item["kid"].rsplit("/", 1)[-1] for item in listed] == ["k", "other"]
    assert not any("key" in item for item in listed)


def test_deleted_keys_are_listed_and_shown(world):
    for name in ("gone", "there"):
        world.put_key(name).ok()
    deleted = world.data("DELETE", "/keys/gone").ok().body

    listed = kids(world.data("GET", "/deletedkeys"))

    assert [kid.rsplit("/", 1)[-1] for kid in listed] == ["gone"]
    assert world.data("GET", "/deletedkeys/gone").ok().body["recoveryId"] == deleted["recoveryId"]


@pytest.mark.parametrize(("there", "back"), [("encrypt", "decrypt"), ("wrapkey", "unwrapkey")])
def test_what_one_operation_closes_the_other_opens(world, there, back):
    world.put_key("k", kty="RSA-HSM", crv=None, key_size=2048).ok()
    closed = world.data("POST", f"/keys/k/{there}", {"alg": "RSA-OAEP-256", "value": "AQID"}).ok().body

    opened = world.data("POST", f"/keys/k/{back}", {"alg": "RSA-OAEP-256", "value": closed["value"]})

    assert (closed["value"] != "AQID", opened.ok().body["value"]) == (True, "AQID")


def test_a_signature_is_of_its_digest_and_its_key(world):
    for name in ("k", "other"):
        world.put_key(name).ok()
    signature = world.sign("k").ok().body["value"]

    verdicts = [world.verify(name, signature).ok().body["value"] for name in ("k", "other")]

    assert verdicts == [True, False]


def test_a_setting_is_listed_shown_and_changed(world):
    before = world.data("GET", f"/settings/{SETTING}").ok().body["value"]
    changed = {"true": "false", "false": "true"}[before]

    world.data("PATCH", f"/settings/{SETTING}", {"value": changed}).ok()

    listed = {one["name"]: one["value"] for one in world.data("GET", "/settings").ok().body["settings"]}
    assert (listed[SETTING], world.data("GET", f"/settings/{SETTING}").ok().body["value"]) == (changed,) * 2


def test_an_assignment_is_made_shown_listed_and_deleted(world):
    made = world.assign(CRYPTO_AUDITOR, OTHER, "/keys").ok().body
    path = f"/keys{ASSIGNMENTS}"

    shown = world.data("GET", f"{path}/{made['name']}").ok().body
    listed = world.data("GET", path).ok().body["value"]
    world.data("DELETE", f"{path}/{made['name']}").ok()

    assert shown == made and made in listed
    assert made not in world.data("GET", path).ok().body["value"]


def test_a_definition_is_listed_and_shown(world):
    listed = {one["name"]: one for one in world.data("GET", DEFINITIONS).ok().body["value"]}

    assert world.data("GET", f"{DEFINITIONS}/{CRYPTO_USER}").ok().body == listed[CRYPTO_USER]


@pytest.mark.parametrize("name", ABSENT)
def test_an_absent_operation_says_that_it_is_not_there(world, name):
    world.put_key("k").ok()
    given = {"key-name": "k", "keyName": "k", "key-version": world.get_key("k").body["key"]["kid"][-32:]}
    path = re.sub(r"{([\w-]+)}", lambda match: given.get(match[1], "x"), ABSENT[name].path)
    method = ABSENT[name].method
    before = world.get_key("k").body

    answer = world.data(method, path, None if method == "GET" else {})

    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert answer.message == f"{method} {path} is not implemented by this emulator."
    assert world.get_key("k").body == before
