"""K1, K3 and K4: what keys do on the wire, who may have it done, and what never leaves."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from azext_mhsmregion.crypto import b64url

from .harness import CRYPTO_AUDITOR, DIGEST, EXTENDED, OTHER, OWNER, SIX_MINUTES, Answer, World

ENCRYPTION = ("RSA-OAEP-256", "RSA-OAEP", "RSA1_5")
PLAIN = "YWJjZGVm"
"""abcdef."""

SERVICE_ENCRYPTION_USER = "33413926-3206-4cdd-b39a-83574fe37a17"


def use(
    world: World,
    key: str,
    operation: str,
    alg: str,
    value: Any,
    *,
    region: str = "",
    who: str = OWNER,
    **more: Any,
) -> Answer:
    body = {"alg": alg, "value": value, **more}
    return world.data("POST", f"/keys/{key}/{operation}", body, region=region, who=who)


def rsa_key(world: World, name: str = "k", **more: Any) -> Answer:
    return world.put_key(name, kty="RSA-HSM", key_size=2048, **more).ok()


def public_key(shown: Answer) -> rsa.RSAPublicKey:
    jwk = shown.body["key"]
    return rsa.RSAPublicNumbers(b64url.decode_int(jwk["e"]), b64url.decode_int(jwk["n"])).public_key()


# -- K1: RSA ------------------------------------------------------------------------------


@pytest.mark.rule("K1")
@pytest.mark.parametrize(("there", "back"), [("encrypt", "decrypt"), ("wrapkey", "unwrapkey")])
def test_k1_rsa_keys_encrypt_and_wrap(world: World, there: str, back: str) -> None:
    world.active_pool()
    kid = rsa_key(world).body["key"]["kid"]
    version = kid.rsplit("/", 1)[-1]

    for alg in ENCRYPTION:
        sealed = use(world, "k", there, alg, PLAIN).ok().body
        opened = use(world, f"k/{version}", back, alg, sealed["value"]).ok().body

        assert {**sealed, "value": len(b64url.decode(sealed["value"]))} == {
            "alg": alg, "kid": kid, "value": 256,
        }  # fmt: skip
        assert opened == {"alg": alg, "kid": kid, "value": PLAIN}


@pytest.mark.rule("K1")
def test_k1_what_is_encrypted_to_the_public_part_elsewhere_decrypts(world: World) -> None:
    world.active_pool()
    public = public_key(rsa_key(world))

    for alg, hash_ in (("RSA-OAEP", hashes.SHA1()), ("RSA-OAEP-256", hashes.SHA256())):
        sealed = public.encrypt(b"abcdef", padding.OAEP(padding.MGF1(hash_), hash_, None))
        for operation in ("decrypt", "unwrapkey"):
            assert use(world, "k", operation, alg, b64url.encode(sealed)).ok().body["value"] == PLAIN


@pytest.mark.rule("K1")
@pytest.mark.parametrize("operation", ["decrypt", "unwrapkey"])
def test_k1_rubbish_is_the_callers_mistake_and_its_answer_no_oracle(world: World, operation: str) -> None:
    world.active_pool()
    rsa_key(world)
    good = b64url.decode(use(world, "k", "encrypt", "RSA1_5", PLAIN).ok().body["value"])
    rubbish = [
        b"",
        b"\x00",
        good[:-1],
        good + b"\x00",
        bytes(256),
        b"\xff" * 256,
        bytes([good[0] ^ 1]) + good[1:],
    ]

    for alg in ENCRYPTION:
        answers = [use(world, "k", operation, alg, b64url.encode(one)) for one in rubbish]
        refused = [answer for answer in answers if answer.status != 200]

        assert {(answer.status, answer.code) for answer in refused} == {(400, "BadParameter")}
        assert len({answer.message for answer in refused}) == 1
        # OpenSSL from 3.2 on decrypts rubbish under RSA1_5 to other rubbish
        assert len(refused) == len(rubbish) or alg == "RSA1_5"
        assert not any(answer.body["value"] == PLAIN for answer in answers if answer.status == 200)


@pytest.mark.rule("K1")
def test_k1_bad_input_gets_a_sentence_and_400(world: World) -> None:
    world.active_pool()
    rsa_key(world)
    world.put_key("ec").ok()

    answers: Dict[str, Answer] = {
        "no body": world.data("POST", "/keys/k/encrypt"),
        "no algorithm": world.data("POST", "/keys/k/encrypt", {"value": PLAIN}),
        "no value": world.data("POST", "/keys/k/encrypt", {"alg": "RSA-OAEP"}),
        "unknown algorithm": use(world, "k", "encrypt", "RSA-OAEP-384", PLAIN),
        "an algorithm for signing": use(world, "k", "encrypt", "RS256", PLAIN),
        "not a string": use(world, "k", "encrypt", "RSA-OAEP", 7),
        "not base64url": use(world, "k", "encrypt", "RSA-OAEP", "a b!"),
        "no base64url length": use(world, "k", "decrypt", "RSA-OAEP", "a"),
        "too long": use(world, "k", "encrypt", "RSA-OAEP", "A" * 400),
        "not JSON": world.data("POST", "/keys/k/encrypt", b"{"),
    }

    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 400)
    assert all(answer.message.endswith(".") for answer in answers.values())


# -- K3: key_ops, dates, and who may ---------------------------------------------------------


@pytest.mark.rule("K3")
def test_k3_a_key_does_what_its_key_ops_say_and_nothing_else(world: World) -> None:
    world.active_pool()
    rsa_key(world, key_ops=["encrypt", "unwrapKey"])
    sealed = use(world, "k", "encrypt", "RSA-OAEP", PLAIN).ok().body["value"]

    answers = {
        "unwrapkey": use(world, "k", "unwrapkey", "RSA-OAEP", sealed),
        "decrypt": use(world, "k", "decrypt", "RSA-OAEP", sealed),
        "wrapkey": use(world, "k", "wrapkey", "RSA-OAEP", PLAIN),
        "sign": use(world, "k", "sign", "RS256", DIGEST),
    }

    assert {name: answer.status for name, answer in answers.items()} == {
        "unwrapkey": 200, "decrypt": 403, "wrapkey": 403, "sign": 403,
    }  # fmt: skip
    assert answers["decrypt"].code == "KeyOperationForbidden"


@pytest.mark.rule("K3")
def test_k3_wrapping_and_encrypting_are_two_rights(world: World) -> None:
    world.active_pool()
    rsa_key(world)
    sealed = use(world, "k", "encrypt", "RSA-OAEP", PLAIN).ok().body["value"]
    world.assign(SERVICE_ENCRYPTION_USER, OTHER, "/keys/k").ok()

    may = {
        "encrypt": use(world, "k", "encrypt", "RSA-OAEP", PLAIN, who=OTHER).status,
        "decrypt": use(world, "k", "decrypt", "RSA-OAEP", sealed, who=OTHER).status,
        "wrapkey": use(world, "k", "wrapkey", "RSA-OAEP", PLAIN, who=OTHER).status,
        "unwrapkey": use(world, "k", "unwrapkey", "RSA-OAEP", sealed, who=OTHER).status,
        "sign": use(world, "k", "sign", "RS256", DIGEST, who=OTHER).status,
    }

    assert may == {"encrypt": 403, "decrypt": 403, "wrapkey": 200, "unwrapkey": 200, "sign": 403}


@pytest.mark.rule("K3")
def test_k3_who_may_not_learns_nothing_of_the_key_or_the_body(world: World) -> None:
    world.active_pool()
    rsa_key(world)
    world.assign(CRYPTO_AUDITOR, OTHER).ok()

    answers = [
        world.data("POST", f"/keys/{key}/decrypt", body, who=OTHER)
        for key in ("k", "no-such-key")
        for body in ({"alg": "RSA-OAEP", "value": PLAIN}, b"{", None)
    ]

    assert {(answer.status, answer.code) for answer in answers} == {(403, "AccessDenied")}


def statuses(world: World, sealed: str) -> Dict[str, int]:
    """What becomes of each operation now."""
    return {
        "sign": use(world, "k", "sign", "RS256", DIGEST).status,
        "encrypt": use(world, "k", "encrypt", "RSA-OAEP", PLAIN).status,
        "wrapkey": use(world, "k", "wrapkey", "RSA-OAEP", PLAIN).status,
        "decrypt": use(world, "k", "decrypt", "RSA-OAEP", sealed).status,
        "unwrapkey": use(world, "k", "unwrapkey", "RSA-OAEP", sealed).status,
    }


@pytest.mark.rule("K1")
@pytest.mark.parametrize(("attribute", "valid_first"), [("exp", True), ("nbf", False)])
def test_k1_outside_its_dates_a_key_opens_what_was_closed_and_closes_nothing(
    world: World, attribute: str, valid_first: bool
) -> None:
    world.active_pool()
    public = public_key(rsa_key(world, attributes={attribute: world.now // 1000 + 3600}))
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    sealed = b64url.encode(public.encrypt(b"abcdef", oaep))

    before = statuses(world, sealed)
    world.advance(3600)
    after = statuses(world, sealed)

    valid, invalid = (before, after) if valid_first else (after, before)
    assert valid == dict.fromkeys(valid, 200)
    assert invalid == {"sign": 403, "encrypt": 403, "wrapkey": 403, "decrypt": 200, "unwrapkey": 200}


# -- K4 ------------------------------------------------------------------------------------


@pytest.mark.rule("K4")
def test_k4_no_answer_holds_private_material(world: World) -> None:
    world.active_pool()
    created = rsa_key(world)
    answers = [
        created,
        world.get_key("k"),
        world.data("GET", "/keys/k/versions"),
        use(world, "k", "encrypt", "RSA-OAEP", PLAIN),
        use(world, "k", "wrapkey", "RSA-OAEP", PLAIN),
        world.data("DELETE", "/keys/k"),
        world.data("GET", "/deletedkeys/k"),
    ]

    assert {answer.status for answer in answers} == {200}
    private = {"d", "p", "q", "dp", "dq", "qi", "k"}
    assert not any(private & set(answer.body.get("key", answer.body)) for answer in answers)
    assert set(created.body["key"]) == {"e", "n", "kid", "kty", "key_ops"}


# -- regions ---------------------------------------------------------------------------------


@pytest.mark.rule("A3")
def test_a3_what_one_region_encrypts_the_other_decrypts(world: World) -> None:
    world.extended_pool()
    rsa_key(world)
    world.advance(SIX_MINUTES)

    sealed = use(world, "k", "encrypt", "RSA-OAEP-256", PLAIN).ok().body["value"]

    assert use(world, "k", "decrypt", "RSA-OAEP-256", sealed, region=EXTENDED).ok().body["value"] == PLAIN
