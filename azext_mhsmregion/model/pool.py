"""A pool's control record: its regions, partitions, operations and deletion, and what they are
at an instant (rules A1, A2, C2, C4, E1, E3, E5, D4). Service time in milliseconds."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Optional, Tuple

from azext_mhsmregion.model.billing import BilledSpan
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.partition import PARTITIONS, Partition
from azext_mhsmregion.model.rows import Links


class PoolRegion(NamedTuple):
    """One region of a pool. ``accepted`` and ``ready`` are when its provisioning was accepted
    and ends, ``failed`` whether it ends in Failed (E5), ``struck`` when it ends in Failed before, because
    it or what it is made from is destroyed then, by plan or already (E6). ``removing`` and ``gone`` are
    when its removal was accepted and ends, ``leaves`` when that would end if nothing were to be sent (E3)."""

    name: str
    is_primary: bool
    accepted: int
    ready: int
    failed: bool = False
    removing: Optional[int] = None
    gone: Optional[int] = None
    struck: Optional[int] = None
    leaves: Optional[int] = None
    partitions: Tuple[Partition, ...] = PARTITIONS

    def exists(self, now: int) -> bool:
        """False once its removal has ended."""
        return self.gone is None or now < self.gone

    def state(self, now: int) -> str:
        """Its provisioning state (C4b)."""
        if self.removing is not None and now >= self.removing:
            return "Deleting"
        if self.is_struck(now):
            return "Failed"
        if now < self.ready:
            return "Provisioning"
        return "Failed" if self.failed else "Succeeded"

    def is_struck(self, now: int) -> bool:
        """Was it, or what it was made from, destroyed while it was made (E6)?"""
        return self.struck is not None and now >= self.struck

    def has_failed(self, now: int) -> bool:
        """Is it never to be used (E5, E6)?"""
        return self.failed or self.is_struck(now)

    def made(self) -> int:
        """When its provisioning ends, in Failed too."""
        return self.ready if self.struck is None else min(self.ready, self.struck)

    def serves(self, now: int) -> bool:
        """Does the traffic manager send clients there (E1, E3)?"""
        return self.exists(now) and self.state(now) == "Succeeded"

    def holds_data(self, now: int) -> bool:
        """Is it given rows of new writes: from the acceptance of its add (E1) until its removal
        ends, Failed regions excepted?"""
        return self.exists(now) and not self.has_failed(now)


class Operation(NamedTuple):
    """A long operation (C1). ``done`` is when it ends, ``planned`` when a job of the data plane would if
    nothing came in between; ``failure`` is its error, ``destroyed`` that of what is destroyed while it is
    made (E6), both None: Succeeded. ``answers_pool``: its last poll carries the pool (create), else an empty
    body. ``result`` is what a job of the data plane made: the address of a backup."""

    id: str
    kind: str
    pool: str
    location: str
    accepted: int
    done: int
    failure: Optional[str] = None
    answers_pool: bool = False
    result: str = ""
    planned: int = 0
    destroyed: Optional[str] = None

    def running(self, now: int) -> bool:
        return now < self.done


class Deletion(NamedTuple):
    """A soft delete (D4). ``done`` is when the pool is deleted, ``purge_at`` when its retention
    ends (counted from the acceptance, as recorded), ``recovered`` and ``purged`` when such an
    operation ends, None where none was asked."""

    accepted: int
    done: int
    purge_at: int
    recovered: Optional[int] = None
    purged: Optional[int] = None


class NetworkAcls(NamedTuple):
    """The pool's firewall as the control plane shows it."""

    bypass: str = "AzureServices"
    default_action: str = "Allow"
    ip_rules: Tuple[Mapping[str, Any], ...] = ()
    virtual_network_rules: Tuple[Mapping[str, Any], ...] = ()


class UserIdentity(NamedTuple):
    """A user-assigned managed identity: its resource id, and the ids of its principal."""

    id: str
    principal: str
    client: str


