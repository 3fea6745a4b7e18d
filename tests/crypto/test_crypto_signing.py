"""Signatures (rule K1): known answers of RFC 7515, pyca as the other side, every refusal."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from azext_mhsmregion.crypto import b64url, keys, signing
from azext_mhsmregion.crypto.errors import BadDigest, UnsupportedAlgorithm

MESSAGE = b"a write is visible in the other region within six minutes"
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
RSA_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
EC_ALGORITHMS = {"ES256": "P-256", "ES256K": "P-256K", "ES384": "P-384", "ES512": "P-521"}
WIDTHS = {"ES256": 32, "ES256K": 32, "ES384": 48, "ES512": 66}


def digest_of(algorithm, message=MESSAGE):
    return hashlib.new(f"sha{algorithm[2:5]}", message).digest()


def ec_public_key(curve, x, y):
    return ec.EllipticCurvePublicNumbers(b64url.decode_int(x), b64url.decode_int(y), curve).public_key()


# --- known answers -------------------------------------------------------------------------------

JOE = b".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
ES256_KEY = ec_public_key(
    ec.SECP256R1(),
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
)
ES512_KEY = ec_public_key(
    ec.SECP521R1(),
    "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
    "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
)
KNOWN = {
    "RFC 7515 A.3": (
        "ES256",
        ES256_KEY,
        b"eyJhbGciOiJFUzI1NiJ9" + JOE,
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    ),
    "RFC 7515 A.4": (
        "ES512",
        ES512_KEY,
        b"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA",
        "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xdt"
        "AG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
    ),
}


@pytest.mark.parametrize("source", KNOWN)
def test_known_answers_verify(source):
    algorithm, key, message, signature = KNOWN[source]
    digest, raw = digest_of(algorithm, message), b64url.decode(signature)
    assert signing.verify(key, algorithm, digest, raw)
    assert not signing.verify(key, algorithm, digest, raw[:-1] + bytes([raw[-1] ^ 1]))


# --- pyca on the other side ----------------------------------------------------------------------


def rsa_padding(algorithm):
    if algorithm.startswith("RS"):
        return padding.PKCS1v15()
    hash_ = HASHES[algorithm[2:]]
    return padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)


@pytest.mark.rule("K1")
@pytest.mark.parametrize("algorithm", RSA_ALGORITHMS)
def test_k1_rsa_signatures_are_pycas(rsa_key, algorithm):
    hash_ = HASHES[algorithm[2:]]
    ours = signing.sign(rsa_key, algorithm, digest_of(algorithm))
    rsa_key.public_key().verify(ours, MESSAGE, rsa_padding(algorithm), hash_)  # salt length is exact
    theirs = rsa_key.sign(MESSAGE, rsa_padding(algorithm), hash_)
    assert signing.verify(rsa_key, algorithm, digest_of(algorithm), theirs)
    assert len(ours) == 256


@pytest.mark.rule("K1")
def test_k1_pss_salt_is_as_long_as_the_digest(rsa_key):
    short_salt = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=20)
    signature = rsa_key.sign(MESSAGE, short_salt, hashes.SHA256())
    assert not signing.verify(rsa_key, "PS256", digest_of("PS256"), signature)
    with pytest.raises(InvalidSignature):
        ours = signing.sign(rsa_key, "PS256", digest_of("PS256"))
        rsa_key.public_key().verify(ours, MESSAGE, short_salt, hashes.SHA256())


@pytest.mark.rule("K1")
@pytest.mark.parametrize("algorithm", EC_ALGORITHMS)
def test_k1_ec_signatures_are_r_and_s_padded_to_the_curve(ec_keys, algorithm):
    key, width = ec_keys[EC_ALGORITHMS[algorithm]], WIDTHS[algorithm]
    ours = signing.sign(key, algorithm, digest_of(algorithm))
    assert len(ours) == 2 * width
    der = encode_dss_signature(int.from_bytes(ours[:width], "big"), int.from_bytes(ours[width:], "big"))
    key.public_key().verify(der, MESSAGE, ec.ECDSA(HASHES[algorithm[2:5]]))
    assert signing.verify(key, algorithm, digest_of(algorithm), ours)


def test_a_short_r_or_s_is_padded(ec_keys):
    """One signature in 128 has a coordinate that begins with a zero byte."""
    key, digest = ec_keys["P-256"], digest_of("ES256")
    signatures = [signing.sign(key, "ES256", digest) for _ in range(3000)]
    padded = [one for one in signatures if one[0] == 0 or one[32] == 0]
    assert {len(one) for one in signatures} == {64}
    assert padded
    assert all(signing.verify(key, "ES256", digest, one) for one in padded)


def test_public_keys_verify(rsa_key, ec_keys):
    for key, algorithm in [(rsa_key, "PS384"), (ec_keys["P-384"], "ES384")]:
        signature = signing.sign(key, algorithm, digest_of(algorithm))
        assert signing.verify(key.public_key(), algorithm, digest_of(algorithm), signature)


def test_a_loaded_key_signs_like_the_generated_one(rsa_key, ec_keys):
    for key, algorithm in [(rsa_key, "RS256"), (ec_keys["P-256K"], "ES256K")]:
        signature = signing.sign(keys.load(keys.to_der(key)), algorithm, digest_of(algorithm))
        assert signing.verify(key, algorithm, digest_of(algorithm), signature)


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [*RSA_ALGORITHMS, *EC_ALGORITHMS])
def test_ill_formed_and_wrong_signatures_do_not_verify(rsa_key, ec_keys, algorithm):
    key = ec_keys[EC_ALGORITHMS[algorithm]] if algorithm in EC_ALGORITHMS else rsa_key
    digest = digest_of(algorithm)
    good = signing.sign(key, algorithm, digest)
    bad = [
        b"",
        b"\x00",
        good[:-1],
        good + b"\x00",
        bytes(len(good)),
        b"\xff" * len(good),
        bytes([good[0] ^ 1]) + good[1:],
    ]
    assert [signing.verify(key, algorithm, digest, one) for one in bad] == [False] * len(bad)
    assert not signing.verify(key, algorithm, digest_of(algorithm, b"another message"), good)


def test_the_two_halves_have_the_curves_width_and_no_other(ec_keys):
    """The same numbers r and s, s with one more leading zero."""
    good = signing.sign(ec_keys["P-256"], "ES256", digest_of("ES256"))
    assert not signing.verify(ec_keys["P-256"], "ES256", digest_of("ES256"), good[:32] + b"\x00" + good[32:])


def test_a_der_signature_of_ec_does_not_verify(ec_keys):
    der = ec_keys["P-256"].sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    assert not signing.verify(ec_keys["P-256"], "ES256", digest_of("ES256"), der)


def test_another_keys_signature_does_not_verify(rsa_key):
    other = rsa.generate_private_key(65537, 2048)
    signature = signing.sign(other, "RS256", digest_of("RS256"))
    assert not signing.verify(rsa_key, "RS256", digest_of("RS256"), signature)


@pytest.mark.parametrize("algorithm", [*RSA_ALGORITHMS, *EC_ALGORITHMS])
@pytest.mark.parametrize("change", [-1, +1, "empty"])
def test_a_digest_of_the_wrong_length_is_refused(rsa_key, ec_keys, algorithm, change):
    key = ec_keys[EC_ALGORITHMS[algorithm]] if algorithm in EC_ALGORITHMS else rsa_key
    digest = b"" if change == "empty" else bytes(len(digest_of(algorithm)) + change)
    with pytest.raises(BadDigest):
        signing.sign(key, algorithm, digest)
    with pytest.raises(BadDigest):
        signing.verify(key, algorithm, digest, bytes(64))


@pytest.mark.rule("K1")
@pytest.mark.parametrize("algorithm", [*EC_ALGORITHMS, "RSNULL", "HS256", "rs256", ""])
def test_k1_an_rsa_key_refuses_other_algorithms(rsa_key, algorithm):
    with pytest.raises(UnsupportedAlgorithm):
        signing.sign(rsa_key, algorithm, bytes(32))
    with pytest.raises(UnsupportedAlgorithm):
        signing.verify(rsa_key, algorithm, bytes(32), bytes(64))


@pytest.mark.rule("K1")
@pytest.mark.parametrize("curve", EC_ALGORITHMS.values())
def test_k1_a_curve_has_one_algorithm(ec_keys, curve):
    own = next(algorithm for algorithm, its_curve in EC_ALGORITHMS.items() if its_curve == curve)
    for algorithm in {*EC_ALGORITHMS, *RSA_ALGORITHMS, "RSNULL"} - {own}:
        with pytest.raises(UnsupportedAlgorithm):
            signing.sign(ec_keys[curve], algorithm, bytes(32))
        with pytest.raises(UnsupportedAlgorithm):
            signing.verify(ec_keys[curve], algorithm, bytes(32), bytes(64))
