"""The security domain: structure as recorded, quorum, every refusal (rule C4)."""

import itertools
import json
import random

import pytest
from shared_data import golden

from azext_mhsmregion.crypto import b64url, jwe, restore_blob, sealed_data, security_domain
from azext_mhsmregion.crypto.errors import (
    BadCertificate,
    BadJwe,
    BadSecurityDomain,
    BadShare,
    CryptoError,
    DecryptFailed,
    QuorumNotMet,
)


def recorded_download():
    """The recorded download of a security domain: request and answer (long JWEs are cut)."""
    found = next(e for e in golden("hsm_security_domain") if (e["request"]["body"] or {}).get("certificates"))
    return {"request": found["request"]["body"], "answer": found["response"]["body"]}


SECRETS = {
    "hsm_backup": b"the pool's own key" * 100,
    "base_enclave_backup": b"",
    "partition_enclave_backup": bytes(range(256)),
}


def jwks(officers):
    return [security_domain.certificate_jwk(officer.certificate_pem) for officer in officers]


def wrapping_keys(officers):
    return [officer.wrapping_key for officer in officers]


@pytest.fixture(scope="module")
def domain(officers):
    """Four officers, any three of them."""
    return security_domain.create(jwks(officers), 3, SECRETS, random.Random(1).randbytes)


def shape(value):
    """Names in their order, list lengths and types of leaves."""
    if isinstance(value, dict):
        return [(name, shape(member)) for name, member in value.items()]
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value).__name__


@pytest.mark.rule("C4")
def test_c4_structure_is_the_recorded_one(seeded):
    exchange = recorded_download()
    request, recorded = exchange["request"], exchange["answer"]["value"]
    text = security_domain.create(request["certificates"], request["required"], {}, seeded)
    ours, theirs = json.loads(text), json.loads(recorded)
    assert shape(ours) == shape(theirs)
    assert text.startswith('{"EncData":{"data":[{"compact_jwe":"')  # no blanks, as recorded
    assert [item["tag"] for item in ours["EncData"]["data"]] == [
        item["tag"] for item in theirs["EncData"]["data"]
    ]
    for name in ("kdf", "key_algorithm", "required"):
        part = "EncData" if name == "kdf" else "SharedKeys"
        assert ours[part][name] == theirs[part][name]
    assert ours["version"] == theirs["version"]


@pytest.mark.rule("C4")
def test_c4_shares_are_the_recorded_ones_in_all_but_the_secret(seeded):
    exchange = recorded_download()
    request, recorded = exchange["request"], json.loads(exchange["answer"]["value"])
    ours = json.loads(security_domain.create(request["certificates"], request["required"], {}, seeded))
    for mine, theirs in zip(ours["SharedKeys"]["enc_shares"], recorded["SharedKeys"]["enc_shares"]):
        assert mine["x5t_256"] == theirs["x5t_256"]
        my_header, *my_parts = [b64url.decode(part) for part in mine["enc_key"].split(".")]
        their_header, *their_parts = [b64url.decode(part) for part in theirs["enc_key"].split(".")]
        assert [len(part) for part in my_parts] == [len(part) for part in their_parts]
        assert shape(json.loads(my_header)) == shape(json.loads(their_header))
        assert len(my_header) == len(their_header)  # kid is a GUID


@pytest.mark.rule("C4")
def test_c4_any_quorum_opens(domain, officers):
    for count in (3, 4):
        for chosen in itertools.permutations(wrapping_keys(officers), count):
            assert security_domain.open_(domain, chosen) == SECRETS


@pytest.mark.rule("C4")
def test_c4_fewer_than_the_quorum_do_not_open(domain, officers, exchange):
    two = wrapping_keys(officers[:2])
    with pytest.raises(QuorumNotMet, match="3 wrapping keys are required and 2 of these fit"):
        security_domain.open_(domain, two)
    for padding in (two[0], exchange.wrapping_key):  # one of them twice, or someone else's
        with pytest.raises(QuorumNotMet):
            security_domain.open_(domain, [*two, padding])
    with pytest.raises(QuorumNotMet):
        security_domain.open_(domain, [])


