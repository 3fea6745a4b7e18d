"""The restore blob: a security domain made ready for another pool, as a client uploads it.

    {"EncData": {...}, "WrappedKey": {"enc_key", "x5t_256"}}

The client (``az keyvault security-domain restore-blob`` or ``upload``) opens the domain with a quorum,
seals EncData anew under a master key of its own, and encrypts that to the pool's exchange key.
Source: azure-cli 2.91.0, ``_security_domain_gen_blob``; golden/hsm_security_domain.json, upload.
"""

from __future__ import annotations

import json
from typing import Dict

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from azext_mhsmregion.crypto import jwe, sealed_data
from azext_mhsmregion.crypto.errors import BadSecurityDomain


def open_(text: str, exchange_key: RSAPrivateKey) -> Dict[str, bytes]:
    """The secrets of the domain, tag -> bytes, with the private part of the pool's exchange key.

    Raises BadSecurityDomain, BadJwe, and DecryptFailed when the blob is for another exchange key.
    """
    try:
        blob = json.loads(text)
    except ValueError as error:
        raise BadSecurityDomain("The restore blob is no JSON.") from error
    wrapped = blob.get("WrappedKey") if isinstance(blob, dict) else None
    if not isinstance(wrapped, dict) or not isinstance(wrapped.get("enc_key"), str):
        raise BadSecurityDomain("The restore blob has no WrappedKey.enc_key.")
    master_key = jwe.decrypt_with(wrapped["enc_key"], exchange_key)
    return sealed_data.unseal(master_key, blob.get("EncData"))
