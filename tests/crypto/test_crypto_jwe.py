"""JWE, its content encryption and the key derivation: known answers, tampering, every refusal."""

import json

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from azext_mhsmregion.crypto import b64url, cbc_hmac, jwe, kdf
from azext_mhsmregion.crypto.errors import BadJwe, BadKey, BadRandom, DecryptFailed

KEY = bytes(range(64))
PLAINTEXT = b"a secret of the pool"


# --- known answers -------------------------------------------------------------------------------


def test_a256cbc_hs512_of_rfc_7518_appendix_b_3():
    sealed = cbc_hmac.encrypt(
        KEY,
        b"A cipher system must not be required to be secret, and it must be able to fall into the hands"
        b" of the enemy without inconvenience",
        b"The second principle of Auguste Kerckhoffs",
        lambda _: bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04"),
    )
    assert sealed.ciphertext.hex() == (
        "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd"
        "822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b"
        "36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3"
        "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b"
        "be2638d09dd7a4930930806d0703b1f6"
    )
    assert sealed.tag.hex() == "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"


def test_sp800_108_of_azure_clis_own_test():
    derived = kdf.sp800_108(b"A" * 32, "label", "context", 32)
    assert derived.hex() == "f0ca51f6308791404bf68b56024ee7c64d6c737716f81d47e1e68b5c4e399575"


def test_sp800_108_by_hand():
    mac = hmac.HMAC(b"master", hashes.SHA512())
    mac.update(b"\x00\x00\x00\x01" + b"hsm_backup" + b"\x00" + b"" + (512).to_bytes(4, "big"))
    assert kdf.sp800_108(b"master", "hsm_backup", "", 64) == mac.finalize()


# --- layout --------------------------------------------------------------------------------------


def parts_of(token):
    return [b64url.decode(part) for part in token.split(".")]


def test_direct_layout_is_the_recorded_one(seeded):
    header, key, iv, ciphertext, tag = parts_of(jwe.encrypt_direct(KEY, PLAINTEXT, "hsm_backup", seeded))
    assert header == b'{"alg":"dir","enc":"A256CBC-HS512","kid":"hsm_backup"}'
    assert (len(key), len(iv), len(ciphertext), len(tag)) == (0, 16, 32, 32)


def test_oaep_layout_is_the_recorded_one(rsa_key, seeded):
    token = jwe.encrypt_to(rsa_key.public_key(), bytes(64), "3c7b181c", seeded)
    header, key, iv, ciphertext, tag = parts_of(token)
    assert header == b'{"alg":"RSA-OAEP-256","enc":"A256CBC-HS512","kid":"3c7b181c"}'
    assert (len(key), len(iv), len(ciphertext), len(tag)) == (256, 16, 80, 32)
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    assert len(rsa_key.decrypt(key, oaep)) == 64


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 4096])
def test_round_trips(rsa_key, seeded, length):
    plaintext = seeded(length)
    assert jwe.decrypt_direct(jwe.encrypt_direct(KEY, plaintext, "tag", seeded), KEY) == plaintext
    assert (
        jwe.decrypt_with(jwe.encrypt_to(rsa_key.public_key(), plaintext, "x", seeded), rsa_key) == plaintext
    )


def test_content_key_and_iv_come_from_the_source(rsa_key):
    asked = []

    def source(length):
        asked.append(length)
        return bytes([len(asked)]) * length

    token = jwe.encrypt_to(rsa_key.public_key(), PLAINTEXT, "x", source)
    assert asked == [64, 16]
    assert parts_of(token)[2] == b"\x02" * 16


# --- tampering -----------------------------------------------------------------------------------


def flip(token, part):
    """``token`` with a bit changed in the first byte of one part."""
    pieces = token.split(".")
    raw = b64url.decode(pieces[part])
    pieces[part] = b64url.encode(bytes([raw[0] ^ 1]) + raw[1:])
    return ".".join(pieces)


def with_header(token, text):
    return ".".join([b64url.encode(text), *token.split(".")[1:]])


@pytest.mark.parametrize("part", [2, 3, 4])
def test_a_changed_direct_part_is_seen(seeded, part):
    token = jwe.encrypt_direct(KEY, PLAINTEXT, "tag", seeded)
    with pytest.raises(DecryptFailed):
        jwe.decrypt_direct(flip(token, part), KEY)


@pytest.mark.parametrize("part", [1, 2, 3, 4])
def test_a_changed_oaep_part_is_seen(rsa_key, seeded, part):
    token = jwe.encrypt_to(rsa_key.public_key(), PLAINTEXT, "x", seeded)
    with pytest.raises(DecryptFailed):
        jwe.decrypt_with(flip(token, part), rsa_key)


def test_the_header_is_authenticated(seeded):
    token = jwe.encrypt_direct(KEY, PLAINTEXT, "hsm_backup", seeded)
    forged = with_header(token, b'{"alg":"dir","enc":"A256CBC-HS512","kid":"another_tag"}')
    with pytest.raises(DecryptFailed):
        jwe.decrypt_direct(forged, KEY)


