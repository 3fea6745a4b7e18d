"""Compact JWE (RFC 7516) as far as a security domain needs it: content A256CBC-HS512, its key either
shared (``alg`` "dir") or encrypted to an RSA key (``alg`` "RSA-OAEP-256").

The text is ``header.key.iv.ciphertext.tag``, each in base64url, the key empty for "dir"; the header's
members stand in the recorded order alg, enc, kid (golden/hsm_security_domain.json).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from azext_mhsmregion.crypto import b64url, cbc_hmac
from azext_mhsmregion.crypto.errors import BadJwe, DecryptFailed
from azext_mhsmregion.crypto.randomness import Random, draw

_ENC = "A256CBC-HS512"
_DIRECT = "dir"
_OAEP = "RSA-OAEP-256"


class _Parts(NamedTuple):
    """A compact JWE taken apart; ``header`` is the text as it stands, which the tag covers."""

    header: str
    encrypted_key: bytes
    sealed: cbc_hmac.Sealed


def encrypt_direct(key: bytes, plaintext: bytes, kid: str, random: Random) -> str:
    """``plaintext`` under the shared ``key`` of 64 bytes. Raises BadKey."""
    return _write(_header(_DIRECT, kid), b"", key, plaintext, random)


def decrypt_direct(token: str, key: bytes) -> bytes:
    """The plaintext. Raises BadJwe, BadKey, DecryptFailed."""
    parts = _read(token, _DIRECT)
    return cbc_hmac.decrypt(key, parts.sealed, parts.header.encode("ascii"))


def encrypt_to(recipient: rsa.RSAPublicKey, plaintext: bytes, kid: str, random: Random) -> str:
    """``plaintext`` under a new key, which is encrypted to ``recipient``."""
    content_key = draw(random, cbc_hmac.KEY_SIZE)
    encrypted_key = recipient.encrypt(content_key, _oaep())
    return _write(_header(_OAEP, kid), encrypted_key, content_key, plaintext, random)


def decrypt_with(token: str, private_key: rsa.RSAPrivateKey) -> bytes:
    """The plaintext. Raises BadJwe, DecryptFailed."""
    parts = _read(token, _OAEP)
    try:
        content_key = private_key.decrypt(parts.encrypted_key, _oaep())
    except ValueError as error:
        raise DecryptFailed("The content is for another RSA key, or its key was altered.") from error
    if len(content_key) != cbc_hmac.KEY_SIZE:
        raise DecryptFailed(f"The encrypted key has {len(content_key)} bytes, not {cbc_hmac.KEY_SIZE}.")
    return cbc_hmac.decrypt(content_key, parts.sealed, parts.header.encode("ascii"))


def _oaep() -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def _header(alg: str, kid: str) -> str:
    text = json.dumps({"alg": alg, "enc": _ENC, "kid": kid}, separators=(",", ":"))
    return b64url.encode(text.encode("ascii"))


def _write(header: str, encrypted_key: bytes, key: bytes, plaintext: bytes, random: Random) -> str:
    sealed = cbc_hmac.encrypt(key, plaintext, header.encode("ascii"), random)
    return ".".join([header] + [b64url.encode(part) for part in (encrypted_key, *sealed)])


def _read(token: str, alg: str) -> _Parts:
    """The parts of ``token``, whose header must name ``alg`` and our content encryption."""
    header, *encoded = token.split(".")
    if len(encoded) != 4:
        raise BadJwe("A compact JWE has five parts.")
    try:
        fields = json.loads(b64url.decode(header))
        encrypted_key, iv, ciphertext, tag = [b64url.decode(part) for part in encoded]
    except ValueError as error:
        raise BadJwe(f"A part of the JWE cannot be read: {error}.") from error
    if not isinstance(fields, dict) or fields.get("alg") != alg or fields.get("enc") != _ENC:
        raise BadJwe(f"The JWE is not one of {alg} with {_ENC}.")
    return _Parts(header, encrypted_key, cbc_hmac.Sealed(iv, ciphertext, tag))
