"""Client assertions: an application proves itself by a token signed with its certificate's key."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from azext_mhsmregion.crypto import b64url
from azext_mhsmregion.emulator.directory import Principal
from azext_mhsmregion.emulator.entra import errors
from azext_mhsmregion.emulator.entra.context import SHARED_TENANTS, EntraContext
from azext_mhsmregion.emulator.entra.tokens import SKEW
from azext_mhsmregion.emulator.hosts import LOGIN_HOST

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS256", "PS256")
_PATHS = ("oauth2/v2.0/token", "oauth2/token", "v2.0")
_UNCHECKED: Any = dict.fromkeys(("verify_aud", "verify_exp", "verify_nbf", "verify_iat"), False)


def client_id(form: Mapping[str, str]) -> Optional[str]:
    """The application that an assertion speaks for, unproven; None where there is none."""
    try:
        claims = jwt.decode(form.get("client_assertion", ""), options={"verify_signature": False})
        return str(claims["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError):
        return None


def check(form: Mapping[str, str], application: Principal, context: EntraContext) -> None:
    """Raises EntraError unless the form's assertion is ``application``'s own, for us, now."""
    if form.get("client_assertion_type") != TYPE:
        raise errors.bad_assertion(50027, f"The client_assertion_type must be '{TYPE}'.")
    claims = _verified(form["client_assertion"], application)
    mine = {application.app_id}
    if {str(claims.get("iss")).lower(), str(claims.get("sub")).lower()} != mine:
        text = "Client assertion application identifier doesn't match 'client_id' parameter."
        raise errors.bad_assertion(700021, text)
    if claims.get("aud") not in _audiences(context.directory.tenant_id):
        raise errors.bad_assertion(700023, "Client assertion audience claim does not match Realm issuer.")
    if not _is_within(claims.get("nbf", 0), claims.get("exp"), context.now()):
        raise errors.bad_assertion(700024, "Client assertion is not within its valid time range.")


def _is_within(begin: object, end: object, now: float) -> bool:
    """Seconds since 1970; strangers send them."""
    if not isinstance(begin, (int, float)) or not isinstance(end, (int, float)):
        return False
    return begin - SKEW <= now < end


def _audiences(tenant: str) -> Tuple[str, ...]:
    return tuple(
        f"https://{LOGIN_HOST}/{place}/{path}" for place in (tenant, *SHARED_TENANTS) for path in _PATHS
    )


def _verified(assertion: str, application: Principal) -> Dict[str, Any]:
    """The claims of an assertion that one of the application's certificates signed."""
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError:
        raise errors.bad_assertion(50027, "JWT token is invalid or malformed.") from None
    for certificate in _certificates(application):
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or not _is_named(header, certificate):
            continue
        try:
            claims: Dict[str, Any] = jwt.decode(
                assertion, key, algorithms=list(ALGORITHMS), options=_UNCHECKED
            )
            return claims
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError:
            raise errors.bad_assertion(50027, "JWT token is invalid or malformed.") from None
    raise errors.unregistered_certificate(application.app_id or "")


def _certificates(application: Principal) -> Tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in application.certificates)
    except ValueError:
        text = f"directory.json: a certificate of {application.name} cannot be read."
        raise errors.bad_assertion(700027, text) from None


def _is_named(header: Mapping[str, Any], certificate: x509.Certificate) -> bool:
    """Does the assertion's header name this certificate, or none?"""
    names = {
        "x5t": b64url.encode(certificate.fingerprint(hashes.SHA1())),
        "x5t#S256": b64url.encode(certificate.fingerprint(hashes.SHA256())),
    }
    return all(str(header[name]).rstrip("=") == names[name] for name in names if name in header)
