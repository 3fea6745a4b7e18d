"""Who exists: the tenant, the subscription and the principals of one home.

The directory is the file ``<home>/directory.json``, made with defaults on first use and the
user's to edit from then on::

    {"tenantId": "...", "subscriptionId": "...",
     "principals": [{"name": "owner", "kind": "user", "objectId": "...", "password": "..."},
                    {"name": "emulator-app", "kind": "servicePrincipal", "objectId": "...",
                     "appId": "...", "secret": "...", "certificates": ["-----BEGIN CERT..."]}]}

A user without a password cannot sign in; a service principal has a secret, certificates (PEM, of
RSA keys), or both.
A directory says who somebody is, never what he may do: rights are local RBAC's (rule K3).
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from azext_mhsmregion.emulator.files import create_private

FILE_NAME = "directory.json"
USER = "user"
SERVICE_PRINCIPAL = "servicePrincipal"
OWNER = "owner"
APP = "emulator-app"
OTHER = "other"
PEM_BEGIN = "-----BEGIN CERTIFICATE-----"
DOMAIN = "mhsmregion.onmicrosoft.com"


class DirectoryError(Exception):
    """The directory file cannot be used: which file, which field, what is wrong with it."""

    def __init__(self, path: Path, field: str, problem: str) -> None:
        super().__init__(f"{path}: {field}: {problem}")
        self.path = path
        self.field = field
        self.problem = problem


@dataclass(frozen=True)
class Principal:
    """A user with the password, or a service principal with its application id, secret and
    certificates (PEM)."""

    object_id: str
    name: str
    kind: str
    app_id: Optional[str] = None
    secret: Optional[str] = None
    password: Optional[str] = None
    certificates: Tuple[str, ...] = ()

    @property
    def user_principal_name(self) -> str:
        """The sign-in name: ``owner`` is ``owner@mhsmregion.onmicrosoft.com``."""
        return self.name if "@" in self.name else f"{self.name}@{DOMAIN}"


@dataclass(frozen=True)
class Directory:
    """The principals of one home. Ids are compared without regard to case, names with."""

    tenant_id: str
    subscription_id: str
    principals: Tuple[Principal, ...]

    @property
    def owner(self) -> Principal:
        """The home's owner, in whose name commands in process act."""
        return next(p for p in self.principals if p.name == OWNER)

    @property
    def app(self) -> Optional[Principal]:
        """The service principal that ``emulator env`` hands to clients; None when the user
        has taken every service principal out."""
        found = [p for p in self.principals if p.kind == SERVICE_PRINCIPAL]
        return next((p for p in found if p.name == APP), found[0] if found else None)

    def by_name(self, name: str) -> Optional[Principal]:
        return next((p for p in self.principals if p.name == name), None)

    def by_object_id(self, object_id: str) -> Optional[Principal]:
        return next((p for p in self.principals if p.object_id == object_id.lower()), None)

    def by_app_id(self, app_id: str) -> Optional[Principal]:
        return next((p for p in self.principals if p.app_id == app_id.lower()), None)

    def by_user_principal_name(self, name: str) -> Optional[Principal]:
        users = (p for p in self.principals if p.kind == USER)
        return next((p for p in users if p.user_principal_name.lower() == name.lower()), None)

    @staticmethod
    def load(home: Path, new_id: Callable[[], str], new_secret: Callable[[], str]) -> Directory:
        """The directory of ``home``, written with defaults where there is none. Raises
        :class:`DirectoryError` for a malformed file, OSError for one that cannot be read or made."""
        path = home / FILE_NAME
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = create_private(path, _as_json(_defaults(new_id, new_secret)), "directory.json")
        return _parse(path, data)


def _defaults(new_id: Callable[[], str], new_secret: Callable[[], str]) -> Directory:
    return Directory(
        tenant_id=new_id(),
        subscription_id=new_id(),
        principals=(
            Principal(new_id(), OWNER, USER, password=new_secret()),
            Principal(new_id(), APP, SERVICE_PRINCIPAL, app_id=new_id(), secret=new_secret()),
            Principal(new_id(), OTHER, USER, password=new_secret()),
        ),
    )


