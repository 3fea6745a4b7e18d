"""Writes, and the rows that regions hold of them (rules L1 to L6; DESIGN section 2). Times are service
time in milliseconds."""

from __future__ import annotations

import enum
from typing import Any, Mapping, NamedTuple, Tuple


class Kind(str, enum.Enum):
    """What a row describes. Order of merging differs by kind (rule L6, ``merge.py``)."""

    KEY_VERSION = "key_version"
    KEY_ATTRIBUTES = "key_attributes"
    KEY_STATE = "key_state"
    KEY_PURGE = "key_purge"
    ROLE_DEFINITION = "role_definition"
    ROLE_ASSIGNMENT = "role_assignment"
    SETTING = "setting"


Object = Tuple[Kind, str, str]
"""What a row describes, whatever its stamp: kind, name, version."""


class Stamp(NamedTuple):
    """Hybrid logical time and the region that accepted the write: a total order (L6)."""

    hlc: int
    origin: str


class Write(NamedTuple):
    """One object as a command wants it. ``version`` is a key's version, the version that an
    attribute, state or policy is anchored to, or empty. ``body`` is immutable once accepted."""

    kind: Kind
    name: str
    version: str = ""
    body: Mapping[str, Any] = {}
    tombstone: bool = False


class Row(NamedTuple):
    """A write as one region holds it. ``via`` is the region that seeded it (E1); empty: its origin
    sends it."""

    region: str
    kind: Kind
    name: str
    version: str
    stamp: Stamp
    accepted: int
    lag: int
    visible_from: int
    tombstone: bool
    body: Mapping[str, Any]
    via: str = ""

    @property
    def object(self) -> Object:
        """What the row describes, whatever its stamp."""
        return (self.kind, self.name, self.version)


Links = Mapping[Tuple[str, str], int]
"""(origin, region) → the latest ``visible_from`` handed out on that link, so far."""
