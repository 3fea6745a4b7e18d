"""One suite for every side of the provider: the recording, the emulator in process, the
emulator over sockets (issue 3, part 6)."""

from __future__ import annotations

import pytest
from sides import FULL

from azext_mhsmregion.model.messages import name_soft_deleted
from azext_mhsmregion.provider.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    OperationFailedError,
)
from azext_mhsmregion.provider.interface import PoolSpec, Region

PRIMARY = Region("eastus2", "Succeeded", True)
EXTENDED = Region("uksouth", "Succeeded", False)


def test_a_new_pool_has_its_primary_region_only(provider_side):
    assert provider_side.provider.list_regions(provider_side.pool) == [PRIMARY]


def test_a_pool_is_found_by_its_name_whatever_the_case(provider_side):
    pool = provider_side.provider.get_pool(provider_side.pool.upper())
    assert (pool.name, pool.location) == (provider_side.pool, "eastus2")
    assert pool.hsm_uri == f"https://{provider_side.pool}.managedhsm.azure.net/"


def test_a_pool_is_found_in_its_group(provider_side):
    group = provider_side.provider.get_pool(provider_side.pool).group
    assert provider_side.provider.get_pool(provider_side.pool, group).group == group


@pytest.mark.rule("C4")
def test_a_new_pool_is_not_activated_and_activation_shows(provider_side):
    provider, name = provider_side.provider, provider_side.pool
    assert provider.get_pool(name).activation_status == "NotActivated"
    provider_side.activate()
    assert provider.get_pool(name).activation_status == "Active"


def test_an_unknown_pool_is_not_found_and_a_near_miss_is_named(provider_side):
    misspelt = provider_side.pool[:-1]
    with pytest.raises(NotFoundError) as caught:
        provider_side.provider.list_regions(misspelt)
    assert misspelt in caught.value.message
    assert caught.value.hint.startswith(f"Did you mean {provider_side.pool}")


@pytest.mark.rule("C2")
def test_added_regions_are_listed_after_the_primary(provider_side):
    provider_side.activate()
    operation = provider_side.add("UK South")
    assert (operation.done, operation.kind) == (True, "region-add")
    assert provider_side.provider.list_regions(provider_side.pool) == [PRIMARY, EXTENDED]
    assert provider_side.provider.get_pool(provider_side.pool).extended == (EXTENDED,)


@pytest.mark.rule("G4")
def test_an_unknown_region_is_refused_in_the_services_words_before_activation(provider_side):
    provider = provider_side.provider
    with pytest.raises(BadRequestError) as caught:
        provider.add_region(provider.plan_region_add(provider_side.pool, "testregion"))
    assert caught.value.message.startswith(
        "Invalid region name: testregion passed. The valid list of region names: usgovarizona, chinanorth,"
    )


def test_a_pool_that_is_not_activated_is_not_extended(provider_side):
    provider = provider_side.provider
    if provider_side.binding:
        with pytest.raises(BadRequestError, match="not activated yet"):
            provider.plan_region_add(provider_side.pool, "uksouth")
    else:
        plan = provider.plan_region_add(provider_side.pool, "uksouth")
        assert any("not activated yet" in warning for warning in plan.warnings)


@pytest.mark.rule("E5")
def test_a_failed_region_stays_failed_while_others_come_and_go_is_tried_again_and_removed(provider_side):
    if not provider_side.emulated:
        pytest.skip("the recording has no Failed region")
    provider, name = provider_side.provider, provider_side.pool
    provider_side.activate()
    failed = Region(FULL, "Failed", False)
    with pytest.raises(OperationFailedError):
        provider_side.add(FULL)

    plan = provider.plan_region_add(name, "uksouth")
    provider_side.finish(provider.add_region(plan))
    assert any(warning.startswith(f"{FULL} is Failed") for warning in plan.warnings)
    assert plan.hourly_usd_after == 2 * plan.hourly_usd_before
    assert provider.list_regions(name) == [PRIMARY, failed, EXTENDED]

    provider_side.remove()
    assert provider.list_regions(name) == [PRIMARY, failed]
    with pytest.raises(OperationFailedError):
        provider_side.add(FULL)
    provider_side.remove(FULL)
    assert provider.list_regions(name) == [PRIMARY]


@pytest.mark.rule("D4")
def test_a_soft_deleted_pool_is_said_to_be_so_wherever_its_name_is_given(provider_side):
    if not provider_side.emulated:
        pytest.skip("the recording has no deleted pool")
    provider, name = provider_side.provider, provider_side.pool
    provider_side.finish(provider.delete_pool(name))
    assert provider.check_name(name)["reason"] == "AlreadyExists"
    assert provider.check_name(name)["message"] == name_soft_deleted(name, "eastus2")
    with pytest.raises(ConflictError) as taken:
        provider.create_pool(PoolSpec(name, "eastus2", group="default"))
    assert taken.value.message == name_soft_deleted(name, "eastus2")
    for group in (None, "default"):
        with pytest.raises(NotFoundError) as missing:
            provider.list_regions(name, group)
        assert f"keyvault recover --hsm-name {name}" in missing.value.hint
    assert f"keyvault recover --hsm-name {name}" in taken.value.hint


