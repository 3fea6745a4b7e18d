"""Backup and restore of a single key on the wire (rules K4, L1; recorded in
golden/hsm_key_using_hsm_name.json, exchanges 17 and 22)."""

from __future__ import annotations

from azext_mhsmregion.crypto import b64url, backup_blob
from azext_mhsmregion.crypto.errors import BadBackup, OtherDomain
from azext_mhsmregion.emulator import acceptance, backups, objects, parse
from azext_mhsmregion.emulator.dataplane import bodies
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.saved import Contents
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import backup, keys, recovery_messages
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.pool import Pool

RESTORE = "keys/restore/action"


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("POST", "/keys/restore")(restore_key)
    router.add("POST", "/keys/{name}/backup")(backup_key)


def backup_key(visit: Visit, name: str) -> Response:
    """A key that is not deleted, with all its versions."""
    with visit.reading("keys/backup/action", f"/keys/{name}") as (unit, pool):
        key = keys.live(objects.key(unit, pool, visit.region, name), name, unit.now)
        text = backups.of_key(unit, pool, key, visit.keyring, visit.ask.parts.sources.random)
    return json_response(200, {"value": b64url.encode(text.encode("ascii"))})


def restore_key(visit: Visit) -> Response:
    """Under its own name, where that is free. Who may is asked of all keys: the name stands inside."""
    with visit.reading(RESTORE, "/keys") as (unit, pool):
        contents = _opened(visit, unit, pool, parse.required(parse.body(visit.ask.request), "value", str))
    (key,) = contents.saved.keys
    material = backups.wrapped(contents, [key], visit.keyring)
    with visit.writing("key", RESTORE, "/keys") as (unit, pool):
        writes = backup.key_restore(key, objects.key(unit, pool, visit.region, key.name), unit.now)
        pool = acceptance.accept(unit, pool, visit.region, writes)
        backups.keep(unit, pool, material)
        there = objects.key(unit, pool, visit.region, key.name).keys[key.name]
        return json_response(200, bodies.key_body(visit.host_url, pool, key.name, there.current))


def _opened(visit: Visit, unit: Unit, pool: Pool, value: str) -> Contents:
    """Raises Invalid for what is no backup of a key, or one of another security domain (K4)."""
    try:
        text = b64url.decode(value).decode("ascii")
        return backups.opened(unit, pool, visit.keyring, text, backup_blob.KEY)
    except OtherDomain as error:
        raise Invalid(recovery_messages.foreign_key_backup(pool.name), "BadParameter") from error
    except (BadBackup, ValueError) as error:
        raise Invalid(recovery_messages.damaged_key_backup(), "BadParameter") from error
