"""Backups of what a region shows, sealed under the pool's security domain, and their contents taken back
(rules E7, K4). Private keys pass from the keyring into the seal and out of it again, and nowhere else."""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping

from azext_mhsmregion.crypto import backup_blob
from azext_mhsmregion.crypto.randomness import Random
from azext_mhsmregion.emulator import objects, saved, standing
from azext_mhsmregion.emulator.keyring import Keyring, domain_name
from azext_mhsmregion.emulator.saved import Contents
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import backup
from azext_mhsmregion.model.backup import Saved, SavedKey
from azext_mhsmregion.model.merge import Key
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rows import Kind, Row

Wrapped = Mapping[str, bytes]
"""Private keys by version, as they lie in the store."""


def of_pool(unit: Unit, pool: Pool, region: str, keyring: Keyring, job: str, random: Random) -> str:
    """Everything that a region shows now, sealed."""
    given = backup.saved(objects.shown(unit, pool, region, tuple(Kind)), unit.now)
    return _sealed(unit, pool, keyring, given, job, backup_blob.POOL, random)


def of_key(unit: Unit, pool: Pool, key: Key, keyring: Keyring, random: Random) -> str:
    """One key with all its versions, sealed."""
    given = Saved((backup.saved_key(key),), {}, {}, {})
    return _sealed(unit, pool, keyring, given, "", backup_blob.KEY, random)


def opened(unit: Unit, pool: Pool, keyring: Keyring, text: str, what: str) -> Contents:
    """What a backup holds. Raises BadBackup, OtherDomain."""
    return saved.decode(backup_blob.open_(_domain_key(unit, pool, keyring), text, what))


def wrapped(contents: Contents, keys: Iterable[SavedKey], keyring: Keyring) -> Wrapped:
    """The private keys of some keys in it, made ready for the store."""
    ids = [version for key in keys for version in key.ids]
    return {version: keyring.seal(version, contents.private[version]) for version in ids}


def keep(unit: Unit, pool: Pool, material: Wrapped) -> None:
    """Put private keys into the store, where the pool has them not still."""
    for version, one in material.items():
        if unit.tx.material(pool.id, version) is None:
            unit.tx.put_material(pool.id, version, one)


def held(unit: Unit, pool: Pool) -> List[Row]:
    """The rows of every region of the pool, seen there or not."""
    regions = standing.holding(unit, pool)
    return [row for region in regions for row in unit.tx.rows(pool.id, region)]


def _sealed(
    unit: Unit, pool: Pool, keyring: Keyring, given: Saved, job: str, what: str, random: Random
) -> str:
    private: Dict[str, bytes] = {}
    for version in (version for key in given.keys for version in key.ids):
        private[version] = _unsealed(unit, pool, keyring, version)
    plain = saved.encode(Contents(given, private, job))
    return backup_blob.seal(_domain_key(unit, pool, keyring), plain, what, random)


def _domain_key(unit: Unit, pool: Pool, keyring: Keyring) -> bytes:
    """The key that the pool's security domain carries: an active pool has one (C4)."""
    return _unsealed(unit, pool, keyring, domain_name(pool.id))


def _unsealed(unit: Unit, pool: Pool, keyring: Keyring, name: str) -> bytes:
    there = unit.tx.material(pool.id, name)
    if there is None:
        raise KeyError(name)
    return keyring.unseal(name, there)
