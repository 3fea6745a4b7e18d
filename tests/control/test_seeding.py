"""A pool ready in one call, made through the same rules as the wire."""

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
