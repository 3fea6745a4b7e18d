"""C1, C3b, C4c, D1: what ARM itself answers around the pools: clouds, locations, providers, resource
groups, lists with filters, the ids of requests, addresses of operations, tokens."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, Dict, List

import pytest

from azext_mhsmregion.emulator.wire import Caller, Request, Response
from azext_mhsmregion.model.regions import catalogue

from .harness import ARM, EXTENDED, OWNER, POOL, PRIMARY, REAL, Answer, World

GROUPS = "2021-04-01"
AUDIENCE = f"https://{ARM}"


def group(world: World, method: str, name: str, body: Any = None, more: str = "") -> Answer:
    return world.arm(method, f"/resourceGroups/{name}{more}", body, version=GROUPS)


def made_group(world: World, name: str, location: str = PRIMARY, **more: Any) -> Answer:
    return group(world, "PUT", name, {"location": location, **more}).ok()


def pool_in(world: World, name: str, inside: str, location: str = PRIMARY, **tags: str) -> None:
    body = {**world.pool_body(location), "tags": tags}
    world.finish(world.arm("PUT", world.pool_path(name, inside), body)).ok()


def asked(world: World, path: str, headers: Dict[str, str], host: str = ARM, **query: str) -> Response:
    """A GET with headers of its own; without an authorization header by the home's owner."""
    principal = None if "authorization" in headers else world.id_of(OWNER)
    return world.emulator.handle(Request("GET", host, path, query, headers), Caller(principal=principal))


# -- clouds, locations, providers --------------------------------------------------------------


@pytest.mark.rule("C1")
def test_c1_the_endpoints_of_the_cloud_need_no_token_and_everything_else_does(world: World) -> None:
    def call(path: str, version: str) -> Answer:
        return world.call("GET", ARM, path, query={"api-version": version}, who=None)

    cloud = call("/metadata/endpoints", "2022-09-01").ok().body
    before = call("/metadata/endpoints", "2019-05-01").ok().body

    assert cloud["resourceManager"] == "https://management.azure.com/"
    assert cloud["authentication"]["loginEndpoint"] == "https://login.microsoftonline.com"
    assert (cloud["name"], cloud["suffixes"]["mhsmDns"]) == ("AzureCloud", "managedhsm.azure.net")
    assert before == [cloud]
    assert call("/providers", "2021-04-01").status == 401
    assert world.call("GET", ARM, "/metadata/endpoints", who=None).code == "MissingApiVersionParameter"


@pytest.mark.rule("G8")
def test_g8_the_locations_of_the_subscription_are_the_public_regions(world: World) -> None:
    listed = world.arm("GET", "/locations", version="2022-12-01").ok().body["value"]

    regions = catalogue().regions.values()
    assert {one["name"]: one["displayName"] for one in listed} == {
        region.name: region.display_name for region in regions if region.cloud == "public"
    }
    south = next(one for one in listed if one["name"] == PRIMARY)
    assert south["id"] == f"/subscriptions/{world.subscription}/locations/{PRIMARY}"
    assert (south["type"], float(south["metadata"]["latitude"]) > 50) == ("Region", True)


@pytest.mark.rule("C6")
def test_c6_the_provider_tells_its_types_locations_and_versions(world: World) -> None:
    version = "2021-04-01"
    shown = world.arm("GET", "/providers/microsoft.keyvault", version=version).ok().body
    types = {one["resourceType"]: one for one in shown["resourceTypes"]}
    pools = types["managedHSMs"]

    assert shown["id"] == f"/subscriptions/{world.subscription}/providers/Microsoft.KeyVault"
    assert shown["registrationState"] == "Registered"
    assert "UK South" in pools["locations"] and "China East" not in pools["locations"]
    world.create_pool()
    for taken in pools["apiVersions"]:
        assert world.arm("GET", world.pool_path(), version=taken).status == 200
    assert world.arm("POST", "/providers/Microsoft.KeyVault/register", version=version).ok().body == shown


