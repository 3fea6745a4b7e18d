"""E7: full backup and full restore, selective restore and single keys; what a restore is while extended (L1,
L3, L4, L6), what goes on meanwhile, and that a backup opens under its own security domain only (K4)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from azext_mhsmregion.emulator.service import open_emulator
from azext_mhsmregion.model.clock import SECOND
from azext_mhsmregion.model.rows import Kind

from . import recovering
from .harness import (
    ACCESS,
    ADMINISTRATOR,
    CONTAINER,
    CRYPTO_AUDITOR,
    CRYPTO_OFFICER,
    CRYPTO_USER,
    DAY,
    EXTENDED,
    OTHER,
    OWNER,
    POOL,
    PRIMARY,
    SIX_MINUTES,
    THIRD,
    Answer,
    World,
    certificate,
)

BOTH = (PRIMARY, EXTENDED)
BACKUP_SECONDS, RESTORE_SECONDS = 8.5, 12
HALF_HOUR = 30 * 60
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
ROLE = "aaaaaaaa-1111-4222-8333-444444444444"
SETTING = "/settings/AllowKeyManagementOperationsThroughARM"
BACKUP_ROLE = "7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8"
RESTORE_ROLE = "6efe6056-5259-49d2-8b3d-d3d73544b20b"


# -- verbs ------------------------------------------------------------------------------------


def begin_backup(world: World, region: str = "", pool: str = POOL, who: str = OWNER) -> Answer:
    return world.data("POST", "/backup", ACCESS, region=region, pool=pool, who=who)


def begin_restore(
    world: World, folder: str, region: str = "", pool: str = POOL, who: str = OWNER, path: str = "/restore"
) -> Answer:
    body = {"sasTokenParameters": ACCESS, "folderToRestore": folder}
    return world.data("PUT", path, body, region=region, pool=pool, who=who)


def begin_key_restore(world: World, folder: str, name: str, region: str = "", who: str = OWNER) -> Answer:
    body = {"sasTokenParameters": ACCESS, "folder": folder}
    return world.data("PUT", f"/keys/{name}/restore", body, region=region, who=who)


def poll(world: World, begun: Answer, who: str = OWNER) -> Answer:
    """Ask a job's address once, as it was given out: without api-version (K5)."""
    host, _, path = begun.ok().headers["azure-asyncoperation"][len("https://") :].partition("/")
    return world.call("GET", host, f"/{path}", who=who)


def finished(world: World, begun: Answer) -> Dict[str, Any]:
    """The job's last status; the poll moves the clock to its end."""
    body: Dict[str, Any] = poll(world, begun).ok().body
    assert body["status"] == "Succeeded", body
    return body


def backed_up(world: World, region: str = "", pool: str = POOL) -> str:
    """The folder of a full backup that has ended."""
    address: str = finished(world, begin_backup(world, region, pool))["azureStorageBlobContainerUri"]
    return address[len(CONTAINER) + 1 :]


def restored(world: World, folder: str, region: str = "", pool: str = POOL) -> Dict[str, Any]:
    return finished(world, begin_restore(world, folder, region, pool))


def key_backup(world: World, name: str, region: str = "", who: str = OWNER) -> Answer:
    return world.data("POST", f"/keys/{name}/backup", region=region, who=who)


def restore_key(world: World, value: Any, region: str = "", pool: str = POOL, who: str = OWNER) -> Answer:
    return world.data("POST", "/keys/restore", {"value": value}, region=region, pool=pool, who=who)


def ended(world: World, name: str) -> None:
    """A key deleted and purged."""
    world.data("DELETE", f"/keys/{name}").ok()
    world.data("DELETE", f"/deletedkeys/{name}").ok()


def blob(world: World, folder: str) -> Path:
    return (
        world.emulator.home
        / "storage"
        / "contosobackups.blob.core.windows.net"
        / "hsm"
        / folder
        / "backup.jwe"
    )


def of_same_domain(world: World, name: str, location: str = PRIMARY, source: str = POOL) -> None:
    """A new pool into which the security domain of ``source`` is uploaded."""
    world.create_pool(name, location)
    held = world.record(source)
    with world.emulator.parts.reading() as unit:
        wrapped = unit.tx.material(held.id, f"domain:{held.id}")
    assert wrapped is not None
    secrets = {"hsm_backup": world.emulator.keyring().unseal(f"domain:{held.id}", wrapped)}
    transfer_key = world.data("GET", "/securitydomain/upload", pool=name).ok().body
    blob = recovering.blob(secrets, recovering.exchange_certificate(transfer_key))
    world.data("POST", "/securitydomain/upload", {"value": json.dumps(blob)}, pool=name).ok()
    world.data("GET", "/securitydomain/upload/pending", pool=name).ok()


def statuses(calls: List[Answer]) -> List[int]:
    return [answer.status for answer in calls]


# -- what comes back ------------------------------------------------------------------------


