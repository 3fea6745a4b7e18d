"""What a region shows now of the objects that it holds: rows read from the store, merged."""

from __future__ import annotations

from typing import Optional, Sequence

from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import merge
from azext_mhsmregion.model.merge import Objects
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rows import Kind

RIGHTS = (Kind.ROLE_ASSIGNMENT, Kind.ROLE_DEFINITION)
KEYS = (Kind.KEY_VERSION, Kind.KEY_ATTRIBUTES, Kind.KEY_STATE, Kind.KEY_PURGE)


def shown(unit: Unit, pool: Pool, region: str, kinds: Sequence[Kind], name: Optional[str] = None) -> Objects:
    """What ``region`` shows now of some kinds (of one object's name)."""
    return merge.objects(merge.visible(unit.tx.rows(pool.id, region, kinds, name), unit.now))


def rights(unit: Unit, pool: Pool, region: str) -> Objects:
    """The role definitions and assignments that ``region`` shows now."""
    return shown(unit, pool, region, RIGHTS)


def key(unit: Unit, pool: Pool, region: str, name: str) -> Objects:
    """What ``region`` shows now of one key."""
    return shown(unit, pool, region, KEYS, name)


def settings(unit: Unit, pool: Pool, region: str) -> Objects:
    """The settings that ``region`` shows now."""
    return shown(unit, pool, region, (Kind.SETTING,))
