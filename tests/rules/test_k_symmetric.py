"""K1, K3, K4: symmetric keys and random bytes."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from azext_mhsmregion.crypto import b64url

from .harness import CRYPTO_OFFICER, CRYPTO_USER, DIGEST, EXTENDED, OTHER, SIX_MINUTES, Answer, World

PLAIN = "YWJjZGVm"
IV = b64url.encode(bytes(range(16)))
KEY = bytes(range(32))


def oct_key(world: World, name: str = "k", size: int = 256, **more: Any) -> Answer:
    return world.put_key(name, kty="oct-HSM", key_size=size, **more).ok()


def use(world: World, operation: str, alg: str, value: Any, region: str = "", **more: Any) -> Answer:
    return world.data("POST", f"/keys/k/{operation}", {"alg": alg, "value": value, **more}, region=region)


@pytest.mark.rule("K1")
@pytest.mark.parametrize("size", [128, 192, 256])
def test_k1_a_symmetric_key_encrypts_wraps_and_signs(world: World, size: int) -> None:
    world.active_pool()
    made = oct_key(world, size=size).body["key"]
    kid = made["kid"]

    gcm = use(world, "encrypt", f"A{size}GCM", PLAIN, aad="AQID").ok().body
    pad = use(world, "encrypt", f"A{size}CBCPAD", PLAIN, iv=IV).ok().body
    cbc = use(world, "encrypt", f"A{size}CBC", PLAIN, iv=IV, aad="AQID").ok().body
    whole = use(world, "encrypt", f"A{size}CBC", DIGEST, iv=IV).ok().body
    wrapped = use(world, "wrapkey", f"A{size}KW", DIGEST).ok().body
    code = use(world, "sign", "HS256", DIGEST).ok().body

    assert {**made, "key_ops": sorted(made["key_ops"])} == {
        "kid": kid, "kty": "oct-HSM",
        "key_ops": ["decrypt", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"],
    }  # fmt: skip
    assert set(gcm) == {"alg", "kid", "value", "iv", "tag", "aad"}
    assert set(pad) == set(cbc) == {"alg", "kid", "value", "iv"}
    assert set(wrapped) == set(code) == {"alg", "kid", "value"}
    zeros = b64url.encode(b"abcdef" + bytes(10))
    for sealed, plain in ((gcm, PLAIN), (pad, PLAIN), (cbc, zeros), (whole, DIGEST)):
        opened = world.data("POST", "/keys/k/decrypt", {name: sealed[name] for name in set(sealed) - {"kid"}})
        assert opened.ok().body == {"alg": sealed["alg"], "kid": kid, "value": plain}
    assert use(world, "unwrapkey", f"A{size}KW", wrapped["value"]).ok().body["value"] == DIGEST
    assert use(world, "verify", "HS256", code["value"], digest=DIGEST).ok().body["value"] is True
    assert use(world, "verify", "HS256", DIGEST, digest=DIGEST).ok().body["value"] is False


@pytest.mark.rule("K1")
def test_k1_an_imported_symmetric_key_is_the_callers(world: World) -> None:
    """RFC 3394, section 4.6: 256 bits of key data."""
    world.active_pool()
    jwk = {"kty": "oct-HSM", "k": b64url.encode(KEY), "key_ops": ["wrapKey", "unwrapKey"]}

    made = world.data("PUT", "/keys/k", {"key": jwk}).ok().body["key"]
    data = bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
    wrapped = use(world, "wrapkey", "A256KW", b64url.encode(data)).ok().body["value"]

    assert set(made) == {"kid", "kty", "key_ops"}
    assert b64url.decode(wrapped).hex() == (
        "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
    )


@pytest.mark.rule("K1")
def test_k1_what_does_not_fit_a_symmetric_key_is_refused(world: World) -> None:
    world.active_pool()
    oct_key(world)
    sealed = use(world, "encrypt", "A256GCM", PLAIN).ok().body
    parts = {"iv": sealed["iv"], "tag": sealed["tag"]}

    answers: Dict[str, Answer] = {
        "another size": use(world, "encrypt", "A128GCM", PLAIN),
        "RSA": use(world, "encrypt", "RSA-OAEP", PLAIN),
        "no iv": use(world, "encrypt", "A256CBC", PLAIN),
        "a short iv": use(world, "encrypt", "A256CBCPAD", PLAIN, iv="AAAA"),
        "an iv for GCM": use(world, "encrypt", "A256GCM", PLAIN, iv=IV),
        "an iv that is no text": use(world, "encrypt", "A256CBC", PLAIN, iv=7),
        "no tag": use(world, "decrypt", "A256GCM", sealed["value"], iv=sealed["iv"]),
        "another tag": use(world, "decrypt", "A256GCM", sealed["value"], iv=sealed["iv"], tag=IV),
        "other data": use(world, "decrypt", "A256GCM", sealed["value"], aad="AQ", **parts),
        "rubbish": use(world, "decrypt", "A256CBCPAD", IV, iv=IV),
        "half a block": use(world, "decrypt", "A256CBC", "AAAA", iv=IV),
        "wrap of six bytes": use(world, "wrapkey", "A256KW", PLAIN),
        "rubbish to unwrap": use(world, "unwrapkey", "A256KW", IV),
        "signing with RSA's": use(world, "sign", "RS256", DIGEST),
        "no digest": use(world, "sign", "HS512", DIGEST),
        "a size": world.put_key("n", kty="oct-HSM", key_size=512),
        "import of a size": world.data("PUT", "/keys/n", {"key": {"kty": "oct", "k": "AAAA"}}),
    }

    assert {name: (one.status, one.code) for name, one in answers.items()} == dict.fromkeys(
        answers, (400, "BadParameter")
    )


@pytest.mark.rule("K4")
def test_k4_a_symmetric_key_is_never_shown_and_lies_wrapped(world: World) -> None:
    world.active_pool()
    jwk = {"kty": "oct-HSM", "k": b64url.encode(KEY)}
    answers = [
        world.data("PUT", "/keys/k", {"key": jwk}),
        world.get_key("k"),
        use(world, "encrypt", "A256GCM", PLAIN),
        use(world, "encrypt", "A128GCM", PLAIN),
        world.data("DELETE", "/keys/k"),
    ]

    assert [answer.status for answer in answers] == [200, 200, 200, 400, 200]
    assert not any(jwk["k"] in str(answer.body) or "'k'" in str(answer.body) for answer in answers)
    stored = [file.read_bytes() for file in world.emulator.home.rglob("*") if file.is_file()]
    assert stored and not any(KEY in data or jwk["k"].encode() in data for data in stored)


@pytest.mark.rule("A4")
def test_a4_a_symmetric_key_is_the_same_in_the_other_region(world: World) -> None:
    world.extended_pool()
    oct_key(world)
    world.advance(SIX_MINUTES)

    sealed = use(world, "encrypt", "A256GCM", PLAIN).ok().body

    parts = {"iv": sealed["iv"], "tag": sealed["tag"]}
    assert use(world, "decrypt", "A256GCM", sealed["value"], EXTENDED, **parts).ok().body["value"] == PLAIN


# -- random bytes ------------------------------------------------------------------------------


@pytest.mark.rule("K1")
@pytest.mark.parametrize("count", [1, 4, 128])
def test_k1_random_bytes(world: World, count: int) -> None:
    world.active_pool()

    drawn = [world.data("POST", "/rng", {"count": count}).ok().body for _ in range(2)]

    assert [set(body) for body in drawn] == 2 * [{"value"}]
    assert [len(b64url.decode(body["value"])) for body in drawn] == [count, count]
    assert count == 1 or drawn[0] != drawn[1]


@pytest.mark.rule("K1")
@pytest.mark.parametrize("count", [0, -1, 129, "many", None, True, 1.5])
def test_k1_random_bytes_have_limits(world: World, count: Any) -> None:
    world.active_pool()

    assert world.data("POST", "/rng", {"count": count}).status == 400


@pytest.mark.rule("K3")
def test_k3_random_bytes_are_a_right_of_crypto_users(world: World) -> None:
    world.active_pool()
    world.assign(CRYPTO_OFFICER, OTHER).ok()
    before = world.data("POST", "/rng", {"count": 4}, who=OTHER)

    world.assign(CRYPTO_USER, OTHER).ok()

    assert "rng/action on /" in before.message
    assert (before.status, world.data("POST", "/rng", {"count": 4}, who=OTHER).status) == (403, 200)