def test_keys_of_others_are_passed_over(domain, officers, exchange):
    keys = [exchange.wrapping_key, *wrapping_keys(officers[1:])]
    assert security_domain.open_(domain, keys) == SECRETS


def test_a_certificate_with_anothers_key_does_not_open(domain, officers):
    mixed = (officers[1].key, officers[0].certificate)
    with pytest.raises(DecryptFailed):
        security_domain.open_(domain, [mixed, *wrapping_keys(officers[1:3])])


def test_a_smaller_quorum_written_into_the_text_does_not_open_it(domain, officers):
    forged = json.loads(domain)
    forged["SharedKeys"]["required"] = 2
    with pytest.raises((BadShare, DecryptFailed)):
        security_domain.open_(json.dumps(forged), wrapping_keys(officers[:2]))


@pytest.mark.rule("C4")
def test_c4_a_tag_without_a_secret_gets_32_random_bytes(officers, seeded):
    text = security_domain.create(jwks(officers), 2, {"hsm_backup": b"mine"}, seeded)
    opened = security_domain.open_(text, wrapping_keys(officers))
    assert list(opened) == list(security_domain.TAGS)
    assert opened.pop("hsm_backup") == b"mine"
    assert {len(filler) for filler in opened.values()} == {32}
    assert len(set(opened.values())) == 2


@pytest.mark.rule("K4")
def test_k4_nothing_of_the_secrets_is_readable(officers, seeded):
    secret = b"PRIVATE-KEY-MATERIAL"
    text = security_domain.create(jwks(officers), 2, {"hsm_backup": secret}, seeded)
    raw = b"".join(
        b64url.decode(part)
        for item in json.loads(text)["EncData"]["data"]
        for part in item["compact_jwe"].split(".")
    )
    assert secret not in raw
    assert secret.decode() not in text


def test_two_domains_share_nothing(officers):
    source = random.Random(3).randbytes
    first, second = (json.loads(security_domain.create(jwks(officers), 2, SECRETS, source)) for _ in "ab")
    mixed = {**first, "SharedKeys": second["SharedKeys"]}
    with pytest.raises(DecryptFailed):
        security_domain.open_(json.dumps(mixed), wrapping_keys(officers))


# --- what create refuses -------------------------------------------------------------------------


@pytest.mark.rule("C4")
@pytest.mark.parametrize("count", [0, 1, 2])
def test_c4_three_certificates_at_least(officers, seeded, count):
    with pytest.raises(BadCertificate, match=f"3 to 10 certificates, not {count}"):
        security_domain.create(jwks(officers[:count]), 2, {}, seeded)


@pytest.mark.rule("C4")
def test_c4_ten_certificates_at_most(officers, seeded):
    with pytest.raises(BadCertificate, match="3 to 10 certificates, not 11"):
        security_domain.create([jwks(officers)[0]] * 11, 2, {}, seeded)


@pytest.mark.rule("C4")
@pytest.mark.parametrize("required", [-1, 0, 1, 5, 11])
def test_c4_a_quorum_is_two_to_all(officers, seeded, required):
    with pytest.raises(BadCertificate, match=f"from 2 to 4, not {required}"):
        security_domain.create(jwks(officers), required, {}, seeded)


@pytest.mark.rule("C4")
@pytest.mark.parametrize("required", [2, 4])
def test_c4_the_least_and_the_greatest_quorum(officers, seeded, required):
    text = security_domain.create(jwks(officers), required, SECRETS, seeded)
    assert security_domain.open_(text, wrapping_keys(officers[-required:])) == SECRETS
    with pytest.raises(QuorumNotMet):
        security_domain.open_(text, wrapping_keys(officers[: required - 1]))


@pytest.mark.rule("C4")
def test_c4_no_certificate_twice(officers, seeded):
    with pytest.raises(BadCertificate, match="given twice"):
        security_domain.create(jwks([*officers[:3], officers[0]]), 2, {}, seeded)


@pytest.mark.rule("C4")
def test_c4_one_bad_certificate_spoils_the_request(officers, seeded):
    bad = {**jwks(officers)[0], "x5c": ["AAAA"]}
    with pytest.raises(BadCertificate):
        security_domain.create([*jwks(officers[1:]), bad], 2, {}, seeded)