@pytest.mark.rule("B3")
def test_a_soft_deleted_pool_is_on_the_bill(provider_side):
    if not provider_side.knows_hours:
        pytest.skip("only the emulator knows what was billed")
    provider, name = provider_side.provider, provider_side.pool
    provider_side.finish(provider.delete_pool(name))
    assert [(line.pool, line.region) for line in provider.cost(name.upper()).lines] == [(name, "eastus2")]


def test_an_unknown_group_is_no_near_miss_of_a_pool(provider_side):
    if not provider_side.emulated:
        pytest.skip("the recording has one group")
    with pytest.raises(NotFoundError, match="nogroup") as caught:
        provider_side.provider.get_pool(provider_side.pool, "nogroup")
    assert provider_side.pool not in caught.value.hint


def test_the_primarys_own_region_is_refused(provider_side):
    provider_side.activate()
    with pytest.raises(BadRequestError, match="eastus2 is the primary region"):
        provider_side.provider.plan_region_add(provider_side.pool, "East US 2")


@pytest.mark.rule("D3")
def test_the_primary_cannot_be_removed(provider_side):
    with pytest.raises(BadRequestError) as caught:
        provider_side.provider.plan_region_remove(provider_side.pool, "eastus2")
    assert "keyvault delete" in caught.value.hint


@pytest.mark.rule("B1")
def test_a_plan_shows_what_would_be_sent_and_that_the_bill_doubles(provider_side):
    provider_side.activate()
    plan = provider_side.provider.plan_region_add(provider_side.pool, "uksouth")
    assert plan.method == "PATCH"
    assert plan.url.startswith("https://management.azure.com/subscriptions/")
    assert plan.body == {
        "location": "eastus2",
        "sku": {"family": "B", "name": "Standard_B1"},
        "properties": {"regions": [{"name": "uksouth"}]},
    }
    assert plan.already is None
    assert plan.hourly_usd_after == 2 * plan.hourly_usd_before > 0
    assert provider_side.provider.list_regions(provider_side.pool) == [PRIMARY]


def test_adding_what_is_there_changes_nothing(provider_side):
    provider_side.activate()
    provider_side.add()
    plan = provider_side.provider.plan_region_add(provider_side.pool, "uksouth")
    assert (plan.already, plan.hourly_usd_before) == ("Succeeded", plan.hourly_usd_after)
    assert provider_side.provider.add_region(plan).done


@pytest.mark.rule("E2")
def test_another_change_is_refused_while_one_is_under_way(provider_side):
    provider, name = provider_side.provider, provider_side.pool
    provider_side.activate()
    operation = provider.add_region(provider.plan_region_add(name, "uksouth"))
    try:
        with pytest.raises(ConflictError, match="under way"):
            provider.plan_region_add(name, "swedencentral")
    finally:
        provider_side.finish(operation)


@pytest.mark.rule("D1")
def test_an_extended_pool_is_not_deleted(provider_side):
    provider_side.activate()
    provider_side.add()
    with pytest.raises(BadRequestError) as caught:
        provider_side.provider.delete_pool(provider_side.pool)
    assert caught.value.message == (
        f"Soft delete of a pool {provider_side.pool} that is extended to regions (uksouth) is not allowed."
    )
    command = f"`keyvault region remove --hsm-name {provider_side.pool} --region uksouth`"
    assert command in caught.value.hint


@pytest.mark.rule("D2")
def test_a_removed_region_is_gone_and_the_bill_is_halved(provider_side):
    provider_side.activate()
    provider_side.add()
    plan = provider_side.provider.plan_region_remove(provider_side.pool, "UK South")
    assert (plan.already, plan.body["properties"]["regions"]) == ("Succeeded", [])
    assert plan.hourly_usd_before == 2 * plan.hourly_usd_after
    assert provider_side.remove().done
    assert provider_side.provider.list_regions(provider_side.pool) == [PRIMARY]


def test_removing_what_is_not_there_changes_nothing(provider_side):
    plan = provider_side.provider.plan_region_remove(provider_side.pool, "swedencentral")
    assert plan.already is None
    assert provider_side.provider.remove_region(plan).done


@pytest.mark.rule("B4")
def test_cost_by_pool_and_region(provider_side):
    provider_side.activate()
    provider_side.add()
    cost = provider_side.provider.cost(provider_side.pool)
    assert [(line.pool, line.region) for line in cost.lines] == [
        (provider_side.pool, "eastus2"),
        (provider_side.pool, "uksouth"),
    ]
    assert all((line.hours is not None) == provider_side.knows_hours for line in cost.lines)
    assert cost.next_extension_usd_per_hour == cost.lines[0].usd_per_hour > 0


@pytest.mark.rule("G2")
def test_locations_say_which_regions_cannot_be_extended_and_why(provider_side):
    locations, note = provider_side.provider.list_locations(provider_side.pool)
    by_name = {location.name: location for location in locations}
    assert by_name["uksouth"].can_be_extended
    assert not by_name["eastus"].can_be_extended
    assert by_name["eastus"].reason
    assert "primary" in by_name["eastus2"].reason
    assert "2025-04" in note
    assert ("not asked of Azure" in note) == (provider_side.provider.kind == "arm")
