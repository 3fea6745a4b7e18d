"""The security domain of a pool: its secrets under a master key that a quorum of people can put together.

    {"EncData": {"data": [{"compact_jwe", "tag"}, ...], "kdf": "sp108_kdf"},
     "SharedKeys": {"enc_shares": [{"enc_key", "x5t_256"}, ...], "key_algorithm": "shamir_share",
                    "required": N},
     "version": 2}

``enc_key`` is a JWE to one certificate and holds one share of the master key (shamir.py); EncData is
sealed under the master key (sealed_data.py). Structure and order as recorded
(golden/hsm_security_domain.json); azure-cli opens it: tests/crypto/test_restore_blob.py. Rules C4, K5.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import Certificate

from azext_mhsmregion.crypto import jwe, sealed_data, shamir
from azext_mhsmregion.crypto.certificates import (
    Recipient,
    certificate_jwk,
    recipient,
    self_signed,
    thumbprint,
)
from azext_mhsmregion.crypto.errors import BadCertificate, BadSecurityDomain, QuorumNotMet
from azext_mhsmregion.crypto.randomness import Random, draw

__all__ = ["DOMAIN_KEY_TAG", "TAGS", "WrappingKey", "certificate_jwk", "create", "open_", "self_signed"]

DOMAIN_KEY_TAG = "hsm_backup"
"""What a domain carries a pool's own key under."""

TAGS = (DOMAIN_KEY_TAG, "base_enclave_backup", "partition_enclave_backup")
WrappingKey = Tuple[RSAPrivateKey, Certificate]
"""A private key and the certificate that the download request named."""

_MIN_CERTIFICATES, _MAX_CERTIFICATES, _MIN_REQUIRED = 3, 10, 2
_FILLER_SIZE = 32
_KEY_ALGORITHM = "shamir_share"
_VERSION = 2


def create(
    certificates: Sequence[Mapping[str, Any]],
    required: int,
    secrets: Mapping[str, bytes],
    random: Random,
) -> str:
    """The JSON text of a new security domain, to be opened by any ``required`` of ``certificates``.

    ``certificates`` are JWKs as a download request has them, 3 to 10; ``secrets`` maps TAGS to bytes, and
    a tag without a secret gets 32 random bytes. Raises BadCertificate on a request that cannot be met
    (rule C4), BadSecurityDomain on a tag that no security domain has.
    """
    recipients = _recipients(certificates, required)
    unknown = sorted(set(secrets) - set(TAGS))
    if unknown:
        raise BadSecurityDomain(f"A security domain has the tags {', '.join(TAGS)}, not {unknown[0]!r}.")
    master_key = draw(random, sealed_data.MASTER_KEY_SIZE)
    contents = {tag: secrets[tag] if tag in secrets else draw(random, _FILLER_SIZE) for tag in TAGS}
    domain = {
        "EncData": sealed_data.seal(master_key, contents, random),
        "SharedKeys": {
            "enc_shares": _encrypt_shares(master_key, recipients, required, random),
            "key_algorithm": _KEY_ALGORITHM,
            "required": required,
        },
        "version": _VERSION,
    }
    return json.dumps(domain, separators=(",", ":"))


def open_(text: str, wrapping_keys: Sequence[WrappingKey]) -> Dict[str, bytes]:
    """The secrets, tag -> bytes, with at least as many fitting wrapping keys as the domain requires.

    Keys of other domains are passed over, and a key that is given twice counts once. Raises
    QuorumNotMet, BadSecurityDomain, BadJwe, DecryptFailed, BadShare.
    """
    domain = _parse(text)
    required, by_thumbprint = _shared_keys(domain.get("SharedKeys"))
    fitting = {thumbprint(certificate): key for key, certificate in wrapping_keys}
    fitting = {name: key for name, key in fitting.items() if name in by_thumbprint}
    if len(fitting) < required:
        raise QuorumNotMet(f"{required} wrapping keys are required and {len(fitting)} of these fit.")
    chosen = list(fitting.items())[:required]
    shares = [jwe.decrypt_with(by_thumbprint[name], key) for name, key in chosen]
    return sealed_data.unseal(shamir.combine(shares, required), domain.get("EncData"))


def _recipients(certificates: Sequence[Mapping[str, Any]], required: int) -> List[Recipient]:
    """The recipients of the shares. Raises BadCertificate (rule C4)."""
    count = len(certificates)
    if not _MIN_CERTIFICATES <= count <= _MAX_CERTIFICATES:
        raise BadCertificate(
            f"A security domain takes {_MIN_CERTIFICATES} to {_MAX_CERTIFICATES} certificates, not {count}."
        )
    if not _MIN_REQUIRED <= required <= count:
        raise BadCertificate(
            f"The quorum of {count} certificates is from {_MIN_REQUIRED} to {count}, not {required}."
        )
    recipients = [recipient(jwk) for jwk in certificates]
    if len({one.thumbprint for one in recipients}) != count:
        raise BadCertificate("The same certificate was given twice.")
    return recipients


def _encrypt_shares(
    master_key: bytes, recipients: Sequence[Recipient], required: int, random: Random
) -> List[Dict[str, str]]:
    """``enc_shares``: one share for each recipient, in their order; ``kid`` is a GUID, as recorded."""
    shares = shamir.split(master_key, len(recipients), required, random)
    return [
        {
            "enc_key": jwe.encrypt_to(one.public_key, share, str(uuid.UUID(bytes=draw(random, 16))), random),
            "x5t_256": one.thumbprint,
        }
        for one, share in zip(recipients, shares)
    ]


def _parse(text: str) -> Dict[str, Any]:
    try:
        domain = json.loads(text)
    except ValueError as error:
        raise BadSecurityDomain("The security domain is no JSON.") from error
    if not isinstance(domain, dict) or domain.get("version") != _VERSION:
        raise BadSecurityDomain(f"This is no security domain of version {_VERSION}.")
    return domain


def _shared_keys(shared: Any) -> Tuple[int, Dict[str, str]]:
    """(required, thumbprint -> enc_key) of the SharedKeys object. Raises BadSecurityDomain."""
    if not isinstance(shared, dict) or shared.get("key_algorithm") != _KEY_ALGORITHM:
        raise BadSecurityDomain(f"SharedKeys is missing, or not shared by {_KEY_ALGORITHM}.")
    required, shares = shared.get("required"), shared.get("enc_shares")
    if not isinstance(required, int) or not _MIN_REQUIRED <= required <= _MAX_CERTIFICATES:
        raise BadSecurityDomain(f"SharedKeys.required is not from {_MIN_REQUIRED} to {_MAX_CERTIFICATES}.")
    if not isinstance(shares, list) or not all(_is_share(share) for share in shares):
        raise BadSecurityDomain("SharedKeys.enc_shares is no list of enc_key and x5t_256.")
    return required, {share["x5t_256"]: share["enc_key"] for share in shares}


def _is_share(share: Any) -> bool:
    members = ("enc_key", "x5t_256")
    return isinstance(share, dict) and all(isinstance(share.get(name), str) for name in members)
