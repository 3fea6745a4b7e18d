"""Private keys from JWK (rule K1): what pyca exports comes in, whatever does not fit together does not."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from azext_mhsmregion.crypto import b64url, jwk, keys
from azext_mhsmregion.crypto.errors import BadKey, UnsupportedKey

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CRT = ("p", "q", "dp", "dq", "qi")


def rsa_jwk(key):
    private = key.private_numbers()
    members = {"d": private.d, "p": private.p, "q": private.q}
    members.update(dp=private.dmp1, dq=private.dmq1, qi=private.iqmp)
    secret = {name: b64url.encode_int(number) for name, number in members.items()}
    return {"kty": "RSA", **keys.public_jwk(key), **secret}


def ec_jwk(key, d=None):
    private = key.private_numbers().private_value if d is None else d
    return {"kty": "EC", **keys.public_jwk(key), "d": b64url.encode_int(private)}


def number(text, change):
    return b64url.encode_int(b64url.decode_int(text) + change)


@pytest.mark.rule("K1")
@pytest.mark.parametrize("kty", ["RSA", "RSA-HSM"])
def test_k1_an_rsa_key_comes_in_whole(rsa_key, kty):
    made = jwk.private_key({**rsa_jwk(rsa_key), "kty": kty})
    assert made.private_numbers() == rsa_key.private_numbers()


@pytest.mark.rule("K1")
@pytest.mark.parametrize("size", [1024, 3072])
def test_k1_rsa_sizes(size):
    key = rsa.generate_private_key(65537, size)
    assert jwk.private_key(rsa_jwk(key)).key_size == size


@pytest.mark.rule("K1")
def test_k1_ec_keys_come_in(ec_keys):
    for key in ec_keys.values():
        assert jwk.private_key(ec_jwk(key)).private_numbers() == key.private_numbers()
        assert jwk.private_key({**ec_jwk(key), "kty": "EC-HSM"})


def test_leading_zeros_are_nothing(rsa_key):
    padded = rsa_jwk(rsa_key)
    padded["n"] = b64url.encode(b"\x00" + b64url.decode(padded["n"]))
    assert jwk.private_key(padded).private_numbers() == rsa_key.private_numbers()


def test_an_rsa_key_without_its_factors_gets_them_back(rsa_key):
    short = {name: value for name, value in rsa_jwk(rsa_key).items() if name not in CRT}
    made = jwk.private_key(short)
    assert made.private_numbers().d == rsa_key.private_numbers().d
    assert {made.private_numbers().p, made.private_numbers().q} == {
        rsa_key.private_numbers().p,
        rsa_key.private_numbers().q,
    }


@pytest.mark.parametrize("name", ["n", "e", "d", *CRT])
def test_an_rsa_key_that_lacks_a_part_or_has_a_wrong_one_is_refused(rsa_key, name):
    good = rsa_jwk(rsa_key)
    without = {key: value for key, value in good.items() if key != name}
    other = rsa_jwk(rsa.generate_private_key(65537, 2048))
    wrong = "AQAD" if name == "e" else other[name]
    for bad in (without, {**good, name: ""}, {**good, name: "*"}, {**good, name: wrong}):
        with pytest.raises(BadKey) as refused:
            jwk.private_key(bad)
        assert not any(good[part] in str(refused.value) for part in ("d", *CRT))
    for change in (-2, +2):
        with pytest.raises((BadKey, UnsupportedKey)):
            jwk.private_key({**good, name: number(good[name], change)})


def test_a_wrong_exponent_without_factors_is_refused_at_once(rsa_key):
    """cryptography 40 searches half a minute for factors that are not there."""
    short = {name: value for name, value in rsa_jwk(rsa_key).items() if name not in CRT}
    started = time.process_time()
    for wrong in (number(short["d"], +2), short["n"], "AQ", b64url.encode(bytes(32))):
        with pytest.raises(BadKey):
            jwk.private_key({**short, "d": wrong})
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ["x", "y", "d"])
def test_an_ec_key_that_lacks_a_part_or_has_a_wrong_one_is_refused(ec_keys, name):
    good = ec_jwk(ec_keys["P-256"])
    without = {key: value for key, value in good.items() if key != name}
    wrong = ec_jwk(ec_keys["P-384"])[name]
    for bad in (without, {**good, name: "*"}, {**good, name: wrong}, {**good, name: number(good[name], 1)}):
        with pytest.raises(BadKey):
            jwk.private_key(bad)


def test_an_ec_key_above_the_order_is_no_key_or_the_same_key():
    key = ec.derive_private_key(5, ec.SECP256R1())
    try:
        made = jwk.private_key(ec_jwk(key, P256_ORDER + 5))
    except BadKey:
        return
    assert keys.public_jwk(keys.load(keys.to_der(made))) == keys.public_jwk(key)


@pytest.mark.rule("K1")
@pytest.mark.parametrize(
    "bad", [{}, {"kty": ""}, {"kty": "OKP"}, {"kty": "EC", "crv": "P-192"}, {"kty": "EC"}]
)
def test_k1_other_types_and_curves_are_refused(bad):
    with pytest.raises(UnsupportedKey):
        jwk.private_key(bad)


@pytest.mark.rule("K1")
def test_k1_other_rsa_sizes_are_refused():
    with pytest.raises(UnsupportedKey, match="not 1536"):
        jwk.private_key(rsa_jwk(rsa.generate_private_key(65537, 1536)))
