"""Key material at rest: AES-256-GCM under the home's key (rule K4, DESIGN section 2b).

A blob is ``version (1 byte, 0x01) || nonce (12) || ciphertext || tag (16)``. The version byte is
authenticated with the caller's associated data, which names what the blob is for (such as the key
version's id), so that a blob moved to another row does not open.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from azext_mhsmregion.crypto.errors import BadKey, UnwrapFailed
from azext_mhsmregion.crypto.randomness import Random, draw

HOME_KEY_SIZE = 32
_VERSION = b"\x01"
_NONCE_SIZE = 12
_TAG_SIZE = 16


def new_home_key(random: Random) -> bytes:
    """A new key for a home: 32 bytes."""
    return draw(random, HOME_KEY_SIZE)


def wrap(home_key: bytes, plaintext: bytes, associated_data: bytes, random: Random) -> bytes:
    """``plaintext`` as a blob, 29 bytes longer. Raises BadKey when the home key has not 32 bytes.

    The nonce is drawn: by NIST SP 800-38D one home key is good for 2^32 blobs.
    """
    nonce = draw(random, _NONCE_SIZE)
    return _VERSION + nonce + _cipher(home_key).encrypt(nonce, plaintext, _VERSION + associated_data)


def unwrap(home_key: bytes, blob: bytes, associated_data: bytes) -> bytes:
    """What ``wrap`` was given. Raises UnwrapFailed on any difference, BadKey as ``wrap`` does."""
    cipher = _cipher(home_key)
    if blob[:1] != _VERSION or len(blob) < 1 + _NONCE_SIZE + _TAG_SIZE:
        raise UnwrapFailed("This is no wrapped key material of a version that is known here.")
    nonce, ciphertext = blob[1 : 1 + _NONCE_SIZE], blob[1 + _NONCE_SIZE :]
    try:
        return cipher.decrypt(nonce, ciphertext, _VERSION + associated_data)
    except InvalidTag as error:
        raise UnwrapFailed("The wrapped key material was altered, or belongs to another home.") from error


def _cipher(home_key: bytes) -> AESGCM:
    if len(home_key) != HOME_KEY_SIZE:
        raise BadKey(f"A home key has {HOME_KEY_SIZE} bytes; this one has {len(home_key)}.")
    return AESGCM(home_key)
