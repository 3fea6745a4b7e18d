"""What a request says of storage: the container's address, and how it is to be opened. A token is taken and
not verified, nor is the right of a managed identity."""

from __future__ import annotations

from typing import Any, Mapping

from azext_mhsmregion.emulator import containers, parse
from azext_mhsmregion.emulator.containers import Container
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.model import recovery_messages
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.pool import Pool


def of(visit: Visit, pool: Pool, body: Mapping[str, Any]) -> Container:
    """The container. Raises Invalid for an address that is none, without a token, and with the managed
    identity of a pool that has no user-assigned one (documented)."""
    uri = parse.required(body, "storageResourceUri", str)
    if parse.optional(body, "useManagedIdentity", bool):
        if not pool.identity.users:
            raise Invalid(recovery_messages.no_storage_identity(pool.name), "BadParameter")
    elif not parse.optional(body, "token", str):
        raise Invalid(recovery_messages.NO_STORAGE_ACCESS, "BadParameter")
    return containers.container(visit.ask.parts.home, uri)
