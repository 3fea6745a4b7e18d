"""Operations of docs/parity.md that no rule's test asks by themselves, and those that are absent."""

from __future__ import annotations

import re

import pytest
from parity_table import absent, sdk_lists
from rules.harness import ARM, ARM_VERSION, EXTENDED, POOL, PRIMARY, World

PROVIDER = "/providers/Microsoft.KeyVault"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "home")


def names(answer):
    return [one["name"] for one in answer.ok().body["value"]]


def test_a_pool_is_shown_as_it_was_made(world):
    world.create_pool()

    shown = world.show().ok().body

    assert (shown["name"], shown["location"], shown["properties"]["provisioningState"]) == (
        POOL,
        PRIMARY,
        "Succeeded",
    )


def test_a_create_ends_with_the_pool(world):
    made = world.create_pool().body

    assert (made["name"], made["properties"]["provisioningState"]) == (POOL, "Succeeded")


def test_an_update_adds_tags_and_regions_one_after_the_other(world):
    world.active_pool()

    world.finish(world.arm("PATCH", world.pool_path(), {"tags": {"team": "payments"}})).ok()
    world.finish(world.set_regions(EXTENDED)).ok()

    assert world.show().body["tags"] == {"team": "payments"}
    assert world.regions() == [(PRIMARY, "Succeeded", True), (EXTENDED, "Succeeded", False)]


def test_a_group_lists_its_own_pools(world):
    world.arm("PUT", "/resourceGroups/other", {"location": PRIMARY}, version="2024-03-01").ok()
    world.create_pool()
    world.finish(world.arm("PUT", world.pool_path("Other-Pool", "other"), world.pool_body())).ok()

    listed = [
        names(world.arm("GET", f"/resourceGroups/{group}{PROVIDER}/managedHSMs"))
        for group in ("default", "other")
    ]

    assert listed == [[POOL], ["Other-Pool"]]


def test_a_subscription_lists_all_live_pools(world):
    for name in ("Second-Pool", "First-Pool", "Deleted-Pool"):
        world.create_pool(name)
    world.finish(world.delete_pool("Deleted-Pool")).ok()

    assert names(world.arm("GET", f"{PROVIDER}/managedHSMs")) == ["First-Pool", "Second-Pool"]


def test_deleted_pools_are_listed_and_the_living_are_not(world):
    for name in ("Living-Pool", POOL):
        world.create_pool(name)
    world.finish(world.delete_pool()).ok()

    assert names(world.arm("GET", f"{PROVIDER}/deletedManagedHSMs")) == [POOL]


def test_the_operations_that_roles_can_allow_are_listed(world):
    path = f"{PROVIDER}/operations"
    listed = world.call("GET", ARM, path, query={"api-version": ARM_VERSION}).ok().body["value"]

    of_a_pool = {one["name"]: one["display"]["resource"] for one in listed if "managedHSMs" in one["name"]}
    assert of_a_pool["Microsoft.KeyVault/managedHSMs/write"] == "Managed HSM"
    assert not any("/vaults/" in one["name"] for one in listed)


ABSENT = absent(sdk_lists.CONTROL)


@pytest.mark.parametrize("name", ABSENT)
def test_an_absent_operation_says_what_the_emulator_covers(world, name):
    world.create_pool()
    given = {"subscriptionId": world.subscription, "resourceGroupName": "default", "name": POOL}
    path = re.sub(r"{(\w+)}", lambda match: given.get(match[1], "x"), ABSENT[name].path)
    method = ABSENT[name].method

    answer = world.call(
        method, ARM, path, {} if method == "PUT" else None, query={"api-version": ARM_VERSION}
    )

    assert (answer.status, answer.code) == (404, "InvalidResourceType")
    assert "Microsoft.KeyVault/managedHSMs" in answer.message
