"""Backups and restores as jobs: one at a time, in the region that took it, for as long as the profile says
(rule E7; facts/limits.json: ``full_backup_concurrent``, ``full_restore_needs_backup_within_minutes``)."""

from __future__ import annotations

from typing import Any, Dict, Optional

from azext_mhsmregion.model import recovery_messages
from azext_mhsmregion.model.clock import SECOND
from azext_mhsmregion.model.errors import Conflict
from azext_mhsmregion.model.faults import Faults, destroyed_at
from azext_mhsmregion.model.lifecycle import refuse_busy
from azext_mhsmregion.model.pool import Operation, Pool

BACKUP, PRE_BACKUP = "backup", "prebackup"
RESTORE, PRE_RESTORE, KEY_RESTORE = "restore", "prerestore", "key-restore"
BACKUPS = (BACKUP, PRE_BACKUP)
RESTORES = (RESTORE, PRE_RESTORE, KEY_RESTORE)

BACKUP_WITHIN_MINUTES = 30
"""A full restore asks for a full backup of its pool that is no older."""


def refuse_another(pool: Pool, now: int) -> None:
    """One backup or restore at a time. Raises Conflict."""
    if pool.backup is not None and pool.backup.running(now):
        raise Conflict(recovery_messages.backup_under_way(pool.name))
    if pool.restore is not None and pool.restore.running(now):
        raise Conflict(recovery_messages.restore_under_way(pool.name))


def check_full_restore(pool: Pool, now: int) -> None:
    """Raises Conflict while an operation of the control plane runs (E2), and without a recent backup of the
    pool as it is: the way back."""
    refuse_busy(pool, now)
    last = pool.backup
    oldest = now - BACKUP_WITHIN_MINUTES * 60 * SECOND
    if last is None or last.failure is not None or last.done < oldest:
        raise Conflict(recovery_messages.restore_needs_backup(pool.name, BACKUP_WITHIN_MINUTES))


def begun(pool: Pool, job: Operation) -> Pool:
    """The record with a job accepted: the backup or the restore that runs."""
    return pool._replace(backup=job) if job.kind == BACKUP else pool._replace(restore=job)


def duration(kind: str) -> str:
    """The profile's name for how long such a job takes."""
    return "backup" if kind == BACKUP else "restore"


def ending(job: Operation, faults: Faults, now: int) -> Operation:
    """The job as the faults let it end: it fails when its region is destroyed, now or by plan. An outage
    that passes does not hold it up: what a restore writes is accepted as it begins."""
    done = max(now, job.planned)
    death = destroyed_at(faults, job.pool, job.location)
    if death is None or death >= done:
        return job._replace(done=done, failure=None)
    return job._replace(done=max(now, death), failure=recovery_messages.destroyed_meanwhile(job.location))


def status(job: Operation, now: int) -> Dict[str, Any]:
    """As recorded: ``azureStorageBlobContainerUri`` of backups only, null until they have succeeded."""
    running = job.running(now)
    failed = not running and job.failure is not None
    shown: Dict[str, Any] = {
        "status": "InProgress" if running else "Failed" if failed else "Succeeded",
        "statusDetails": job.failure if failed else None,
        "error": _error(job.failure) if failed else None,
        "startTime": job.accepted // SECOND,
        "endTime": None if running else job.done // SECOND,
        "jobId": job.id,
    }
    if job.kind in BACKUPS:
        shown["azureStorageBlobContainerUri"] = None if running or failed else job.result or None
    return shown


def _error(failure: Optional[str]) -> Dict[str, Any]:
    return {"code": "Failed", "message": failure, "innererror": None}
