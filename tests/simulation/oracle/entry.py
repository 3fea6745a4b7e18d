"""One acknowledged write as the oracle keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple

from azext_mhsmregion.model.replication import Row

from ..memory import family, write_id

if TYPE_CHECKING:
    from .book import Stay


class Entry:
    """``home`` is the stay that accepted it, ``number`` its place in that log. ``shown``: since when each
    stay shows it. ``lost`` is when no living region had it any more, ``told`` that the audit log says so with
    a removal, ``ended`` that a purge that every
    region shows let it go."""

    __slots__ = (
        "identity", "group", "kind", "version", "order", "home", "number", "accepted", "lag", "tombstone",
        "body", "shown", "lost", "told", "ended",
    )  # fmt: skip

    def __init__(self, row: Row, home: Stay, number: int) -> None:
        self.identity = write_id(row)
        self.group = (family(row.kind), row.name)
        self.kind = row.kind
        self.version = row.version
        self.order: Tuple[int, str] = (row.stamp.hlc, row.stamp.origin)
        self.home = home
        self.number = number
        self.accepted = row.accepted
        self.lag = row.lag
        self.tombstone = row.tombstone
        self.body: Mapping[str, Any] = row.body
        self.shown: Dict[Stay, int] = {home: row.accepted}
        self.lost: Optional[int] = None
        self.told = False
        self.ended = False

    @property
    def object(self) -> Tuple[str, str, str]:
        """What it is a write of."""
        return (self.kind.value, self.group[1], self.version)
