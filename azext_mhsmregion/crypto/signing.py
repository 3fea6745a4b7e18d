"""Signatures over digests (rule K1, facts/algorithms.json).

RS*: PKCS #1 v1.5. PS*: PSS, MGF1 with the same hash, salt as long as the digest. ES*: r || s, each
padded to the curve's width (RFC 7518, section 3.4). RSNULL is not offered.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Union

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from azext_mhsmregion.crypto.errors import BadDigest, UnsupportedAlgorithm
from azext_mhsmregion.crypto.keys import PrivateKey, PublicKey, coordinate_size, curve_name


class _Rsa(NamedTuple):
    """An RSA algorithm, ready for pyca."""

    digest_size: int
    prehashed: Prehashed
    padding: AsymmetricPadding


class _Ec(NamedTuple):
    """An elliptic curve algorithm, ready for pyca; it belongs to one curve."""

    digest_size: int
    ecdsa: ec.ECDSA
    curve: str


def _pkcs1(hash_: hashes.HashAlgorithm) -> _Rsa:
    return _Rsa(hash_.digest_size, Prehashed(hash_), padding.PKCS1v15())


def _pss(hash_: hashes.HashAlgorithm) -> _Rsa:
    pss = padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)
    return _Rsa(hash_.digest_size, Prehashed(hash_), pss)


def _ecdsa(hash_: hashes.HashAlgorithm, curve: str) -> _Ec:
    return _Ec(hash_.digest_size, ec.ECDSA(Prehashed(hash_)), curve)


_RSA: Dict[str, _Rsa] = {
    "RS256": _pkcs1(hashes.SHA256()),
    "RS384": _pkcs1(hashes.SHA384()),
    "RS512": _pkcs1(hashes.SHA512()),
    "PS256": _pss(hashes.SHA256()),
    "PS384": _pss(hashes.SHA384()),
    "PS512": _pss(hashes.SHA512()),
}
_EC: Dict[str, _Ec] = {
    "ES256": _ecdsa(hashes.SHA256(), "P-256"),
    "ES256K": _ecdsa(hashes.SHA256(), "P-256K"),
    "ES384": _ecdsa(hashes.SHA384(), "P-384"),
    "ES512": _ecdsa(hashes.SHA512(), "P-521"),
}


def sign(key: PrivateKey, algorithm: str, digest: bytes) -> bytes:
    """The signature of ``digest`` (already hashed: 32, 48 or 64 bytes, by the algorithm).

    RSA: as long as the modulus. EC: r || s, 64, 96 or 132 bytes.
    Raises UnsupportedAlgorithm when the algorithm does not fit the key, BadDigest on a wrong length.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        rsa_algorithm = _for_rsa(algorithm, digest)
        return key.sign(digest, rsa_algorithm.padding, rsa_algorithm.prehashed)
    ec_algorithm = _for_ec(key, algorithm, digest)
    r, s = decode_dss_signature(key.sign(digest, ec_algorithm.ecdsa))
    width = coordinate_size(key)
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def verify(key: Union[PrivateKey, PublicKey], algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is one of ``digest`` by ``key``; an ill-formed one is not.

    Raises UnsupportedAlgorithm and BadDigest as ``sign`` does.
    """
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        return verify(key.public_key(), algorithm, digest, signature)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            rsa_algorithm = _for_rsa(algorithm, digest)
            key.verify(signature, digest, rsa_algorithm.padding, rsa_algorithm.prehashed)
            return True
        ec_algorithm = _for_ec(key, algorithm, digest)
        width = coordinate_size(key)
        if len(signature) != 2 * width:
            return False
        key.verify(_to_der(signature, width), digest, ec_algorithm.ecdsa)
        return True
    except InvalidSignature:
        return False


def _to_der(signature: bytes, width: int) -> bytes:
    """r || s as pyca wants it: an ASN.1 sequence of the two."""
    r, s = signature[:width], signature[width:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def _for_rsa(algorithm: str, digest: bytes) -> _Rsa:
    found = _RSA.get(algorithm)
    if found is None:
        raise UnsupportedAlgorithm(f"An RSA key signs with {', '.join(_RSA)}, not with {algorithm}.")
    _check_digest(algorithm, found.digest_size, digest)
    return found


def _for_ec(
    key: Union[ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey], algorithm: str, digest: bytes
) -> _Ec:
    found = _EC.get(algorithm)
    if found is None or found.curve != curve_name(key):
        raise UnsupportedAlgorithm(f"A key on {curve_name(key)} does not sign with {algorithm}.")
    _check_digest(algorithm, found.digest_size, digest)
    return found


def _check_digest(algorithm: str, expected: int, digest: bytes) -> None:
    if len(digest) != expected:
        raise BadDigest(f"{algorithm} takes a digest of {expected} bytes; this one has {len(digest)}.")
