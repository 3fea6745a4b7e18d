"""Activation: a pool takes one security domain, a new one that is downloaded or that of another pool, which
is uploaded; and is active a little later (rules C4, K5, E6)."""

from __future__ import annotations

from typing import Tuple

from azext_mhsmregion.model import messages, recovery_messages
from azext_mhsmregion.model.errors import Conflict, Forbidden
from azext_mhsmregion.model.pool import Pool

MINIMUM_WRAPPING_KEYS = 3
MINIMUM_QUORUM = 2

ACTIVE = (
    "Active",
    "Your HSM has been activated and can be used for cryptographic operations.",
)
NOT_ACTIVATED = (
    "NotActivated",
    "Your HSM has been provisioned, but cannot be used for cryptographic operations until it is "
    "activated. To activate the HSM, download the security domain.",
)
"""Activation status and message, as recorded."""

_CONFIRMED, _RESTORED = "The Security Domain is being confirmed.", "The Security Domain is being restored."
"""What a download and an upload under way say of themselves, as recorded."""


def download(pool: Pool, now: int, duration: int) -> Pool:
    """Its own security domain is taken; active after ``duration``. Raises Conflict when it has
    one, or while the pool is being made."""
    if pool.activated is not None:
        taken = recovery_messages.domain_of_another if pool.uploaded else recovery_messages.downloaded_before
        raise Conflict(taken(pool.name), "SecurityDomainTaken")
    _refuse_busy(pool, now)
    return pool._replace(activated=now + duration)


def upload(pool: Pool, now: int, duration: int) -> Pool:
    """The same with the security domain of another pool."""
    refuse_upload(pool, now)
    return pool._replace(activated=now + duration, uploaded=True)


def refuse_upload(pool: Pool, now: int) -> None:
    """Raises Conflict where :func:`upload` would. No recording shows it: a pool takes one domain, once
    (K5), and the status and the words are ours."""
    if pool.activated is not None:
        raise Conflict(recovery_messages.has_security_domain(pool.name), "SecurityDomainTaken")
    _refuse_busy(pool, now)


def _refuse_busy(pool: Pool, now: int) -> None:
    if pool.is_busy(now):
        raise Conflict(messages.operation_under_way(pool.name, pool.provisioning_state(now)))


def status(pool: Pool, now: int) -> Tuple[str, str]:
    """Activation status and its message."""
    return ACTIVE if pool.is_active(now) else NOT_ACTIVATED


def pending(pool: Pool, now: int) -> Tuple[str, str]:
    """Status and details of the download or upload under way, as recorded."""
    if pool.is_active(now):
        return "Success", "The resource is active."
    return "InProgress", _RESTORED if pool.uploaded else _CONFIRMED


def require_active(pool: Pool, now: int) -> None:
    """The data plane refuses until then (C4)."""
    if not pool.is_active(now):
        raise Forbidden(messages.data_plane_not_activated(pool.name), "HsmNotActivated")
