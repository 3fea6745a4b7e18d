"""The restore blob: a security domain made ready for another pool, as a client uploads it.

    {"EncData": {...}, "WrappedKey": {"enc_key", "x5t_256"}}

The client (``az keyvault security-domain restore-blob`` or ``upload``) opens the domain with a quorum,
seals EncData anew under a master key of its own, and encrypts that to the pool's transfer key.
Source: azure-cli 2.91.0, ``_security_domain_gen_blob``; golden/hsm_security_domain.json, upload.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import Certificate

from azext_mhsmregion.crypto import certificates, jwe, sealed_data
from azext_mhsmregion.crypto.errors import BadSecurityDomain, OtherTransferKey


def open_(text: str, transfer_key: RSAPrivateKey) -> Dict[str, bytes]:
    """The secrets of the domain, tag -> bytes, with the private part of the pool's transfer key.

    Raises BadSecurityDomain, BadJwe, and DecryptFailed when the blob is for another transfer key.
    """
    blob = _parse(text)
    master_key = jwe.decrypt_with(blob["WrappedKey"]["enc_key"], transfer_key)
    return sealed_data.unseal(master_key, blob.get("EncData"))


def check_addressee(text: str, certificate: Certificate) -> None:
    """Is it for the transfer key with that certificate, as far as it says (``x5t_256``)? Raises
    OtherTransferKey, BadSecurityDomain."""
    named = _parse(text)["WrappedKey"].get("x5t_256")
    if named not in (None, certificates.thumbprint(certificate)):
        raise OtherTransferKey("The restore blob is for another transfer key.")


def _parse(text: str) -> Mapping[str, Any]:
    """The blob, with a WrappedKey and its enc_key."""
    try:
        blob = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSecurityDomain("The restore blob is no JSON.") from error
    wrapped = blob.get("WrappedKey") if isinstance(blob, dict) else None
    if not isinstance(wrapped, dict) or not isinstance(wrapped.get("enc_key"), str):
        raise BadSecurityDomain("The restore blob has no WrappedKey.enc_key.")
    whole: Mapping[str, Any] = blob
    return whole