@pytest.mark.rule("E7")
def test_e7_a_full_restore_brings_the_pool_back_as_it_was_when_the_backup_began(world: World) -> None:
    world.active_pool()
    for name in ("kept", "changed", "lost", "deleted"):
        world.put_key(name, tags={"a": "1"}).ok()
    world.put_key("kept").ok()
    world.data("PATCH", "/keys/kept", {"tags": {"c": "3"}, "attributes": {"nbf": 1}}).ok()
    world.data("DELETE", "/keys/deleted").ok()
    role = {"properties": {"roleName": "mine", "permissions": [{"dataActions": []}]}}
    world.data("PUT", f"{DEFINITIONS}/{ROLE}", role).ok()
    world.assign(CRYPTO_AUDITOR, OTHER, "/keys", name=ROLE).ok()
    world.data("PATCH", SETTING, {"value": "true"}).ok()
    signed = world.sign("lost").ok().body["value"]
    before = world.shown(PRIMARY)
    folder = backed_up(world)

    world.data("PATCH", "/keys/changed", {"tags": {"b": "2"}, "attributes": {"enabled": False}}).ok()
    ended(world, "lost")
    world.data("POST", "/deletedkeys/deleted/recover").ok()
    world.put_key("kept").ok()
    world.put_key("new").ok()
    world.data("DELETE", f"{DEFINITIONS}/{ROLE}").ok()
    world.data("DELETE", f"{ASSIGNMENTS}/{ROLE}").ok()
    world.assign(CRYPTO_USER, OTHER).ok()
    world.data("PATCH", SETTING, {"value": "false"}).ok()
    restored(world, folder)

    assert as_they_are(world.shown(PRIMARY)) == as_they_are(before)
    assert world.keys() == ["changed", "kept", "lost"]
    assert world.verify("lost", signed).ok().body["value"] is True
    assert world.sign("lost").ok()
    assert world.get_key("deleted").status == world.get_key("new").status == 404
    assert world.data("GET", "/deletedkeys/deleted").ok()


def as_they_are(shown: str) -> Any:
    """The objects; a version's attributes, not those that it was made with."""
    found = json.loads(shown)
    for key in found["keys"].values():
        for version in key["versions"]:
            del version["body"]["attributes"]
    return found


@pytest.mark.rule("E7")
def test_e7_the_newest_version_is_current_again_and_every_version_can_be_used(world: World) -> None:
    world.active_pool()
    kids = [world.put_key("k").ok().body["key"]["kid"] for _ in range(3)]
    folder = backed_up(world)
    ended(world, "k")
    world.put_key("k").ok()

    restored(world, folder)

    listed = [item["kid"] for item in world.data("GET", "/keys/k/versions").ok().body["value"]]
    assert sorted(listed) == sorted(kids)
    assert world.get_key("k").ok().body["key"]["kid"] == kids[-1]
    for kid in kids:
        path = kid.partition(".net")[2]
        assert world.data("POST", f"{path}/sign", {"alg": "ES256", "value": "A" * 43}).ok()


