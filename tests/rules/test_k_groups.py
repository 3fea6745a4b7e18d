"""K3: what a group was assigned its members may do, members of groups in it too. That Managed HSM's
local RBAC takes groups: learn.microsoft.com/azure/key-vault/managed-hsm/role-management."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from .harness import ADMINISTRATOR, CRYPTO_OFFICER, CRYPTO_USER, OTHER, Answer, World

SIGNERS = "e0000000-0000-0000-0000-000000000001"
STAFF = "e0000000-0000-0000-0000-000000000002"

pytestmark = pytest.mark.rule("K3")


def have_groups(world: World, **members: Any) -> None:
    """The directory's file holds these groups, and the open emulator sees it."""
    path = world.emulator.home / "directory.json"
    body: Dict[str, Any] = json.loads(path.read_text())
    ids = {"signers": SIGNERS, "staff": STAFF}
    body["groups"] = [{"name": n, "objectId": ids[n], "members": m} for n, m in members.items()]
    path.write_text(json.dumps(body))


def assign(world: World, role: str, principal: str, scope: str = "/keys", by: str = "owner") -> Answer:
    name = world.sources.new_id()
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    properties = {"roleDefinitionId": role, "principalId": principal}
    return world.data("PUT", path, {"properties": properties}, who=by)


def test_members_have_the_rights_of_their_group_and_others_have_not(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    have_groups(world, signers=["other"])

    assert world.sign("k", who=OTHER).status == 403
    assign(world, CRYPTO_USER, SIGNERS.upper()).ok()

    assert world.sign("k", who=OTHER).status == 200
    assert assign(world, CRYPTO_OFFICER, SIGNERS, by=OTHER).status == 403, "no more than was assigned"
    assert world.sign("k", who="emulator-app").status == 403


def test_members_of_a_group_in_the_group_have_them_too(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    have_groups(world, staff=["signers"], signers=["other"])

    assign(world, CRYPTO_USER, STAFF).ok()

    assert world.sign("k", who=OTHER).status == 200


def test_what_holds_a_group_does_not_have_the_groups_rights(world: World) -> None:
    """Rights go down to members, never up."""
    world.active_pool()
    world.put_key("k").ok()
    have_groups(world, staff=["signers", "other"], signers=["emulator-app"])

    assign(world, CRYPTO_USER, SIGNERS).ok()

    assert world.sign("k", who="emulator-app").status == 200
    assert world.sign("k", who=OTHER).status == 403


def test_who_leaves_the_group_has_no_rights_from_then_on(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    have_groups(world, signers=["other"])
    assign(world, CRYPTO_USER, SIGNERS).ok()
    world.sign("k", who=OTHER).ok()

    have_groups(world, signers=[])

    assert world.sign("k", who=OTHER).status == 403


def test_scopes_hold_for_groups(world: World) -> None:
    world.active_pool()
    world.put_key("one").ok()
    world.put_key("two").ok()
    have_groups(world, signers=["other"])

    assign(world, CRYPTO_USER, SIGNERS, "/keys/one").ok()

    assert [world.sign(name, who=OTHER).status for name in ("one", "two")] == [200, 403]


def test_a_pool_may_be_born_with_a_group_as_its_administrators(world: World) -> None:
    have_groups(world, staff=["other"])
    world.create_pool(initialAdminObjectIds=[STAFF])
    certified = world.data("POST", "/securitydomain/download", {"certificates": [], "required": 2}, who=OTHER)

    assert certified.status == 400, "whoever may download is told what is wrong with his request"
    assert world.data("POST", "/securitydomain/download", {"certificates": []}).status == 403


def test_an_assignment_of_the_group_is_listed_under_its_own_id(world: World) -> None:
    world.active_pool()
    have_groups(world, signers=["other"])
    made = assign(world, CRYPTO_OFFICER, SIGNERS).ok().body

    listed = world.data("GET", "/providers/Microsoft.Authorization/roleAssignments").ok().body["value"]

    assert made["properties"]["principalId"] == SIGNERS
    assert [one for one in listed if one["id"] == made["id"]] == [made]
    assert {one["properties"]["roleDefinitionId"].rsplit("/", 1)[-1] for one in listed} >= {ADMINISTRATOR}
