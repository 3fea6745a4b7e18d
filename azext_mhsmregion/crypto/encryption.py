"""RSA encryption, which also wraps keys (rule K1, facts/algorithms.json).

RSA-OAEP-256: OAEP with SHA-256, MGF1 with the same. RSA-OAEP: the same with SHA-1. RSA1_5: PKCS #1 v1.5.
The public part encrypts, the private one decrypts.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Union

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

from azext_mhsmregion.crypto.errors import BadPlaintext, DecryptFailed, UnsupportedAlgorithm
from azext_mhsmregion.crypto.keys import PrivateKey, PublicKey


class _Algorithm(NamedTuple):
    """A padding ready for pyca, and how many bytes of the modulus it takes for itself."""

    padding: AsymmetricPadding
    overhead: int


def _oaep(hash_: hashes.HashAlgorithm) -> _Algorithm:
    oaep = padding.OAEP(mgf=padding.MGF1(hash_), algorithm=hash_, label=None)
    return _Algorithm(oaep, 2 * hash_.digest_size + 2)


_RSA: Dict[str, _Algorithm] = {
    "RSA-OAEP-256": _oaep(hashes.SHA256()),
    "RSA-OAEP": _oaep(hashes.SHA1()),
    "RSA1_5": _Algorithm(padding.PKCS1v15(), 11),
}


def encrypt(key: Union[PrivateKey, PublicKey], algorithm: str, plaintext: bytes) -> bytes:
    """``plaintext`` encrypted to the key's public part, as long as the modulus.

    Raises UnsupportedAlgorithm when the algorithm does not fit the key, BadPlaintext when the modulus
    has no room for so much.
    """
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        return encrypt(key.public_key(), algorithm, plaintext)
    if not isinstance(key, rsa.RSAPublicKey):
        raise _no_encryption(algorithm)
    found = _for_rsa(algorithm)
    room = (key.key_size + 7) // 8 - found.overhead
    if len(plaintext) > room:
        raise BadPlaintext(
            f"{algorithm} with a key of {key.key_size} bits takes at most {room} bytes, not {len(plaintext)}."
        )
    return key.encrypt(plaintext, found.padding)


def decrypt(key: PrivateKey, algorithm: str, ciphertext: bytes) -> bytes:
    """What ``encrypt`` was given. Raises UnsupportedAlgorithm, DecryptFailed.

    One sentence for every failure, whatever was wrong with the padding: it must not tell an attacker
    of RSA1_5 more than that (Bleichenbacher). OpenSSL from 3.2 on goes further: rubbish under RSA1_5
    decrypts to rubbish of some length, and no error shows at all.
    """
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _no_encryption(algorithm)
    found = _for_rsa(algorithm)
    try:
        return key.decrypt(ciphertext, found.padding)
    except ValueError:
        raise DecryptFailed("The value was not encrypted with this key and algorithm.") from None


def _for_rsa(algorithm: str) -> _Algorithm:
    found = _RSA.get(algorithm)
    if found is None:
        raise UnsupportedAlgorithm(f"An RSA key encrypts with {', '.join(_RSA)}, not with {algorithm}.")
    return found


def _no_encryption(algorithm: str) -> UnsupportedAlgorithm:
    return UnsupportedAlgorithm(f"An EC key signs; it does not encrypt, with {algorithm} or otherwise.")
