"""What the Entra and Graph handlers need of their home."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Callable

from azext_mhsmregion.emulator.directory import Directory
from azext_mhsmregion.emulator.entra.tokens import Tokens

SHARED_TENANTS = ("common", "organizations")
"""Names that stand for whatever tenant somebody belongs to."""


def _random_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class EntraContext:
    """``now`` is real time in seconds since 1970 (DESIGN section 3: real time rules tokens);
    ``new_id`` makes the trace ids of error bodies."""

    directory: Directory
    tokens: Tokens
    now: Callable[[], float]
    new_id: Callable[[], str] = field(default=_random_id)
