"""Certificates that a security domain is encrypted to: read from a request, written into one, made.

Source: azure-cli 2.91.0 ``security_domain_download`` and golden/hsm_security_domain.json (rule C4).
The service took certificates that had expired two years before: dates are not looked at.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Dict, Mapping, NamedTuple, Tuple

from cryptography import exceptions, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from azext_mhsmregion.crypto import b64url, keys
from azext_mhsmregion.crypto.errors import BadCertificate

MIN_RSA_BITS = 2048
MAX_COMMON_NAME = 64  # RFC 5280, ub-common-name
_ALG = "RSA-OAEP-256"


class Recipient(NamedTuple):
    """Whom a share is encrypted to: the public key and the certificate's SHA-256, in base64url."""

    public_key: rsa.RSAPublicKey
    thumbprint: str


def thumbprint(certificate: x509.Certificate) -> str:
    """``x5t#S256``: SHA-256 of the certificate's DER, base64url without padding."""
    return b64url.encode(hashlib.sha256(_der(certificate)).digest())


def recipient(jwk: Mapping[str, Any]) -> Recipient:
    """The recipient that one JWK of a download request names.

    Raises BadCertificate unless it is an RSA key of 2048 bits or more, whose first x5c certificate
    holds the same key; kty, alg and the thumbprints must agree where they are given.
    """
    certificate = _first_certificate(jwk)
    public_key = _rsa_key(certificate)
    numbers = public_key.public_numbers()
    if (_number(jwk, "n"), _number(jwk, "e")) != (numbers.n, numbers.e):
        raise BadCertificate("The JWK's n and e are not the public key of its x5c certificate.")
    expected = {
        "kty": "RSA",
        "alg": _ALG,
        "x5t": b64url.encode(_sha1(certificate)),
        "x5t#S256": thumbprint(certificate),
    }
    for member, value in expected.items():
        if jwk.get(member) not in (None, value):
            raise BadCertificate(f"The JWK's {member} is {jwk[member]!r} and should be {value!r}.")
    return Recipient(public_key, expected["x5t#S256"])


def certificate_jwk(pem: bytes) -> Dict[str, Any]:
    """The JWK of a PEM certificate, members and order as azure-cli's download request has them.

    Raises BadCertificate.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise BadCertificate("This is no PEM certificate.") from error
    public = keys.public_jwk(_rsa_key(certificate))
    return {
        "kty": "RSA",
        "key_ops": ["verify", "encrypt", "wrapKey"],
        **public,
        "x5c": [b64url.encode_standard(_der(certificate))],
        "x5t": b64url.encode(_sha1(certificate)),
        "x5t#S256": thumbprint(certificate),
        "alg": _ALG,
    }


def self_signed(common_name: str, not_before: datetime, days: int) -> Tuple[bytes, bytes]:
    """(key PEM, certificate PEM) of a new RSA-2048 wrapping key; the key is PKCS8 and **not encrypted**.

    Valid from ``not_before`` (UTC when it has no zone) for ``days``. The serial number is taken from
    the public key's hash, so nothing random is fetched here. Raises BadCertificate.
    """
    if not 1 <= len(common_name) <= MAX_COMMON_NAME:
        raise BadCertificate(f"A common name has 1 to {MAX_COMMON_NAME} characters.")
    key = rsa.generate_private_key(public_exponent=keys.RSA_EXPONENT, key_size=MIN_RSA_BITS)
    try:
        certificate = sign_own(key, common_name, not_before, days)
    except (ValueError, OverflowError) as error:
        raise BadCertificate(f"No certificate can be made for these values: {error}.") from error
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key_pem, certificate.public_bytes(serialization.Encoding.PEM)


def sign_own(key: rsa.RSAPrivateKey, common_name: str, not_before: datetime, days: int) -> x509.Certificate:
    """The certificate of a key, signed by itself: the same one each time for the same arguments."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(identifier.digest[:16], "big") + 1)
        .not_valid_before(not_before)
        .not_valid_after(not_before + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _first_certificate(jwk: Mapping[str, Any]) -> x509.Certificate:
    """The certificate in x5c[0]: base64 of its DER, not base64url (RFC 7517, section 4.7)."""
    chain = jwk.get("x5c") if isinstance(jwk, Mapping) else None
    if not isinstance(chain, (list, tuple)) or not chain or not isinstance(chain[0], str):
        raise BadCertificate("A certificate of the request has no x5c.")
    try:
        return x509.load_der_x509_certificate(b64url.decode(chain[0]))
    except ValueError as error:
        raise BadCertificate("The x5c of a certificate is no certificate in base64 of its DER.") from error


def _rsa_key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    try:
        key = certificate.public_key()
    except (ValueError, exceptions.UnsupportedAlgorithm) as error:
        raise BadCertificate("The certificate's public key cannot be read.") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise BadCertificate(f"A wrapping key is RSA of at least {MIN_RSA_BITS} bits.")
    return key


def _number(jwk: Mapping[str, Any], member: str) -> int:
    text = jwk.get(member)
    try:
        return b64url.decode_int(text if isinstance(text, str) else "?")
    except ValueError as error:
        raise BadCertificate(f"The JWK's {member} is missing or no number in base64url.") from error


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _sha1(certificate: x509.Certificate) -> bytes:
    """A name of the certificate (``x5t``), nothing that is relied on."""
    return hashlib.sha1(_der(certificate), usedforsecurity=False).digest()