def test_a_tag_of_ours_is_refused(officers, seeded):
    with pytest.raises(BadSecurityDomain, match="my_backup"):
        security_domain.create(jwks(officers), 2, {"my_backup": b""}, seeded)


# --- what open_ refuses --------------------------------------------------------------------------


def changed(text, path, value):
    """``text`` with one member changed."""
    domain = json.loads(text)
    target = domain
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return json.dumps(domain)


@pytest.mark.parametrize(
    "path, value",
    [
        (["version"], 1),
        (["SharedKeys"], None),
        (["SharedKeys", "key_algorithm"], "xor_share"),
        (["SharedKeys", "required"], "3"),
        (["SharedKeys", "required"], 1),
        (["SharedKeys", "required"], 11),
        (["SharedKeys", "enc_shares"], {}),
        (["SharedKeys", "enc_shares", 0], "share"),
        (["SharedKeys", "enc_shares", 0], {"enc_key": "x"}),
        (["EncData"], None),
        (["EncData", "kdf"], "hkdf"),
        (["EncData", "data"], None),
        (["EncData", "data", 0], {"tag": "hsm_backup"}),
    ],
)
def test_another_structure_is_refused(domain, officers, path, value):
    with pytest.raises(BadSecurityDomain):
        security_domain.open_(changed(domain, path, value), wrapping_keys(officers))


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", "null"])
def test_what_is_no_security_domain(officers, text):
    with pytest.raises(BadSecurityDomain):
        security_domain.open_(text, wrapping_keys(officers))


def test_tampering_is_seen(domain, officers):
    data = json.loads(domain)["EncData"]["data"]
    swapped = changed(domain, ["EncData", "data", 0, "compact_jwe"], data[1]["compact_jwe"])
    renamed = changed(domain, ["EncData", "data", 0, "tag"], "other_backup")
    for text in (swapped, renamed):
        with pytest.raises(DecryptFailed):
            security_domain.open_(text, wrapping_keys(officers))
    with pytest.raises(BadJwe):
        cut = changed(domain, ["EncData", "data", 0, "compact_jwe"], "a.b.c")
        security_domain.open_(cut, wrapping_keys(officers))


def test_every_error_is_a_crypto_error_and_a_value_error():
    for kind in (BadCertificate, BadJwe, BadSecurityDomain, BadShare, DecryptFailed, QuorumNotMet):
        assert issubclass(kind, CryptoError)
        assert issubclass(kind, ValueError)


# --- the restore blob ----------------------------------------------------------------------------


def make_blob(exchange, source):
    master_key = source(32)
    return {
        "EncData": sealed_data.seal(master_key, SECRETS, source),
        "WrappedKey": {
            "enc_key": jwe.encrypt_to(exchange.key.public_key(), master_key, "not used", source),
            "x5t_256": "",
        },
    }


def test_a_restore_blob_opens_with_the_exchange_key_alone(exchange, officers, seeded):
    text = json.dumps(make_blob(exchange, seeded))
    assert restore_blob.open_(text, exchange.key) == SECRETS
    with pytest.raises(DecryptFailed):
        restore_blob.open_(text, officers[0].key)


def test_a_blob_with_anothers_master_key_is_refused(exchange, seeded):
    blob = {**make_blob(exchange, seeded), "WrappedKey": make_blob(exchange, seeded)["WrappedKey"]}
    with pytest.raises(DecryptFailed):
        restore_blob.open_(json.dumps(blob), exchange.key)


@pytest.mark.parametrize("change", [{"WrappedKey": None}, {"WrappedKey": {}}, {"EncData": None}])
def test_what_is_no_restore_blob(exchange, seeded, change):
    with pytest.raises(BadSecurityDomain):
        restore_blob.open_(json.dumps({**make_blob(exchange, seeded), **change}), exchange.key)


@pytest.mark.parametrize("text", ["", "no json", "[]", "null"])
def test_text_that_is_no_restore_blob(exchange, text):
    with pytest.raises(BadSecurityDomain):
        restore_blob.open_(text, exchange.key)
