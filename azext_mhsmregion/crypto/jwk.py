"""Private and symmetric keys from JWK, as an import brings them (RFC 7518, section 6; rule K1).

What comes from outside is checked whole, unlike what ``keys.load`` reads back: a private part that does
not fit its public one would sign what nobody can verify.
"""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from azext_mhsmregion.crypto import b64url, keys
from azext_mhsmregion.crypto.errors import BadKey, UnsupportedKey
from azext_mhsmregion.crypto.keys import Material, SymmetricKey

IMPORTED_RSA_SIZES = (1024, *keys.RSA_SIZES)
"""The service takes 1024 bits in an import, as recorded (hsm_key_using_hsm_name, exchange 24)."""

_CRT = ("p", "q", "dp", "dq", "qi")
_MISFIT = "The private part of the JWK is no key, or does not fit its public part."


def private_key(jwk: Mapping[str, str]) -> Material:
    """The key in ``jwk``, of kty RSA, EC or oct, with or without -HSM.

    RSA: n, e, d, and p, q, dp, dq, qi or none of these five. EC: crv, x, y, d. oct: k. Raises BadKey for
    what is missing, no base64url or does not fit together, UnsupportedKey for types, sizes and curves.
    """
    kind = jwk.get("kty", "").upper()
    if kind in ("RSA", "RSA-HSM"):
        return _rsa(jwk)
    if kind in ("EC", "EC-HSM"):
        return _ec(jwk)
    if kind in ("OCT", "OCT-HSM"):
        return _symmetric(jwk)
    raise UnsupportedKey(f"Key type {jwk.get('kty')!r} is not one of RSA, EC, oct.")


def _symmetric(jwk: Mapping[str, str]) -> SymmetricKey:
    _numbers(jwk, "k")
    made = SymmetricKey(b64url.decode(jwk["k"]))
    if made.key_size not in keys.SYMMETRIC_SIZES:
        raise UnsupportedKey(f"An oct-HSM key has 128, 192 or 256 bits, not {made.key_size}.")
    return made


def _rsa(jwk: Mapping[str, str]) -> rsa.RSAPrivateKey:
    n, e, d = _numbers(jwk, "n", "e", "d")
    if n.bit_length() not in IMPORTED_RSA_SIZES:
        sizes = ", ".join(str(size) for size in IMPORTED_RSA_SIZES)
        raise UnsupportedKey(f"An imported RSA key has {sizes} bits, not {n.bit_length()}.")
    crt = _numbers(jwk, *_CRT) if any(jwk.get(name) for name in _CRT) else _recovered(n, e, d)
    if not all(0 < number < n for number in (e, d, *crt)):
        raise BadKey(_MISFIT)
    p, q, dp, dq, qi = crt
    numbers = rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n))
    try:
        return numbers.private_key()
    except ValueError:
        raise BadKey(_MISFIT) from None


def _recovered(n: int, e: int, d: int) -> Tuple[int, ...]:
    """p, q, dp, dq, qi of a key that is given by n, e and d.

    Whether d fits is tried first, by decrypting what was encrypted: without that pyca's search for the
    factors takes half a minute to say no (cryptography 40).
    """
    if not (0 < e < n and 0 < d < n) or pow(pow(2, e, n), d, n) != 2:
        raise BadKey(_MISFIT)
    try:
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
    except ValueError:
        raise BadKey(_MISFIT) from None
    return p, q, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)


def _ec(jwk: Mapping[str, str]) -> ec.EllipticCurvePrivateKey:
    curve = keys.curve(jwk.get("crv", ""))
    x, y, d = _numbers(jwk, "x", "y", "d")
    numbers = ec.EllipticCurvePrivateNumbers(d, ec.EllipticCurvePublicNumbers(x, y, curve))
    try:
        # There and back: a d above the curve's order is taken at first, and only then is no key.
        made = keys.load(keys.to_der(numbers.private_key()))
    except ValueError:
        raise BadKey(_MISFIT) from None
    assert isinstance(made, ec.EllipticCurvePrivateKey)
    return made


def _numbers(jwk: Mapping[str, str], *names: str) -> Tuple[int, ...]:
    """Members of a JWK as numbers. Raises BadKey for one that is missing or no base64url."""
    missing = [name for name in names if not jwk.get(name)]
    if missing:
        raise BadKey(f"The JWK lacks {', '.join(missing)}.")
    found: Dict[str, int] = {}
    for name in names:
        try:
            found[name] = b64url.decode_int(jwk[name])
        except ValueError:
            raise BadKey(f"'{name}' of the JWK is not base64url.") from None
    return tuple(found.values())
