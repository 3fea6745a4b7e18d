"""What people do with a security domain on the way out of a destroyed primary (E6): they download it, open
it with their wrapping keys, and seal it anew for the pool that it is to be uploaded into. Step by step as
azure-cli 2.91.0 (``_security_domain_gen_blob``) does it."""

from __future__ import annotations

import json
import random
from datetime import datetime, timezone
from functools import cache
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificate

from azext_mhsmregion.crypto import b64url, certificates, jwe, sealed_data, security_domain

Secrets = Mapping[str, bytes]
WrappingKey = Tuple[RSAPrivateKey, Certificate]
SEED = 23


@cache
def officer(number: int) -> Tuple[WrappingKey, Mapping[str, Any]]:
    """Someone's wrapping key, and its certificate as a download request names it."""
    begin = datetime(2026, 1, 1, tzinfo=timezone.utc)
    key_pem, pem = certificates.self_signed(f"keeper-{number}", begin, 365)
    key = load_pem_private_key(key_pem, None)
    assert isinstance(key, RSAPrivateKey)
    return (key, load_pem_x509_certificate(pem)), certificates.certificate_jwk(pem)


def request(officers: int = 3, quorum: int = 2) -> Dict[str, Any]:
    """The body of a download request."""
    return {"certificates": [officer(number)[1] for number in range(officers)], "required": quorum}


def opened(domain: str, numbers: Sequence[int] = (0, 2)) -> Dict[str, bytes]:
    """What is in a downloaded domain, opened by some officers."""
    return security_domain.open_(domain, [officer(number)[0] for number in numbers])


def exchange_certificate(transfer_key: Mapping[str, Any]) -> Certificate:
    """The certificate in the answer to a GET of ``/securitydomain/upload``."""
    jwk = json.loads(transfer_key["transfer_key"])
    return load_der_x509_certificate(b64url.decode(jwk["x5c"][0]))


def blob(secrets: Secrets, exchange: Certificate) -> Dict[str, Any]:
    """The restore blob of a domain's secrets for the pool whose exchange certificate this is."""
    source = random.Random(SEED).randbytes
    master_key = source(sealed_data.MASTER_KEY_SIZE)
    public = exchange.public_key()
    wrapped = jwe.encrypt_to(public, master_key, "not used", source)  # type: ignore[arg-type]
    return {
        "EncData": sealed_data.seal(master_key, secrets, source),
        "WrappedKey": {"enc_key": wrapped, "x5t_256": certificates.thumbprint(exchange)},
    }


def restore_blob(domain: str, transfer_key: Mapping[str, Any], numbers: Sequence[int] = (0, 2)) -> str:
    """The text that is uploaded: ``domain`` sealed anew for the pool that gave ``transfer_key``."""
    return json.dumps(blob(opened(domain, numbers), exchange_certificate(transfer_key)))


def jwk_names(transfer_key: Mapping[str, Any]) -> List[str]:
    """The members of the JWK, in their order."""
    return list(json.loads(transfer_key["transfer_key"]))
