"""Access tokens: RS256 JWTs in the v1.0 shape that Entra issues for Azure's own resources.

The signing key is the home's (``<home>/token-key.pem``). A token is checked for issuer,
signature, audience and lifetime, in this order. No error text holds a token.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Collection, Dict, Optional, Protocol

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from azext_mhsmregion.emulator.directory import SERVICE_PRINCIPAL, USER, Principal
from azext_mhsmregion.emulator.entra.devices import Devices
from azext_mhsmregion.emulator.files import create_private

KEY_FILE = "token-key.pem"
LIFETIME = 3600
"""Seconds that a token lives."""

SKEW = 300
"""Seconds that a token's begin may lie ahead: clocks differ."""

AZURE_CLI_APP_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
_CACHED_TOKENS = 1024
_LONGEST_ISSUER = 200
_CHECKED_BY_US: Any = dict.fromkeys(("verify_aud", "verify_exp", "verify_nbf", "verify_iat"), False)
"""PyJWT would check these against its own clock."""


class TokenError(Exception):
    """A token that is not accepted."""


class TokenInvalid(TokenError):
    """Not a token of this home: malformed, badly signed, not begun yet."""


class TokenExpired(TokenError):
    """The token's lifetime is over: it ``expired`` before ``now``, seconds since 1970."""

    def __init__(self, expired: float, now: float) -> None:
        super().__init__("The token is expired.")
        self.expired = expired
        self.now = now


class WrongAudience(TokenError):
    """The token is for another resource: ``found`` instead of one of ``expected``."""

    def __init__(self, found: str, expected: Collection[str]) -> None:
        super().__init__(f"Found token with aud={found}, but expected aud={' or '.join(expected)}")
        self.found = found
        self.expected = tuple(expected)


class WrongTenant(TokenError):
    """The token comes from another tenant's issuer: ``found`` instead of ``expected``."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"Invalid issuer. Expected {expected}, found {found}.")
        self.found = found
        self.expected = expected


@dataclass(frozen=True)
class Claims:
    """What a verified token says. Times are seconds since 1970; ``kind`` a principal's kind."""

    object_id: str
    tenant_id: str
    audience: str
    app_id: str
    kind: str
    name: str
    not_before: float
    expires: float


class Tenant(Protocol):
    """A directory, as far as tokens go."""

    @property
    def tenant_id(self) -> str: ...


class Tokens:
    """Issues and verifies the tokens of one home. May be shared by threads."""

    def __init__(self, home: Path, directory: Tenant, now: Callable[[], float]) -> None:
        self._path = home / KEY_FILE
        self._directory = directory
        self._now = now
        self._lock = threading.Lock()
        self._loaded: Optional[rsa.RSAPrivateKey] = None
        self._verified: Dict[str, Claims] = {}
        self.devices = Devices()
        """Sign-ins by device code that are under way: they live as long as the server."""

    @property
    def issuer(self) -> str:
        return f"https://sts.windows.net/{self._directory.tenant_id}/"

    def issue(
        self,
        principal: Principal,
        audience: str,
        lifetime: int = LIFETIME,
        client_id: str = AZURE_CLI_APP_ID,
    ) -> str:
        """A token for ``principal``, for the resource ``audience``, alive for ``lifetime`` seconds.
        ``client_id`` is the application that a user signed in with."""
        begun = int(self._now())
        claims: Dict[str, Any] = {
            "aud": audience,
            "iss": self.issuer,
            "iat": begun,
            "nbf": begun,
            "exp": begun + lifetime,
            "oid": principal.object_id,
            "sub": principal.object_id,
            "tid": self._directory.tenant_id,
            "ver": "1.0",
        }
        claims.update(_identity(principal, client_id))
        return self.signed(claims)

    def signed(self, claims: Dict[str, Any]) -> str:
        """``claims`` as a token, signed with the home's key."""
        key = self._key()
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": _key_id(key), "x5t": _key_id(key)})

    def verify(self, token: str, audiences: Collection[str]) -> Claims:
        """The claims of ``token``. Raises a :class:`TokenError`. A slash at the end of an
        audience makes no difference."""
        claims = self._seen(token) or self._verify_signed(token)
        if claims.audience.rstrip("/") not in {audience.rstrip("/") for audience in audiences}:
            raise WrongAudience(claims.audience, audiences)
        if claims.expires <= self._now():
            raise TokenExpired(claims.expires, self._now())
        if claims.not_before > self._now() + SKEW:
            raise TokenInvalid("The token is not valid yet.")
        return claims

    def prepare(self) -> None:
        """Make or load the key now: the first to sign in would wait for it. Raises OSError."""
        self._key()

    def key_set(self) -> Dict[str, Any]:
        """The public key as a JSON Web Key Set (``/discovery/keys``)."""
        key = self._key()
        numbers = key.public_key().public_numbers()
        row = {
            "kty": "RSA",
            "use": "sig",
            "kid": _key_id(key),
            "x5t": _key_id(key),
            "n": _base64url(numbers.n),
            "e": _base64url(numbers.e),
            "issuer": self.issuer,
        }
        return {"keys": [row]}

    def _seen(self, token: str) -> Optional[Claims]:
        """The claims of a token that was verified before, and whose tenant is still ours."""
        found = self._verified.get(token)
        return None if found is None or found.tenant_id != self._directory.tenant_id else found

    def _verify_signed(self, token: str) -> Claims:
        try:
            # Issuer first, as the service does: a real Azure token deserves a clear answer.
            issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
            if issuer != self.issuer:
                raise WrongTenant(str(issuer)[:_LONGEST_ISSUER], self.issuer)
            body = jwt.decode(token, self._key().public_key(), algorithms=["RS256"], options=_CHECKED_BY_US)
            claims = _parse(body)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            raise TokenInvalid("The token is not one that this emulator issued.") from None
        with self._lock:
            if len(self._verified) >= _CACHED_TOKENS:
                self._verified.clear()
            self._verified[token] = claims
        return claims

    def _key(self) -> rsa.RSAPrivateKey:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load_or_create(self._path)
            return self._loaded


def _identity(principal: Principal, client_id: str) -> Dict[str, Any]:
    if principal.kind == SERVICE_PRINCIPAL:
        return {"appid": principal.app_id, "appidacr": "1", "idtyp": "app"}
    name = principal.user_principal_name
    return {
        "appid": client_id,
        "appidacr": "0",
        "idtyp": "user",
        "name": principal.name,
        "upn": name,
        "unique_name": name,
        "scp": "user_impersonation",
    }


def _parse(body: Dict[str, Any]) -> Claims:
    is_app = body["idtyp"] == "app"
    return Claims(
        object_id=str(body["oid"]),
        tenant_id=str(body["tid"]),
        audience=str(body["aud"]),
        app_id=str(body["appid"]),
        kind=SERVICE_PRINCIPAL if is_app else USER,
        name=str(body["appid"] if is_app else body["upn"]),
        not_before=float(body["nbf"]),
        expires=float(body["exp"]),
    )


def _load_or_create(path: Path) -> rsa.RSAPrivateKey:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        text = _pem(made)
        data = create_private(path, text, "token-key.pem")
        if data == text:
            return made  # loading it would check its primes, which takes as long as making it
    key = serialization.load_pem_private_key(data, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"{path}: must hold an RSA private key")
    return key


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _key_id(key: rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()[:20]).decode().rstrip("=")


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
