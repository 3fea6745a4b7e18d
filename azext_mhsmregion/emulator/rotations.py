"""Rotations that are due are written before anything else of a pool's data plane, dated when they were due
(rule E8; DESIGN section 2: the one write that a read makes). Material is made outside the transaction, and
what is due looked up again inside, so that a race makes none twice."""

from __future__ import annotations

from typing import Collection, Dict, Iterable, List, Mapping, Optional, Tuple

from azext_mhsmregion.emulator import acceptance, objects
from azext_mhsmregion.emulator.frame import Parts
from azext_mhsmregion.emulator.keyring import Keyring
from azext_mhsmregion.emulator.objects import KEYS
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import merge, rotation
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.keys import KeyHandle, KeyRequest
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rotation import Due, Held
from azext_mhsmregion.model.rows import Kind

Material = Mapping[Tuple[str, str], Tuple[KeyHandle, bytes]]
"""What was made for the rotation of a key (name, version that it is of)."""


def catch_up(parts: Parts, pool_id: str, keyring: Keyring) -> None:
    """Write every rotation of a pool that is due by now."""
    while True:
        with parts.reading() as unit:
            pool = _overdue(unit, pool_id)
            if pool is None:
                return
            asked = {(one.name, one.version): _asked(unit, pool, one) for one in _due(unit, pool)}
        made = {which: keyring.make(request) for which, request in asked.items()}
        with parts.writing("key") as unit:
            pool = _overdue(unit, pool_id)
            if pool is not None:
                _write(unit, pool, made)


def awaiting(unit: Unit, pool: Pool, names: Collection[str]) -> Pool:
    """The record with the instant before which no rotation is due, once some keys were written to."""
    found = rotation.due(pool, _held(unit, pool, names), unit.faults, unit.now, NEVER - 1)
    instants = [one.instant for one in found[:1]]
    return pool._replace(
        rotation_due=min([NEVER if pool.rotation_due is None else pool.rotation_due, *instants])
    )


def _overdue(unit: Unit, pool_id: str) -> Optional[Pool]:
    """The pool while something may be due in it, None: nothing is."""
    pool = unit.tx.pool_by_id(pool_id)
    if pool is None or pool.rotation_due is None or pool.rotation_due > unit.now:
        return None
    return pool


def _due(unit: Unit, pool: Pool) -> List[Due]:
    """What is due first, and what is within the shortest time after it: one of each key, in the order in
    which it was due (L3)."""
    assert pool.rotation_due is not None
    held = _held(unit, pool, _with_policy(unit, pool))
    found = rotation.due(pool, held, unit.faults, pool.rotation_due, unit.now)
    return [one for one in found if one.instant < found[0].instant + rotation.SHORTEST]


def _asked(unit: Unit, pool: Pool, due: Due) -> KeyRequest:
    with unit.dated(due.instant):
        key = objects.key(unit, pool, due.region, due.name).keys[due.name]
        return rotation.like(key, due.instant)


def _write(unit: Unit, pool: Pool, made: Material) -> None:
    """Accept what is due, as far as there is material for it, and note when the next one is due."""
    former = pool.former  # as it is now: an earlier instant knows less of what is gone
    for due in _due(unit, pool):
        handle, wrapped = made.get((due.name, due.version), (None, b""))
        if handle is None or not rotation.fits(_asked(unit, pool, due), handle):
            break  # another thread has written meanwhile: look again
        pool = _rotate(unit, pool, due, handle, wrapped)
    held = _held(unit, pool, _with_policy(unit, pool))
    left = rotation.due(pool, held, unit.faults, pool.rotation_due or 0, NEVER - 1)
    following = min((one.instant for one in left), default=NEVER)
    unit.tx.put_pool(pool._replace(rotation_due=following, former=former))


def _rotate(unit: Unit, pool: Pool, due: Due, handle: KeyHandle, wrapped: bytes) -> Pool:
    with unit.dated(due.instant):
        key = objects.key(unit, pool, due.region, due.name).keys[due.name]
        unit.tx.put_material(pool.id, handle.version, wrapped)
        pool = acceptance.accept(unit, pool, due.region, [rotation.rotated(key, handle, unit.now)])
        facts = {"key": due.name, "origin": due.region, "version": handle.version}
        unit.tx.put_event(pool.name, "rotated", unit.now, unit.real, facts)
        return pool


def _with_policy(unit: Unit, pool: Pool) -> List[str]:
    """The names of the keys that have, or had, a rotation policy anywhere."""
    names: Dict[str, None] = {}
    for region in _regions(unit, pool):
        rows = unit.tx.rows(pool.id, region, (Kind.KEY_ATTRIBUTES,))
        names.update((row.name, None) for row in rows if merge.is_policy(row))
    return sorted(names)


def _held(unit: Unit, pool: Pool, names: Iterable[str]) -> Held:
    regions = _regions(unit, pool)
    return {name: {one: unit.tx.rows(pool.id, one, KEYS, name) for one in regions} for name in names}


def _regions(unit: Unit, pool: Pool) -> List[str]:
    return [region.name for region in pool.regions if region.holds_data(unit.now)]
