"""Asymmetric keys (rule K1; K4: bytes of a key are loaded back whole)."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from azext_mhsmregion.crypto import b64url, keys
from azext_mhsmregion.crypto.errors import BadKey, UnsupportedKey

CURVES = {
    "P-256": ("secp256r1", 32),
    "P-256K": ("secp256k1", 32),
    "P-384": ("secp384r1", 48),
    "P-521": ("secp521r1", 66),
}


@pytest.mark.rule("K1")
@pytest.mark.parametrize("size", [2048, 3072, 4096])
def test_k1_rsa_sizes(size):
    key = keys.generate("RSA-HSM", size, None)
    numbers = key.public_key().public_numbers()
    assert (key.key_size, numbers.e) == (size, 65537)


@pytest.mark.rule("K1")
@pytest.mark.parametrize("curve", CURVES)
def test_k1_curves(ec_keys, curve):
    key = ec_keys[curve]
    assert key.curve.name == CURVES[curve][0]
    assert keys.curve_name(key) == keys.curve_name(key.public_key()) == curve


@pytest.mark.rule("K1")
def test_k1_defaults_are_2048_bits_and_p_256():
    assert keys.generate("RSA-HSM", None, None).key_size == 2048
    assert keys.curve_name(keys.generate("EC-HSM", None, None)) == "P-256"


@pytest.mark.rule("K1")
@pytest.mark.parametrize(
    "kty, size, curve",
    [
        ("RSA", 2048, None),
        ("oct-HSM", 512, None),
        ("oct-HSM", 256, "P-256"),
        ("oct", 256, None),
        ("RSA-HSM", 1024, None),
        ("RSA-HSM", 2049, None),
        ("RSA-HSM", 2048, "P-256"),
        ("EC-HSM", None, "P-192"),
        ("EC-HSM", None, "secp256k1"),
        ("EC-HSM", 256, "P-256"),
    ],
)
def test_k1_other_keys_are_refused(kty, size, curve):
    with pytest.raises(UnsupportedKey):
        keys.generate(kty, size, curve)


def test_der_is_unencrypted_pkcs8_and_loads_back(rsa_key, ec_keys):
    for key in [rsa_key, *ec_keys.values()]:
        der = keys.to_der(key)
        by_pyca = serialization.load_der_private_key(der, password=None)
        assert by_pyca.private_numbers() == key.private_numbers()
        assert keys.load(der).private_numbers() == key.private_numbers()


def test_load_asks_pyca_to_skip_the_rsa_check(rsa_key, monkeypatch):
    der, asked = keys.to_der(rsa_key), {}
    real = serialization.load_der_private_key

    def record(data, **options):
        asked.update(options)
        return real(data, **options)

    monkeypatch.setattr(serialization, "load_der_private_key", record)
    keys.load(der)
    assert asked["unsafe_skip_rsa_key_validation"] is True


def test_load_refuses_what_is_no_key(rsa_key):
    encrypted = rsa_key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    for der in (b"", b"no key", keys.to_der(rsa_key)[:-10], encrypted):
        with pytest.raises(BadKey):
            keys.load(der)


@pytest.mark.rule("K1")
def test_k1_load_refuses_keys_that_a_managed_hsm_has_not():
    for foreign in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP224R1())):
        der = foreign.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with pytest.raises(UnsupportedKey):
            keys.load(der)


def test_public_jwk_of_rsa(rsa_key):
    jwk = keys.public_jwk(rsa_key)
    assert list(jwk) == ["n", "e"]
    assert jwk["e"] == "AQAB"
    assert b64url.decode_int(jwk["n"]) == rsa_key.public_key().public_numbers().n
    assert len(b64url.decode(jwk["n"])) == 256
    assert keys.public_jwk(rsa_key.public_key()) == jwk


@pytest.mark.parametrize("curve", CURVES)
def test_public_jwk_of_ec(ec_keys, curve):
    jwk = keys.public_jwk(ec_keys[curve])
    point = ec_keys[curve].public_key().public_numbers()
    assert jwk["crv"] == curve
    assert (b64url.decode_int(jwk["x"]), b64url.decode_int(jwk["y"])) == (point.x, point.y)
    assert {len(b64url.decode(jwk[name])) for name in "xy"} == {CURVES[curve][1]}
    assert "=" not in jwk["x"] + jwk["y"]


def test_public_jwk_keeps_the_leading_zeros_of_a_coordinate():
    key = next(
        candidate
        for candidate in (ec.derive_private_key(scalar, ec.SECP256R1()) for scalar in range(1, 5000))
        if candidate.public_key().public_numbers().x < 1 << 248
    )
    jwk = keys.public_jwk(key)
    assert len(b64url.decode(jwk["x"])) == 32
    assert b64url.decode(jwk["x"])[0] == 0
