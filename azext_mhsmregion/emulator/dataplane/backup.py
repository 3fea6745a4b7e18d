"""Full backup on the wire, and the check before it (rule E7; golden/hsm_full_backup_restore.json).
What the region shows as the job is accepted is what the backup holds; it can be restored once the job has
ended."""

from __future__ import annotations

from datetime import datetime, timezone

from azext_mhsmregion.emulator import acceptance, backups, parse
from azext_mhsmregion.emulator.dataplane import jobs as pending
from azext_mhsmregion.emulator.dataplane import storage
from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.wire import Response
from azext_mhsmregion.model import jobs

START = "backup/start/action"
_CENTISECOND = 10


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("POST", "/backup")(start)
    router.add("POST", "/prebackup")(check)


def start(visit: Visit) -> Response:
    """The blob is there before the job is: one that is cut off leaves a folder that nobody was told of."""
    with visit.while_restoring().recording("backup", START, "/") as (unit, pool):
        jobs.refuse_another(pool, unit.now)
        where = storage.of(visit, pool, parse.body(visit.ask.request))
        folder, job = _folder(pool.name, unit.now), pending.new_id(visit)
        random = visit.ask.parts.sources.random
        where.put(folder, backups.of_pool(unit, pool, visit.region, visit.keyring, job, random))
        made = pending.new(visit, unit, pool, jobs.BACKUP, f"{where.uri}/{folder}", job)
        acceptance.record(unit, jobs.begun(pool, made))
        facts = {"origin": visit.region, "job": job, "folder": made.result}
        unit.tx.put_event(pool.name, "backup", unit.now, unit.real, facts)
        return pending.accepted(visit, unit, made)


def check(visit: Visit) -> Response:
    """Could a backup begin now? Refused as one would be, else a job that has succeeded."""
    with visit.while_restoring().recording("backup", START, "/") as (unit, pool):
        jobs.refuse_another(pool, unit.now)
        storage.of(visit, pool, parse.body(visit.ask.request))
        return pending.accepted(visit, unit, pending.new(visit, unit, pool, jobs.PRE_BACKUP))


def _folder(pool: str, now: int) -> str:
    """``mhsm-NAME-YYYYMMDDhhmmss`` and two digits more: hundredths, as the recorded times say."""
    seconds, milliseconds = divmod(now, 1000)
    moment = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%d%H%M%S")
    return f"mhsm-{pool}-{moment}{milliseconds // _CENTISECOND:02d}"