@pytest.mark.rule("C6")
def test_c6_providers_are_listed_and_another_is_refused(world: World) -> None:
    in_subscription = world.arm("GET", "/providers", version=GROUPS).ok().body["value"]
    tenant = world.call("GET", ARM, "/providers", query={"api-version": GROUPS}).ok().body["value"]
    path = "/providers/Microsoft.KeyVault"
    one = world.call("GET", ARM, path, query={"api-version": GROUPS}).ok().body
    listed = world.call("GET", ARM, f"{path}/operations", query={"api-version": "2023-07-01"}).ok()
    unknown = world.arm("GET", "/providers/Microsoft.Compute", version=GROUPS)

    assert [found["namespace"] for found in in_subscription] == ["Microsoft.KeyVault", "Microsoft.Resources"]
    assert one in tenant and one["id"] == path and "registrationState" not in one
    names = {found["name"]: found["display"] for found in listed.body["value"]}
    assert names["Microsoft.KeyVault/managedHSMs/write"]["provider"] == "Microsoft Key Vault"
    assert (unknown.status, unknown.code) == (404, "InvalidResourceNamespace")


# -- resource groups ----------------------------------------------------------------------------


@pytest.mark.rule("G5")
def test_g5_a_group_has_a_location_that_is_checked_normalised_and_stays(world: World) -> None:
    first = group(world, "PUT", "rg", {"location": "UK South"})
    again = group(world, "PUT", "RG", {"location": "uksouth"})
    moved = group(world, "PUT", "rg", {"location": "eastus"})
    nowhere = group(world, "PUT", "other", {"location": "atlantis"})
    elsewhere = group(world, "PUT", "other", {"location": "chinaeast"})
    without = group(world, "PUT", "other", {})

    assert (first.status, first.body["location"], again.status) == (201, "uksouth", 200)
    assert (again.body["name"], moved.status, moved.code) == ("rg", 409, "InvalidResourceGroupLocation")
    assert "already exists in location 'uksouth'" in moved.message
    assert {nowhere.code, elsewhere.code} == {"LocationNotAvailableForResourceGroup"}
    assert (without.status, without.code) == (400, "LocationRequired")
    assert group(world, "GET", "other").status == 404


@pytest.mark.rule("C3b")
@pytest.mark.parametrize("name", ["a", "A_b-c.(d)", "x" * 90, "grüppe"])
def test_c3b_groups_may_be_called(world: World, name: str) -> None:
    assert made_group(world, name).body["name"] == name
    assert group(world, "HEAD", name).status == 204


@pytest.mark.rule("C3b")
@pytest.mark.parametrize("name", ["x" * 91, "ends.", "a%20b", "a!b", "a%0A"])
def test_c3b_groups_may_not_be_called(world: World, name: str) -> None:
    answer = group(world, "PUT", name, {"location": PRIMARY})

    assert (answer.status, answer.code) == (400, "InvalidResourceGroup")
    absent = group(world, "HEAD", name)
    assert (absent.status, absent.body) == (404, None)


@pytest.mark.rule("C1")
def test_c1_the_tags_of_a_group_are_kept_and_alone_can_be_patched(world: World) -> None:
    made_group(world, "rg", tags={"a": "1"})
    bare = made_group(world, "bare")

    patched = group(world, "PATCH", "rg", {"tags": {"b": "2"}}).ok()
    untouched = group(world, "PATCH", "rg", {}).ok()
    moved = group(world, "PATCH", "rg", {"location": "eastus"})

    assert "tags" not in bare.body
    assert patched.body["tags"] == untouched.body["tags"] == {"b": "2"}
    assert group(world, "GET", "rg").body == patched.body
    assert (moved.status, group(world, "PATCH", "no", {"tags": {}}).status) == (409, 404)
    assert "tags" not in made_group(world, "rg").body, "a PUT replaces"