def test_a_cut_tag_is_seen(seeded):
    token = jwe.encrypt_direct(KEY, PLAINTEXT, "tag", seeded)
    head, tag = token.rsplit(".", 1)
    for cut in (b"", b64url.decode(tag)[:31], b64url.decode(tag) + b"\x00"):
        with pytest.raises(DecryptFailed):
            jwe.decrypt_direct(f"{head}.{b64url.encode(cut)}", KEY)


def test_bytes_moved_between_iv_and_ciphertext_are_seen(seeded):
    """The tag covers the two joined, so it still fits."""
    sealed = cbc_hmac.encrypt(KEY, PLAINTEXT, b"", seeded)
    joined = sealed.iv + sealed.ciphertext
    for cut in (0, 8, 15, 17, 32):
        with pytest.raises(DecryptFailed):
            cbc_hmac.decrypt(KEY, cbc_hmac.Sealed(joined[:cut], joined[cut:], sealed.tag), b"")


@pytest.mark.parametrize("ciphertext", [b"", b"part of a block", bytes(16)])
def test_authentic_content_that_is_no_padded_blocks(ciphertext):
    iv = bytes(16)
    mac = hmac.HMAC(KEY[:32], hashes.SHA512())
    mac.update(iv + ciphertext + bytes(8))
    with pytest.raises(DecryptFailed):
        cbc_hmac.decrypt(KEY, cbc_hmac.Sealed(iv, ciphertext, mac.finalize()[:32]), b"")


def test_content_is_decrypted_by_pyca_alone(seeded):
    sealed = cbc_hmac.encrypt(KEY, PLAINTEXT, b"", seeded)
    decryptor = Cipher(algorithms.AES(KEY[32:]), modes.CBC(sealed.iv)).decryptor()
    assert decryptor.update(sealed.ciphertext) == PLAINTEXT + b"\x0c" * 12


# --- other keys, other texts ---------------------------------------------------------------------


def test_another_key_does_not_open(rsa_key, officers, seeded):
    with pytest.raises(DecryptFailed):
        jwe.decrypt_direct(jwe.encrypt_direct(KEY, PLAINTEXT, "tag", seeded), bytes(64))
    with pytest.raises(DecryptFailed):
        jwe.decrypt_with(jwe.encrypt_to(rsa_key.public_key(), PLAINTEXT, "x", seeded), officers[0].key)


def test_an_encrypted_key_of_another_length_is_refused(rsa_key, seeded):
    token = jwe.encrypt_to(rsa_key.public_key(), PLAINTEXT, "x", seeded).split(".")
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    token[1] = b64url.encode(rsa_key.public_key().encrypt(bytes(32), oaep))
    with pytest.raises(DecryptFailed):
        jwe.decrypt_with(".".join(token), rsa_key)


@pytest.mark.parametrize("length", [0, 32, 63, 65])
def test_a_direct_key_has_64_bytes(seeded, length):
    with pytest.raises(BadKey):
        jwe.encrypt_direct(bytes(length), PLAINTEXT, "tag", seeded)
    with pytest.raises(BadKey):
        jwe.decrypt_direct(jwe.encrypt_direct(KEY, PLAINTEXT, "tag", seeded), bytes(length))


def test_a_source_that_gives_too_little_is_refused():
    with pytest.raises(BadRandom):
        jwe.encrypt_direct(KEY, PLAINTEXT, "tag", lambda n: bytes(n - 1))


@pytest.mark.parametrize(
    "header",
    [
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        json.dumps({"alg": "dir", "enc": "A128GCM"}).encode(),
        json.dumps({"alg": "RSA1_5", "enc": "A256CBC-HS512"}).encode(),
    ],
)
def test_other_headers_are_refused(rsa_key, seeded, header):
    token = with_header(jwe.encrypt_direct(KEY, PLAINTEXT, "tag", seeded), header)
    with pytest.raises(BadJwe):
        jwe.decrypt_direct(token, KEY)
    with pytest.raises(BadJwe):
        jwe.decrypt_with(token, rsa_key)


def test_the_two_kinds_are_not_confused(rsa_key, seeded):
    with pytest.raises(BadJwe):
        jwe.decrypt_with(jwe.encrypt_direct(KEY, PLAINTEXT, "tag", seeded), rsa_key)
    with pytest.raises(BadJwe):
        jwe.decrypt_direct(jwe.encrypt_to(rsa_key.public_key(), PLAINTEXT, "x", seeded), KEY)


@pytest.mark.parametrize("token", ["", "a.b.c.d", "a.b.c.d.e.f", "?.?.?.?.?", "é....", "A...."])
def test_text_that_is_no_jwe(token):
    with pytest.raises(BadJwe):
        jwe.decrypt_direct(token, KEY)
