"""AES and HMAC (rule K1): known answers of NIST and RFC 3394 and 4231's kind, every refusal."""

import hashlib
import hmac

import pytest

from azext_mhsmregion.crypto import aes, b64url, jwk, keys, mac
from azext_mhsmregion.crypto.errors import (
    BadDigest,
    BadIv,
    BadKey,
    BadPlaintext,
    DecryptFailed,
    UnsupportedAlgorithm,
    UnsupportedKey,
)
from azext_mhsmregion.crypto.keys import SymmetricKey

SIZES = (128, 192, 256)
IV = bytes(range(16))


def key_of(size):
    return SymmetricKey(bytes(range(size // 8)))


# --- known answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "algorithm", "ciphertext"),
    [
        ("2b7e151628aed2a6abf7158809cf4f3c", "A128CBC", "7649abac8119b246cee98e9b12e9197d"),
        ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "A192CBC", "4f021db243bc633d7178183a9fa071e8"),
        (
            "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "A256CBC",
            "f58c4c04d6e5f1ba779eabfb5f7bfbd6",
        ),
    ],
)
def test_cbc_is_nist_sp_800_38as(key, algorithm, ciphertext, seeded):
    block = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    sealed = aes.encrypt(SymmetricKey(bytes.fromhex(key)), algorithm, block, IV, b"", seeded)
    assert sealed == (bytes.fromhex(ciphertext), IV, None)


@pytest.mark.parametrize(
    ("size", "wrapped"),
    [
        (128, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
        (192, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
        (256, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    ],
)
def test_key_wrap_is_rfc_3394s(size, wrapped):
    plaintext = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert aes.wrap(key_of(size), f"A{size}KW", plaintext).hex() == wrapped
    assert aes.unwrap(key_of(size), f"A{size}KW", bytes.fromhex(wrapped)) == plaintext


def test_gcm_is_nists_test_case_4():
    key = SymmetricKey(bytes.fromhex("feffe9928665731c6d6a8f9467308308"))
    iv = bytes.fromhex("cafebabefacedbaddecaf888")
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        "b16aedf5aa0de657ba637b39"
    )
    sealed = aes.encrypt(key, "A128GCM", plaintext, None, aad, lambda count: iv[:count])
    assert (sealed.iv, sealed.tag.hex()) == (iv, "5bc94fbc3221a5db94fae95ae7121a47")
    assert sealed.ciphertext.hex().startswith("42831ec2217774244b7221b784d0d49c")
    assert aes.decrypt(key, "A128GCM", sealed.ciphertext, iv, aad, sealed.tag) == plaintext


# --- there and back ------------------------------------------------------------------------------


@pytest.mark.rule("K1")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 200])
def test_k1_every_mode_there_and_back(size, length, seeded):
    key, plaintext = key_of(size), bytes(range(1, length + 1))
    for mode, iv, back in [
        ("GCM", None, plaintext),
        ("CBCPAD", IV, plaintext),
        ("CBC", IV, plaintext + bytes(-length % 16)),
    ]:
        sealed = aes.encrypt(key, f"A{size}{mode}", plaintext, iv, b"aad", seeded)
        opened = aes.decrypt(key, f"A{size}{mode}", sealed.ciphertext, sealed.iv, b"aad", sealed.tag)
        assert opened == back


def test_gcm_draws_an_iv_each_time(seeded):
    drawn = {aes.encrypt(key_of(256), "A256GCM", b"a", None, b"", seeded).iv for _ in range(20)}
    assert len(drawn) == 20


# --- refusals --------------------------------------------------------------------------------------


def test_a_gcm_of_which_anything_was_changed_does_not_open(seeded):
    key = key_of(256)
    ciphertext, iv, tag = aes.encrypt(key, "A256GCM", b"abcdef", None, b"aad", seeded)
    for bad in [
        (ciphertext[:-1], iv, b"aad", tag),
        (ciphertext, bytes(12), b"aad", tag),
        (ciphertext, iv, b"", tag),
        (ciphertext, iv, b"aad", bytes(16)),
        (ciphertext, iv, b"aad", tag[:-1]),
        (ciphertext, iv, b"aad", None),
        (b"", iv, b"aad", tag),
    ]:
        with pytest.raises(DecryptFailed):
            aes.decrypt(key, "A256GCM", *bad)
    with pytest.raises(DecryptFailed):
        aes.decrypt(SymmetricKey(bytes(32)), "A256GCM", ciphertext, iv, b"aad", tag)


@pytest.mark.parametrize("ciphertext", [b"", b"a", bytes(15), bytes(16), bytes(17), bytes(160)])
def test_rubbish_under_cbcpad_is_refused_in_one_sentence(ciphertext):
    with pytest.raises(DecryptFailed, match="^The value was not encrypted with this key, algorithm and iv.$"):
        aes.decrypt(key_of(128), "A128CBCPAD", ciphertext, IV, b"", None)


@pytest.mark.parametrize("iv", [None, b"", bytes(12), bytes(17)])
@pytest.mark.parametrize("mode", ["CBC", "CBCPAD"])
def test_cbc_takes_the_callers_iv_of_one_block(mode, iv, seeded):
    with pytest.raises(BadIv):
        aes.encrypt(key_of(128), f"A128{mode}", b"a", iv, b"", seeded)
    with pytest.raises(BadIv):
        aes.decrypt(key_of(128), f"A128{mode}", bytes(16), iv, b"", None)


def test_gcm_takes_no_iv_and_needs_its_own_again(seeded):
    with pytest.raises(BadIv):
        aes.encrypt(key_of(128), "A128GCM", b"a", bytes(12), b"", seeded)
    with pytest.raises(BadIv):
        aes.decrypt(key_of(128), "A128GCM", b"a", None, b"", bytes(16))


@pytest.mark.parametrize("length", [0, 8, 15, 17, 20])
def test_key_wrap_takes_eights_from_sixteen_on(length):
    with pytest.raises(BadPlaintext):
        aes.wrap(key_of(128), "A128KW", bytes(length))


@pytest.mark.parametrize("wrapped", [b"", bytes(8), bytes(16), bytes(24), bytes(25)])
def test_rubbish_does_not_unwrap(wrapped):
    with pytest.raises(DecryptFailed):
        aes.unwrap(key_of(128), "A128KW", wrapped)


@pytest.mark.rule("K1")
@pytest.mark.parametrize("algorithm", ["A256GCM", "A192CBC", "A128KW", "A128ECB", "RSA-OAEP", "a128gcm", ""])
def test_k1_a_key_encrypts_with_algorithms_of_its_size(algorithm, seeded):
    with pytest.raises(UnsupportedAlgorithm):
        aes.encrypt(key_of(128), algorithm, b"a", None, b"", seeded)
    with pytest.raises(UnsupportedAlgorithm):
        aes.decrypt(key_of(128), algorithm, b"a", IV, b"", bytes(16))


@pytest.mark.rule("K1")
@pytest.mark.parametrize("algorithm", ["A256KW", "A128GCM", "RSA-OAEP"])
def test_k1_a_key_wraps_with_the_algorithm_of_its_size(algorithm):
    with pytest.raises(UnsupportedAlgorithm):
        aes.wrap(key_of(128), algorithm, bytes(16))
    with pytest.raises(UnsupportedAlgorithm):
        aes.unwrap(key_of(128), algorithm, bytes(24))


# --- HMAC ------------------------------------------------------------------------------------------


@pytest.mark.rule("K1")
@pytest.mark.parametrize(
    ("algorithm", "name"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")]
)
def test_k1_hmac_over_a_digest(algorithm, name):
    key, digest = key_of(256), hashlib.new(name, b"a message").digest()
    code = mac.sign(key, algorithm, digest)
    assert code == hmac.new(bytes(range(32)), digest, name).digest()
    assert mac.verify(key, algorithm, digest, code)
    bad = (b"", code[:-1], bytes(len(code)))
    assert not any(mac.verify(key, algorithm, digest, one) for one in bad)
    with pytest.raises(BadDigest):
        mac.sign(key, algorithm, digest[:-1])
    for other in ("RS256", "hs256", ""):
        with pytest.raises(UnsupportedAlgorithm):
            mac.sign(key, other, digest)


# --- the key itself ----------------------------------------------------------------------------------


@pytest.mark.rule("K1")
@pytest.mark.parametrize("size", SIZES)
def test_k1_a_symmetric_key_is_made_kept_and_taken(size):
    key = keys.generate("oct-HSM", size, None)
    assert key.key_size == size
    assert keys.load(keys.to_der(key)) == key
    assert keys.public_jwk(key) == {}
    assert key != keys.generate("oct-HSM", size, None)
    assert jwk.private_key({"kty": "oct-HSM", "k": b64url.encode(key.value)}) == key


def test_a_symmetric_key_does_not_show_itself():
    assert repr(SymmetricKey(b"0123456789abcdef")) == "SymmetricKey()"


@pytest.mark.parametrize("der", [b"\x04", b"\x04\x10", b"\x04\x10" + bytes(15), b"\x04\x08" + bytes(8)])
def test_bytes_that_are_no_symmetric_key(der):
    with pytest.raises(BadKey):
        keys.load(der)


@pytest.mark.parametrize(("k", "error"), [(None, BadKey), ("*", BadKey), ("AAAA", UnsupportedKey)])
def test_a_jwk_that_is_no_symmetric_key(k, error):
    with pytest.raises(error):
        jwk.private_key({"kty": "oct", **({} if k is None else {"k": k})})