@pytest.mark.rule("C1")
def test_c1_groups_are_listed_by_their_tags(world: World) -> None:
    made_group(world, "one", tags={"env": "test"})
    made_group(world, "two", tags={"env": "live"})

    def listed(wanted: str) -> List[str]:
        query = {"api-version": GROUPS, **({"$filter": wanted} if wanted else {})}
        path = f"/subscriptions/{world.subscription}/resourceGroups"
        return [one["name"] for one in world.call("GET", ARM, path, query=query).ok().body["value"]]

    assert listed("") == ["default", "one", "two"]
    assert listed("tagName eq 'ENV'") == ["one", "two"]
    assert listed("tagName eq 'env' and tagValue eq 'live'") == ["two"]
    assert listed("tagName eq 'env' and tagValue eq 'LIVE'") == []


@pytest.mark.rule("D4")
def test_d4_deleting_a_group_deletes_its_pools_softly(world: World) -> None:
    made_group(world, "rg")
    pool_in(world, "InsideOne", "rg")
    pool_in(world, "InsideTwo", "RG")
    world.create_pool("Outside")
    world.hold_time_still()

    begun = group(world, "DELETE", "Rg")
    early, state = world.poll(begun), group(world, "GET", "rg").body["properties"]["provisioningState"]
    creation = world.arm("PUT", world.pool_path("InsideThree", "rg"), world.pool_body())
    remade = group(world, "PUT", "rg", {"location": PRIMARY})
    world.advance(330)
    ended = world.poll(early)

    assert f"/subscriptions/{world.subscription}/operationresults/" in begun.headers["location"]
    assert (begun.status, early.status, state) == (202, 202, "Deleting")
    assert {creation.code, remade.code} == {"ResourceGroupBeingDeleted"}
    assert (ended.status, ended.body, group(world, "GET", "rg").status) == (200, None, 404)
    deleted = world.arm("GET", "/providers/Microsoft.KeyVault/deletedManagedHSMs").body["value"]
    assert [one["name"] for one in deleted] == ["InsideOne", "InsideTwo"]
    assert world.show("Outside").status == 200


@pytest.mark.rule("D4")
def test_d4_a_pool_comes_back_once_its_group_is_there_again(world: World) -> None:
    made_group(world, "rg")
    pool_in(world, POOL, "rg")
    world.finish(group(world, "DELETE", "rg")).ok()
    recovery = {"location": PRIMARY, "properties": {"createMode": "recover"}}

    refused = world.arm("PUT", world.pool_path(POOL, "rg"), recovery)
    made_group(world, "rg")
    world.finish(world.arm("PUT", world.pool_path(POOL, "rg"), recovery)).ok()

    assert (refused.status, refused.code) == (404, "ResourceGroupNotFound")
    assert world.arm("GET", world.pool_path(POOL, "rg")).ok().body["name"] == POOL


@pytest.mark.rule("D1")
def test_d1_a_group_with_an_extended_pool_cannot_be_deleted_and_the_answer_says_which(world: World) -> None:
    world.extended_pool()
    world.create_pool("Plain")

    refused = group(world, "DELETE", "default")

    assert (refused.status, refused.code) == (409, "ResourceGroupDeletionBlocked")
    assert f"'Microsoft.KeyVault/managedHSMs/{POOL}'" in refused.message
    (detail,) = refused.body["error"]["details"]
    assert detail["target"].endswith(world.pool_path())
    assert detail["message"] == (
        f"Soft delete of a pool {POOL} that is extended to regions ({EXTENDED}) is not allowed."
    )
    for name in (POOL, "Plain"):
        assert world.show(name).ok().body["properties"]["provisioningState"] == "Succeeded"
    world.shrink(EXTENDED)
    world.finish(group(world, "DELETE", "default")).ok()
    assert group(world, "HEAD", "default").status == 404


@pytest.mark.rule("D4")
def test_d4_a_group_goes_with_pools_that_are_on_their_way_already(world: World) -> None:
    world.create_pool()
    world.hold_time_still()
    world.delete_pool().ok()
    world.advance(300)

    begun = group(world, "DELETE", "default").ok()
    world.advance(30)

    assert world.poll(begun).status == 200
    assert world.arm("GET", world.deleted_path()).status == 200


