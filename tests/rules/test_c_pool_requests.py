"""C1, C3, D4, P6: what a request for a pool may say: immutable properties, another group, identities,
rules of the firewall."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from .harness import OTHER, OWNER, POOL, PRIMARY, Answer, World

ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


def other_group(world: World) -> None:
    world.arm("PUT", "/resourceGroups/other", {"location": PRIMARY}, version="2021-04-01").ok()


def put(world: World, body: Dict[str, Any], group: str = "default") -> Answer:
    return world.arm("PUT", world.pool_path(POOL, group), body)


@pytest.mark.rule("C3")
@pytest.mark.parametrize("location", [PRIMARY, "northeurope"])
def test_c3_a_name_that_another_group_holds_is_taken(world: World, location: str) -> None:
    world.create_pool()
    other_group(world)

    refused = put(world, world.pool_body(location), "other")

    assert (refused.status, refused.code) == (409, "VaultAlreadyExists")
    assert refused.message == f"The name '{POOL}' is already in use."
    assert world.arm("GET", world.pool_path(POOL, "other")).status == 404


@pytest.mark.rule("D4")
def test_d4_a_deleted_pool_is_recovered_where_it_was_and_nowhere_else(world: World) -> None:
    world.create_pool()
    other_group(world)
    world.finish(world.delete_pool()).ok()
    recovery = {"location": PRIMARY, "properties": {"createMode": "Recover"}}

    refused = [put(world, recovery, "other"), put(world, {**recovery, "location": "northeurope"})]

    assert [(one.status, one.code) for one in refused] == [(409, "ConflictError")] * 2
    assert f"{POOL} is of resource group default in {PRIMARY}" in refused[0].message
    assert world.arm("GET", world.deleted_path()).status == 200
    world.finish(put(world, {**recovery, "location": "UK South"}, "DEFAULT")).ok()
    assert world.show().status == 200


@pytest.mark.rule("C1")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"properties": {"softDeleteRetentionInDays": 8}}, "softDeleteRetentionInDays"),
        ({"properties": {"initialAdminObjectIds": ["9e8d7c6b-0000-4000-8000-000000000000"]}},
         "initialAdminObjectIds"),
        ({"properties": {"initialAdminObjectIds": []}}, "initialAdminObjectIds"),
        ({"properties": {"tenantId": "9e8d7c6b-0000-4000-8000-000000000000"}}, "tenantId"),
        ({"properties": {"enableSoftDelete": False}}, "enableSoftDelete"),
        ({"location": "northeurope"}, "location"),
        ({"sku": {"family": "B", "name": "Custom_B32"}}, "sku"),
    ],
)  # fmt: skip
def test_c1_what_cannot_be_changed_is_refused_by_name(
    world: World, method: str, change: Dict[str, Any], named: str
) -> None:
    world.create_pool()
    before = world.show().body

    refused = world.arm(method, world.pool_path(), {"tags": {"a": "b"}, **change})

    assert (refused.status, refused.code) == (400, "BadRequest")
    assert refused.message.startswith(named) and "cannot be changed" in refused.message
    assert world.show().body == before


@pytest.mark.rule("C1")
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_c1_a_pool_sent_back_as_it_is_shown_is_no_change_of_it(world: World, method: str) -> None:
    world.create_pool(initialAdminObjectIds=[world.id_of(OWNER), world.id_of(OTHER)])
    shown = world.show().body
    sent = {**shown, "location": "UK South", "tags": {"a": "b"}}
    people = [one.upper() for one in reversed(shown["properties"]["initialAdminObjectIds"])]
    sent["properties"] = {**shown["properties"], "initialAdminObjectIds": people}

    world.finish(world.arm(method, world.pool_path(), sent)).ok()

    after = world.show().body
    assert after["tags"] == {"a": "b"} and after["properties"] == shown["properties"]


@pytest.mark.rule("C1")
@pytest.mark.parametrize(
    ("properties", "named"),
    [({"enableSoftDelete": False}, "enableSoftDelete"), ({"enableSoftDelete": "yes"}, "enableSoftDelete"),
     ({"createMode": "restore"}, "createMode"), ({"createMode": 7}, "createMode")],
)  # fmt: skip
def test_c1_a_pool_is_not_made_otherwise_than_it_can_be(
    world: World, properties: Dict[str, Any], named: str
) -> None:
    refused = world.put_pool(**properties)

    assert refused.status == 400 and named in refused.message
    assert world.show().status == 404
    assert world.put_pool(createMode="Default").status == 202


# -- identity ----------------------------------------------------------------------------------------


def with_identity(world: World, kind: str, *names: str) -> Dict[str, Any]:
    users = {f"{ID}/{name}": {} for name in names}
    return {**world.pool_body(), "identity": {"type": kind, "userAssignedIdentities": users or None}}


@pytest.mark.rule("C1")
def test_c1_identities_are_kept_shown_replaced_and_taken_away(world: World) -> None:
    made = world.finish(put(world, with_identity(world, "UserAssigned", "one", "two"))).ok().body
    first = made["identity"]
    world.finish(world.patch(publicNetworkAccess="Disabled")).ok()
    kept = world.show().body["identity"]
    both = with_identity(world, "SystemAssigned, UserAssigned", "two")
    world.finish(world.arm("PATCH", world.pool_path(), {"identity": both["identity"]})).ok()
    changed = world.show().body["identity"]
    (listed,) = world.arm("GET", "/resources", version="2021-04-01").body["value"]
    world.finish(world.arm("PATCH", world.pool_path(), {"identity": {"type": "None"}})).ok()

    assert (first["type"], set(first)) == ("UserAssigned", {"type", "userAssignedIdentities"})
    assert set(first["userAssignedIdentities"]) == {f"{ID}/one", f"{ID}/two"}
    for ids in first["userAssignedIdentities"].values():
        assert set(ids) == {"principalId", "clientId"} and len(set(ids.values())) == 2
    assert kept == first
    assert (changed["type"], changed["tenantId"]) == ("SystemAssigned,UserAssigned", world.tenant)
    assert changed["principalId"] and listed["identity"] == changed
    two = f"{ID}/two"
    assert changed["userAssignedIdentities"] == {two: first["userAssignedIdentities"][two]}
    assert "identity" not in world.show().body


@pytest.mark.rule("C1")
def test_c1_a_pool_of_which_nobody_said_so_has_no_identity(world: World) -> None:
    assert "identity" not in world.create_pool().body


@pytest.mark.rule("C1")
@pytest.mark.parametrize(
    "identity",
    [
        {"type": "Managed"}, {}, {"type": "UserAssigned"}, {"type": "UserAssigned",
         "userAssignedIdentities": {f"{ID}/one": None}},
        {"type": "SystemAssigned", "userAssignedIdentities": {f"{ID}/one": {}}},
        {"type": "UserAssigned", "userAssignedIdentities": {"one": {}}},
        {"type": "UserAssigned", "userAssignedIdentities": [f"{ID}/one"]},
        "SystemAssigned",
    ],
)  # fmt: skip
def test_c1_an_identity_that_cannot_be_is_refused(world: World, identity: Any) -> None:
    refused = put(world, {**world.pool_body(), "identity": identity})

    assert (refused.status, refused.code) == (400, "BadParameter")
    assert world.show().status == 404


# -- rules of the firewall -------------------------------------------------------------------------------


def allowed(world: World, *ranges: Any) -> Answer:
    rules = [{"value": one} if isinstance(one, str) else one for one in ranges]
    return world.patch(networkAcls={"bypass": "None", "defaultAction": "Deny", "ipRules": rules})


@pytest.mark.rule("P6")
def test_p6_ten_public_ranges_are_kept_as_they_are_written(world: World) -> None:
    world.create_pool()
    ranges = ["20.30.40.50", "20.30.40.0/24", "52.0.0.1/32", *(f"40.1.{number}.0/24" for number in range(7))]

    world.finish(allowed(world, *ranges)).ok()

    shown = world.show().body["properties"]["networkAcls"]
    assert shown["ipRules"] == [{"value": one} for one in ranges]
    assert (
        allowed(world, *ranges, "41.0.0.0/24").message
        == "networkAcls has 11 ipRules; there can be 10 at most."
    )


@pytest.mark.rule("P6")
@pytest.mark.parametrize(
    "text",
    ["10.0.0.1", "172.16.0.0/16", "192.168.1.0/24", "0.0.0.0/0", "8.0.0.0/5", "127.0.0.1", "169.254.169.254",
     "100.64.0.1", "224.0.0.1", "2001:db8::/32", "20.30.40.1/24", "20.30.40.0/33", "20.30.40", "any", ""],
)  # fmt: skip
def test_p6_only_public_ipv4_ranges_can_be_listed(world: World, text: str) -> None:
    world.create_pool()

    refused = allowed(world, "20.30.40.50", text)

    assert refused.status == 400 and f"'{text}'" in refused.message
    assert world.show().body["properties"]["networkAcls"]["ipRules"] == []
    assert world.show().body["properties"]["networkAcls"]["defaultAction"] == "Allow"


@pytest.mark.rule("P6")
@pytest.mark.parametrize("rule", [7, {}, {"value": 7}, {"value": None}, ["20.30.40.50"]])
def test_p6_a_rule_is_an_object_with_a_value(world: World, rule: Any) -> None:
    world.create_pool()

    assert allowed(world, rule).code == "BadParameter"
