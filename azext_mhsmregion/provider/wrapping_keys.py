"""Certificates of the people who keep the security domain, as the JSON that its download wants."""

from __future__ import annotations

import base64
import hashlib
from typing import Dict, List, Union

from azext_mhsmregion.provider.errors import UsageError

_HINT = "Give files with one RSA certificate each, in PEM: --sd-wrapping-keys a.cer b.cer c.cer."


def wrapping_key(certificate: bytes) -> Dict[str, Union[str, List[str]]]:
    """One certificate (PEM, or DER) as a JWK with x5c, x5t and x5t#S256, as recorded."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        if b"-----BEGIN" in certificate:
            parsed = x509.load_pem_x509_certificate(certificate)
        else:
            parsed = x509.load_der_x509_certificate(certificate)
        public = parsed.public_key()
    except ValueError as error:
        raise UsageError(f"A wrapping key is not a certificate: {error}", _HINT) from error
    if not isinstance(public, RSAPublicKey):
        raise UsageError("A wrapping key's certificate does not hold an RSA key.", _HINT)
    numbers = public.public_numbers()
    der = parsed.public_bytes(Encoding.DER)
    return {
        "kty": "RSA",
        "key_ops": ["verify", "encrypt", "wrapKey"],
        "n": base64url(_minimal(numbers.n)),
        "e": base64url(_minimal(numbers.e)),
        "x5c": [base64.b64encode(der).decode()],
        "x5t": base64url(hashlib.sha1(der).digest()),  # noqa: S324 - a fingerprint by definition
        "x5t#S256": base64url(hashlib.sha256(der).digest()),
        "alg": "RSA-OAEP-256",
    }


def base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
