"""Storage containers as folders of the home: ``storage/ACCOUNT.blob.SUFFIX/CONTAINER/FOLDER``, owner-only.
There is no Azure storage here. A container is there as soon as something is written to it, and what lies in
it outlives the pool that it is of. SAS tokens are taken and not verified."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from azext_mhsmregion.emulator import files
from azext_mhsmregion.model import recovery_messages
from azext_mhsmregion.model.errors import Invalid

FOLDER = "storage"
_BLOB = "backup.jwe"
_CONTAINER = re.compile(
    r"https://(?P<host>[a-z0-9]{3,24}\.blob(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+)"
    r"/(?P<name>(?=[a-z0-9-]{3,63}/?$)[a-z0-9]+(?:-[a-z0-9]+)*)/?",
    re.IGNORECASE,
)
"""Names of accounts and containers by the rules of Azure storage."""

_NAME = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
"""Of a folder that a backup makes."""


@dataclass(frozen=True)
class Container:
    """A container by its address, without a slash at the end."""

    uri: str
    path: Path

    def put(self, folder: str, text: str) -> None:
        """Write the blob of a backup, whole or not at all."""
        files.replace_private(self.path / folder / _BLOB, text.encode("ascii"), "backup")

    def get(self, folder: str) -> Optional[str]:
        """The blob of a backup, None where there is none."""
        if _NAME.fullmatch(folder) is None:
            return None
        try:
            return (self.path / folder / _BLOB).read_bytes().decode("ascii", "replace")
        except FileNotFoundError:
            return None


def container(home: Path, uri: str) -> Container:
    """The container that ``uri`` names. Raises Invalid."""
    found = _CONTAINER.fullmatch(uri)
    if found is None:
        raise Invalid(recovery_messages.not_a_container(uri), "BadParameter")
    return Container(uri.rstrip("/"), home / FOLDER / found["host"].lower() / found["name"].lower())