@pytest.mark.rule("C1")
def test_c1_a_group_without_pools_is_gone_at_once(world: World) -> None:
    made_group(world, "rg")

    assert world.finish(group(world, "DELETE", "rg")).status == 200
    assert (group(world, "GET", "rg").status, group(world, "DELETE", "rg").status) == (404, 404)
    assert made_group(world, "rg", "eastus").status == 201, "and may be made again elsewhere"


# -- lists with filters ----------------------------------------------------------------------------


@pytest.fixture
def three(world: World) -> World:
    made_group(world, "other")
    pool_in(world, "Alpha", "default", PRIMARY, env="test")
    pool_in(world, "Beta", "other", PRIMARY, env="live", owner="it's me")
    pool_in(world, "Gamma", "other", "northeurope")
    return world


def resources(world: World, wanted: str = "", inside: str = "", **more: str) -> Answer:
    scope = f"/resourceGroups/{inside}" if inside else ""
    query = {"api-version": GROUPS, **({"$filter": wanted} if wanted else {}), **more}
    return world.call("GET", ARM, f"/subscriptions/{world.subscription}{scope}/resources", query=query)


@pytest.mark.rule("C2")
@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("", ["Alpha", "Beta", "Gamma"]),
        ("resourceType eq 'Microsoft.KeyVault/managedHSMs'", ["Alpha", "Beta", "Gamma"]),
        ("resourcetype EQ 'microsoft.keyvault/managedhsms'", ["Alpha", "Beta", "Gamma"]),
        ("resourceType eq 'Microsoft.KeyVault/vaults'", []),
        ("resourceType eq 'Microsoft.KeyVault'", []),
        ("name eq 'beta'", ["Beta"]),
        ("resourceGroup eq 'OTHER' and location eq 'northeurope'", ["Gamma"]),
        ("tagName eq 'env'", ["Alpha", "Beta"]),
        ("tagname eq 'env' and tagvalue eq 'live'", ["Beta"]),
        ("tagName eq 'env' and tagValue eq 'it''s me'", []),
        ("tagValue eq 'it''s me'", ["Beta"]),
        ("name eq 'x and y'", []),
    ],
)
def test_c2_a_filter_lets_through_what_equals_it(three: World, wanted: str, names: List[str]) -> None:
    assert [one["name"] for one in resources(three, wanted).ok().body["value"]] == names


@pytest.mark.rule("C2")
@pytest.mark.parametrize(
    "wanted",
    [
        "name ne 'Alpha'", "name eq 'Alpha' or name eq 'Beta'", "substringof('A', name)", "name eq Alpha",
        "startswith(tagName, 'e')", "managedBy eq 'me'", "name eq 'a' and", "name eq 'a' and name eq 'b'",
        "(name eq 'Alpha')", "name eq 'a' name eq 'b'", "and",
    ],
)  # fmt: skip
def test_c2_a_filter_that_is_not_understood_is_refused(three: World, wanted: str) -> None:
    answer = resources(three, wanted)

    assert (answer.status, answer.code) == (400, "InvalidFilterInQueryString")
    assert wanted in answer.message


@pytest.mark.rule("C2")
def test_c2_resources_of_a_group_in_pages_and_with_more_when_asked(three: World) -> None:
    inside = resources(three, inside="OTHER").ok().body["value"]
    first = resources(three, **{"$top": "1"}).ok().body
    more = resources(three, "name eq 'Alpha'", **{"$expand": "createdTime,provisioningState"}).ok()

    assert [one["name"] for one in inside] == ["Beta", "Gamma"]
    assert len(first["value"]) == 1 and "nextLink" in first
    assert set(inside[0]) == {"id", "name", "type", "location", "tags", "sku"}
    assert set(more.body["value"][0]) == {*inside[0], "createdTime", "provisioningState"}
    assert resources(three, inside="nogroup").code == "ResourceGroupNotFound"


# -- the ids of a request ----------------------------------------------------------------------------


def is_guid(text: Any) -> bool:
    return str(uuid.UUID(text)) == text


