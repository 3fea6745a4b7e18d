"""A pool ready in one call, made through the same rules as the wire."""

import json

import pytest

FULL = {
    "name": "ContosoMHSM",
    "regions": ["Australia East"],
    "retentionDays": 7,
    "roles": [{"role": "Managed HSM Crypto User", "scope": "/keys"}],
    "keys": [{"name": "payments", "kty": "EC-HSM", "curve": "P-384"}, {"name": "rsa", "kty": "RSA"}],
}


def test_a_seeded_pool_is_active_extended_and_the_same_in_both_regions(control):
    assert control.seed(FULL) == ["ContosoMHSM"]
    pool = control.pools()["ContosoMHSM"]
    assert (pool["activation"], pool["regions"], pool["operation"]) == (
        "Active",
        ["uksouth", "australiaeast"],
        None,
    )
    here, there = (control.data("GET", "/keys/payments", region=region) for region in pool["regions"])
    assert here == there
    assert here[1]["key"]["crv"] == "P-384"


def test_its_keys_sign_and_its_owner_has_what_was_given_and_nothing_else(control):
    control.seed({**FULL, "roles": [{"role": "Managed HSM Crypto User", "scope": "/keys/payments"}]})
    body = {"alg": "ES384", "value": "A" * 64}
    assert control.data("POST", "/keys/payments/sign", body)[0] == 200
    assert control.data("GET", "/keys/rsa")[0] == 403