@pytest.mark.rule("E7")
def test_e7_a_key_keeps_its_rotation_policy(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    policy = {
        "lifetimeActions": [{"trigger": {"timeAfterCreate": "P28D"}, "action": {"type": "rotate"}}],
        "attributes": {"expiryTime": "P90D"},
    }
    made = world.data("PUT", "/keys/k/rotationpolicy", policy).ok().body
    folder = backed_up(world)
    ended(world, "k")

    restored(world, folder)

    assert world.data("GET", "/keys/k/rotationpolicy").ok().body == made
    world.advance(28 * DAY)
    assert len(world.data("GET", "/keys/k/versions").ok().body["value"]) == 2


@pytest.mark.rule("E7")
def test_e7_a_key_whose_retention_has_ended_meanwhile_stays_away(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.data("DELETE", "/keys/k").ok()
    folder = backed_up(world)
    world.advance(7 * DAY)
    backed_up(world)

    restored(world, folder)

    assert world.data("GET", "/deletedkeys/k").status == 404
    assert world.put_key("k").ok()


@pytest.mark.rule("E7")
def test_e7_what_is_restored_stays_when_what_was_purged_leaves_the_store(world: World) -> None:
    world.extended_pool(EXTENDED)
    world.put_key("k").ok()
    world.advance(SIX_MINUTES)
    folder = backed_up(world)
    ended(world, "k")
    world.advance(SIX_MINUTES)

    restored(world, folder)
    world.advance(SIX_MINUTES)
    world.put_key("other").ok()
    world.advance(SIX_MINUTES)
    world.put_key("another").ok()

    assert statuses([world.sign("k", region) for region in BOTH]) == [200, 200]


@pytest.mark.rule("E7")
def test_e7_the_pools_own_administrators_are_not_locked_out(world: World) -> None:
    """A backup of a pool that others administer."""
    world.create_pool(initialAdminObjectIds=[world.id_of(OTHER)])
    body = {"certificates": [certificate(number) for number in range(3)], "required": 2}
    world.data("POST", "/securitydomain/download", body, who=OTHER).ok()
    world.advance(60)
    folder = finished_by(world, begin_backup(world, who=OTHER), OTHER)
    of_same_domain(world, "Second")
    backed_up(world, pool="Second")

    restored(world, folder.rsplit("/", 1)[1], pool="Second")

    shown = world.data("GET", ASSIGNMENTS, pool="Second").ok().body["value"]
    people = {item["properties"]["principalId"] for item in shown}
    assert people == {world.id_of(OWNER), world.id_of(OTHER)}


def finished_by(world: World, begun: Answer, who: str) -> str:
    address: str = poll(world, begun, who).ok().body["azureStorageBlobContainerUri"]
    return address


# -- while extended --------------------------------------------------------------------------


@pytest.mark.rule("E7")
def test_e7_a_restore_is_a_set_of_writes_that_arrive_within_six_minutes_in_their_order(world: World) -> None:
    world.extended_pool(EXTENDED)
    world.put_key("old", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    folder = backed_up(world, PRIMARY)
    ended(world, "old")
    for number in range(20):
        world.put_key(f"k{number}", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    backed_up(world, PRIMARY)
    accepted = world.now

    begin_restore(world, folder, PRIMARY).ok()

    there = {(row.object, row.stamp): row for row in world.rows(EXTENDED) if row.accepted == accepted}
    here = [row for row in world.rows(PRIMARY) if row.accepted == accepted]
    assert len(here) == len(there) and len(here) > 20
    assert {row.stamp.origin for row in here} == {PRIMARY}
    arrivals = [there[row.object, row.stamp].visible_from for row in sorted(here, key=lambda row: row.stamp)]
    assert arrivals == sorted(arrivals)
    assert accepted < arrivals[0] <= arrivals[-1] <= accepted + SIX_MINUTES * SECOND
    assert all(row.visible_from == accepted for row in here)


@pytest.mark.rule("E7")
@pytest.mark.parametrize("region", BOTH)
def test_e7_six_minutes_after_a_restore_in_either_region_all_agree(world: World, region: str) -> None:
    world.extended_pool(EXTENDED, THIRD)
    for name in ("kept", "lost"):
        world.put_key(name, PRIMARY).ok()
    world.advance(SIX_MINUTES)
    folder = backed_up(world, region)
    world.data("DELETE", "/keys/lost", region=region).ok()
    world.put_key("kept", EXTENDED).ok()
    world.put_key("new", PRIMARY).ok()

    restored(world, folder, region)
    world.advance(SIX_MINUTES)

    assert len({world.shown(one) for one in (PRIMARY, EXTENDED, THIRD)}) == 1
    assert world.keys(EXTENDED) == ["kept", "lost"]
    assert statuses([world.sign(name, one) for name in ("kept", "lost") for one in BOTH]) == [200] * 4


@pytest.mark.rule("E7")
@pytest.mark.parametrize("fast", [False, True])
def test_e7_what_another_region_accepted_before_goes_away_though_it_arrives_later(
    world: World, fast: bool
) -> None:
    """Seen by the restoring region or not, and by a clock that is ahead."""
    world.extended_pool(EXTENDED)
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    folder = backed_up(world, PRIMARY)
    world.break_link(PRIMARY, EXTENDED, 600)
    if fast:
        world.break_("region", EXTENDED, effect="skew", milliseconds=60_000)
    world.put_key("new", EXTENDED).ok()
    world.put_key("k", EXTENDED).ok()
    world.assign(CRYPTO_USER, OTHER, region=EXTENDED, name=ROLE).ok()

    restored(world, folder, PRIMARY)
    world.advance(600 + SIX_MINUTES)

    for region in BOTH:
        assert world.keys(region) == ["k"]
        assert len(world.data("GET", "/keys/k/versions", region=region).ok().body["value"]) == 1
        assert world.data("GET", f"{ASSIGNMENTS}/{ROLE}", region=region).status == 404
    assert world.shown(PRIMARY) == world.shown(EXTENDED)
    assert {event["object"] for event in world.events("superseded")} >= {"new", "k", ROLE}


@pytest.mark.rule("E7")
def test_e7_no_region_goes_without_a_key_of_which_nothing_goes_away(world: World) -> None:
    world.extended_pool(EXTENDED)
    names = [f"k{number}" for number in range(5)]
    for name in names * 2:
        world.put_key(name, PRIMARY).ok()
    world.advance(SIX_MINUTES)
    folder = backed_up(world, PRIMARY)

    restored(world, folder, PRIMARY)

    found = []
    for instant in sorted({row.visible_from for row in world.rows(EXTENDED)}):
        if instant > world.now:
            world.advance((instant - world.now) / SECOND)
            found += statuses([world.sign(name, EXTENDED) for name in names])
    assert set(found) == {200}
    assert world.rows(EXTENDED, (Kind.KEY_PURGE,)) == []


# -- restore mode -----------------------------------------------------------------------------


@pytest.mark.rule("E7")
def test_e7_all_regions_are_in_restore_mode_until_the_restore_has_ended(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    folder = backed_up(world, PRIMARY)
    world.hold_time_still()
    begun = begin_restore(world, folder, EXTENDED)

    def asked() -> List[Answer]:
        return [
            call
            for region in (PRIMARY, EXTENDED, THIRD)
            for call in (
                world.get_key("k", region),
                world.sign("k", region),
                world.put_key("k", region),
                world.data("GET", ASSIGNMENTS, region=region),
                world.data("GET", "/securitydomain/download/pending", region=region),
                restore_key(world, "x", region),
            )
        ]

    world.advance(RESTORE_SECONDS - 0.001)
    refused = asked()
    status = poll(world, begun).ok().body
    world.advance(0.001)
    after = asked()

    assert set(statuses(refused)) == {503}
    assert {answer.message for answer in refused} == {
        f"Managed HSM {POOL} is in restore mode until its full restore has ended. Try again later."
    }
    assert (status["status"], status["endTime"]) == ("InProgress", None)
    assert 503 not in statuses(after)
    assert poll(world, begun).ok().body["status"] == "Succeeded"


@pytest.mark.rule("E7")
def test_e7_the_control_plane_shows_the_restore_and_takes_no_change_meanwhile(world: World) -> None:
    world.extended_pool(EXTENDED)
    folder = backed_up(world)
    world.hold_time_still()
    begin_restore(world, folder).ok()

    changes = [
        world.set_regions(EXTENDED, THIRD),
        world.set_regions(),
        world.arm("PATCH", world.pool_path(), {"tags": {"a": "b"}}),
    ]
    shown = world.show().ok().body["properties"]
    (running,) = world.control("GET", "/status").ok().body["pools"]
    world.advance(RESTORE_SECONDS)

    assert statuses(changes) == [409, 409, 409]
    assert shown["provisioningState"] == "Restoring"
    assert running["operation"] == {"kind": "restore", "secondsLeft": RESTORE_SECONDS}
    assert shown["statusMessage"] == "The Managed HSM is being restored from a full backup."
    assert world.show().ok().body["properties"]["provisioningState"] == "Succeeded"
    assert world.set_regions().status == 202


@pytest.mark.rule("E7")
def test_e7_a_pool_that_is_restored_is_not_deleted(world: World) -> None:
    world.active_pool()
    folder = backed_up(world)
    world.hold_time_still()
    begin_restore(world, folder).ok()

    assert world.delete_pool().status == 409


@pytest.mark.rule("E7")
@pytest.mark.parametrize("change", ["add", "remove"])
def test_e7_no_full_restore_begins_while_regions_change(world: World, change: str) -> None:
    world.extended_pool(EXTENDED)
    folder = backed_up(world)
    world.hold_time_still()
    running = world.set_regions(*([EXTENDED, THIRD] if change == "add" else [])).ok()

    refused = [begin_restore(world, folder, PRIMARY, path=path) for path in ("/restore", "/prerestore")]

    assert running.status == 202
    assert statuses(refused) == [409, 409]
    assert world.get_key("none", PRIMARY).status == 404, "it is not in restore mode"


@pytest.mark.rule("E7")
def test_e7_one_backup_or_restore_runs_at_a_time(world: World) -> None:
    world.extended_pool(EXTENDED)
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    folder = backed_up(world)
    ended(world, "k")
    world.hold_time_still()

    def others() -> List[int]:
        return statuses(
            [
                begin_backup(world, EXTENDED),
                world.data("POST", "/prebackup", ACCESS, region=EXTENDED),
                begin_restore(world, folder, EXTENDED),
                begin_restore(world, folder, EXTENDED, path="/prerestore"),
                begin_key_restore(world, folder, "k", EXTENDED),
            ]
        )

    for begin, seconds in (
        (lambda: begin_backup(world, PRIMARY), BACKUP_SECONDS),
        (lambda: begin_key_restore(world, folder, "k", PRIMARY), RESTORE_SECONDS),
        (lambda: begin_restore(world, folder, PRIMARY), RESTORE_SECONDS),
    ):
        begin().ok()
        world.advance(seconds - 0.001)
        assert others() == [409] * 5
        world.advance(0.001)
    assert begin_backup(world, EXTENDED).status == 202


@pytest.mark.rule("E7")
def test_e7_a_full_restore_asks_for_a_backup_of_the_last_half_hour(world: World) -> None:
    world.active_pool()
    folder = backed_up(world)
    world.advance(HALF_HOUR + 0.001)
    late = begin_restore(world, folder)
    backed_up(world)
    world.advance(HALF_HOUR)

    assert (late.status, late.code) == (409, "Conflict")
    assert "30 minutes" in late.message
    assert begin_restore(world, folder).status == 202


@pytest.mark.rule("E7")
def test_e7_a_restore_fails_when_its_region_is_destroyed_and_restore_mode_ends(world: World) -> None:
    world.extended_pool(EXTENDED)
    folder = backed_up(world, EXTENDED)
    world.hold_time_still()
    begun = begin_restore(world, folder, EXTENDED).ok()
    world.advance(5)
    world.destroy("pool", EXTENDED)

    status = world.data("GET", f"/restore/{begun.body['jobId']}/pending", region=PRIMARY).ok().body

    assert (status["status"], status["endTime"]) == ("Failed", world.now // SECOND)
    assert status["error"]["message"] == f"{EXTENDED} was destroyed while the job ran there."
    assert world.data("GET", "/keys", region=PRIMARY).ok()


@pytest.mark.rule("E7")
def test_e7_a_restore_under_way_ends_when_it_was_to_whatever_is_broken_beside_it(world: World) -> None:
    """Nor do other durations, set meanwhile, change it."""
    world.extended_pool(EXTENDED)
    folder = backed_up(world, EXTENDED)
    world.hold_time_still()
    begin_restore(world, folder, EXTENDED).ok()
    planned = world.record().restore
    world.configure(durations={"restore": 3600})

    world.break_link(PRIMARY, EXTENDED, 10)

    assert planned is not None and planned.done > world.now
    assert world.record().restore == planned


@pytest.mark.rule("E7")
def test_e7_a_backup_that_failed_or_has_not_finished_is_not_restored(world: World) -> None:
    world.extended_pool(EXTENDED)
    of_same_domain(world, "Second")
    backed_up(world, pool="Second")
    world.hold_time_still()
    begun = begin_backup(world, EXTENDED).ok()
    folder = sorted(path.name for path in blob(world, "x").parents[1].iterdir() if "Contoso" in path.name)[0]
    running = begin_restore(world, folder, pool="Second")
    world.destroy("pool", EXTENDED)
    failed = begin_restore(world, folder, pool="Second")

    status = world.data("GET", f"/backup/{begun.body['jobId']}/pending", region=PRIMARY).ok().body
    assert (status["status"], status["azureStorageBlobContainerUri"]) == ("Failed", None)
    assert statuses([running, failed]) == [409, 409]


@pytest.mark.rule("E7")
def test_e7_a_restore_is_a_write_and_a_backup_is_none_where_outages_refuse_writes(world: World) -> None:
    """F3, edition 2025-04."""
    world.extended_pool(EXTENDED)
    folder = backed_up(world, EXTENDED)
    world.break_("service", PRIMARY)

    assert begin_restore(world, folder, EXTENDED).status == 503
    assert backed_up(world, EXTENDED)


# -- selective restore --------------------------------------------------------------------------


@pytest.mark.rule("E7")
def test_e7_one_key_comes_back_with_all_its_versions_and_the_pool_goes_on_meanwhile(world: World) -> None:
    world.extended_pool(EXTENDED)
    kids = [world.put_key("k", PRIMARY, tags={"a": str(number)}).ok().body["key"]["kid"] for number in (1, 2)]
    before = world.get_key("k", PRIMARY).ok().body
    world.advance(SIX_MINUTES)
    folder = backed_up(world, PRIMARY)
    ended(world, "k")
    world.put_key("new", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    world.hold_time_still()

    begun = begin_key_restore(world, folder, "k", PRIMARY).ok()

    assert world.get_key("new", PRIMARY).ok() and world.get_key("new", EXTENDED).ok()
    assert world.show().ok().body["properties"]["provisioningState"] == "Succeeded"
    world.advance(SIX_MINUTES)
    assert poll(world, begun).ok().body["status"] == "Succeeded"
    for region in BOTH:
        assert world.get_key("k", region).ok().body == before
        listed = world.data("GET", "/keys/k/versions", region=region).ok().body["value"]
        assert [item["kid"] for item in listed] == kids
        assert world.sign("k", region).ok() and world.get_key("new", region).ok()


@pytest.mark.rule("E7")
def test_e7_a_key_comes_back_only_where_its_name_is_free(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    value = key_backup(world, "k").ok().body["value"]
    folder = backed_up(world)

    def both() -> List[Any]:
        answers = [begin_key_restore(world, folder, "k"), restore_key(world, value)]
        return [(answer.status, answer.body.get("error", {}).get("code")) for answer in answers]

    there = both()
    world.data("DELETE", "/keys/k").ok()
    deleted = both()
    world.advance(7 * DAY)

    assert there == [(409, "Conflict")] * 2
    assert deleted == [(409, "ObjectIsDeletedButRecoverable")] * 2
    assert restore_key(world, value).ok(), "the service has purged it"
    assert world.sign("k").ok()


@pytest.mark.rule("E7")
def test_e7_a_key_that_the_backup_has_not_is_not_found(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.data("DELETE", "/keys/k").ok()
    folder = backed_up(world)

    answers = [begin_key_restore(world, folder, name) for name in ("none", "k")]

    assert [(answer.status, answer.code) for answer in answers] == [(404, "KeyNotFound")] * 2


# -- one key's backup ---------------------------------------------------------------------------


@pytest.mark.rule("E7")
@pytest.mark.rule("L1")
def test_e7_a_key_backup_comes_back_and_replicates_as_a_create_does(world: World) -> None:
    world.extended_pool(EXTENDED)
    world.put_key("k", PRIMARY).ok()
    made = world.put_key("k", PRIMARY, tags={"a": "b"}).ok().body
    signed = world.sign("k", PRIMARY).ok().body["value"]
    value = key_backup(world, "k", PRIMARY).ok().body["value"]
    ended(world, "k")
    world.advance(1)

    answer = restore_key(world, value, EXTENDED).ok().body
    world.advance(SIX_MINUTES)

    assert answer == made
    assert world.get_key("k", PRIMARY).ok().body == world.get_key("k", EXTENDED).ok().body == made
    assert world.verify("k", signed, PRIMARY).ok().body["value"] is True
    assert len(world.data("GET", "/keys/k/versions", region=PRIMARY).ok().body["value"]) == 2


# -- containers, domains, material -------------------------------------------------------------------


@pytest.mark.rule("E7")
def test_e7_a_backup_outlives_the_server_and_the_pool_and_opens_in_a_new_one_of_its_domain(
    world: World,
) -> None:
    world.extended_pool(EXTENDED)
    world.put_key("k", PRIMARY).ok()
    signed = world.sign("k", PRIMARY).ok().body["value"]
    folder = backed_up(world, PRIMARY)
    of_same_domain(world, "Second", EXTENDED)
    world.destroy("region", PRIMARY)

    backed_up(world, pool="Second")
    restored(world, folder, pool="Second")

    body = {"alg": "ES256", "digest": "A" * 43, "value": signed}
    assert world.data("POST", "/keys/k/verify", body, pool="Second").ok().body["value"] is True
    assert world.data("POST", "/keys/k/sign", {"alg": "ES256", "value": "A" * 43}, pool="Second").ok()


@pytest.mark.rule("E7")
def test_e7_two_pools_that_hold_one_key_keep_it_whatever_becomes_of_the_other(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    folder = backed_up(world)
    of_same_domain(world, "Second")
    backed_up(world, pool="Second")
    restored(world, folder, pool="Second")

    ended(world, "k")
    world.put_key("other").ok()
    world.finish(world.delete_pool()).ok()
    world.finish(world.purge_pool()).ok()

    assert world.data("POST", "/keys/k/sign", {"alg": "ES256", "value": "A" * 43}, pool="Second").ok()


@pytest.mark.rule("E7")
def test_e7_a_backup_is_restored_after_a_restart_and_the_purge_of_its_pool(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    folder = backed_up(world)
    of_same_domain(world, "Second")
    world.finish(world.delete_pool()).ok()
    world.finish(world.purge_pool()).ok()
    world.emulator.store.close()

    world.emulator = open_emulator(world.emulator.home, world.sources, mounts=lambda: "")
    backed_up(world, pool="Second")
    restored(world, folder, pool="Second")

    assert world.data("POST", "/keys/k/sign", {"alg": "ES256", "value": "A" * 43}, pool="Second").ok()


@pytest.mark.rule("E7")
def test_e7_a_container_is_its_owners_only_and_outlives_a_reset(world: World) -> None:
    world.active_pool()
    folder = backed_up(world)
    sealed = blob(world, folder).read_bytes()

    world.control("POST", "/reset").ok()

    assert blob(world, folder).read_bytes() == sealed
    for path in (blob(world, folder), *list(blob(world, folder).parents)[:4]):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.rule("E7")
@pytest.mark.rule("E8")
def test_e7_a_rotation_that_falls_due_in_restore_mode_is_made_behind_it(world: World) -> None:
    world.extended_pool(EXTENDED)
    made = world.put_key("k", PRIMARY).ok().body["attributes"]["created"]
    policy = {
        "lifetimeActions": [{"trigger": {"timeAfterCreate": "P28D"}, "action": {"type": "rotate"}}],
        "attributes": {"expiryTime": "P90D"},
    }
    world.data("PUT", "/keys/k/rotationpolicy", policy, region=PRIMARY).ok()
    due = made + 28 * DAY
    world.advance(due - 60 - world.now / SECOND)
    folder = backed_up(world, PRIMARY)
    world.advance(due - 5 - world.now / SECOND)

    restored(world, folder, PRIMARY)
    world.advance(SIX_MINUTES)

    for region in BOTH:
        listed = world.data("GET", "/keys/k/versions", region=region).ok().body["value"]
        assert sorted(item["attributes"]["created"] for item in listed) == [made, due]
        assert world.get_key("k", region).ok().body["attributes"]["created"] == due


@pytest.mark.rule("K4")
@pytest.mark.rule("E7")
def test_k4_a_backup_is_refused_by_a_pool_of_another_security_domain(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    value = key_backup(world, "k").ok().body["value"]
    folder = backed_up(world)
    world.create_pool("Second")
    world.activate("Second")
    world.data(
        "PUT",
        f"{ASSIGNMENTS}/{ROLE}",
        {"properties": {"roleDefinitionId": f"x/{CRYPTO_USER}", "principalId": world.id_of(OWNER)}},
        pool="Second",
    ).ok()
    backed_up(world, pool="Second")

    answers = [begin_restore(world, folder, pool="Second"), restore_key(world, value, pool="Second")]

    assert [(answer.status, answer.code) for answer in answers] == [(400, "BadParameter")] * 2
    assert all("another security domain" in answer.message for answer in answers)
    assert world.data("GET", "/keys", pool="Second").ok().body["value"] == []


@pytest.mark.rule("K4")
def test_k4_nothing_of_a_private_key_can_be_read_in_a_backup(world: World) -> None:
    world.active_pool()
    world.put_key("rsa", kty="RSA-HSM", crv=None, key_size=2048).ok()
    world.put_key("aes", kty="oct-HSM", crv=None, key_size=256).ok()
    values = [key_backup(world, name).ok().body["value"] for name in ("rsa", "aes")]
    folder = backed_up(world)

    texts = [unpadded(value) for value in values] + [blob(world, folder).read_bytes()]
    opened = [b"".join(unpadded(part) for part in text.decode().split(".") if part) for text in texts]
    for secret in private_parts(world):
        assert not any(secret in text or secret in one for text, one in zip(texts, opened))


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_parts(world: World) -> List[bytes]:
    """Of every key of the pool: its bytes, and their text."""
    pool = world.record()
    parts: List[bytes] = []
    with world.emulator.parts.reading() as unit:
        for row in unit.tx.rows(pool.id, PRIMARY, (Kind.KEY_VERSION,)):
            wrapped = unit.tx.material(pool.id, row.version)
            assert wrapped is not None
            der = world.emulator.keyring().unseal(row.version, wrapped)
            whole = der[: len(der) // 3 * 3]
            parts += [der[-32:], base64.urlsafe_b64encode(whole), base64.b64encode(whole)]
    assert len(parts) == 6
    return parts


@pytest.mark.rule("K4")
def test_k4_a_backup_that_was_cut_or_altered_is_refused(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    value = key_backup(world, "k").ok().body["value"]
    folder = backed_up(world)
    sealed = blob(world, folder).read_text()
    ended(world, "k")
    flipped = "A" if sealed[-200] != "A" else "B"

    for text in (sealed[:-200] + flipped + sealed[-199:], sealed[:-5], "", "x", unpadded(value).decode()):
        blob(world, folder).write_text(text)
        refused = begin_restore(world, folder)
        assert (refused.status, "damaged" in refused.message) == (400, True), text[:40]
    for wrong in (value[:-8], value[:-300] + "AAAA" + value[-296:], "", "x", encoded(sealed)):
        answer = restore_key(world, wrong)
        assert (answer.status, answer.code) == (400, "BadParameter"), wrong[:40]


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


# -- what is asked ------------------------------------------------------------------------------


@pytest.mark.rule("E7")
def test_e7_jobs_are_shown_as_recorded_and_each_under_its_own_address(world: World) -> None:
    world.active_pool().active_pool("Second")
    world.hold_time_still()
    second = world.now // SECOND
    begun = begin_backup(world).ok()
    job = begun.body["jobId"]

    assert begun.status == 202
    assert begun.body == {
        "status": "InProgress",
        "statusDetails": None,
        "error": None,
        "startTime": second,
        "endTime": None,
        "jobId": job,
        "azureStorageBlobContainerUri": None,
    }
    assert begun.headers["azure-asyncoperation"].endswith(f".managedhsm.azure.net/backup/{job}/pending")
    wrong = [f"/restore/{job}/pending", f"/backup/{'0' * 32}/pending", "/backup/x/pending"]
    assert [world.data("GET", path, version="").code for path in wrong] == ["JobNotFound"] * 3
    assert world.data("GET", f"/backup/{job}/pending", pool="Second").code == "JobNotFound"


@pytest.mark.rule("E7")
def test_e7_the_checks_before_are_refused_as_what_they_are_before_and_change_nothing(world: World) -> None:
    world.active_pool()
    missing = {**ACCESS, "token": ""}
    early = begin_restore(world, "x", path="/prerestore")
    folder = backed_up(world)

    refused = [
        world.data("POST", "/prebackup", missing),
        begin_restore(world, "mhsm-none-1", path="/prerestore"),
    ]
    checks = [world.data("POST", "/prebackup", ACCESS), begin_restore(world, folder, path="/prerestore")]

    assert (early.status, statuses(refused)) == (409, [400, 404])
    for check in checks:
        assert (check.status, finished(world, check)["status"]) == (202, "Succeeded")
    assert len(list(blob(world, folder).parents[1].iterdir())) == 1
    assert world.get_key("none").status == 404


@pytest.mark.rule("E7")
@pytest.mark.parametrize(
    "change",
    [
        {"storageResourceUri": None},
        {"storageResourceUri": "http://contosobackups.blob.core.windows.net/hsm"},
        {"storageResourceUri": "https://contosobackups.blob.core.windows.net"},
        {"storageResourceUri": "https://contosobackups.blob.core.windows.net/hsm/inside"},
        {"storageResourceUri": "https://contosobackups.blob.core.windows.net/../hsm"},
        {"storageResourceUri": "https://contosobackups.blob.core.windows.net/h"},
        {"storageResourceUri": "https://contosobackups.blob.core.windows.net/hsm--x"},
        {"storageResourceUri": "https://contosobackups.blob..net/hsm"},
        {"storageResourceUri": "https://x.blob.core.windows.net/hsm"},
        {"storageResourceUri": CONTAINER + "?sv=1"},
        {"token": None},
        {"token": None, "useManagedIdentity": False},
        {"token": None, "useManagedIdentity": True},
        {"token": 7},
    ],
)
def test_e7_what_is_no_container_or_comes_without_access_is_refused(
    world: World, change: Dict[str, Any]
) -> None:
    world.active_pool()

    answer = world.data("POST", "/backup", {**ACCESS, **change})

    assert (answer.status, answer.code) == (400, "BadParameter")
    assert not (world.emulator.home / "storage").exists()


@pytest.mark.rule("E7")
def test_e7_a_managed_identity_stands_for_a_token(world: World) -> None:
    identity = (
        f"/subscriptions/{world.subscription}/resourceGroups/default/providers/"
        "Microsoft.ManagedIdentity/userAssignedIdentities/backups"
    )
    world.active_pool()
    body = {"identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}}
    world.finish(world.arm("PATCH", world.pool_path(), body)).ok()
    access = {"storageResourceUri": CONTAINER + "/", "useManagedIdentity": True}

    made = finished(world, world.data("POST", "/backup", access))

    assert made["azureStorageBlobContainerUri"].startswith(f"{CONTAINER}/mhsm-{POOL}-2025041")


@pytest.mark.rule("E7")
@pytest.mark.parametrize("folder", ["../hsm", "", "mhsm/x", "..", "mhsm-none-1", "/etc"])
def test_e7_a_folder_that_holds_no_backup_is_not_found(world: World, folder: str) -> None:
    world.active_pool()
    world.put_key("k").ok()
    backed_up(world)

    assert begin_restore(world, folder).status == 404
    assert begin_key_restore(world, folder, "k").status == 404


@pytest.mark.rule("E7")
@pytest.mark.rule("K3")
def test_k3_who_may_back_up_and_restore(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    value = key_backup(world, "k").ok().body["value"]
    world.hold_time_still()

    def allowed() -> List[str]:
        running = begin_backup(world).ok()
        world.advance(BACKUP_SECONDS)
        folder = poll(world, running).body["azureStorageBlobContainerUri"].rsplit("/", 1)[1]
        calls = {
            "backup": lambda: begin_backup(world, who=OTHER),
            "prebackup": lambda: world.data("POST", "/prebackup", ACCESS, who=OTHER),
            "backup status": lambda: poll(world, running, OTHER),
            "restore": lambda: begin_restore(world, folder, who=OTHER),
            "restore status": lambda: world.data("GET", "/restore/x/pending", who=OTHER),
            "one key": lambda: begin_key_restore(world, folder, "none", who=OTHER),
            "key backup": lambda: key_backup(world, "k", who=OTHER),
            "key restore": lambda: restore_key(world, value, who=OTHER),
        }
        found = []
        for name, call in calls.items():
            if call().status != 403:
                found.append(name)
            world.advance(RESTORE_SECONDS)
        return found

    assert allowed() == []
    table = {}
    for number, role in enumerate((ADMINISTRATOR, BACKUP_ROLE, RESTORE_ROLE, CRYPTO_USER, CRYPTO_OFFICER)):
        name = f"0000000{number}-1111-4222-8333-444444444444"
        world.assign(role, OTHER, name=name).ok()
        table[role] = allowed()
        world.data("DELETE", f"{ASSIGNMENTS}/{name}").ok()
    whole = ["restore", "restore status", "one key"]
    assert table == {
        ADMINISTRATOR: ["backup", "prebackup", "backup status", *whole],
        BACKUP_ROLE: ["backup", "prebackup", "backup status", "key backup"],
        RESTORE_ROLE: [*whole, "key restore"],
        CRYPTO_USER: ["key backup", "key restore"],
        CRYPTO_OFFICER: [],
    }
