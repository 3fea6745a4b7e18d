"""K2 and K3: who is asked, and who may."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Mapping
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from shared_data import folder, golden

from .harness import (
    ADMINISTRATOR,
    CRYPTO_AUDITOR,
    CRYPTO_OFFICER,
    CRYPTO_USER,
    EXTENDED,
    NOBODY,
    OTHER,
    OWNER,
    POOL,
    PRIMARY,
    SIX_MINUTES,
    Answer,
    World,
)

# -- K2 ----------------------------------------------------------------------------------


def challenge(world: World) -> str:
    return (
        f'Bearer authorization="https://login.microsoftonline.com/{world.tenant}", '
        'resource="https://managedhsm.azure.net"'
    )


@pytest.mark.rule("K2")
def test_k2_401_comes_first_whatever_is_wrong_beside_it(world: World) -> None:
    world.create_pool()  # not activated

    answers = [
        world.data("GET", "/keys", who=NOBODY),
        world.data("POST", "/keys/k/create", who=NOBODY),
        world.data("POST", "/keys/k/create", b"{not json", who=NOBODY),
        world.data("GET", "/keys", who=NOBODY, version=""),
        world.data("GET", "/keys", who=NOBODY, version="1.0"),
        world.data("GET", "/no/such/thing", who=NOBODY),
        world.data("PATCH", "/keys", who=NOBODY),
        world.data("POST", "/securitydomain/download", who=NOBODY),
    ]

    assert {answer.status for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {challenge(world)}
    assert not any("x-ms-keyvault-region" in answer.headers for answer in answers)
    assert [answer.body for answer in answers[:2]] == ["OK", None]
    assert not any("claims" in answer.headers["www-authenticate"] for answer in answers)


@pytest.mark.rule("K2")
def test_k2_the_challenge_is_the_recorded_one(world: World) -> None:
    recorded = golden("hsm_role")[2]["response"]
    world.create_pool()

    answer = world.data("GET", "/providers/Microsoft.Authorization/roleDefinitions", who=NOBODY)

    expected = recorded["headers"]["www-authenticate"].replace(
        "00000000-0000-0000-0000-000000000002", world.tenant
    )
    expected = expected.replace("00000000-0000-0000-0000-000000000001", world.tenant)
    assert (answer.status, answer.body) == (recorded["status"], recorded["body"])
    assert answer.headers["www-authenticate"] == expected == challenge(world)


@pytest.mark.rule("K2")
def test_k2_a_good_token_is_let_in_and_is_its_bearers(world: World) -> None:
    world.active_pool()

    mine = world.data("GET", "/keys", token=world.token(OWNER))
    theirs = world.data("GET", "/keys", token=world.token(OTHER))
    slash = world.data("GET", "/keys", token=world.token(OWNER, "https://managedhsm.azure.net/"))

    assert (mine.status, theirs.status, slash.status) == (200, 403, 200)
    assert mine.headers["x-ms-keyvault-region"] == PRIMARY


@pytest.mark.rule("K2")
def test_k2_tokens_are_checked_for_signature_audience_tenant_and_expiry(world: World) -> None:
    world.active_pool()
    good = world.token(OWNER)
    claims = jwt.decode(good, options={"verify_signature": False})
    forger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ours = world.emulator.tokens()._key()
    head, body, signature = good.split(".")

    def signed(key: rsa.RSAPrivateKey, **changes: object) -> str:
        return jwt.encode({**claims, **changes}, key, algorithm="RS256")

    bad: Dict[str, str] = {
        "forged": signed(forger),
        "unsigned": jwt.encode(claims, "", algorithm="none"),
        "cut": f"{head}.{body}.{signature[:-8]}",
        "another tenant's": signed(ours, iss="https://sts.windows.net/00000000-0000-0000-0000-000000000009/"),
        "for the control plane": world.token(OWNER, "https://management.azure.com"),
        "for vaults": world.token(OWNER, "https://vault.azure.net"),
        "expired": signed(ours, exp=claims["iat"]),
        "not begun": signed(ours, nbf=claims["iat"] + 3600),
        "of a stranger": signed(ours, oid="00000000-0000-0000-0000-000000000009"),
        "no token at all": "x",
    }

    answers = {name: world.data("GET", "/keys", token=token) for name, token in bad.items()}

    assert world.data("GET", "/keys", token=signed(ours)).status == 200
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(bad, 401)
    assert {answer.headers["www-authenticate"] for answer in answers.values()} == {challenge(world)}
    assert answers["for vaults"].message == (
        "Found token with aud=https://vault.azure.net, but expected aud=https://managedhsm.azure.net"
    )


@pytest.mark.rule("K2")
def test_k2_a_token_expires_by_real_time_and_not_by_the_service_clock(world: World) -> None:
    world.active_pool()
    token = world.token(OWNER)

    world.advance(7 * 24 * 3600)
    after_a_week_of_service_time = world.data("GET", "/keys", token=token).status
    world.sources.milliseconds += 3600 * 1000
    after_an_hour_of_real_time = world.data("GET", "/keys", token=token).status

    assert (after_a_week_of_service_time, after_an_hour_of_real_time) == (200, 401)


# -- K3 ----------------------------------------------------------------------------------


@pytest.mark.rule("K3")
def test_k3_the_built_in_roles_are_the_recorded_ones_and_restore(world: World) -> None:
    path = "/providers/Microsoft.Authorization/roleDefinitions"
    recorded = next(
        item for item in golden("hsm_role")
        if item["request"]["path"] == path and item["response"]["status"] == 200
    )["response"]["body"]["value"]  # fmt: skip
    facts = json.loads((folder() / "facts" / "roles.json").read_text())
    world.active_pool()

    shown = world.data("GET", path).ok().body["value"]

    by_id = {item["name"]: in_order(item) for item in shown}
    assert {item["name"]: by_id[item["name"]] for item in recorded} == {
        item["name"]: in_order(item) for item in recorded
    }
    (restore,) = [item for item in shown if item["name"] not in {role["name"] for role in recorded}]
    assert restore["properties"]["roleName"] == "Managed HSM Restore"
    assert restore["name"] in json.dumps(facts)


def in_order(definition: Mapping[str, Any]) -> Dict[str, Any]:
    """The definition with its data actions sorted: their order varies from call to call."""
    (permissions,) = definition["properties"]["permissions"]
    ordered = {**permissions, "dataActions": sorted(permissions["dataActions"])}
    return {**definition, "properties": {**definition["properties"], "permissions": [ordered]}}


@pytest.mark.rule("K3")
def test_k3_an_administrator_assigns_roles_and_cannot_create_or_use_a_key(world: World) -> None:
    world.create_pool()
    world.activate()

    own = world.data("GET", "/providers/Microsoft.Authorization/roleAssignments").ok().body["value"]
    refused = world.put_key("k")
    assigned = world.assign(CRYPTO_USER, OTHER)
    world.put_key("k", who=OTHER).ok()

    assert [(item["properties"]["principalId"], item["properties"]["scope"]) for item in own] == [
        (world.id_of(OWNER), "/")
    ]
    assert own[0]["properties"]["roleDefinitionId"].endswith(ADMINISTRATOR)
    assert (refused.status, refused.code) == (403, "AccessDenied")
    assert refused.message.startswith(
        "Not authorized to access Microsoft.KeyVault/managedHsm/keys/create on /keys/k (Activity ID: "
    )
    assert assigned.status == 201
    uses = [world.sign("k"), world.data("DELETE", "/keys/k"), world.data("DELETE", "/deletedkeys/k")]
    assert {answer.status for answer in uses} == {403}
    assert world.sign("k", who=OTHER).status == 200


@pytest.mark.rule("K3")
def test_k3_nobody_else_has_anything(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()

    def asks(who: str) -> Dict[str, Answer]:
        return {
            "list": world.data("GET", "/keys", who=who),
            "get": world.get_key("k", who=who),
            "create": world.put_key("n", who=who),
            "sign": world.sign("k", who=who),
            "delete": world.data("DELETE", "/keys/k", who=who),
            "roles": world.data("GET", "/providers/Microsoft.Authorization/roleAssignments", who=who),
            "assign": world.assign(ADMINISTRATOR, who, by=who),
            "definitions": world.data("GET", "/providers/Microsoft.Authorization/roleDefinitions", who=who),
            "domain": world.data("GET", "/securitydomain/download/pending", who=who),
        }

    assert {name: answer.status for name, answer in asks(OTHER).items()} == dict.fromkeys(asks(OTHER), 403)


@pytest.mark.rule("K3")
@pytest.mark.parametrize(
    ("scope", "reach"),
    [
        ("", {"k": 200, "k2": 200, "list": 200}),
        ("/keys", {"k": 200, "k2": 200, "list": 200}),
        ("/keys/k", {"k": 200, "k2": 403, "list": 403}),
    ],
)
def test_k3_a_scope_holds_itself_and_what_is_below_it(
    world: World, scope: str, reach: Dict[str, int]
) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.put_key("k2").ok()

    world.assign(CRYPTO_USER, OTHER, scope).ok()

    assert {
        "k": world.sign("k", who=OTHER).status,
        "k2": world.sign("k2", who=OTHER).status,
        "list": world.data("GET", "/keys", who=OTHER).status,
    } == reach


@pytest.mark.rule("K3")
def test_k3_an_administrator_of_keys_is_none_of_the_pool(world: World) -> None:
    world.active_pool()

    world.assign(ADMINISTRATOR, OTHER, "/keys").ok()

    assert world.assign(CRYPTO_USER, OTHER, "/keys", by=OTHER).status == 201
    assert world.assign(CRYPTO_USER, OTHER, "", by=OTHER).status == 403


@pytest.mark.rule("K3")
@pytest.mark.parametrize(
    ("role", "may"),
    [
        (CRYPTO_USER, {"create": 200, "sign": 200, "assign": 403, "get": 200, "delete": 200}),
        (CRYPTO_OFFICER, {"create": 403, "sign": 403, "assign": 201, "get": 200, "delete": 403}),
        (CRYPTO_AUDITOR, {"create": 403, "sign": 403, "assign": 403, "get": 200, "delete": 403}),
        (ADMINISTRATOR, {"create": 403, "sign": 403, "assign": 201, "get": 200, "delete": 403}),
    ],
)
def test_k3_what_each_role_may(world: World, role: str, may: Dict[str, int]) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.assign(role, OTHER).ok()

    assert {
        "create": world.put_key("n", who=OTHER).status,
        "sign": world.sign("k", who=OTHER).status,
        "assign": world.assign(CRYPTO_AUDITOR, OTHER, by=OTHER).status,
        "get": world.get_key("k", who=OTHER).status,
        "delete": world.data("DELETE", "/keys/k", who=OTHER).status,
    } == may


@pytest.mark.rule("K3")
def test_k3_a_right_ends_with_its_assignment_in_each_region_when_it_hears_of_it(world: World) -> None:
    world.extended_pool()
    world.put_key("k").ok()
    name = "11111111-2222-4333-8444-555555555555"
    world.assign(CRYPTO_USER, OTHER, name=name).ok()
    world.advance(SIX_MINUTES)

    path = f"/providers/Microsoft.Authorization/roleAssignments/{name}"
    world.data("DELETE", path, region=PRIMARY).ok()
    at_once = world.sign("k", PRIMARY, OTHER).status, world.sign("k", EXTENDED, OTHER).status
    world.advance(SIX_MINUTES)

    assert at_once == (403, 200)
    assert world.sign("k", EXTENDED, OTHER).status == 403


@pytest.mark.rule("K3")
def test_k3_ids_of_principals_are_compared_without_regard_to_case(world: World) -> None:
    world.create_pool(initialAdminObjectIds=[world.id_of(OWNER).upper()])
    world.activate()

    assert world.assign(CRYPTO_USER, OWNER).status == 201


@pytest.mark.rule("K3")
def test_k3_each_of_several_initial_administrators_is_one(world: World) -> None:
    world.create_pool(initialAdminObjectIds=[world.id_of(OWNER), world.id_of(OTHER)])
    world.activate()

    assert world.assign(CRYPTO_AUDITOR, OTHER, by=OTHER).status == 201
    assert world.assign(CRYPTO_AUDITOR, OWNER, by=OWNER).status == 201


# -- lists in pages, by a region's own name ---------------------------------------------------


def _made(world: World) -> None:
    for number in range(27):
        world.put_key(f"k{number:02}", EXTENDED).ok()


def _deleted(world: World) -> None:
    _made(world)
    world.advance(SIX_MINUTES)
    for number in range(27):
        world.data("DELETE", f"/keys/k{number:02}", region=EXTENDED).ok()


def _versions(world: World) -> None:
    world.put_key("k", PRIMARY).ok()
    world.advance(SIX_MINUTES)
    for _ in range(26):
        world.put_key("k", EXTENDED).ok()


@pytest.mark.rule("A6")
@pytest.mark.parametrize("region", [EXTENDED, PRIMARY, ""])
@pytest.mark.parametrize(
    ("make", "path", "behind"),
    [(_made, "/keys", 0), (_versions, "/keys/k/versions", 1), (_deleted, "/deletedkeys", 0)],
)
def test_a6_all_pages_of_a_list_come_from_the_region_that_was_asked(
    world: World, make: Callable[[World], None], path: str, behind: int, region: str
) -> None:
    """While the other region lacks what this one shows: a link to the global name would end in the
    primary, to which a client with no place goes."""
    world.extended_pool()
    make(world)
    host = f"{region}.{POOL.lower()}.managedhsm.azure.net".lstrip(".")
    query = {"api-version": "7.4"}
    pages = []

    while query:
        answer = world.call("GET", host, path, query=query).ok()
        pages.append(answer)
        link = urlsplit(answer.body.get("nextLink") or "")
        query = dict(parse_qsl(link.query))
        assert (link.netloc, link.path) == ((host, path) if query else ("", ""))

    found = {item["kid"] for page in pages for item in page.body["value"]}
    assert len(found) == (27 if region == EXTENDED else behind)
    assert len(found) == sum(len(page.body["value"]) for page in pages)
    assert {page.headers["x-ms-keyvault-region"] for page in pages} == {region or PRIMARY}
    assert len(pages) == (2 if region == EXTENDED else 1)
