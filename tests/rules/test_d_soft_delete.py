"""D1 to D5: soft delete of pools and keys."""

from __future__ import annotations

import pytest
from shared_data import golden

from azext_mhsmregion.model import lifecycle
from azext_mhsmregion.model.errors import RefusedByPool
from azext_mhsmregion.model.lifecycle import Act
from azext_mhsmregion.model.pool import Deletion
from azext_mhsmregion.model.profile import profile

from .harness import CRYPTO_USER, DAY, EXTENDED, OTHER, PRIMARY, SIX_MINUTES, THIRD, World

DELETE = 330
"""Seconds that a delete takes; retention counts from its acceptance (recorded)."""

# -- D1 ----------------------------------------------------------------------------------


@pytest.mark.rule("D1")
def test_d1_an_extended_pool_is_not_soft_deleted_in_the_recorded_words(world: World) -> None:
    recorded = next(item for item in golden("mhsm_region") if item["request"]["method"] == "DELETE")
    name = "clitest-mhsm-000002"
    world.create_pool(name, "eastus2")
    world.activate(name)
    world.extend("uksouth", pool=name)

    answer = world.delete_pool(name)

    assert (answer.status, answer.body) == (recorded["response"]["status"], recorded["response"]["body"])
    assert world.show(name).status == 200


@pytest.mark.rule("D1")
def test_d1_every_region_is_named_also_failed_ones_and_those_on_their_way(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=(EXTENDED,))
    world.finish(world.set_regions(EXTENDED))
    failed = world.delete_pool()
    world.configure(without_capacity=())
    world.hold_time_still()
    world.set_regions(EXTENDED, THIRD)

    on_their_way = world.delete_pool()

    words = "Soft delete of a pool ContosoMHSM that is extended to regions ({}) is not allowed."
    assert (failed.status, failed.code, failed.message) == (400, "400", words.format(EXTENDED))
    assert (on_their_way.status, on_their_way.message) == (400, words.format(f"{EXTENDED}, {THIRD}"))


@pytest.mark.rule("D1")
def test_d1_nor_is_it_purged(world: World) -> None:
    world.extended_pool()
    now = world.now
    deleted = world.record()._replace(deletion=Deletion(now - 2, now - 1, now + DAY * 1000))
    act = Act(now, "owner", "op", profile("documented", {}))

    with pytest.raises(RefusedByPool) as refused:
        lifecycle.purge(deleted, deleted.name, act)

    assert "Purge of a pool ContosoMHSM that is extended to regions (australiaeast)" in refused.value.message
    assert world.purge_pool().status == 404


# -- D2, D3 ------------------------------------------------------------------------------


@pytest.mark.rule("D2")
def test_d2_a_removed_region_is_purged_with_its_keys_and_has_no_soft_deleted_state(world: World) -> None:
    world.extended_pool(enablePurgeProtection=True)
    world.put_key("k").ok()
    world.advance(SIX_MINUTES)

    world.shrink(EXTENDED)

    assert world.regions() == [(PRIMARY, "Succeeded", True)]
    assert world.data("GET", "/keys/k", region=EXTENDED).status == 502
    world.put_key("next").ok()
    assert world.rows(EXTENDED) == []
    assert world.get_key("k").status == 200
    listed = world.arm("GET", "/providers/Microsoft.KeyVault/deletedManagedHSMs").ok().body["value"]
    assert listed == []


@pytest.mark.rule("D2")
def test_d2_it_can_be_extended_again_and_starts_from_what_the_primary_has_now(world: World) -> None:
    world.extended_pool()
    world.put_key("old").ok()
    world.advance(SIX_MINUTES)
    world.shrink(EXTENDED)
    world.data("DELETE", "/keys/old").ok()
    world.data("DELETE", "/deletedkeys/old").ok()
    world.put_key("new").ok()

    world.extend(EXTENDED)

    assert world.keys(EXTENDED) == ["new"]
    assert world.shown(EXTENDED) == world.shown(PRIMARY)


