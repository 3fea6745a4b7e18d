"""AES with a key of a Managed HSM (rule K1, facts/algorithms.json): GCM, CBC, CBC with PKCS #7 padding,
and key wrap (RFC 3394). The algorithm's name holds the key's size: A128GCM, A192CBCPAD, A256KW.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Tuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from azext_mhsmregion.crypto.errors import BadIv, BadPlaintext, DecryptFailed, UnsupportedAlgorithm
from azext_mhsmregion.crypto.keys import SymmetricKey
from azext_mhsmregion.crypto.randomness import Random, draw

GCM_IV_SIZE, TAG_SIZE, BLOCK_SIZE = 12, 16, 16
_ENCRYPTION = ("GCM", "CBC", "CBCPAD")
_FAILED = "The value was not encrypted with this key, algorithm and iv."


class Sealed(NamedTuple):
    """What encryption gives; a tag with GCM only."""

    ciphertext: bytes
    iv: bytes
    tag: Optional[bytes] = None


def encrypt(
    key: SymmetricKey, algorithm: str, plaintext: bytes, iv: Optional[bytes], aad: bytes, random: Random
) -> Sealed:
    """``plaintext`` under ``key``. GCM draws its own 12-byte iv, covers ``aad`` too and gives a 16-byte
    tag. The CBCs take the caller's 16-byte iv and leave ``aad`` out of account; CBC without PAD fills the
    last block with zeros, which stay there when it is decrypted (azure-keyvault-keys 4.11.3, tests).

    Raises UnsupportedAlgorithm, BadIv.
    """
    mode = _mode(key, algorithm, _ENCRYPTION)
    if mode == "GCM":
        if iv is not None:
            raise BadIv(f"{algorithm} makes its own iv and takes none.")
        drawn = draw(random, GCM_IV_SIZE)
        sealed = AESGCM(key.value).encrypt(drawn, plaintext, aad)
        return Sealed(sealed[:-TAG_SIZE], drawn, sealed[-TAG_SIZE:])
    given = _checked_iv(algorithm, iv, BLOCK_SIZE)
    encryptor = Cipher(algorithms.AES(key.value), modes.CBC(given)).encryptor()
    return Sealed(encryptor.update(_padded(mode, plaintext)) + encryptor.finalize(), given)


def decrypt(
    key: SymmetricKey,
    algorithm: str,
    ciphertext: bytes,
    iv: Optional[bytes],
    aad: bytes,
    tag: Optional[bytes],
) -> bytes:
    """What ``encrypt`` was given. Raises UnsupportedAlgorithm, BadIv, and DecryptFailed in one sentence
    whatever was wrong: padding must not tell more than that."""
    mode = _mode(key, algorithm, _ENCRYPTION)
    if mode == "GCM":
        given = _checked_iv(algorithm, iv, GCM_IV_SIZE)
        if tag is None or len(tag) != TAG_SIZE:
            raise DecryptFailed(f"{algorithm} takes a tag of {TAG_SIZE} bytes.")
        try:
            return AESGCM(key.value).decrypt(given, ciphertext + tag, aad)
        except InvalidTag:
            raise DecryptFailed(_FAILED) from None
    given = _checked_iv(algorithm, iv, BLOCK_SIZE)
    decryptor = Cipher(algorithms.AES(key.value), modes.CBC(given)).decryptor()
    try:
        return _unpadded(mode, decryptor.update(ciphertext) + decryptor.finalize())
    except ValueError:
        raise DecryptFailed(_FAILED) from None


def wrap(key: SymmetricKey, algorithm: str, plaintext: bytes) -> bytes:
    """``plaintext`` (whole halves of a block, two or more) wrapped, 8 bytes longer. Raises
    UnsupportedAlgorithm, BadPlaintext."""
    _mode(key, algorithm, ("KW",))
    if len(plaintext) < 16 or len(plaintext) % 8:
        raise BadPlaintext(f"{algorithm} wraps 16 bytes or more, in eights; not {len(plaintext)}.")
    return keywrap.aes_key_wrap(key.value, plaintext)


def unwrap(key: SymmetricKey, algorithm: str, wrapped: bytes) -> bytes:
    """What ``wrap`` was given. Raises UnsupportedAlgorithm, DecryptFailed."""
    _mode(key, algorithm, ("KW",))
    try:
        return keywrap.aes_key_unwrap(key.value, wrapped)
    except (ValueError, keywrap.InvalidUnwrap):
        raise DecryptFailed("The value was not wrapped with this key.") from None


def _mode(key: SymmetricKey, algorithm: str, wanted: Tuple[str, ...]) -> str:
    """The algorithm's mode, where the rest of its name fits the key. Raises UnsupportedAlgorithm."""
    fitting: Dict[str, str] = {f"A{key.key_size}{mode}": mode for mode in wanted}
    if algorithm not in fitting:
        known = ", ".join(fitting)
        raise UnsupportedAlgorithm(f"A key of {key.key_size} bits does this with {known}, not {algorithm}.")
    return fitting[algorithm]


def _checked_iv(algorithm: str, iv: Optional[bytes], size: int) -> bytes:
    if iv is None or len(iv) != size:
        raise BadIv(f"{algorithm} takes an iv of {size} bytes.")
    return iv


def _padded(mode: str, plaintext: bytes) -> bytes:
    if mode == "CBC":
        return plaintext + bytes(-len(plaintext) % BLOCK_SIZE)
    padder = PKCS7(8 * BLOCK_SIZE).padder()
    return padder.update(plaintext) + padder.finalize()


def _unpadded(mode: str, padded: bytes) -> bytes:
    """Raises ValueError for padding that is none."""
    if mode == "CBC":
        return padded
    unpadder = PKCS7(8 * BLOCK_SIZE).unpadder()
    return unpadder.update(padded) + unpadder.finalize()
