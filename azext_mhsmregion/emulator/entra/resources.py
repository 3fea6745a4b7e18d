"""The resources that tokens are issued for, and how a request names one."""

from __future__ import annotations

from typing import Mapping

from azext_mhsmregion.emulator.entra import errors
from azext_mhsmregion.emulator.hosts import CONTROL_HOST

KNOWN = (
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://managedhsm.azure.net",
    "https://graph.microsoft.com",
    f"https://{CONTROL_HOST}",
)
"""Without a slash at the end. The last is the emulator's own API, which takes its owner's tokens alone."""

OPENID_SCOPES = ("openid", "profile", "email", "offline_access")
_GRAPH = "https://graph.microsoft.com"
_DEFAULT = "/.default"


def is_known(resource: str) -> bool:
    """Is ``resource`` one of ours, with or without a slash at the end?"""
    return resource.rstrip("/") in KNOWN


def asked(form: Mapping[str, str], is_v2: bool, tenant: str, delegated: bool = False) -> str:
    """The resource that a token request asks for: ``resource`` (v1) or ``scope`` (v2).
    ``delegated``: for a user, whose scopes may name single rights. Raises EntraError."""
    if is_v2:
        of_scope = _of_users_scope if delegated else _of_scope
        resource = of_scope(form.get("scope", ""))
    else:
        resource = form.get("resource", "")
        if not resource:
            raise errors.missing_parameter("resource")
    if not is_known(resource):
        raise errors.unknown_resource(resource, tenant)
    return resource


def _of_scope(text: str) -> str:
    """``https://management.core.windows.net//.default`` is the resource
    ``https://management.core.windows.net/``: only the suffix goes."""
    scopes = [scope for scope in text.split() if scope not in OPENID_SCOPES]
    if not scopes:
        raise errors.missing_parameter("scope")
    if len(scopes) > 1 or not scopes[0].endswith(_DEFAULT):
        raise errors.invalid_scope(text)
    return scopes[0][: -len(_DEFAULT)]


def _of_users_scope(text: str) -> str:
    """Scopes without a resource (``User.Read``, or none) are Graph's."""
    scopes = [scope for scope in text.split() if scope not in OPENID_SCOPES]
    found = {scope.rpartition("/")[0] or _GRAPH for scope in scopes} or {_GRAPH}
    if len(found) > 1:
        raise errors.invalid_scope(text)
    return found.pop()