class Identity(NamedTuple):
    """The managed identity of a pool: the principal that the system assigned ("" without one), and
    the user-assigned ones."""

    principal: str = ""
    users: Tuple[UserIdentity, ...] = ()


class Pool(NamedTuple):
    """A managed HSM pool. ``activated`` is when its activation ends (C4), None: it never had a
    security domain; ``uploaded``: it has that of another pool (E6). ``links`` see :mod:`replication`.
    ``former`` are regions that went away not long ago: caches may still lead to them (E9). ``rotation_due``
    is an instant before which no rotation is due (E8), None where no key ever had a policy. ``backup`` and
    ``restore`` are the full backup and the restore that run, or the last ones (E7)."""

    id: str
    name: str
    subscription: str
    group: str
    tenant: str
    location: str
    sku: str
    tags: Mapping[str, str]
    administrators: Tuple[str, ...]
    retention_days: int
    purge_protection: bool
    created: int
    created_by: str
    modified: int
    modified_by: str
    regions: Tuple[PoolRegion, ...]
    spans: Tuple[BilledSpan, ...]
    network_acls: NetworkAcls = NetworkAcls()
    public_network_access: str = "Enabled"
    activated: Optional[int] = None
    deletion: Optional[Deletion] = None
    operation: Optional[Operation] = None
    links: Links = {}
    revision: int = 0
    created_by_type: str = "User"
    modified_by_type: str = "User"
    identity: Identity = Identity()
    former: Tuple[PoolRegion, ...] = ()
    rotation_due: Optional[int] = None
    backup: Optional[Operation] = None
    restore: Optional[Operation] = None
    uploaded: bool = False

    @property
    def primary(self) -> PoolRegion:
        return self.regions[0]

    def phase(self, now: int) -> str:
        """``live``, ``deleted`` (soft-deleted, the name is taken) or ``gone`` (D4)."""
        if self.deletion is None or now < self.deletion.done:
            return "live"
        if self.deletion.purged is not None and now >= self.deletion.purged:
            return "gone"
        if self.deletion.recovered is not None:
            return "live" if now >= self.deletion.recovered else "deleted"
        return "gone" if now >= self.deletion.purge_at else "deleted"

    def extended(self, now: int) -> Tuple[PoolRegion, ...]:
        """The extended regions that exist at ``now``, Failed and Deleting ones included (C2)."""
        return tuple(region for region in self.regions[1:] if region.exists(now))

    def region(self, name: str, now: int) -> Optional[PoolRegion]:
        """A region of the pool by its canonical name, None when it has none."""
        found = (item for item in self.regions if item.name == name and item.exists(now))
        return next(found, None)

    def is_active(self, now: int) -> bool:
        """Can its data plane be used (C4)?"""
        return self.activated is not None and now >= self.activated

    def is_busy(self, now: int) -> bool:
        """Does a long operation run (E2)?"""
        return self.operation is not None and self.operation.running(now)

    def is_restoring(self, now: int) -> bool:
        """Is it in restore mode, in every region (E7)? The restore of one key knows no such mode."""
        return self.restore is not None and self.restore.kind == "restore" and self.restore.running(now)

    def under_way(self, now: int) -> Optional[Operation]:
        """The long operation that runs, else the restore or backup that does; None: nothing."""
        jobs = (self.operation, self.restore, self.backup)
        return next((one for one in jobs if one is not None and one.running(now)), None)

    def under_way_until(self, now: int) -> int:
        """When the last of what is under way has ended, as far as that is planned; ``now`` when nothing
        is."""
        ends = [one.done for one in (self.operation, self.backup, self.restore) if one is not None]
        for region in self.regions:
            ends += [region.made(), region.gone or 0]
        ends.append(self.activated or 0)
        return max([now, *(end for end in ends if end < NEVER)])

    def provisioning_state(self, now: int) -> str:
        """As the control plane shows it."""
        running = self.operation if self.is_busy(now) else None
        if running is None:
            return "Restoring" if self.is_restoring(now) else "Succeeded"
        return {"create": "Provisioning", "delete": "Deleting"}.get(running.kind, "Updating")
