"""Keys: generate, keep as bytes, load, show the public part (rule K1, facts/algorithms.json)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional, Union

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from azext_mhsmregion.crypto import b64url
from azext_mhsmregion.crypto.errors import BadKey, UnsupportedKey


@dataclass(frozen=True)
class SymmetricKey:
    """A key of AES or HMAC: 16, 24 or 32 bytes, which its ``repr`` does not show (K4)."""

    value: bytes = field(repr=False)

    @property
    def key_size(self) -> int:
        """In bits."""
        return 8 * len(self.value)


PrivateKey = Union[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]
PublicKey = Union[rsa.RSAPublicKey, ec.EllipticCurvePublicKey]
Material = Union[PrivateKey, SymmetricKey]
"""All that is kept of a key."""

RSA_SIZES = (2048, 3072, 4096)
SYMMETRIC_SIZES = (128, 192, 256)
_OCTET_STRING = 0x04
RSA_EXPONENT = 65537

# The service's name -> pyca's curve.
_CURVES: Dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-256K": ec.SECP256K1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_SERVICE_NAMES = {curve.name: name for name, curve in _CURVES.items()}


def generate(kty: str, size: Optional[int], curve: Optional[str]) -> Material:
    """A new key of type "RSA-HSM" (``size`` in bits, e = 65537), "EC-HSM" (``curve`` as the service names
    it) or "oct-HSM" (``size`` in bits).

    None stands for the service's default, 2048 or P-256, and for 256 bits (ours). A size of an EC key or a
    curve of another key is an error. Raises UnsupportedKey (rule K1). Takes up to half a second (RSA 4096).
    """
    if kty == "EC-HSM":
        if size is not None:
            raise UnsupportedKey("An EC-HSM key has a curve and no size.")
        return _generate_ec("P-256" if curve is None else curve)
    if kty not in ("RSA-HSM", "oct-HSM"):
        raise UnsupportedKey(f"Key type {kty!r} is not one of RSA-HSM, EC-HSM, oct-HSM.")
    if curve is not None:
        raise UnsupportedKey(f"An {kty} key has a size and no curve.")
    if kty == "RSA-HSM":
        return _generate_rsa(RSA_SIZES[0] if size is None else size)
    return _generate_symmetric(SYMMETRIC_SIZES[-1] if size is None else size)


def _generate_symmetric(size: int) -> SymmetricKey:
    if size not in SYMMETRIC_SIZES:
        raise UnsupportedKey(f"oct-HSM keys have 128, 192 or 256 bits, not {size}.")
    return SymmetricKey(AESGCM.generate_key(size))


def _generate_rsa(size: int) -> rsa.RSAPrivateKey:
    if size not in RSA_SIZES:
        raise UnsupportedKey(f"RSA-HSM keys have 2048, 3072 or 4096 bits, not {size}.")
    return rsa.generate_private_key(public_exponent=RSA_EXPONENT, key_size=size)


def _generate_ec(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve(name))


def curve(name: str) -> ec.EllipticCurve:
    """The curve that the service calls ``name``. Raises UnsupportedKey."""
    if name not in _CURVES:
        raise UnsupportedKey(f"Curve {name!r} is not one of {', '.join(_CURVES)}.")
    return _CURVES[name]


def to_der(key: Material) -> bytes:
    """``key`` as PKCS8 DER, a symmetric one as an OCTET STRING, **not encrypted**: for ``wrap.wrap`` and
    nothing else (rule K4)."""
    if isinstance(key, SymmetricKey):
        return bytes([_OCTET_STRING, len(key.value)]) + key.value
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load(der: bytes) -> Material:
    """The key that ``to_der`` wrote. Raises BadKey, UnsupportedKey.

    OpenSSL's check of an RSA key is left out, 37 ms against microseconds: the wrap around the stored
    bytes proves them whole (DESIGN section 2b). So never load bytes that come from elsewhere.
    """
    if der[:1] == bytes([_OCTET_STRING]):
        return _load_symmetric(der)
    try:
        key = serialization.load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError) as error:
        raise BadKey("These bytes are no private key in unencrypted DER.") from error
    if isinstance(key, rsa.RSAPrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        curve_name(key)
        return key
    raise UnsupportedKey(f"A Managed HSM has no keys of type {type(key).__name__}.")


def _load_symmetric(der: bytes) -> SymmetricKey:
    length, value = der[1:2], der[2:]
    if length != bytes([len(value) % 256]) or 8 * len(value) not in SYMMETRIC_SIZES:
        raise BadKey("These bytes are no symmetric key.")
    return SymmetricKey(value)


def curve_name(key: Union[ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey]) -> str:
    """The service's name of the key's curve, such as "P-256K". Raises UnsupportedKey."""
    name = _SERVICE_NAMES.get(key.curve.name)
    if name is None:
        raise UnsupportedKey(f"A Managed HSM has no curve {key.curve.name}.")
    return name


def coordinate_size(key: Union[ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey]) -> int:
    """Bytes of one coordinate of the key's curve: 32, 48 or 66."""
    return (key.curve.key_size + 7) // 8


def public_jwk(key: Union[Material, PublicKey]) -> Dict[str, str]:
    """The public members of the key's JWK: {"n", "e"} or {"crv", "x", "y"} (RFC 7518, section 6); none of
    a symmetric key.

    base64url without padding; coordinates are as wide as the curve, leading zeros kept.
    """
    if isinstance(key, SymmetricKey):
        return {}
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        return public_jwk(key.public_key())
    if isinstance(key, rsa.RSAPublicKey):
        rsa_numbers = key.public_numbers()
        return {"n": b64url.encode_int(rsa_numbers.n), "e": b64url.encode_int(rsa_numbers.e)}
    point, width = key.public_numbers(), coordinate_size(key)
    return {
        "crv": curve_name(key),
        "x": b64url.encode_int(point.x, width),
        "y": b64url.encode_int(point.y, width),
    }
