"""Full and selective restore on the wire, and the check before a full one (rules E7, L6; recorded in
golden/hsm_full_backup_restore.json). A restore is a set of writes that its region accepts as it begins; while
a full one runs the pool is in restore mode in all its regions."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

from azext_mhsmregion.crypto import backup_blob
from azext_mhsmregion.crypto.errors import BadBackup, OtherDomain
from azext_mhsmregion.emulator import acceptance, backups, objects, parse
from azext_mhsmregion.emulator.dataplane import jobs as pending
from azext_mhsmregion.emulator.dataplane import storage
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.saved import Contents
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response
from azext_mhsmregion.model import backup, jobs, recovery_messages
from azext_mhsmregion.model.errors import Conflict, Invalid, NotFound
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rows import Kind, Row, Write

START = "restore/start/action"


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("PUT", "/restore")(full)
    router.add("PUT", "/prerestore")(check)
    router.add("PUT", "/keys/{name}/restore")(one_key)


def full(visit: Visit) -> Response:
    """Everything in the pool gives way to what the backup holds (documented)."""
    visit = visit.while_restoring()
    with visit.reading(START, "/") as (unit, pool):
        contents = _for_everything(visit, unit, pool)
    material = backups.wrapped(contents, contents.saved.keys, visit.keyring)
    with visit.writing("restore", START, "/") as (unit, pool):
        _may_be_replaced(unit, pool)
        held = backups.held(unit, pool)
        stay = backup.lockout_guard(objects.rights(unit, pool, visit.region), pool.administrators)
        writes = backup.full_restore(contents.saved, held, stay)
        answer = _begun(visit, unit, pool, jobs.RESTORE, writes, material)
    visit.keyring.forget(_versions(held))
    return answer


def check(visit: Visit) -> Response:
    """Could a full restore begin now? Refused as one would be, else a job that has succeeded."""
    visit = visit.while_restoring()
    with visit.writing("restore", START, "/") as (unit, pool):
        _for_everything(visit, unit, pool)
        return pending.accepted(visit, unit, pending.new(visit, unit, pool, jobs.PRE_RESTORE))


def one_key(visit: Visit, name: str) -> Response:
    """One key with all its versions, where its name is free; the pool goes on meanwhile."""
    visit = visit.while_restoring()
    with visit.reading(START, "/") as (unit, pool):
        jobs.refuse_another(pool, unit.now)
        contents = _contents(visit, unit, pool, "folder")
    key = contents.saved.key(name)
    if key is None:
        folder = parse.required(parse.body(visit.ask.request), "folder", str)
        raise NotFound(recovery_messages.not_in_backup(name, folder), "KeyNotFound")
    material = backups.wrapped(contents, [key], visit.keyring)
    with visit.writing("restore", START, "/") as (unit, pool):
        jobs.refuse_another(pool, unit.now)
        writes = backup.key_restore(key, objects.key(unit, pool, visit.region, name), unit.now)
        return _begun(visit, unit, pool, jobs.KEY_RESTORE, writes, material)


def _for_everything(visit: Visit, unit: Unit, pool: Pool) -> Contents:
    _may_be_replaced(unit, pool)
    return _contents(visit, unit, pool, "folderToRestore")


def _may_be_replaced(unit: Unit, pool: Pool) -> None:
    jobs.refuse_another(pool, unit.now)
    jobs.check_full_restore(pool, unit.now)


def _begun(
    visit: Visit, unit: Unit, pool: Pool, kind: str, writes: Sequence[Write], material: backups.Wrapped
) -> Response:
    """Accept the writes with their job. Material comes behind them: what is purged, and was made again now,
    keeps it."""
    job = pending.new(visit, unit, pool, kind)
    is_full = kind == jobs.RESTORE
    pool = acceptance.accept(unit, jobs.begun(pool, job), visit.region, writes, above_all=is_full)
    backups.keep(unit, pool, material)
    facts = {"origin": visit.region, "job": job.id, "writes": len(writes)}
    unit.tx.put_event(pool.name, kind, unit.now, unit.real, facts)
    return pending.accepted(visit, unit, job)


def _contents(visit: Visit, unit: Unit, pool: Pool, member: str) -> Contents:
    """The backup that a request names. Raises NotFound, Invalid for one that is damaged or of another
    security domain (K4), Conflict for one that has not finished, or failed."""
    body = parse.body(visit.ask.request)
    given: Mapping[str, Any] = parse.required(body, "sasTokenParameters", dict)
    where, folder = storage.of(visit, pool, given), parse.required(body, member, str)
    text = where.get(folder)
    if text is None:
        raise NotFound(recovery_messages.no_such_backup(folder, where.uri), "BackupNotFound")
    try:
        contents = backups.opened(unit, pool, visit.keyring, text, backup_blob.POOL)
    except OtherDomain as error:
        raise Invalid(recovery_messages.foreign_backup(folder, pool.name), "BadParameter") from error
    except BadBackup as error:
        raise Invalid(recovery_messages.damaged_backup(folder), "BadParameter") from error
    job = unit.tx.operation(contents.job)
    if job is not None and (job.running(unit.now) or job.failure is not None):
        raise Conflict(recovery_messages.unfinished_backup(folder))
    return contents


def _versions(rows: Sequence[Row]) -> List[str]:
    return [row.version for row in rows if row.kind is Kind.KEY_VERSION]
