"""A256CBC-HS512: AES-256-CBC with HMAC-SHA-512, encrypt then authenticate (RFC 7518, section 5.2.5)."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from azext_mhsmregion.crypto.errors import BadKey, DecryptFailed
from azext_mhsmregion.crypto.randomness import Random, draw

KEY_SIZE = 64
_HALF = 32
_IV_SIZE = 16
_TAG_SIZE = 32
_BLOCK_BITS = 128


class Sealed(NamedTuple):
    """What encryption gives: iv of 16 bytes, whole blocks of ciphertext, tag of 32 bytes."""

    iv: bytes
    ciphertext: bytes
    tag: bytes


def encrypt(key: bytes, plaintext: bytes, associated_data: bytes, random: Random) -> Sealed:
    """``plaintext`` sealed under ``key``: 32 bytes for the MAC, then 32 for AES. Raises BadKey."""
    _check(key)
    iv = draw(random, _IV_SIZE)
    padder = PKCS7(_BLOCK_BITS).padder()
    encryptor = Cipher(algorithms.AES(key[_HALF:]), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()
    return Sealed(iv, ciphertext, _tag(key, iv, ciphertext, associated_data))


def decrypt(key: bytes, sealed: Sealed, associated_data: bytes) -> bytes:
    """The plaintext. Raises DecryptFailed on any difference, BadKey on a key of another length."""
    _check(key)
    iv, ciphertext, tag = sealed
    if not hmac.compare_digest(tag, _tag(key, iv, ciphertext, associated_data)):
        raise DecryptFailed("The content was altered, or is for another key.")
    try:
        return _decrypt_blocks(key[_HALF:], iv, ciphertext)
    except ValueError as error:
        # By the key's holder, or bytes moved between iv and ciphertext: the tag covers the two joined.
        raise DecryptFailed("The content is authentic and yet no iv with padded AES blocks.") from error


def _decrypt_blocks(aes_key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """Raises ValueError on an iv that is not a block, a part of a block and wrong padding."""
    decryptor = Cipher(algorithms.AES(aes_key), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _tag(key: bytes, iv: bytes, ciphertext: bytes, associated_data: bytes) -> bytes:
    bits = (8 * len(associated_data)).to_bytes(8, "big")
    return hmac.digest(key[:_HALF], associated_data + iv + ciphertext + bits, "sha512")[:_TAG_SIZE]


def _check(key: bytes) -> None:
    if len(key) != KEY_SIZE:
        raise BadKey(f"A256CBC-HS512 takes a key of {KEY_SIZE} bytes; this one has {len(key)}.")