def _as_json(directory: Directory) -> bytes:
    def entry(principal: Principal) -> Dict[str, Any]:
        row = {
            "name": principal.name,
            "kind": principal.kind,
            "objectId": principal.object_id,
            "appId": principal.app_id,
            "secret": principal.secret,
            "password": principal.password,
            "certificates": list(principal.certificates) or None,
        }
        return {key: value for key, value in row.items() if value is not None}

    body = {
        "tenantId": directory.tenant_id,
        "subscriptionId": directory.subscription_id,
        "principals": [entry(p) for p in directory.principals],
    }
    return (json.dumps(body, indent=2) + "\n").encode()


def _parse(path: Path, data: bytes) -> Directory:
    try:
        body = json.loads(data)
    except ValueError as error:
        raise DirectoryError(path, "(the file)", f"is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise DirectoryError(path, "(the file)", "must be a JSON object")
    rows = body.get("principals")
    if not isinstance(rows, list):
        raise DirectoryError(path, "principals", "must be a list of objects")
    principals = tuple(_principal(path, f"principals[{index}]", row) for index, row in enumerate(rows))
    _check_unique(path, principals)
    if not any(p.name == OWNER and p.kind == USER for p in principals):
        raise DirectoryError(path, "principals", f"must hold a user named {OWNER!r}, the home's owner")
    return Directory(
        tenant_id=_guid(path, "tenantId", body.get("tenantId")),
        subscription_id=_guid(path, "subscriptionId", body.get("subscriptionId")),
        principals=principals,
    )


def _principal(path: Path, field: str, row: object) -> Principal:
    if not isinstance(row, dict):
        raise DirectoryError(path, field, "must be an object")
    kind = row.get("kind")
    if kind not in (USER, SERVICE_PRINCIPAL):
        raise DirectoryError(path, f"{field}.kind", f"must be {USER!r} or {SERVICE_PRINCIPAL!r}")
    object_id = _guid(path, f"{field}.objectId", row.get("objectId"))
    name = _text(path, f"{field}.name", row)
    if kind == USER:
        password = _text(path, f"{field}.password", row) if "password" in row else None
        return Principal(object_id, name, USER, password=password)
    app_id = _guid(path, f"{field}.appId", row.get("appId"))
    certificates = _certificates(path, f"{field}.certificates", row.get("certificates", []))
    has_secret = "secret" in row or not certificates
    secret = _text(path, f"{field}.secret", row) if has_secret else None
    return Principal(object_id, name, SERVICE_PRINCIPAL, app_id, secret, certificates=certificates)


def _certificates(path: Path, field: str, rows: object) -> Tuple[str, ...]:
    """PEM texts; what is in them is read when somebody signs in, since that takes a while."""
    if not isinstance(rows, list):
        raise DirectoryError(path, field, "must be a list of certificates as PEM")
    for index, row in enumerate(rows):
        if not isinstance(row, str) or not row.lstrip().startswith(PEM_BEGIN):
            raise DirectoryError(path, f"{field}[{index}]", f"must be PEM, beginning with {PEM_BEGIN!r}")
    return tuple(rows)


def _text(path: Path, field: str, row: Mapping[str, object]) -> str:
    value = row.get(field.rpartition(".")[2])
    if not isinstance(value, str) or not value.strip():
        raise DirectoryError(path, field, "must be a text that is not empty")
    return value


def _guid(path: Path, field: str, value: object) -> str:
    try:
        return str(uuid.UUID(value if isinstance(value, str) else ""))
    except ValueError:
        raise DirectoryError(path, field, "must be a GUID") from None


def _check_unique(path: Path, principals: Tuple[Principal, ...]) -> None:
    seen: Dict[Tuple[str, str], int] = {}
    for index, principal in enumerate(principals):
        values = {"name": principal.name, "objectId": principal.object_id, "appId": principal.app_id}
        for field, value in values.items():
            if value is None:
                continue
            first = seen.setdefault((field, value), index)
            if first != index:
                problem = f"is the same as principals[{first}].{field}"
                raise DirectoryError(path, f"principals[{index}].{field}", problem)
