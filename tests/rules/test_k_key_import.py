"""K1, K3, K4: keys that were made elsewhere come in and stay in."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from azext_mhsmregion.crypto import b64url
from azext_mhsmregion.crypto import keys as material

from .harness import CRYPTO_OFFICER, EXTENDED, OTHER, PRIMARY, SIX_MINUTES, Answer, World

RSA_MEMBERS = ("d", "p", "q", "dp", "dq", "qi")


def rsa_jwk(size: int = 2048) -> Dict[str, str]:
    private = rsa.generate_private_key(65537, size).private_numbers()
    secret = (private.d, private.p, private.q, private.dmp1, private.dmq1, private.iqmp)
    public = {"n": private.public_numbers.n, "e": private.public_numbers.e}
    members = {**public, **dict(zip(RSA_MEMBERS, secret))}
    return {"kty": "RSA", **{name: b64url.encode_int(number) for name, number in members.items()}}


def ec_jwk(curve: ec.EllipticCurve) -> Dict[str, str]:
    key = ec.generate_private_key(curve)
    return {
        "kty": "EC",
        **material.public_jwk(key),
        "d": b64url.encode_int(key.private_numbers().private_value),
    }


def put(world: World, name: str, jwk: Any, **more: Any) -> Answer:
    wire = {key: more.pop(key) for key in ("region", "who") if key in more}
    return world.data("PUT", f"/keys/{name}", {"Hsm": True, "key": jwk, **more}, **wire)


@pytest.mark.rule("K1")
@pytest.mark.parametrize("size", [1024, 2048])
def test_k1_an_imported_rsa_key_is_an_rsa_hsm_key_like_any_other(world: World, size: int) -> None:
    world.active_pool()
    jwk = rsa_jwk(size)

    made = put(world, "k", jwk, attributes={"enabled": True, "exp": 2000000000}, tags={"a": "1"}).ok().body

    assert {**made["key"], "kid": ""} == {
        "e": jwk["e"], "n": jwk["n"], "kty": "RSA-HSM", "kid": "",
        "key_ops": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
    }  # fmt: skip
    assert (made["attributes"]["exp"], made["tags"]) == (2000000000, {"a": "1"})
    assert world.get_key("k").body == made
    body = {"alg": "RSA1_5", "value": "YWJjZGVm"}
    sealed = world.data("POST", "/keys/k/wrapkey", body).ok().body["value"]
    opened = world.data("POST", "/keys/k/unwrapkey", {**body, "value": sealed}).ok().body
    assert opened["value"] == "YWJjZGVm"


@pytest.mark.rule("K1")
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP256K1(), ec.SECP384R1(), ec.SECP521R1()])
def test_k1_an_imported_ec_key_is_an_ec_hsm_key(world: World, curve: ec.EllipticCurve) -> None:
    world.active_pool()
    jwk = ec_jwk(curve)

    made = put(world, "k", {**jwk, "key_ops": ["sign"]}).ok().body["key"]

    shown = {name: jwk[name] for name in ("crv", "x", "y")}
    assert {**made, "kid": ""} == {**shown, "kty": "EC-HSM", "kid": "", "key_ops": ["sign"]}


@pytest.mark.rule("K1")
def test_k1_an_import_onto_a_key_is_its_new_version(world: World) -> None:
    world.active_pool()
    old = world.put_key("k").ok().body["key"]["kid"]
    new = put(world, "k", ec_jwk(ec.SECP256R1())).ok().body["key"]["kid"]

    listed = world.data("GET", "/keys/k/versions").ok().body["value"]

    assert [item["kid"] for item in listed] == [old, new]
    assert world.get_key("k").body["key"]["kid"] == new


def wrong_ones() -> Dict[str, Any]:
    good, other, point = rsa_jwk(), rsa_jwk(), ec_jwk(ec.SECP256R1())
    cut = {name: value for name, value in good.items() if name not in RSA_MEMBERS}
    return {
        "no private part": cut,
        "another's private part": {**cut, **{name: other[name] for name in RSA_MEMBERS}},
        "another's exponent": {**good, "d": other["d"]},
        "an odd size": rsa_jwk(1536),
        "no base64url": {**good, "p": "(private part removed)"},
        "a number": {**good, "d": 7},
        "no point": {**point, "y": point["x"]},
        "no EC private part": {name: value for name, value in point.items() if name != "d"},
        "another curve": {**point, "crv": "P-384"},
        "unknown curve": {**point, "crv": "P-192"},
        "unknown type": {**point, "kty": "OKP"},
        "no type": {name: value for name, value in point.items() if name != "kty"},
        "unknown operation": {**point, "key_ops": ["sing"]},
        "a string": "key",
        "nothing": None,
    }


@pytest.mark.rule("K1")
def test_k1_a_key_that_is_not_whole_is_refused_and_leaves_nothing(world: World) -> None:
    world.active_pool()
    bad = wrong_ones()

    answers = {name: put(world, "k", jwk) for name, jwk in bad.items()}

    assert {name: (answer.status, answer.code) for name, answer in answers.items()} == dict.fromkeys(
        bad, (400, "BadParameter")
    )
    assert world.keys() == []
    assert put(world, "k", {"kty": "RSA-HSM", "key_hsm": "e30"}).status == 501
    assert put(world, "no_such_name", bad["an odd size"]).status == 400


@pytest.mark.rule("K3")
def test_k3_import_is_a_right_of_its_own(world: World) -> None:
    world.active_pool()
    world.assign(CRYPTO_OFFICER, OTHER).ok()

    refused = put(world, "k", {"kty": "none"}, who=OTHER)

    assert (refused.status, refused.code) == (403, "AccessDenied")
    assert "keys/import/action on /keys/k" in refused.message


@pytest.mark.rule("D5")
def test_d5_a_deleted_keys_name_is_not_imported_onto(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.data("DELETE", "/keys/k").ok()

    refused = put(world, "k", ec_jwk(ec.SECP256R1()))

    assert (refused.status, refused.code) == (409, "ObjectIsDeletedButRecoverable")


@pytest.mark.rule("K4")
def test_k4_what_was_imported_never_leaves_and_lies_wrapped(world: World) -> None:
    world.active_pool()
    jwk = rsa_jwk()
    answers: List[Answer] = [put(world, "k", jwk)]
    answers += [world.get_key("k"), world.data("DELETE", "/keys/k"), world.data("GET", "/deletedkeys/k")]
    answers += [put(world, "j", {**jwk, "qi": jwk["dp"]})]

    assert [answer.status for answer in answers] == [200, 200, 200, 200, 400]
    shown = [set(answer.body["key"]) for answer in answers[:4]]
    assert shown == 4 * [{"e", "n", "kid", "kty", "key_ops"}]
    secrets = [jwk[name] for name in RSA_MEMBERS]
    assert not any(secret in str(answer.body) for answer in answers for secret in secrets)
    stored = [file.read_bytes() for file in world.emulator.home.rglob("*") if file.is_file()]
    raw = [b64url.decode(secret) for secret in secrets]
    assert stored and not any(part in data for data in stored for part in (*raw, *map(str.encode, secrets)))


@pytest.mark.rule("A4")
def test_a4_an_imported_key_signs_in_the_other_region(world: World) -> None:
    world.extended_pool()
    put(world, "k", ec_jwk(ec.SECP256R1()), region=EXTENDED).ok()
    world.advance(SIX_MINUTES)

    signature = world.sign("k", PRIMARY).ok().body["value"]

    assert world.verify("k", signature, EXTENDED).ok().body["value"] is True
    assert world.shown(PRIMARY) == world.shown(EXTENDED)


@pytest.mark.rule("K1")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/keys/k/0123456789abcdef/release"),
        ("GET", "/keys/k/attestation"),
        ("POST", "/keys/k/0123456789abcdef/securewrapkey"),
        ("GET", "/ekm"),
    ],
)
def test_k1_what_is_not_there_yet_says_so(world: World, method: str, path: str) -> None:
    world.active_pool()
    world.put_key("k").ok()

    answer = world.data(method, path, {})

    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert answer.message == f"{method} {path} is not implemented by this emulator."
