"""``keyvault key``: keys of a pool, in az's names and shapes."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Any, Dict, List, Optional, Tuple

from azext_mhsmregion.cli import context, views
from azext_mhsmregion.provider.errors import ForbiddenError, UsageError

LATEST = ""
POOL_URL = r"https://(?:[^./]+\.)?([^./]+)\.managedhsm\.[^/]+"
KEY_ID = re.compile(rf"^{POOL_URL}/keys/([^/]+)(?:/([^/]+))?/?$")
POOL_ID = re.compile(rf"^{POOL_URL}/?$")


def create(
    cmd,
    hsm_name=None,
    name=None,
    identifier=None,
    kty=None,
    protection=None,
    key_size=None,
    curve=None,
    key_ops=None,
    disabled=None,
    expires=None,
    not_before=None,
    exportable=None,
    tags=None,
) -> Dict[str, Any]:
    hsm_name, name, _ = _which(hsm_name, name, None, identifier)
    attributes: Dict[str, Any] = {
        "enabled": not disabled,
        "exp": expires,
        "nbf": not_before,
        "exportable": exportable,
    }
    parameters: Dict[str, Any] = {
        "kty": kty or "RSA-HSM",
        "key_size": key_size,
        "crv": curve,
        "key_ops": key_ops,
        "attributes": _given(attributes),
        "tags": tags,
    }
    provider = context.provider(cmd.cli_ctx)
    context.sending(cmd.cli_ctx)
    return views.key(provider.create_key(hsm_name, name, _given(parameters)))


def show(cmd, hsm_name=None, name=None, version=None, identifier=None) -> Dict[str, Any]:
    hsm_name, name, version = _which(hsm_name, name, version, identifier)
    return views.key(context.provider(cmd.cli_ctx).get_key(hsm_name, name, version))


def list_(cmd, hsm_name=None, identifier=None, maxresults=None) -> List[Dict[str, Any]]:
    match = POOL_ID.match(identifier or "")
    pool = match.group(1) if match else hsm_name
    if not pool or (identifier and not match):
        raise UsageError("Say which pool: --hsm-name NAME, or --id URL.")
    found = context.provider(cmd.cli_ctx).list_keys(pool, maxresults)
    return [views.key_item(item) for item in found]


def delete(cmd, hsm_name=None, name=None, identifier=None) -> Dict[str, Any]:
    hsm_name, name, _ = _which(hsm_name, name, None, identifier)
    provider = context.provider(cmd.cli_ctx)
    context.sending(cmd.cli_ctx)
    return views.key(provider.delete_key(hsm_name, name))


def sign(cmd, algorithm, digest, hsm_name=None, name=None, version=None, identifier=None) -> Dict[str, Any]:
    hsm_name, name, version = _which(hsm_name, name, version, identifier)
    data = _from_base64(digest, "--digest")
    provider = context.provider(cmd.cli_ctx)
    return views.signature(provider.sign(hsm_name, name, version, algorithm, data), algorithm)


def verify(
    cmd, algorithm, digest, signature, hsm_name=None, name=None, version=None, identifier=None
) -> Dict[str, Any]:
    hsm_name, name, version = _which(hsm_name, name, version, identifier)
    data, signed = _from_base64(digest, "--digest"), _from_base64(signature, "--signature")
    provider = context.provider(cmd.cli_ctx)
    valid = provider.verify(hsm_name, name, version, algorithm, data, signed)
    key_id = _key_id(provider, hsm_name, name, version)
    return {"algorithm": algorithm, "isValid": valid, "keyId": key_id}


def _key_id(provider: Any, hsm_name: str, name: str, version: str) -> Optional[str]:
    """The full id, for those who may read keys; who may only verify gets none."""
    try:
        return provider.get_key(hsm_name, name, version)["key"]["kid"]
    except ForbiddenError:
        return None


def _which(
    hsm_name: Optional[str], name: Optional[str], version: Optional[str], identifier: Optional[str]
) -> Tuple[str, str, str]:
    """Pool, key and version, from ``--id`` or from their own options."""
    if identifier is not None:
        match = KEY_ID.match(identifier)
        if match is None:
            raise UsageError(f"--id is no key id: {identifier}")
        return match.group(1), match.group(2), match.group(3) or version or LATEST
    if not hsm_name or not name:
        raise UsageError("Say which key: --hsm-name NAME --name NAME, or --id URL.")
    return hsm_name, name, version or LATEST


def _given(values: Dict[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _from_base64(text: str, option: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"{option} is not base64: {error}") from error
