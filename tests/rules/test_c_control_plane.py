"""C1 to C6: the control plane's wire, names, activation, api-versions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from shared_data import golden

from azext_mhsmregion.crypto import certificates
from azext_mhsmregion.model.messages import data_plane_not_activated

from .harness import (
    CRYPTO_OFFICER,
    EXTENDED,
    OWNER,
    POOL,
    PRIMARY,
    THIRD,
    Answer,
    World,
    certificate,
)

PROVIDER = "/providers/Microsoft.KeyVault"
RECORDED_NAME = "clitest-mhsm-000002"


# -- C1 ----------------------------------------------------------------------------------


class Recording:
    """Recorded exchanges and our answers to the same requests, ids and dates put aside."""

    def __init__(self, world: World, name: str, group: str) -> None:
        self.world, self.exchanges = world, golden(name)
        self.group = group
        world.arm("PUT", f"/resourceGroups/{group}", {"location": "uksouth"}, version="2021-04-01").ok()

    def plain(self, body: Any) -> Any:
        """The body without what differs between any two runs: ids, people, dates."""
        text = json.dumps(body)
        for mine in (self.world.subscription, self.world.tenant, self.world.id_of(OWNER)):
            text = text.replace(mine, "<id>")
        text = re.sub(r"00000000-0000-0000-0000-0000000000\d\d", "<id>", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "<date.3>", text)
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<date>", text)
        return json.loads(re.sub(r'"[\w-]+@[\w.]+"', '"<person>"', text))

    def send(self, number: int) -> Answer:
        """Exchange ``number``, as recorded but for the ids in it; compared."""
        exchange = self.exchanges[number]
        request, response = exchange["request"], exchange["response"]
        path = re.sub(r"^/subscriptions/[^/]+", "", request["path"])
        body = request["body"]
        if body is not None:
            text = json.dumps(body).replace("00000000-0000-0000-0000-000000000001", self.world.id_of(OWNER))
            text = text.replace("00000000-0000-0000-0000-000000000002", self.world.id_of(OWNER))
            body = json.loads(text)
            if "tenantId" in body.get("properties", {}):
                body["properties"]["tenantId"] = self.world.tenant
        return self.compare(self.world.arm(request["method"], path, body), response)

    def compare(self, answer: Answer, response: Dict[str, Any]) -> Answer:
        assert answer.status == response["status"]
        assert self.plain(answer.body) == self.plain(response["body"])
        if "location" in response["headers"]:
            unsigned = answer.headers["location"].partition("&t=")[0]  # recordings of 2023 have no more
            shape = re.sub(r"[0-9a-f-]{36}", "<id>", unsigned)
            assert shape == re.sub(r"[0-9a-f-]{36}", "<id>", response["headers"]["location"])
        return answer


@pytest.mark.rule("C1")
def test_c1_the_life_of_a_pool_is_answered_as_recorded(world: World) -> None:
    play = Recording(world, "hsm_mgmt", "clitest-mhsm-rg000001")
    polls = {number: play.exchanges[number]["response"] for number in (4, 16, 22, 29, 35, 39)}

    play.send(1)
    play.compare(world.finish(play.send(2)), polls[4])
    play.send(5)
    play.send(10)
    play.send(11)
    world.activate(RECORDED_NAME)  # recorded before 10, but ARM heard of it late
    play.compare(world.finish(play.send(14)), polls[16])
    play.send(17)
    play.send(18)
    play.compare(world.finish(play.send(20)), polls[22])
    play.send(23)
    play.send(24)
    play.send(25)
    play.compare(world.finish(play.send(27)), polls[29])
    play.send(30)
    play.send(31)
    play.compare(world.finish(play.send(33)), polls[35])
    play.send(36)
    play.compare(world.finish(play.send(37)), polls[39])


@pytest.mark.rule("C1")
def test_c1_add_list_and_remove_of_a_region_are_answered_as_recorded(world: World) -> None:
    play = Recording(world, "mhsm_region", "cli_test_mhsm_region000001")
    path = world.pool_path(RECORDED_NAME, "cli_test_mhsm_region000001")
    world.finish(world.arm("PUT", path, world.pool_body("eastus2"))).ok()
    exchanges = play.exchanges
    by_command: Dict[str, List[int]] = {}
    for number, exchange in enumerate(exchanges):
        by_command.setdefault(exchange["command"], []).append(number)
    get, refused, again, added, _, ended = by_command["keyvault region add"]

    play.send(get)
    answer = world.arm("PATCH", path, {"properties": exchanges[refused]["request"]["body"]["properties"]})
    assert answer.status in (400,)
    world.activate(RECORDED_NAME)
    play.send(again)
    play.compare(world.finish(play.send(added)), exchanges[ended]["response"])
    play.send(by_command["keyvault region list"][0])
    play.send(by_command["keyvault delete"][0])
    get, removed, _, ended = by_command["keyvault region remove"]
    play.send(get)
    play.compare(world.finish(play.send(removed)), exchanges[ended]["response"])


@pytest.mark.rule("C1")
def test_c1_polls_answer_202_with_an_empty_body_until_done_then_200(world: World) -> None:
    world.hold_time_still()
    create = world.put_pool()

    early = world.poll(create)
    world.advance(750 - 0.001)
    late = world.poll(early)
    world.advance(0.001)
    done = world.poll(late)

    assert [(answer.status, answer.body) for answer in (create, early, late)] == [(202, None)] * 3
    assert early.headers["location"].startswith(
        f"https://management.azure.com/subscriptions/{world.subscription}{PROVIDER}"
        f"/locations/{PRIMARY}/managedHsmOperationResults/"
    )
    assert "?api-version=2023-07-01&" in early.headers["location"]
    assert int(early.headers["retry-after"]) >= 1
    assert done.status == 200 and done.body["name"] == POOL


@pytest.mark.rule("C1")
def test_c1_each_poll_names_another_address_and_what_is_left_of_the_wait(world: World) -> None:
    """C4c, and DESIGN section 3: whole real seconds, no more than the profile's 30."""
    world.emulator.set_clock(lambda clock, real: clock.with_mode(real, "scaled", 10))
    answers = [world.put_pool()]
    while answers[-1].status == 202:
        world.sources.milliseconds += int(answers[-1].headers["retry-after"]) * 1000
        answers.append(world.poll(answers[-1]))

    assert [answer.headers.get("retry-after") for answer in answers] == ["30", "30", "15", None]
    assert len({answer.headers.get("location") for answer in answers}) == 4