@pytest.mark.rule("D2")
@pytest.mark.parametrize("region", [EXTENDED, THIRD])
def test_d2_it_can_be_extended_again_at_once(world: World, region: str) -> None:
    world.extended_pool()
    world.put_key("k", EXTENDED).ok()
    world.shrink(EXTENDED)

    world.extend(region)

    assert world.regions() == [(PRIMARY, "Succeeded", True), (region, "Succeeded", False)]
    assert world.shown(region) == world.shown(PRIMARY)
    assert world.keys(region) == ["k"]
    assert world.put_key("k", region).status == 200


@pytest.mark.rule("D3")
def test_d3_the_primary_cannot_be_listed_away(world: World) -> None:
    world.extended_pool()

    world.finish(world.patch(regions=[])).ok()

    assert world.regions() == [(PRIMARY, "Succeeded", True)]
    assert world.get_key("none", PRIMARY).status == 404


@pytest.mark.rule("D3")
def test_d3_nor_can_it_be_made_an_extended_region(world: World) -> None:
    world.extended_pool()

    answer = world.set_regions(EXTENDED, "UK South")

    assert answer.status == 400
    assert "uksouth is the primary region" in answer.message
    assert world.regions() == [(PRIMARY, "Succeeded", True), (EXTENDED, "Succeeded", False)]


@pytest.mark.rule("D3")
def test_d3_a_client_that_sends_the_primary_back_as_the_service_lists_it_is_understood(world: World) -> None:
    world.extended_pool()
    listed = world.arm("GET", world.pool_path() + "/regions").body["value"]

    world.finish(world.patch(regions=[*listed, {"name": THIRD}])).ok()

    assert [name for name, _, _ in world.regions()] == [PRIMARY, EXTENDED, THIRD]


@pytest.mark.rule("D3")
def test_d3_the_primary_goes_by_delete_and_purge(world: World) -> None:
    world.extended_pool()
    world.shrink(EXTENDED)

    world.finish(world.delete_pool()).ok()
    world.finish(world.purge_pool()).ok()

    assert world.show().status == 404
    assert world.rows_of_everyone() == 0


# -- D4 ----------------------------------------------------------------------------------


@pytest.mark.rule("D4")
def test_d4_retention_is_from_7_to_90_days_and_90_by_default(world: World) -> None:
    refused = [world.put_pool(f"pool{days}", softDeleteRetentionInDays=days).status for days in (6, 91, 0)]
    taken = [world.put_pool(f"pool{days}", softDeleteRetentionInDays=days).status for days in (7, 90)]
    world.put_pool("plain", softDeleteRetentionInDays=None)

    assert (refused, taken) == ([400] * 3, [202] * 2)
    assert world.show("plain").body["properties"]["softDeleteRetentionInDays"] == 90