@pytest.mark.rule("C1")
@pytest.mark.parametrize("path", ["/subscriptions", "/nothing", "/metadata/endpoints"])
def test_c1_every_answer_has_ids_of_its_own(world: World, path: str) -> None:
    answers = [asked(world, path, {}, **{"api-version": "2022-09-01"}) for _ in range(2)]
    refused = asked(world, path, {"authorization": "Bearer junk"}, **{"api-version": "2022-09-01"})

    ids = [answer.header("x-ms-request-id") for answer in (*answers, refused)]
    assert all(map(is_guid, ids)) and len(set(ids)) == 3
    assert all(is_guid(answer.header("x-ms-correlation-request-id")) for answer in (*answers, refused))
    assert answers[0].header("x-ms-client-request-id") is None


@pytest.mark.rule("C1")
def test_c1_the_clients_own_ids_come_back(world: World) -> None:
    sent = {"x-ms-correlation-request-id": "corr", "x-ms-client-request-id": "mine"}

    plain = asked(world, "/subscriptions", sent)
    wanted = asked(world, "/subscriptions", {**sent, "x-ms-return-client-request-id": "True"})
    unwanted = asked(world, "/subscriptions", {**sent, "x-ms-return-client-request-id": "false"})

    for answer in (plain, wanted, unwanted):
        assert answer.header("x-ms-correlation-request-id") == "corr"
        assert answer.header("x-ms-request-id") not in (None, "corr", "mine")
    told = [answer.header("x-ms-client-request-id") for answer in (plain, wanted, unwanted)]
    assert told == [None, "mine", None]


@pytest.mark.rule("A7")
def test_a7_the_data_plane_tells_its_latency_and_an_id(world: World) -> None:
    world.active_pool()
    host = f"{POOL.lower()}.managedhsm.azure.net"

    def answer(path: str, headers: Dict[str, str]) -> Response:
        return asked(world, path, headers, host, **{"api-version": "7.4"})

    answers = [answer("/keys", {}), answer("/keys/none", {}), answer("/keys", {"authorization": "Bearer x"})]

    ids = [one.header("x-ms-request-id") for one in answers]
    assert all(map(is_guid, ids)) and len(set(ids)) == 3
    assert [one.header("x-ms-server-latency") for one in answers] == ["0", "0", "0"], "real time stands still"
    assert [one.header("x-ms-keyvault-region") for one in answers] == [PRIMARY, PRIMARY, None]


@pytest.mark.rule("A7")
def test_a7_the_latency_is_measured_in_real_milliseconds(world: World) -> None:
    world.active_pool()
    moments = iter(range(REAL, REAL + 7_000, 7))
    world.sources.real = lambda: next(moments)  # type: ignore[method-assign]

    response = asked(world, "/keys", {}, f"{POOL.lower()}.managedhsm.azure.net", **{"api-version": "7.4"})

    latency = int(response.header("x-ms-server-latency") or 0)
    assert latency >= 7 and latency % 7 == 0


# -- the addresses of operations -----------------------------------------------------------------------


def address(answer: Answer) -> str:
    return answer.headers["location"]


def poll_at(world: World, url: str) -> Answer:
    return world.poll(Answer(202, {"location": url}, None))


@pytest.mark.rule("C4c")
def test_c4c_every_poll_names_another_address_and_all_of_them_hold(world: World) -> None:
    """In one moment of real time: what changes is not the clock alone."""
    world.hold_time_still()
    answers = [world.put_pool()]
    for _ in range(5):
        answers.append(world.poll(answers[-1]))
    answers.append(world.poll(answers[0]))
    world.advance(750)

    assert {answer.status for answer in answers} == {202}
    assert len({address(answer) for answer in answers}) == len(answers)
    assert len({address(answer).partition("&h=")[0] for answer in answers}) == 1
    assert {world.poll(answer).status for answer in answers} == {200}