@pytest.mark.rule("C1")
def test_c1_only_a_create_ends_with_the_pool(world: World) -> None:
    made = world.finish(world.put_pool())
    world.activate()

    ends = [
        world.finish(world.patch(publicNetworkAccess="Disabled")),
        world.finish(world.set_regions(EXTENDED)),
        world.finish(world.set_regions()),
        world.finish(world.delete_pool()),
        world.finish(world.recover_pool()),
        world.finish(world.delete_pool()),
        world.finish(world.purge_pool()),
    ]

    assert made.body["properties"]["provisioningState"] == "Succeeded"
    assert [(answer.status, answer.body) for answer in ends] == [(200, None)] * 7


@pytest.mark.rule("C1")
def test_c1_a_deleted_pool_has_its_dates_in_whole_seconds(world: World) -> None:
    world.create_pool()
    at = iso(world.now)

    world.finish(world.delete_pool()).ok()

    properties = world.arm("GET", world.deleted_path()).ok().body["properties"]
    assert properties["deletionDate"] == at[: -len(".000Z")] + "Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", properties["scheduledPurgeDate"])


@pytest.mark.rule("C1")
def test_c1_states_while_operations_run(world: World) -> None:
    world.hold_time_still()

    def state() -> str:
        return str(world.show().body["properties"]["provisioningState"])

    world.put_pool()
    seen = [state()]
    world.advance(750)
    seen.append(state())
    world.patch(publicNetworkAccess="Disabled")
    seen.append(state())
    world.advance(240)
    world.delete_pool()
    seen.append(state())

    assert seen == ["Provisioning", "Succeeded", "Updating", "Deleting"]