def test_a_pool_that_is_not_activated_has_no_usable_data_plane(control):
    control.seed({"name": "Sleeping", "activated": False})
    assert control.pools()["Sleeping"]["activation"] == "NotActivated"
    assert control.data("GET", "/keys", pool="Sleeping")[0] == 403


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        ({"nam": "x"}, "'nam'"),
        ({"location": "uksouth"}, "'name'"),
        ({"name": "a--b"}, "a--b"),
        ({"name": "Fine", "location": "atlantis"}, "atlantis"),
        ({"name": "Fine", "regions": ["eastus"]}, "eastus"),
        ({"name": "Fine", "regions": ["uksouth"]}, "primary"),
        ({"name": "Fine", "activated": False, "regions": ["australiaeast"]}, "not activated"),
        ({"name": "Fine", "administrators": ["nobody"]}, "nobody"),
        ({"name": "Fine", "roles": [{"role": "King"}]}, "King"),
        ({"name": "Fine", "keys": [{"name": "k", "curve": "P-1"}]}, "P-1"),
        ({"name": "Fine", "group": "nogroup"}, "nogroup"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_made(control, pool, words):
    status, body = control("POST", "/seed", {"pools": [{"name": "Before"}, pool]})
    assert status in (400, 404, 409)
    assert words in body["error"]["message"]
    assert control.pools() == {}


def test_a_name_that_is_taken_is_refused(control):
    control.seed({"name": "ContosoMHSM"})
    assert control("POST", "/seed", {"pools": [{"name": "contosomhsm"}]})[0] == 409


@pytest.mark.parametrize("document", [[], {"hsms": []}, {"pools": {}}, {"pools": ["x"]}])
def test_a_document_that_is_no_seed_is_refused(control, document):
    assert control("POST", "/seed", document)[0] == 400


def test_roles_and_administrators_may_be_groups_by_name(control):
    path = control.emulator.home / "directory.json"
    body = json.loads(path.read_text())
    group = {"name": "signers", "objectId": "e0000000-0000-0000-0000-000000000001", "members": ["other"]}
    path.write_text(json.dumps({**body, "groups": [group]}))
    roles = [{"role": "Managed HSM Crypto User", "principal": "signers", "scope": "/keys"}]
    control.seed({**FULL, "administrators": ["owner", "signers"], "roles": roles})
    sign = {"alg": "ES384", "value": "A" * 64}
    host, query = "contosomhsm.managedhsm.azure.net", {"api-version": "7.4"}
    assert control("POST", "/keys/payments/sign", sign, who="other", host=host, query=query)[0] == 200
    assert control("POST", "/keys/payments/sign", sign, who="owner", host=host, query=query)[0] == 403


CLOCK = {"mode": "manual", "now": "2030-01-01T00:00:00Z"}


def test_a_clock_is_set_before_the_pools_are_made(control):
    status, _ = control("POST", "/seed", {"clock": CLOCK, "pools": [FULL]})
    assert status == 200
    shown = control("GET", "/clock")[1]
    assert (shown["mode"], shown["now"]) == ("manual", "2030-01-01T00:00:00.000Z")
    created = control.data("GET", "/keys/payments")[1]["attributes"]["created"]
    assert created == 1_893_456_000
    assert control.data("GET", "/keys/payments", region="australiaeast")[0] == 200, "all has arrived"


def test_a_scaled_clock_is_kept(control):
    assert control("POST", "/seed", {"clock": {"mode": "scaled", "scale": 60}}) == (200, {"pools": []})
    assert control("GET", "/clock")[1]["scale"] == 60


GROUPS = [{"name": "rg1", "location": "UK West", "tags": {"a": "b"}}, {"name": "rg2"}]


def azure(control, method, path, body=None):
    subscription = control.emulator.directory.subscription_id
    query = {"api-version": "2023-07-01"}
    return control(
        method, f"/subscriptions/{subscription}{path}", body, host="management.azure.com", query=query
    )


def test_resource_groups_that_are_named_are_made(control):
    status, _ = control(
        "POST", "/seed", {"groups": GROUPS, "pools": [{"name": "ContosoMHSM", "group": "RG1"}]}
    )
    assert status == 200
    groups = {one["name"]: one for one in azure(control, "GET", "/resourceGroups")[1]["value"]}
    assert set(groups) == {"default", "rg1", "rg2"}
    assert (groups["rg1"]["location"], groups["rg1"]["tags"]) == ("ukwest", {"a": "b"})
    assert groups["rg2"]["location"] == "uksouth"
    path = "/resourceGroups/rg1/providers/Microsoft.KeyVault/managedHSMs/ContosoMHSM"
    assert azure(control, "GET", path)[0] == 200


def test_a_group_that_is_there_stays(control):
    control("POST", "/seed", {"groups": GROUPS})
    assert control("POST", "/seed", {"groups": [{"name": "RG1", "location": "ukwest"}]})[0] == 200
    groups = azure(control, "GET", "/resourceGroups")[1]["value"]
    assert [(one["name"], one.get("tags")) for one in groups if one["name"] == "rg1"] == [("rg1", {"a": "b"})]
    status, body = control("POST", "/seed", {"groups": [{"name": "rg1"}]})
    assert (status, body["error"]["message"]) == (
        409, "The resource group 'rg1' exists already, in ukwest.")  # fmt: skip


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"clock": "manual"}, "'clock' must be an object"),
        ({"clock": {"mode": "lunar"}}, "lunar"),
        ({"clock": {"speed": 2}}, "no 'speed'"),
        ({"clock": {"mode": "scaled", "scale": 1e308}}, "scale"),
        ({"clock": {"now": "2001-01-01T00:00:00Z"}}, "never goes back"),
        ({"clock": {"now": "9000-01-01T00:00:00Z"}}, "5999"),
        ({"groups": "rg1"}, "'groups' must be an array"),
        ({"groups": ["rg1"]}, "must be an object"),
        ({"groups": [{"location": "uksouth"}]}, "'name' must be given"),
        ({"groups": [{"name": "a", "place": "x"}]}, "no member 'place'"),
        ({"groups": [{"name": "a."}]}, "cannot end with a period"),
        ({"groups": [{"name": "a", "location": "atlantis"}]}, "atlantis"),
        ({"groups": [{"name": "a", "tags": ["x"]}]}, "'tags' must be an object"),
        ({"nothing": 1}, "no member 'nothing'"),
    ],
    ids=str,
)
def test_a_seed_that_cannot_be_changes_nothing(control, document, words):
    before = control("GET", "/clock")[1]["mode"]
    first = {"clock": CLOCK, "groups": [{"name": "first"}]}
    status, body = control("POST", "/seed", {**first, "pools": [{"name": "Fine", "regions": ["x"]}]})
    assert status == 400, body
    status, body = control("POST", "/seed", {"pools": [{"name": "Fine"}], **document})
    assert status == 400
    assert words in body["error"]["message"]
    assert (control.pools(), control("GET", "/clock")[1]["mode"]) == ({}, before)
    assert [one["name"] for one in azure(control, "GET", "/resourceGroups")[1]["value"]] == ["default"]


BROKEN = {"scope": "service", "region": "uksouth", "after": 60, "for": "2m"}


def test_what_shall_be_broken_is_once_the_pools_stand(control):
    faults = [BROKEN, {"hsmName": "ContosoMHSM", "region": "australiaeast", "effect": "hang"}]
    assert control("POST", "/seed", {"pools": [FULL], "faults": faults})[0] < 300
    listed = control("GET", "/faults")[1]["value"]
    assert sorted((one["scope"], one["region"], one["state"]) for one in listed) == [
        ("pool", "australiaeast", "on"),
        ("service", "uksouth", "planned"),
    ]


def test_a_fault_of_a_seed_that_cannot_be_is_named_and_nothing_is_made(control):
    faults = [BROKEN, {"hsmName": "Nobody", "region": "uksouth"}]
    status, body = control("POST", "/seed", {"pools": [FULL], "faults": faults})
    assert status == 404 and body["error"]["message"].startswith("faults[1]: ")
    assert control.pools() == {} and control("GET", "/faults")[1]["value"] == []
