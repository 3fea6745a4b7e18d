"""Users sign in with their passwords of the directory."""

from __future__ import annotations

import hmac
from typing import Mapping

from azext_mhsmregion.emulator.directory import Principal
from azext_mhsmregion.emulator.entra import errors
from azext_mhsmregion.emulator.entra.context import EntraContext


def by_password(form: Mapping[str, str], context: EntraContext) -> Principal:
    """The user of ``username`` and ``password``. Raises EntraError."""
    for name in ("username", "password"):
        if not form.get(name):
            raise errors.missing_parameter(name)
    user = context.directory.by_user_principal_name(form["username"])
    if user is None:
        raise errors.unknown_user(form["username"], context.directory.tenant_id)
    if user.password is None or not hmac.compare_digest(form["password"].encode(), user.password.encode()):
        raise errors.wrong_password()
    return user
