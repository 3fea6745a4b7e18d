"""A1 to A5 and A8: what a pool is made of, and who serves its clients."""

from __future__ import annotations

from typing import Callable

import pytest

from azext_mhsmregion.emulator.wire import NameKind

from .harness import EXTENDED, POOL, PRIMARY, SIX_MINUTES, THIRD, World
from .outages import CUSTOM, ROLES, role_body


@pytest.mark.rule("A1")
def test_a1_extending_makes_a_second_pool_with_three_partitions_of_its_own(world: World) -> None:
    world.extended_pool()

    primary, extended = world.record().regions

    assert (primary.name, extended.name) == (PRIMARY, EXTENDED)
    assert len(primary.partitions) == len(extended.partitions) == 3
    assert not any(mine is theirs for mine in primary.partitions for theirs in extended.partitions)


@pytest.mark.rule("A1")
def test_a1_the_primary_stays_where_it_was_made(world: World) -> None:
    world.extended_pool()

    assert world.show().body["location"] == PRIMARY
    assert [primary for _, _, primary in world.regions()] == [True, False]


@pytest.mark.rule("A2")
def test_a2_each_partition_of_a_region_has_a_fault_domain_of_its_own(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)

    for region in world.record().regions:
        assert len({partition.number for partition in region.partitions}) == 3
        assert len({partition.fault_domain for partition in region.partitions}) == 3


@pytest.mark.rule("A3")
def test_a3_both_regions_take_writes_and_each_other_s_arrive(world: World) -> None:
    world.extended_pool()

    made_here = world.put_key("here", PRIMARY)
    made_there = world.put_key("there", EXTENDED)
    world.advance(SIX_MINUTES)

    assert (made_here.status, made_there.status) == (200, 200)
    assert world.keys(PRIMARY) == world.keys(EXTENDED) == ["here", "there"]


@pytest.mark.rule("A3")
def test_a3_a_key_signs_in_either_region_and_verifies_in_the_other(world: World) -> None:
    world.extended_pool()
    world.put_key("k", EXTENDED).ok()
    world.advance(SIX_MINUTES)

    for here, there in ((PRIMARY, EXTENDED), (EXTENDED, PRIMARY)):
        signature = world.sign("k", here).ok().body["value"]
        assert world.verify("k", signature, there).ok().body["value"] is True


@pytest.mark.rule("A3")
def test_a3_each_region_decides_by_itself_who_may_and_answers_in_its_own_name(world: World) -> None:
    world.extended_pool()

    answers = [world.data("GET", "/keys", region=region) for region in (PRIMARY, EXTENDED)]

    assert [answer.headers["x-ms-keyvault-region"] for answer in answers] == [PRIMARY, EXTENDED]


@pytest.mark.rule("A4")
def test_a4_keys_assignments_and_definitions_are_the_same_once_replicated(world: World) -> None:
    world.extended_pool()
    world.put_key("a", PRIMARY).ok()
    world.put_key("b", EXTENDED).ok()
    world.put_key("a", EXTENDED).ok()
    world.assign("2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", "other", region=EXTENDED).ok()
    world.data("PUT", f"{ROLES}/{CUSTOM}", role_body("Reader"), region=EXTENDED).ok()

    world.advance(SIX_MINUTES)

    for path in (
        "/keys",
        "/keys/a/versions",
        "/keys/b",
        "/providers/Microsoft.Authorization/roleAssignments",
        ROLES,
        f"{ROLES}/{CUSTOM}",
    ):
        here, there = (world.data("GET", path, region=region).ok().body for region in (PRIMARY, EXTENDED))
        assert here == there, path
    assert len(world.data("GET", "/keys/a/versions", region=EXTENDED).body["value"]) == 2


@pytest.mark.rule("A5")
def test_a5_the_global_name_leads_each_client_to_its_nearest_region(world: World) -> None:
    world.extended_pool()

    for place, region in (
        ("uksouth", PRIMARY),
        ("westeurope", PRIMARY),
        ("australiasoutheast", EXTENDED),
        ("southeastasia", EXTENDED),
    ):
        answer = world.data("GET", "/keys", place=place)
        assert answer.headers["x-ms-keyvault-region"] == region, place


@pytest.mark.rule("A5")
def test_a5_the_name_is_lower_case_and_resolves_only_while_the_pool_is_there(world: World) -> None:
    host = f"{POOL.lower()}.managedhsm.azure.net"
    assert world.emulator.resolve(host, "", "-").kind is NameKind.NXDOMAIN

    world.active_pool()

    assert world.show().body["properties"]["hsmUri"] == f"https://{host}/"
    assert world.emulator.resolve(host, "", "-").region == PRIMARY
    assert world.emulator.resolve(f"no-{host}", "", "-").kind is NameKind.NXDOMAIN


@pytest.mark.rule("A5")
def test_a5_a_client_of_no_known_place_goes_to_the_primary(world: World) -> None:
    world.extended_pool()

    assert world.route("") == PRIMARY
    assert world.route("atlantis") == PRIMARY


@pytest.mark.rule("A8")
def test_a8_edition_2025_states_no_maximum(world: World) -> None:
    world.active_pool()

    world.extend("australiaeast", "japaneast")
    world.extend("northeurope")

    assert [name for name, _, _ in world.regions()] == [
        PRIMARY, "australiaeast", "japaneast", "northeurope",
    ]  # fmt: skip


@pytest.mark.rule("A8")
def test_a8_edition_2026_refuses_a_second_extended_region(new_world: Callable[..., World]) -> None:
    world = new_world(edition="2026-04").extended_pool()

    refused = world.set_regions(EXTENDED, THIRD)

    assert refused.status == 400
    assert "maximum of 1 extended region" in refused.message
    assert [name for name, _, _ in world.regions()] == [PRIMARY, EXTENDED]


@pytest.mark.rule("A8")
def test_a8_two_at_once_are_refused_whole(new_world: Callable[..., World]) -> None:
    world = new_world(edition="2026-04").active_pool()

    assert world.set_regions(EXTENDED, THIRD).status == 400
    assert [name for name, _, _ in world.regions()] == [PRIMARY]


@pytest.mark.rule("A8")
def test_a8_a_pool_that_has_more_can_still_be_made_smaller(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD, "northeurope")
    world.configure(edition="2026-04")

    world.shrink("northeurope")

    assert [name for name, _, _ in world.regions()] == [PRIMARY, EXTENDED, THIRD]
