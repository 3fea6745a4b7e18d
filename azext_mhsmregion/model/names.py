"""Names of pools and keys (rule C3, facts of the service's limits)."""

from __future__ import annotations

import re

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Invalid

_POOL = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")
_KEY = re.compile(r"[0-9A-Za-z-]{1,127}")


def pool_name_is_valid(name: str) -> bool:
    """3 to 24 letters, digits and hyphens, no two hyphens in a row."""
    return bool(_POOL.fullmatch(name)) and "--" not in name


def check_pool_name(name: str) -> None:
    """Raises Invalid for a malformed pool name."""
    if not pool_name_is_valid(name):
        raise Invalid(messages.malformed_name(name), code="VaultNameNotValid")


def check_key_name(name: str) -> None:
    """Raises Invalid for a malformed key name."""
    if not _KEY.fullmatch(name):
        raise Invalid(
            f"The request URI contains an invalid name: {name}. "
            "A key's name has 1 to 127 letters, digits and hyphens.",
            code="BadParameter",
        )