@pytest.mark.rule("C1")
def test_c1_errors_have_arms_shape_and_words(world: World) -> None:
    world.create_pool()

    missing = world.show("nobody")
    no_group = world.arm("GET", world.pool_path(POOL, "nowhere"))
    unknown = world.arm("GET", f"{PROVIDER}/locations/uksouth/managedHsmOperationResults/none")

    assert (missing.status, missing.code) == (404, "ResourceNotFound")
    assert missing.message.startswith(
        "The Resource 'Microsoft.KeyVault/managedHSMs/nobody' under resource group 'default' was not found."
    )
    assert (no_group.status, no_group.code) == (404, "ResourceGroupNotFound")
    assert unknown.status == 404


# -- C2 ----------------------------------------------------------------------------------


@pytest.mark.rule("C2")
def test_c2_regions_list_the_primary_first_and_the_pool_only_the_extended_ones(world: World) -> None:
    world.extended_pool(THIRD, EXTENDED)

    assert world.regions() == [
        (PRIMARY, "Succeeded", True),
        (THIRD, "Succeeded", False),
        (EXTENDED, "Succeeded", False),
    ]
    assert world.show().body["properties"]["regions"] == [
        {"name": THIRD, "provisioningState": "Succeeded", "isPrimary": False},
        {"name": EXTENDED, "provisioningState": "Succeeded", "isPrimary": False},
    ]


@pytest.mark.rule("C2")
def test_c2_a_pool_that_is_not_extended_lists_itself_and_none(world: World) -> None:
    world.create_pool()

    assert world.regions() == [(PRIMARY, "Succeeded", True)]
    assert world.show().body["properties"]["regions"] == []


@pytest.mark.rule("C2")
def test_c2_a_retried_region_does_not_move_the_primary_from_the_first_place(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=(EXTENDED,))
    world.finish(world.set_regions(EXTENDED, THIRD))
    world.configure(without_capacity=())

    world.finish(world.set_regions(EXTENDED, THIRD)).ok()

    assert world.regions()[0] == (PRIMARY, "Succeeded", True)
    assert sorted(world.regions()[1:]) == [(EXTENDED, "Succeeded", False), (THIRD, "Succeeded", False)]


# -- C3, C3b -----------------------------------------------------------------------------


def availability(world: World, name: str) -> Dict[str, Any]:
    body: Dict[str, Any] = (
        world.arm("POST", f"{PROVIDER}/checkMhsmNameAvailability", {"name": name}).ok().body
    )
    return body


@pytest.mark.rule("C3")
@pytest.mark.parametrize("name", ["abc", "a-c", "a1-b2", "a" * 24, "Contoso-MHSM-01"])
def test_c3_names_that_can_be(world: World, name: str) -> None:
    assert availability(world, name) == {"nameAvailable": True}
    assert world.put_pool(name).status == 202


@pytest.mark.rule("C3")
@pytest.mark.parametrize(
    "name", ["ab", "a" * 25, "a_b", "a.b", "-ab", "ab-", "a--b", "1ab", "ab\u00e9", "abc%0A"]
)
def test_c3_names_that_cannot_be(world: World, name: str) -> None:
    answer = world.put_pool(name)
    written = name.replace("%0A", "\n")

    assert (answer.status, answer.code) == (400, "VaultNameNotValid")
    assert world.show(name).status == 404
    assert availability(world, written)["reason"] == "AccountNameInvalid"


