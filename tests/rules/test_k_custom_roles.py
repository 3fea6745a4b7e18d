"""K3: custom role definitions. No recording shows any: the shapes are the recorded built-in ones and the
SDK's (azure-keyvault-administration 4.7.2), the refusals are ours."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

import pytest

from .harness import (
    ADMINISTRATOR,
    CRYPTO_OFFICER,
    CRYPTO_USER,
    EXTENDED,
    OTHER,
    PRIMARY,
    SIX_MINUTES,
    Answer,
    World,
)

DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
PREFIX = "Microsoft.KeyVault/managedHsm/"
ROLE = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SIGN = ("keys/sign/action",)


def define(
    world: World,
    actions: Sequence[str] = SIGN,
    without: Sequence[str] = (),
    *,
    name: str = ROLE,
    label: str = "Signer",
    scope: str = "",
    region: str = "",
    who: str = "owner",
    permissions: Optional[Any] = None,
    **more: Any,
) -> Answer:
    permission = {
        "dataActions": [PREFIX + one for one in actions],
        "notDataActions": [PREFIX + one for one in without],
    }
    properties = {
        "roleName": label,
        "permissions": [permission] if permissions is None else permissions,
        **more,
    }
    body = {"properties": properties}
    return world.data("PUT", f"{scope}{DEFINITIONS}/{name}", body, region=region, who=who)


def delete(world: World, name: str = ROLE, region: str = "", who: str = "owner") -> Answer:
    return world.data("DELETE", f"{DEFINITIONS}/{name}", region=region, who=who)


def listed(world: World, region: str = "") -> Dict[str, Any]:
    rows = world.data("GET", DEFINITIONS, region=region).ok().body["value"]
    return {row["name"]: row for row in rows}


@pytest.mark.rule("K3")
def test_k3_a_custom_role_is_shown_as_the_built_in_ones_are(world: World) -> None:
    world.active_pool()

    made = define(world, SIGN, ("keys/delete",), description="signs")

    assert made.status == 201
    assert made.body == {
        "id": f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{ROLE}",
        "name": ROLE,
        "properties": {
            "assignableScopes": ["/"],
            "description": "signs",
            "permissions": [
                {
                    "actions": [],
                    "dataActions": [f"{PREFIX}keys/sign/action"],
                    "notActions": [],
                    "notDataActions": [f"{PREFIX}keys/delete"],
                }
            ],
            "roleName": "Signer",
            "type": "CustomRole",
        },
        "type": "Microsoft.Authorization/roleDefinitions",
    }
    assert listed(world)[ROLE] == made.body
    assert world.data("GET", f"{DEFINITIONS}/{ROLE.upper()}").body == made.body
    assert listed(world)[ADMINISTRATOR].keys() == made.body.keys()


@pytest.mark.rule("K3")
def test_k3_a_custom_role_allows_its_actions_and_no_other(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    define(world).ok()
    world.assign(ROLE, OTHER, "/keys/k").ok()

    assert world.sign("k", who=OTHER).status == 200
    assert world.get_key("k", who=OTHER).status == 403


@pytest.mark.rule("K3")
def test_k3_what_a_role_excepts_it_does_not_allow(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    define(world, ("keys/*",), ("keys/sign/action",)).ok()
    world.assign(ROLE, OTHER).ok()

    assert world.get_key("k", who=OTHER).status == 200
    assert world.sign("k", who=OTHER).status == 403
    world.assign(CRYPTO_USER, OTHER).ok()
    assert world.sign("k", who=OTHER).status == 200, "another role of his allows it"


@pytest.mark.rule("K3")
def test_k3_a_changed_role_changes_what_its_bearers_may(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    define(world, SIGN, description="signs").ok()
    world.assign(ROLE, OTHER).ok()

    changed = define(world, ("keys/read/action",), label="Reader")

    assert (changed.status, changed.body["properties"]["description"]) == (201, "")
    assert [row for row in listed(world).values() if row["properties"]["type"] == "CustomRole"] == [
        changed.body
    ]
    assert (world.sign("k", who=OTHER).status, world.get_key("k", who=OTHER).status) == (403, 200)


@pytest.mark.rule("K3")
def test_k3_built_in_roles_are_neither_changed_nor_deleted(world: World) -> None:
    world.active_pool()
    before = listed(world)

    answers = [
        define(world, SIGN, name=CRYPTO_USER),
        define(world, SIGN, name=CRYPTO_USER.upper()),
        delete(world, ADMINISTRATOR),
    ]

    assert {(answer.status, answer.code) for answer in answers} == {(403, "Forbidden")}
    assert listed(world) == before


@pytest.mark.rule("K3")
def test_k3_a_role_in_use_stays_until_its_assignments_are_gone(world: World) -> None:
    world.active_pool()
    made = define(world).ok()
    assigned = world.assign(ROLE, OTHER).ok().body["name"]

    refused = delete(world)
    world.data("DELETE", f"/providers/Microsoft.Authorization/roleAssignments/{assigned}").ok()
    deleted = delete(world)

    assert (refused.status, refused.code) == (409, "RoleDefinitionHasAssignments")
    assert (deleted.status, deleted.body) == (200, made.body)
    assert ROLE not in listed(world)
    assert {delete(world).status, world.data("GET", f"{DEFINITIONS}/{ROLE}").status} == {404}
    assert world.assign(ROLE, OTHER).status == 400
    assert define(world).status == 201, "its name is free again"


@pytest.mark.rule("K3")
def test_k3_a_role_can_be_assigned_on_its_scopes_only(world: World) -> None:
    world.active_pool()
    define(world, assignableScopes=["/keys"]).ok()

    assert world.assign(ROLE, OTHER, "/keys/k").status == 201
    assert world.assign(ROLE, OTHER, "").status == 400


@pytest.mark.rule("K3")
def test_k3_definitions_that_cannot_be_are_refused(world: World) -> None:
    world.active_pool()
    define(world).ok()
    before = listed(world)
    other = ROLE.replace("a", "f")

    answers = {
        "the same name": define(world, name=other, label="signer"),
        "a built-in role's name": define(world, name=other, label="Managed HSM Crypto User"),
        "no GUID": define(world, name="signer", label="x"),
        "another scope": define(world, scope="/keys", name=other, label="x"),
        "no scope": define(world, scope="/moon", name=other, label="x"),
        "no data action": define(world, permissions=[{"dataActions": ["Microsoft.Storage/read"]}]),
        "no exception": define(world, permissions=[{"notDataActions": ["*"]}]),
        "actions": define(world, permissions=[{"actions": ["*"]}]),
        "no strings": define(world, permissions=[{"dataActions": [1]}]),
        "no object": define(world, permissions=["read"]),
        "two": define(world, permissions=[{}, {}]),
        "assignable nowhere": define(world, assignableScopes=["/subscriptions/1"]),
        "built in": define(world, type="AKVBuiltInRole"),
        "no properties": world.data("PUT", f"{DEFINITIONS}/{ROLE}", {}),
    }

    assert {name: answer.status for name, answer in answers.items()} == {
        **dict.fromkeys(answers, 400), "the same name": 409, "a built-in role's name": 409,
    }  # fmt: skip
    assert listed(world) == before


@pytest.mark.rule("K3")
def test_k3_who_may_define_roles(world: World) -> None:
    world.active_pool()
    define(world).ok()
    world.assign(CRYPTO_USER, OTHER).ok()
    may_not = define(world, who=OTHER).status, delete(world, who=OTHER).status

    world.assign(CRYPTO_OFFICER, OTHER).ok()

    assert may_not == (403, 403)
    assert (define(world, who=OTHER).status, delete(world, who=OTHER).status) == (201, 200)


@pytest.mark.rule("K3")
def test_k3_a_nameless_role_without_permissions_is_one(world: World) -> None:
    """What the SDK sends when it is asked for nothing more."""
    world.active_pool()

    for name in (ROLE, ROLE.replace("a", "f")):
        made = world.data("PUT", f"{DEFINITIONS}/{name}", {"properties": {"permissions": []}})
        assert (made.status, made.body["properties"]["roleName"]) == (201, "")


# -- regions ----------------------------------------------------------------------------------


@pytest.mark.rule("K3")
@pytest.mark.rule("L1")
def test_k3_a_roles_change_reaches_the_other_region_within_six_minutes(world: World) -> None:
    world.extended_pool()
    world.put_key("k").ok()
    define(world, region=PRIMARY).ok()
    world.assign(ROLE, OTHER, region=PRIMARY).ok()
    world.advance(SIX_MINUTES)

    define(world, ("keys/read/action",), region=PRIMARY).ok()
    at_once = world.sign("k", PRIMARY, OTHER).status, world.sign("k", EXTENDED, OTHER).status
    world.advance(SIX_MINUTES)

    assert at_once == (403, 200)
    assert world.sign("k", EXTENDED, OTHER).status == 403
    assert world.get_key("k", EXTENDED, OTHER).status == 200
    assert world.shown(PRIMARY) == world.shown(EXTENDED)


@pytest.mark.rule("L6")
def test_l6_of_two_regions_definitions_the_later_one_stands_in_both(world: World) -> None:
    world.extended_pool()
    define(world).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED, 600)

    delete(world, region=PRIMARY).ok()
    world.advance(1)
    later = define(world, ("keys/read/action",), region=EXTENDED).ok()
    world.advance(600 + SIX_MINUTES)

    assert [listed(world, region)[ROLE] for region in (PRIMARY, EXTENDED)] == [later.body, later.body]
    assert [event["object_kind"] for event in world.events("conflict")] == ["role_definition"]


@pytest.mark.rule("K3")
def test_k3_an_assignment_of_a_role_that_is_gone_allows_nothing(world: World) -> None:
    """Deleted in one region, assigned in the other, of which the first had not heard."""
    world.extended_pool()
    world.put_key("k").ok()
    define(world).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED, 600)

    world.assign(ROLE, OTHER, region=EXTENDED).ok()
    delete(world, region=PRIMARY).ok()
    world.advance(600 + SIX_MINUTES)

    assert {world.sign("k", region, OTHER).status for region in (PRIMARY, EXTENDED)} == {403}
    assert world.shown(PRIMARY) == world.shown(EXTENDED)
