"""The transfer key of a pool, which az calls its exchange key: what a security domain is encrypted to on its
way into that pool (restore_blob.py). Clients get it as the text of a JWK with a certificate.

Members, their order and the size as recorded (golden/hsm_security_domain.json, exchange 27). The recorded
certificate is long, for what attests the HSM's key; ours is signed by the key itself.
"""

from __future__ import annotations

import json
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from azext_mhsmregion.crypto import certificates, keys

_BITS, _DAYS = 4096, 3650
_KEY_OPS = ["wrapKey", "verify", "encrypt"]
_KID = "not used"  # recorded


def generate() -> rsa.RSAPrivateKey:
    """A new one. Takes up to a second."""
    return rsa.generate_private_key(public_exponent=keys.RSA_EXPONENT, key_size=_BITS)


def certificate(key: rsa.RSAPrivateKey, pool: str, not_before: datetime) -> Certificate:
    """Its certificate: the same one each time, so that the key alone is kept."""
    return certificates.sign_own(key, pool, not_before, _DAYS)


def jwk(of: Certificate) -> str:
    """The JSON text that is given out."""
    described = certificates.certificate_jwk(of.public_bytes(Encoding.PEM))
    del described["alg"]
    return json.dumps({**described, "key_ops": _KEY_OPS, "kid": _KID}, separators=(",", ":"), sort_keys=True)