@pytest.mark.rule("C3")
def test_c3_a_name_is_taken_in_the_whole_cloud_in_the_recorded_words(world: World) -> None:
    world.create_pool("taken")
    world.arm("PUT", "/resourceGroups/other", {"location": "uksouth"}, version="2021-04-01").ok()

    elsewhere = world.arm("PUT", world.pool_path("taken", "other"), world.pool_body("northeurope"))

    assert availability(world, "taken") == {
        "nameAvailable": False,
        "reason": "AlreadyExists",
        "message": "The name 'taken' is already in use.",
    }
    assert 400 <= elsewhere.status < 500
    assert world.show("taken").body["location"] == PRIMARY


@pytest.mark.rule("C3")
def test_c3_a_name_stays_taken_while_its_pool_is_soft_deleted(world: World) -> None:
    world.create_pool()
    world.finish(world.delete_pool()).ok()

    answer = world.put_pool(POOL, "northeurope")

    assert answer.status == 409 and "soft-deleted in uksouth" in answer.message
    assert availability(world, POOL)["nameAvailable"] is False
    world.finish(world.purge_pool()).ok()
    assert availability(world, POOL)["nameAvailable"] is True


@pytest.mark.rule("C3b")
def test_c3b_names_are_compared_without_regard_to_case_and_kept_as_they_were_written(world: World) -> None:
    world.create_pool("ContosoMHSM")

    found = world.show("CONTOSOMHSM").ok().body
    taken = availability(world, "contosomhsm")["nameAvailable"]
    world.finish(
        world.arm(
            "PATCH", world.pool_path("contosomhsm"), {"properties": {"publicNetworkAccess": "Disabled"}}
        )
    ).ok()

    assert (found["name"], taken) == ("ContosoMHSM", False)
    assert found["id"].endswith("/providers/Microsoft.KeyVault/managedHSMs/ContosoMHSM")
    assert found["properties"]["hsmUri"] == "https://contosomhsm.managedhsm.azure.net/"
    assert world.show("ContosoMHSM").body["properties"]["publicNetworkAccess"] == "Disabled"


@pytest.mark.rule("C3b")
def test_c3b_so_are_paths_types_and_groups(world: World) -> None:
    world.arm("PUT", "/resourceGroups/My-Group", {"location": "uksouth"}, version="2021-04-01").ok()
    world.finish(world.arm("PUT", world.pool_path(POOL, "my-group"), world.pool_body())).ok()

    loud = world.arm("GET", world.pool_path(POOL, "MY-GROUP").upper()).ok().body
    quiet = world.arm("GET", world.pool_path(POOL, "my-group").lower() + "/regions").ok().body

    assert "/resourceGroups/My-Group/" in loud["id"]
    assert quiet["value"][0]["name"] == PRIMARY


@pytest.mark.rule("C3b")
def test_c3b_a_deleted_pool_is_found_by_any_spelling(world: World) -> None:
    world.create_pool()
    world.finish(world.delete_pool("CONTOSOMHSM")).ok()

    found = world.arm("GET", world.deleted_path("contosomhsm", "UK South".replace(" ", "%20"))).ok().body

    assert found["name"] == "ContosoMHSM"
    assert world.purge_pool("CONTOSOmhsm").status == 202


# -- C4, C4d -----------------------------------------------------------------------------


def activation(world: World) -> str:
    return str(world.show().body["properties"]["securityDomainProperties"]["activationStatus"])


@pytest.mark.rule("C4")
def test_c4_a_new_pool_is_not_activated_and_its_data_plane_refuses(world: World) -> None:
    world.create_pool()

    refused = [world.data("GET", "/keys"), world.put_key("k"), world.assign(CRYPTO_OFFICER)]

    assert activation(world) == "NotActivated"
    assert [answer.status for answer in refused] == [403, 403, 403]
    assert refused[0].message == data_plane_not_activated(POOL)
    assert "Download its security domain" in refused[0].message


