"""Backups under a pool's security domain: what was sealed in one pool opens in every pool with the same
domain, and in no other (rule K4).

The text is a compact JWE whose content key comes from the domain's key. Its ``kid`` says what it is of and,
by a print of that key, which domain it belongs to. A single key's backup was recorded as a JWE of that kind
(golden/hsm_key_using_hsm_name.json, exchange 17: alg ``dir``, enc ``A256CBC-HS512``, a kid that begins with
``bac``); what the service puts inside is not known.
"""

from __future__ import annotations

import json

from azext_mhsmregion.crypto import b64url, jwe, kdf
from azext_mhsmregion.crypto.errors import BadBackup, BadJwe, DecryptFailed, OtherDomain
from azext_mhsmregion.crypto.randomness import Random

POOL, KEY = "backup_pool", "backup_key"
"""What a backup is of: everything in a pool, or one key."""

_CONTENT_KEY_SIZE = 64
_PRINT_SIZE = 16


def seal(domain_key: bytes, plain: bytes, what: str, random: Random) -> str:
    """``plain`` as a backup of ``what`` (:data:`POOL` or :data:`KEY`)."""
    return jwe.encrypt_direct(_content_key(domain_key, what), plain, _kid(domain_key, what), random)


def open_(domain_key: bytes, text: str, what: str) -> bytes:
    """What :func:`seal` was given.

    Raises OtherDomain where another domain's key sealed it, BadBackup for what is no backup of ``what``, or
    was cut or altered.
    """
    kid = _kid_of(text)
    if not kid.startswith(f"{what}_"):
        raise BadBackup("It is not a backup of this kind.")
    if kid != _kid(domain_key, what):
        raise OtherDomain("It belongs to another security domain.")
    try:
        return jwe.decrypt_direct(text, _content_key(domain_key, what))
    except (BadJwe, DecryptFailed) as error:
        raise BadBackup("It was cut or altered.") from error


def _kid_of(text: str) -> str:
    try:
        header = json.loads(b64url.decode(text.partition(".")[0]))
    except ValueError as error:
        raise BadBackup("It is no backup.") from error
    kid = header.get("kid") if isinstance(header, dict) else None
    if not isinstance(kid, str):
        raise BadBackup("It is no backup.")
    return kid


def _kid(domain_key: bytes, what: str) -> str:
    return f"{what}_{kdf.sp800_108(domain_key, 'print of the domain', what, _PRINT_SIZE).hex()}"


def _content_key(domain_key: bytes, what: str) -> bytes:
    return kdf.sp800_108(domain_key, "backup", what, _CONTENT_KEY_SIZE)