@pytest.mark.rule("D4")
def test_d4_a_deleted_pool_is_kept_to_the_last_moment_and_then_purged_by_the_service(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()

    world.advance(7 * DAY - DELETE - 1)
    kept = world.arm("GET", world.deleted_path()).status, world.put_pool().status
    world.advance(1)

    assert kept == (200, 409)
    assert world.arm("GET", world.deleted_path()).status == 404
    assert world.recover_pool().status == 404
    assert world.put_pool().status == 202


@pytest.mark.rule("D4")
def test_d4_it_is_gone_from_the_control_plane_and_its_data_plane(world: World) -> None:
    world.active_pool()

    world.finish(world.delete_pool()).ok()

    assert world.show().status == 404
    assert world.data("GET", "/keys").status == 502
    deleted = world.arm("GET", world.deleted_path()).ok().body
    assert deleted["name"] == "ContosoMHSM"
    assert deleted["properties"]["deletionDate"] < deleted["properties"]["scheduledPurgeDate"]


@pytest.mark.rule("D4")
def test_d4_a_recovered_pool_has_everything_that_it_had(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.assign(CRYPTO_USER, OTHER).ok()
    before = world.shown(PRIMARY)
    world.finish(world.delete_pool()).ok()
    world.advance(3 * DAY)

    world.finish(world.recover_pool()).ok()

    assert world.shown(PRIMARY) == before
    assert world.sign("k", who=OTHER).status == 200
    assert world.arm("GET", world.deleted_path()).status == 404


@pytest.mark.rule("D4")
def test_d4_a_pool_under_recovery_is_still_deleted_and_keeps_its_name(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()
    world.hold_time_still()

    world.recover_pool().ok()
    meanwhile = world.show().status, world.arm("GET", world.deleted_path()).status, world.put_pool().status
    twice = world.recover_pool().status, world.purge_pool().status
    world.advance(210)

    assert meanwhile == (404, 200, 409)
    assert twice == (409, 409)
    assert (world.show().status, world.arm("GET", world.deleted_path()).status) == (200, 404)


@pytest.mark.rule("D4")
def test_d4_a_recovery_begun_in_time_is_not_overtaken_by_the_end_of_retention(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()
    world.advance(7 * DAY - DELETE - 1)
    world.hold_time_still()

    world.recover_pool().ok()
    world.advance(100)
    meanwhile = world.arm("GET", world.deleted_path()).status
    world.advance(110 + 30 * DAY)

    assert meanwhile == 200
    assert world.show().status == 200


@pytest.mark.rule("D4")
def test_d4_recovered_pools_can_be_deleted_again_for_their_whole_retention(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()
    world.advance(6 * DAY)
    world.finish(world.recover_pool()).ok()
    world.advance(6 * DAY)
    alive = world.show().status

    world.finish(world.delete_pool()).ok()
    world.advance(6 * DAY)

    assert alive == 200
    assert world.arm("GET", world.deleted_path()).status == 200


@pytest.mark.rule("D4")
def test_d4_a_purged_pool_is_gone_and_its_name_free(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.finish(world.delete_pool()).ok()

    world.finish(world.purge_pool()).ok()

    assert world.recover_pool().status == 404
    world.create_pool()
    world.activate()
    assert world.data("GET", "/keys/k").status == 403  # the assignments are gone too


@pytest.mark.rule("D4")
def test_d4_purge_protection_forbids_the_purge_and_cannot_be_taken_off(world: World) -> None:
    world.active_pool(enablePurgeProtection=True)
    off = world.patch(enablePurgeProtection=False)
    world.finish(world.delete_pool()).ok()

    answer = world.purge_pool()

    assert off.status == 400
    assert answer.status == 400 and "purge protection" in answer.message
    assert world.arm("GET", world.deleted_path()).status == 200


# -- D5 ----------------------------------------------------------------------------------


@pytest.mark.rule("D5")
def test_d5_a_deleted_key_is_listed_recovered_and_purged_as_recorded(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()

    deleted = world.data("DELETE", "/keys/k").ok().body
    listed = world.data("GET", "/deletedkeys").ok().body["value"]
    hidden = world.get_key("k").status, world.sign("k").status, world.keys()
    recovered = world.data("POST", "/deletedkeys/k/recover").ok().body
    there = world.sign("k").status
    world.data("DELETE", "/keys/k").ok()
    purged = world.data("DELETE", "/deletedkeys/k")

    url = "https://contosomhsm.managedhsm.azure.net"
    assert deleted["recoveryId"] == f"{url}/deletedkeys/k"
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == 7 * DAY
    assert [item["kid"] for item in listed] == [f"{url}/keys/k"]
    assert hidden == (404, 404, [])
    assert "deletedDate" not in recovered and there == 200
    assert (purged.status, purged.body) == (204, None)
    assert world.data("GET", "/deletedkeys/k").status == 404
    assert world.data("POST", "/deletedkeys/k/recover").status == 404


@pytest.mark.rule("D5")
def test_d5_bodies_have_the_members_that_were_recorded(world: World) -> None:
    recorded = golden("hsm_key_using_hsm_name")
    delete = next(
        item
        for item in recorded
        if item["request"]["method"] == "DELETE" and item["request"]["path"].endswith("eckey1")
    )
    listed = next(item for item in recorded if item["request"]["path"] == "/deletedkeys")
    world.active_pool()
    world.put_key("eckey1").ok()

    answer = world.data("DELETE", "/keys/eckey1").ok().body
    items = world.data("GET", "/deletedkeys").ok().body

    expected = delete["response"]["body"]
    assert answer.keys() == expected.keys()
    assert answer["key"].keys() == expected["key"].keys()
    assert sorted(answer["key"]["key_ops"]) == sorted(expected["key"]["key_ops"])
    same = ("enabled", "exportable", "recoverableDays", "recoveryLevel")
    assert {name: answer["attributes"][name] for name in same} == {
        name: expected["attributes"][name] for name in same
    }
    assert items["value"][0].keys() == listed["response"]["body"]["value"][0].keys()


@pytest.mark.rule("D5")
@pytest.mark.parametrize(
    ("days", "protected", "level"),
    [
        (7, False, "CustomizedRecoverable+Purgeable"),
        (7, True, "CustomizedRecoverable"),
        (90, False, "Recoverable+Purgeable"),
        (90, True, "Recoverable"),
    ],
)
def test_d5_recovery_level(world: World, days: int, protected: bool, level: str) -> None:
    world.active_pool(softDeleteRetentionInDays=days, enablePurgeProtection=protected)

    attributes = world.put_key("k").ok().body["attributes"]

    assert (attributes["recoveryLevel"], attributes["recoverableDays"]) == (level, days)


@pytest.mark.rule("D5")
def test_d5_purge_and_recover_need_the_crypto_officer(world: World) -> None:
    world.active_pool()
    world.assign(CRYPTO_USER, OTHER).ok()
    for name in ("a", "b"):
        world.put_key(name).ok()
        world.data("DELETE", f"/keys/{name}", who=OTHER).ok()

    refused = [
        world.data("POST", "/deletedkeys/a/recover", who=OTHER).status,
        world.data("DELETE", "/deletedkeys/b", who=OTHER).status,
    ]

    assert refused == [403, 403]
    assert world.data("POST", "/deletedkeys/a/recover").status == 200
    assert world.data("DELETE", "/deletedkeys/b").status == 204


@pytest.mark.rule("D5")
def test_d5_a_deleted_key_keeps_its_name_until_its_retention_ends(world: World) -> None:
    world.active_pool()
    old = world.put_key("k").ok().body["key"]["kid"]
    world.data("DELETE", "/keys/k").ok()

    world.advance(7 * DAY - 1)
    refused = world.put_key("k")
    world.advance(1)
    gone = world.data("GET", "/deletedkeys/k").status, world.data("POST", "/deletedkeys/k/recover").status
    new = world.put_key("k").ok().body["key"]["kid"]

    assert (refused.status, refused.code) == (409, "ObjectIsDeletedButRecoverable")
    assert gone == (404, 404)
    listed = world.data("GET", "/keys/k/versions").ok().body["value"]
    assert [item["kid"] for item in listed] == [new] != [old]


@pytest.mark.rule("D5")
def test_d5_a_key_is_not_purged_while_purge_protection_is_on_nor_while_it_lives(world: World) -> None:
    world.active_pool(enablePurgeProtection=True)
    world.put_key("k").ok()
    living = world.data("DELETE", "/deletedkeys/k").status
    world.data("DELETE", "/keys/k").ok()

    assert living == 404
    assert world.data("DELETE", "/deletedkeys/k").status == 403
    assert world.data("POST", "/deletedkeys/k/recover").status == 200
