"""Backups as bytes, before they are sealed: what :mod:`model.backup` holds, with private keys beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping

from azext_mhsmregion.crypto import b64url
from azext_mhsmregion.crypto.errors import BadBackup
from azext_mhsmregion.model.backup import Saved, SavedKey

FORMAT = 1


@dataclass(frozen=True)
class Contents:
    """What lies in a backup. ``private`` are private keys by version, for the keyring and nothing else
    (K4); ``job`` is the one that made it, "" for a single key's."""

    saved: Saved
    private: Mapping[str, bytes]
    job: str = ""


def encode(contents: Contents) -> bytes:
    """As JSON."""
    saved = contents.saved
    record = {
        "format": FORMAT,
        "job": contents.job,
        "keys": [_key(key) for key in saved.keys],
        "roleDefinitions": saved.role_definitions,
        "roleAssignments": saved.role_assignments,
        "settings": saved.settings,
        "private": {version: b64url.encode(der) for version, der in contents.private.items()},
    }
    return json.dumps(record, separators=(",", ":")).encode()


def decode(data: bytes) -> Contents:
    """What :func:`encode` was given. Raises BadBackup for a format that is not known here."""
    record: Dict[str, Any] = json.loads(data)
    if record["format"] != FORMAT:
        raise BadBackup(f"It has format {record['format']}, not {FORMAT}.")
    saved = Saved(
        tuple(_saved_key(key) for key in record["keys"]),
        record["roleDefinitions"],
        record["roleAssignments"],
        record["settings"],
    )
    private = {version: b64url.decode(text) for version, text in record["private"].items()}
    return Contents(saved, private, record["job"])


def _key(key: SavedKey) -> Dict[str, Any]:
    return {"name": key.name, "versions": key.versions, "state": key.state, "policy": key.policy}


def _saved_key(record: Mapping[str, Any]) -> SavedKey:
    versions = tuple((version, body) for version, body in record["versions"])
    return SavedKey(record["name"], versions, record["state"], record["policy"])
