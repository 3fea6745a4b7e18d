"""One acknowledged write as the oracle keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple

from azext_mhsmregion.model.replication import Row

from ..memory import family, write_id

if TYPE_CHECKING:
    from .book import Stay


POLICY = "rotationpolicy:"
"""Before the version in a write of a rotation policy."""


class Entry:
    """``home`` is the stay that accepted it, ``number`` its place in that log, ``serial``
    in all that the pool acknowledged. ``shown``: since when each
    stay shows it. ``lost`` is when no living region had it any more, ``told`` that the audit log says so with
    a removal, ``ended`` that a purge that every
    region shows let it go."""

    __slots__ = (
        "identity", "group", "kind", "version", "order", "home", "number", "serial", "accepted", "lag",
        "tombstone", "body", "shown", "lost", "told", "ended",
    )  # fmt: skip

    def __init__(self, row: Row, home: Stay, number: int, serial: int) -> None:
        self.identity = write_id(row)
        self.group = (family(row.kind), row.name)
        self.kind = row.kind
        self.version = row.version
        self.order: Tuple[int, str] = (row.stamp.hlc, row.stamp.origin)
        self.home = home
        self.number = number
        self.serial = serial
        self.accepted = row.accepted
        self.lag = row.lag
        self.tombstone = row.tombstone
        self.body: Mapping[str, Any] = row.body
        self.shown: Dict[Stay, int] = {home: row.accepted}
        self.lost: Optional[int] = None
        self.told = False
        self.ended = False

    @property
    def is_policy(self) -> bool:
        return self.version.startswith(POLICY)

    @property
    def anchor(self) -> str:
        """The version that it hangs on."""
        return self.version[len(POLICY) :] if self.is_policy else self.version

    @property
    def object(self) -> Tuple[str, str, str]:
        """What it is a write of."""
        return (self.kind.value, self.group[1], self.version)
