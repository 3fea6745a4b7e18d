"""Provisioning states by what they mean, in lower case: the service's spelling is not relied on
(rule C4b for regions)."""

from __future__ import annotations

from typing import FrozenSet

COMING: FrozenSet[str] = frozenset({"preprovisioning", "provisioning"})
LEAVING: FrozenSet[str] = frozenset({"deleting", "cleanup"})
SUCCEEDED = "succeeded"
FAILED = "failed"

CHANGING_REGION = COMING | LEAVING
CHANGING_POOL: FrozenSet[str] = frozenset({"provisioning", "updating", "deleting", "restoring"})
UNBILLED = CHANGING_REGION | {FAILED}
"""An extended region is billed from Succeeded until its removal is accepted (rule B2, E5)."""

IN_PROGRESS = CHANGING_REGION | CHANGING_POOL | {"creating"}
"""Any resource's, as the answer to a poll shows it."""
ENDED_BADLY = frozenset({FAILED, "canceled", "cancelled"})
