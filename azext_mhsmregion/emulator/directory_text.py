"""``directory.json``: a directory read and written.

    {"tenantId": "...", "subscriptionId": "...",
     "principals": [{"name": "owner", "kind": "user", "objectId": "...", "password": "..."},
                    {"name": "emulator-app", "kind": "servicePrincipal", "objectId": "...",
                     "appId": "...", "secret": "...", "certificates": ["-----BEGIN CERT..."]}],
     "groups": [{"name": "signers", "objectId": "...", "members": ["emulator-app", "other"]}]}

A user without a password cannot sign in; a service principal has a secret, certificates (PEM, of
RSA keys), or both. Members of a group are principals and other groups, by name, sign-in name,
application id or object id.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from azext_mhsmregion.emulator.directory import (
    APP,
    OTHER,
    OWNER,
    SERVICE_PRINCIPAL,
    USER,
    Directory,
    DirectoryError,
    Entry,
    Group,
    Principal,
)

MEMBERS = ("tenantId", "subscriptionId", "principals", "groups")
GROUP_MEMBERS = ("name", "objectId", "members")
PEM_BEGIN = "-----BEGIN CERTIFICATE-----"


def defaults(new_id: Callable[[], str], new_secret: Callable[[], str]) -> Directory:
    """The directory of a home just made."""
    return Directory(
        tenant_id=new_id(),
        subscription_id=new_id(),
        principals=(
            Principal(new_id(), OWNER, USER, password=new_secret()),
            Principal(new_id(), APP, SERVICE_PRINCIPAL, app_id=new_id(), secret=new_secret()),
            Principal(new_id(), OTHER, USER, password=new_secret()),
        ),
    )


def written(directory: Directory) -> bytes:
    """The file's bytes."""

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
        "groups": [
            {"name": group.name, "objectId": group.object_id, "members": list(group.members)}
            for group in directory.groups
        ],
    }
    return (json.dumps(body, indent=2) + "\n").encode()


def parsed(path: Path, data: bytes) -> Directory:
    """The directory of the file's bytes. Raises DirectoryError."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DirectoryError(path, "(the file)", f"is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise DirectoryError(path, "(the file)", "must be a JSON object")
    _refuse_unknown(path, "(the file)", body, MEMBERS)
    rows = _rows(path, body, "principals")
    principals = tuple(_principal(path, f"principals[{index}]", row) for index, row in enumerate(rows))
    groups = _groups(path, _rows(path, body, "groups") if "groups" in body else [], principals)
    _check_unique(path, principals, groups)
    if not any(p.name == OWNER and p.kind == USER for p in principals):
        raise DirectoryError(path, "principals", f"must hold a user named {OWNER!r}, the home's owner")
    return Directory(
        tenant_id=_guid(path, "tenantId", body.get("tenantId")),
        subscription_id=_guid(path, "subscriptionId", body.get("subscriptionId")),
        principals=principals,
        groups=groups,
    )


def _rows(path: Path, body: Mapping[str, Any], field: str) -> List[Any]:
    rows = body.get(field)
    if not isinstance(rows, list):
        raise DirectoryError(path, field, "must be a list of objects")
    return rows


def _refuse_unknown(path: Path, field: str, row: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = sorted(set(row) - set(known))
    if unknown:
        raise DirectoryError(path, field, f"has no member {unknown[0]!r}; it has {', '.join(known)}")


def _groups(path: Path, rows: List[Any], principals: Tuple[Principal, ...]) -> Tuple[Group, ...]:
    """The groups, their members as object ids."""
    named = [_group(path, f"groups[{index}]", row) for index, row in enumerate(rows)]
    known = Directory("", "", principals, tuple(named))
    return tuple(
        Group(group.object_id, group.name, _members(path, f"groups[{index}]", group.members, known))
        for index, group in enumerate(named)
    )


def _group(path: Path, field: str, row: object) -> Group:
    """A group whose members are still what is written."""
    if not isinstance(row, dict):
        raise DirectoryError(path, field, "must be an object")
    _refuse_unknown(path, field, row, GROUP_MEMBERS)
    members = row.get("members", [])
    if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
        raise DirectoryError(path, f"{field}.members", "must be a list of names or object ids")
    object_id = _guid(path, f"{field}.objectId", row.get("objectId"))
    return Group(object_id, _text(path, f"{field}.name", row), tuple(members))


def _members(path: Path, field: str, names: Sequence[str], known: Directory) -> Tuple[str, ...]:
    found: List[str] = []
    for index, name in enumerate(names):
        member = known.find(name)
        if member is None:
            problem = f"{name!r} is no principal or group of this file"
            raise DirectoryError(path, f"{field}.members[{index}]", problem)
        found.append(member.object_id)
    return tuple(dict.fromkeys(found))


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


def _check_unique(path: Path, principals: Sequence[Principal], groups: Sequence[Group]) -> None:
    """Names and ids are nobody else's, be he a principal or a group."""
    seen: Dict[Tuple[str, str], str] = {}
    entries: Dict[str, Entry] = {f"principals[{index}]": one for index, one in enumerate(principals)}
    entries.update({f"groups[{index}]": one for index, one in enumerate(groups)})
    for place, entry in entries.items():
        app_id = entry.app_id if isinstance(entry, Principal) else None
        values = {"name": entry.name, "objectId": entry.object_id, "appId": app_id}
        for field, value in values.items():
            if value is None:
                continue
            first = seen.setdefault((field, value), place)
            if first != place:
                raise DirectoryError(path, f"{place}.{field}", f"is the same as {first}.{field}")
