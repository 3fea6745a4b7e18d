"""Activation: a pool takes one security domain, and is active a little later (rules C4, K5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Tuple

from azext_mhsmregion.model import messages
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


def download(pool: Pool, now: int, duration: int) -> Pool:
    """The security domain is taken; active after ``duration``. Raises Conflict when one was
    taken before, or while the pool is being made."""
    if pool.activated is not None:
        raise Conflict(f"The security domain of {pool.name} was downloaded before.", "SecurityDomainTaken")
    if pool.is_busy(now):
        raise Conflict(messages.operation_under_way(pool.name, pool.provisioning_state(now)))
    return replace(pool, activated=now + duration)


def status(pool: Pool, now: int) -> Tuple[str, str]:
    """Activation status and its message."""
    return ACTIVE if pool.is_active(now) else NOT_ACTIVATED


def pending(pool: Pool, now: int) -> Tuple[str, str]:
    """Status and details of the download under way, as recorded."""
    if pool.is_active(now):
        return "Success", "The resource is active."
    return "InProgress", "The Security Domain is being confirmed."


def require_active(pool: Pool, now: int) -> None:
    """The data plane refuses until then (C4)."""
    if not pool.is_active(now):
        raise Forbidden(messages.data_plane_not_activated(pool.name), "HsmNotActivated")
