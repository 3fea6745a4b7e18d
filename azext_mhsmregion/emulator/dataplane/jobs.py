"""Backups and restores under way: accepted with 202, polled without api-version (rules E7, K5; recorded in
golden/hsm_full_backup_restore.json). A selective restore is polled as a full one."""

from __future__ import annotations

from typing import Sequence

from azext_mhsmregion.emulator.dataplane.frame import Visit
from azext_mhsmregion.emulator.routes import Router
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model import jobs, recovery_messages
from azext_mhsmregion.model.errors import NotFound
from azext_mhsmregion.model.pool import Operation, Pool


def register(router: Router) -> None:
    """Routes of this file."""
    router.add("GET", "/backup/{job}/pending")(backup_pending)
    router.add("GET", "/restore/{job}/pending")(restore_pending)


def new(visit: Visit, unit: Unit, pool: Pool, kind: str, result: str = "", job: str = "") -> Operation:
    """A job that begins now and ends as the profile says; a check has ended as soon as it is answered."""
    job = job or new_id(visit)
    made = Operation(job, kind, pool.id, visit.region, unit.now, unit.now, result=result)
    if kind in (jobs.PRE_BACKUP, jobs.PRE_RESTORE):
        return made
    planned = unit.now + unit.profile.of(jobs.duration(kind))
    return jobs.ending(made._replace(planned=planned), unit.faults, unit.now)


def new_id(visit: Visit) -> str:
    """A job's id, as recorded without hyphens."""
    return visit.ask.parts.sources.new_id().replace("-", "")


def accepted(visit: Visit, unit: Unit, job: Operation) -> Response:
    """202 with where to poll; remembers the job."""
    unit.tx.put_operation(job)
    which = "backup" if job.kind in jobs.BACKUPS else "restore"
    url = f"https://{visit.host_as_named}/{which}/{job.id}/pending"
    return json_response(202, jobs.status(job, unit.now), (("azure-asyncoperation", url),))


def backup_pending(visit: Visit, job: str) -> Response:
    return _pending(visit, job, jobs.BACKUPS, "backup/status/action")


def restore_pending(visit: Visit, job: str) -> Response:
    """The one request that restore mode leaves (documented)."""
    return _pending(visit.while_restoring(), job, jobs.RESTORES, "restore/status/action")


def _pending(visit: Visit, job: str, kinds: Sequence[str], action: str) -> Response:
    """One poll. Under the manual clock it may advance service time to the job's end."""
    with visit.reading(action, "/") as (unit, pool):
        found = unit.tx.operation(job)
        if found is None or found.pool != pool.id or found.kind not in kinds:
            raise NotFound(recovery_messages.no_such_job(job), "JobNotFound")
        if not (found.running(unit.now) and unit.advances_on_poll):
            return json_response(200, jobs.status(found, unit.now))
    with visit.recording("poll", action, "/") as (unit, _):
        unit.advance_to(found.done)
        return json_response(200, jobs.status(found, unit.now))