@pytest.mark.rule("C4c")
@pytest.mark.parametrize(
    "forge",
    [
        lambda url: url.partition("&t=")[0],
        lambda url: url.partition("&h=")[0],
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: re.sub(r"&t=\d", "&t=7", url),
        lambda url: re.sub(r"&h=[0-9a-f]{16}", "&h=" + "0" * 16, url),
        lambda url: re.sub(r"&h=[0-9a-f]{32}", "&h=", url),
        lambda url: url + "00",
    ],
)
def test_c4c_an_address_that_was_not_given_out_is_refused(world: World, forge: Any) -> None:
    url = address(world.put_pool())
    at = world.now

    refused = poll_at(world, forge(url))

    assert forge(url) != url
    assert (refused.status, refused.code) == (400, "InvalidOperationAddress")
    assert (world.now, poll_at(world, url).status) == (at, 200), "and moves no clock"


@pytest.mark.rule("C4c")
def test_c4c_an_address_is_of_one_operation(world: World) -> None:
    world.hold_time_still()
    one, other = address(world.put_pool("One")), address(world.put_pool("Other"))

    mixed = one.partition("?")[0] + "?" + other.partition("?")[2]

    assert poll_at(world, mixed).code == "InvalidOperationAddress"


@pytest.mark.rule("C4c")
def test_c4c_so_is_that_of_a_groups_deletion(world: World) -> None:
    world.create_pool()
    world.hold_time_still()
    first = group(world, "DELETE", "default").ok()
    second = world.poll(first)
    world.advance(330)

    assert address(first) != address(second)
    assert poll_at(world, address(first)[:-1]).code == "InvalidOperationAddress"
    assert {world.poll(first).status, world.poll(second).status} == {200}


@pytest.mark.rule("C4c")
def test_c4c_an_address_outlives_the_process(world: World) -> None:
    world.hold_time_still()
    url = address(world.put_pool())
    home = world.emulator.home
    world.emulator.store.close()

    again = World(home)
    again.hold_time_still()

    assert poll_at(again, url).status == 202


# -- tokens ---------------------------------------------------------------------------------------------


@pytest.mark.rule("K2")
def test_k2_arm_names_what_is_wrong_with_a_token(world: World) -> None:
    def told(token: str) -> Any:
        answer = world.call("GET", ARM, "/subscriptions", token=token, who=None)
        assert answer.status == 401 and "invalid_token" in answer.headers["www-authenticate"]
        assert "x-ms-request-id" in answer.headers
        return answer.code, answer.message

    sound = world.token(OWNER, AUDIENCE)
    wrong = told(world.token(OWNER))
    head, body, signature = sound.split(".")
    assert told("") == (
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing.",
    )
    assert told(f"{head}.{body}.{signature[::-1]}") == (
        "InvalidAuthenticationToken", "The access token is invalid.",
    )  # fmt: skip
    assert wrong[0] == "InvalidAuthenticationTokenAudience"
    assert wrong[1].startswith(
        "The access token has been obtained for wrong audience or resource 'https://managedhsm.azure.net'. "
        "It should exactly match with one of the allowed audiences 'https://management.core.windows.net/',"
    )
    world.sources.milliseconds += 12 * 3600_000
    assert told(sound) == (
        "ExpiredAuthenticationToken",
        "The access token expiry UTC time '1/15/2027 9:00:00 AM' is earlier than current UTC time "
        "'1/15/2027 8:00:00 PM'.",
    )


@pytest.mark.rule("K2")
def test_k2_a_token_of_another_tenant_names_both(world: World, new_world: Any) -> None:
    stranger = new_world()
    token = stranger.emulator.tokens().signed(
        {"iss": "https://sts.windows.net/strange/", "aud": AUDIENCE, "exp": REAL // 1000 + 60}
    )

    answer = world.call("GET", ARM, "/subscriptions", token=token, who=None)

    assert (answer.status, answer.code) == (401, "InvalidAuthenticationTokenTenant")
    assert "wrong issuer 'https://sts.windows.net/strange/'" in answer.message
    assert f"'https://sts.windows.net/{world.tenant}/' associated with this subscription" in answer.message
    assert token not in json.dumps(answer.body)