@pytest.mark.rule("C4")
@pytest.mark.parametrize(("certs", "quorum"), [(0, 2), (1, 1), (2, 2), (3, 1), (3, 0), (3, 4), (11, 2)])
def test_c4_fewer_than_three_keys_or_a_quorum_below_two_activate_nothing(
    world: World, certs: int, quorum: int
) -> None:
    world.create_pool()

    answer = world.download(certs, quorum)
    world.advance(600)

    assert answer.status == 400
    assert activation(world) == "NotActivated"
    assert world.download().status == 202


@pytest.mark.rule("C4")
def test_c4_the_same_wrapping_key_three_times_is_one(world: World) -> None:
    world.create_pool()
    body = {"certificates": [certificate(0)] * 3, "required": 2}

    assert world.data("POST", "/securitydomain/download", body).status == 400
    assert activation(world) == "NotActivated"


@pytest.mark.rule("C4")
def test_c4_activation_takes_its_time_as_recorded(world: World) -> None:
    world.create_pool()
    world.hold_time_still()
    download = world.download()

    def pending(way: str) -> Answer:
        return world.data("GET", f"/securitydomain/{way}/pending", version="7.2")

    early = [pending("upload").body, pending("download").body, activation(world), world.put_key("k").status]
    world.advance(60 - 0.001)
    still = pending("upload").body["status"]
    world.advance(0.001)
    done = [pending("upload").body, activation(world)]

    assert download.status == 202
    assert download.headers["azure-asyncoperation"].endswith(
        "/securitydomain/download/pending?api-version=7.4"
    )
    waiting = {"status": "InProgress", "status_details": "The Security Domain is being confirmed."}
    assert early == [waiting, waiting, "NotActivated", 403]
    assert still == "InProgress"
    assert done == [{"status": "Success", "status_details": "The resource is active."}, "Active"]


@pytest.mark.rule("C4")
def test_c4_what_was_downloaded_can_be_opened_by_two_of_the_three(world: World, tmp_path: Path) -> None:
    world.create_pool()

    text = json.loads(world.download(3, 2).ok().body["value"])

    assert text["SharedKeys"]["required"] == 2
    assert len(text["SharedKeys"]["enc_shares"]) == 3
    assert {share["x5t_256"] for share in text["SharedKeys"]["enc_shares"]} == {
        certificate(number)["x5t#S256"] for number in range(3)
    }
    assert certificates.MIN_RSA_BITS == 2048


@pytest.mark.rule("C4")
def test_c4_a_pool_being_made_cannot_be_activated(world: World) -> None:
    world.hold_time_still()
    world.put_pool()

    assert world.download().status in (409, 502)
    world.advance(750)
    assert activation(world) == "NotActivated"


@pytest.mark.rule("C4d")
def test_c4d_a_pool_must_be_activated_before_it_is_extended(world: World) -> None:
    world.create_pool()
    world.hold_time_still()

    before = world.set_regions(EXTENDED)
    world.download().ok()
    while_activating = world.set_regions(EXTENDED)
    world.advance(60)
    after = world.set_regions(EXTENDED)

    assert (before.status, while_activating.status, after.status) == (409, 409, 202)
    assert before.message == f"Pool {POOL} is not activated. Download its security domain first."


@pytest.mark.rule("C4d")
def test_c4d_what_the_region_is_comes_before_whether_the_pool_is_activated(world: World) -> None:
    world.create_pool()

    assert world.set_regions("testregion").message.startswith("Invalid region name")
    assert "primary region" in world.set_regions(PRIMARY).message
    assert "not extendable" in world.set_regions("eastus").message


# -- C5 ----------------------------------------------------------------------------------


def modified(world: World) -> str:
    return str(world.show().body["systemData"]["lastModifiedAt"])


@pytest.mark.rule("C5")
@pytest.mark.parametrize("change", ["update", "add", "remove"])
def test_c5_a_change_counts_from_when_it_is_accepted(world: World, change: str) -> None:
    world.extended_pool()
    world.hold_time_still()
    before = modified(world)
    world.advance(1000)
    changes: Dict[str, Callable[[], Answer]] = {
        "update": lambda: world.patch(publicNetworkAccess="Disabled"),
        "add": lambda: world.set_regions(EXTENDED, THIRD),
        "remove": lambda: world.set_regions(),
    }

    changes[change]().ok()
    accepted, at = modified(world), world.now
    world.advance(3600)

    assert before < accepted == modified(world)
    assert accepted == iso(at)


@pytest.mark.rule("C5")
def test_c5_creation_is_the_first_change_and_stays_as_it_was(world: World) -> None:
    at = iso(world.now)
    world.create_pool()
    made = world.show().body["systemData"]
    world.activate()
    activated = world.show().body["systemData"]
    world.finish(world.patch(publicNetworkAccess="Disabled")).ok()

    assert made["createdAt"] == made["lastModifiedAt"] == at
    assert activated == made
    assert world.show().body["systemData"]["createdAt"] == at


@pytest.mark.rule("C5")
def test_c5_a_refused_change_is_none(world: World) -> None:
    world.extended_pool()
    before = modified(world)
    world.advance(1000)

    refused = [world.set_regions("testregion"), world.delete_pool(), world.set_regions(PRIMARY)]

    assert {answer.status for answer in refused} == {400}
    assert modified(world) == before


@pytest.mark.rule("C5")
def test_c5_neither_keys_nor_roles_are_changes_of_the_pool(world: World) -> None:
    world.active_pool()
    before = modified(world)

    world.put_key("k").ok()

    assert modified(world) == before


def iso(milliseconds: int) -> str:
    from datetime import datetime, timezone

    moment = datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


# -- C6 ----------------------------------------------------------------------------------


@pytest.mark.rule("C6")
@pytest.mark.parametrize(
    "version",
    ["2021-10-01", "2022-07-01", "2023-02-01", "2023-07-01", "2024-04-01-preview", "2024-11-01", "2025-05-01",
     "2026-02-01",
    "2026-05-15"],
)  # fmt: skip
def test_c6_released_versions_are_accepted(world: World, version: str) -> None:
    world.create_pool()

    answer = world.arm("GET", world.pool_path(), version=version)
    change = world.arm("PATCH", world.pool_path(), {"tags": {"a": "b"}}, version=version)

    assert answer.status == 200
    assert f"?api-version={version}&" in change.headers["location"]


@pytest.mark.rule("C6")
def test_c6_another_is_refused_in_arms_words_and_changes_nothing(world: World) -> None:
    world.create_pool()

    unknown = world.arm("DELETE", world.pool_path(), version="2099-01-01")
    vault = world.arm("GET", world.pool_path(), version="2016-10-01")
    missing = world.arm("GET", world.pool_path(), version="")

    assert (unknown.status, unknown.code) == (400, "InvalidResourceType")
    assert "for api version '2099-01-01'" in unknown.message and "2026-02-01" in unknown.message
    assert vault.status == 400
    assert (missing.status, missing.code) == (400, "MissingApiVersionParameter")
    assert world.show().status == 200


@pytest.mark.rule("C6")
def test_c6_every_version_that_was_recorded_is_accepted(world: World) -> None:
    world.create_pool()
    recorded = {
        re.findall(r"api-version=([^&]+)", item["request"]["query"])[0]
        for name in (
            "hsm_mgmt",
            "mhsm_region",
            "hsm_private_endpoint_connection",
            "mhsm_private_link_resource",
        )
        for item in golden(name)
        if "/Microsoft.KeyVault/" in item["request"]["path"]
    }

    assert recorded
    for version in recorded:
        assert world.arm("GET", world.pool_path(), version=version).status == 200, version
