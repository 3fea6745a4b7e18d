"""Create, update, soft-delete, recover and purge a pool (rules B2, B3, C1, C3 to C5, D1, D4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.billing import BilledSpan, price_usd_per_hour
from azext_mhsmregion.model.clock import DAY
from azext_mhsmregion.model.errors import Conflict, Invalid, NotFound, RefusedByPool
from azext_mhsmregion.model.names import check_pool_name
from azext_mhsmregion.model.pool import Deletion, Identity, NetworkAcls, Operation, Pool, PoolRegion
from azext_mhsmregion.model.profile import Profile
from azext_mhsmregion.model.regions import Catalogue

RETENTION_LOW, RETENTION_HIGH, RETENTION_DEFAULT = 7, 90, 90


@dataclass(frozen=True)
class Act:
    """The frame of a control-plane command: when, by whom (``by_type`` User or Application),
    under which operation id."""

    now: int
    by: str
    operation_id: str
    profile: Profile
    by_type: str = "User"


@dataclass(frozen=True)
class NewPool:
    """What a create asks for."""

    id: str
    name: str
    subscription: str
    group: str
    tenant: str
    location: str
    administrators: Tuple[str, ...]
    sku: str = "Standard_B1"
    tags: Mapping[str, str] = field(default_factory=dict)
    retention_days: int = RETENTION_DEFAULT
    purge_protection: bool = False
    network_acls: NetworkAcls = NetworkAcls()
    public_network_access: str = "Enabled"
    identity: Identity = Identity()


@dataclass(frozen=True)
class Stated:
    """What a request says of things that cannot be changed; None: nothing. Clients send a pool
    back whole, so saying them is no change yet."""

    tenant: Optional[str] = None
    sku: Optional[str] = None
    administrators: Optional[Tuple[str, ...]] = None
    retention_days: Optional[int] = None
    soft_delete: Optional[bool] = None


@dataclass(frozen=True)
class Changes:
    """What an update asks for; None leaves a thing as it is."""

    tags: Optional[Mapping[str, str]] = None
    purge_protection: Optional[bool] = None
    network_acls: Optional[NetworkAcls] = None
    public_network_access: Optional[str] = None
    identity: Optional[Identity] = None


def create(asked: NewPool, holder: Optional[Pool], act: Act, regions: Catalogue) -> Pool:
    """A new pool, NotActivated, in its primary region. ``holder`` is the pool that has the name
    now, if any. Raises Invalid or Conflict (C3: taken in the whole cloud, also while deleted)."""
    check_pool_name(asked.name)
    if holder is not None:
        _refuse_taken(asked.name, holder, act.now)
    location = _location(asked.location, regions)
    if not asked.administrators:
        raise Invalid(messages.no_administrators())
    if not RETENTION_LOW <= asked.retention_days <= RETENTION_HIGH:
        raise Invalid(messages.retention_out_of_range(asked.retention_days, RETENTION_LOW, RETENTION_HIGH))
    _check_sku(asked.sku)
    done = act.now + act.profile.of("create")
    operation = Operation(act.operation_id, "create", asked.id, location, act.now, done, answers_pool=True)
    return Pool(
        id=asked.id,
        name=asked.name,
        subscription=asked.subscription,
        group=asked.group,
        tenant=asked.tenant,
        location=location,
        sku=asked.sku,
        tags=dict(asked.tags),
        administrators=asked.administrators,
        retention_days=asked.retention_days,
        purge_protection=asked.purge_protection,
        created=act.now,
        created_by=act.by,
        modified=act.now,
        modified_by=act.by,
        regions=(PoolRegion(location, True, act.now, done),),
        spans=(BilledSpan(asked.name, location, asked.sku, act.now),),
        network_acls=asked.network_acls,
        public_network_access=asked.public_network_access,
        identity=asked.identity,
        operation=operation,
        created_by_type=act.by_type,
        modified_by_type=act.by_type,
    )


def update(pool: Pool, changes: Changes, act: Act) -> Pool:
    """Change what can be changed. Raises Conflict while an operation runs (E2)."""
    pool = settled(pool, act.now)
    refuse_busy(pool, act.now)
    pool = changed(pool, changes)
    return begin(pool, "update", act, act.now + act.profile.of("update"))


def changed(pool: Pool, changes: Changes) -> Pool:
    """The record with what ``changes`` names. Raises Invalid for what cannot be changed back."""
    if pool.purge_protection and changes.purge_protection is False:
        raise Invalid(messages.purge_protection_is_for_ever(pool.name))
    chosen: Dict[str, Any] = {
        "tags": changes.tags,
        "purge_protection": changes.purge_protection,
        "network_acls": changes.network_acls,
        "public_network_access": changes.public_network_access,
        "identity": changes.identity,
    }
    return pool._replace(**{key: value for key, value in chosen.items() if value is not None})


def refuse_changed(pool: Pool, stated: Stated) -> None:
    """Raises Invalid where what cannot be changed is stated to be something else."""
    if stated.soft_delete is False:
        raise Invalid(messages.soft_delete_is_always_on(pool.name))
    for what, asked, there in (
        ("tenantId", stated.tenant, pool.tenant),
        ("sku", stated.sku, pool.sku),
        ("softDeleteRetentionInDays", stated.retention_days, pool.retention_days),
    ):
        if asked is not None and str(asked).lower() != str(there).lower():
            raise Invalid(messages.immutable(what, pool.name, there))
    if stated.administrators is not None and _people(stated.administrators) != _people(pool.administrators):
        shown = ", ".join(pool.administrators)
        raise Invalid(messages.immutable("initialAdminObjectIds", pool.name, shown))


def refuse_elsewhere(pool: Pool, group: str, location: str) -> None:
    """A deleted pool comes back where it was. Raises Conflict for another group or location."""
    if (pool.group.lower(), pool.location) != (group.lower(), location):
        raise Conflict(messages.deleted_elsewhere(pool.name, pool.group, pool.location), "ConflictError")


def delete(pool: Pool, act: Act) -> Pool:
    """Soft-delete. Raises RefusedByPool while it is extended (D1), Conflict while busy."""
    pool = settled(pool, act.now)
    refuse_extended(pool, act.now, "Soft delete")
    refuse_busy(pool, act.now)
    done = act.now + act.profile.of("delete")
    deletion = Deletion(act.now, done, act.now + pool.retention_days * DAY)
    return begin(pool._replace(deletion=deletion), "delete", act, done)


def recover(pool: Optional[Pool], name: str, act: Act) -> Pool:
    """Bring a soft-deleted pool back with everything in it (D4). Raises NotFound, Conflict."""
    pool = _deleted(pool, name, act.now)
    assert pool.deletion is not None
    done = act.now + act.profile.of("recover")
    return begin(pool._replace(deletion=pool.deletion._replace(recovered=done)), "recover", act, done)


def purge(pool: Optional[Pool], name: str, act: Act) -> Pool:
    """End a soft-deleted pool; its bill ends now (B3). Raises NotFound; RefusedByPool under
    purge protection (D4) or while an extended region exists (D1)."""
    pool = _deleted(pool, name, act.now)
    assert pool.deletion is not None
    refuse_extended(pool, act.now, "Purge")
    if pool.purge_protection:
        raise RefusedByPool(messages.purge_protected(pool.name))
    done = act.now + act.profile.of("purge")
    pool = pool._replace(deletion=pool.deletion._replace(purged=done), spans=ended(pool.spans, act.now))
    return begin(pool, "purge", act, done)


_REMEMBERED = DAY
"""How long a region that is gone is remembered: no sane cache holds its address for longer (E9)."""


def settled(pool: Pool, now: int) -> Pool:
    """The record without what has ended: regions gone, a deletion that was recovered."""
    deletion = pool.deletion
    if deletion is not None and deletion.recovered is not None and now >= deletion.recovered:
        deletion = None
    regions = tuple(region for region in pool.regions if region.exists(now))
    past = (region for region in (*pool.former, *pool.regions) if not region.exists(now))
    former = tuple(region for region in past if now < (region.gone or 0) + _REMEMBERED)
    living = {region.name for region in regions}
    links = {link: last for link, last in pool.links.items() if set(link) <= living}
    return pool._replace(deletion=deletion, regions=regions, links=links, former=former)


def billed(pool: Pool, now: int) -> Tuple[BilledSpan, ...]:
    """The spans that the pool is billed for: a pool whose retention has ended was purged by the
    service then, and its bill ended with it (B3, D4)."""
    if pool.deletion is not None and pool.deletion.recovered is None and pool.phase(now) == "gone":
        return ended(pool.spans, pool.deletion.purge_at)
    return pool.spans


def begin(pool: Pool, kind: str, act: Act, done: int, failure: Optional[str] = None) -> Pool:
    """The pool with an operation accepted: modified now, by the caller (C5)."""
    operation = Operation(act.operation_id, kind, pool.id, pool.location, act.now, done, failure)
    return pool._replace(
        operation=operation, modified=act.now, modified_by=act.by, modified_by_type=act.by_type
    )


def refuse_busy(pool: Pool, now: int) -> None:
    """E2: another operation runs, or a full restore (E7) → Conflict."""
    if pool.is_busy(now) or pool.is_restoring(now):
        raise Conflict(messages.operation_under_way(pool.name, pool.provisioning_state(now)))


def refuse_extended(pool: Pool, now: int, what: str) -> None:
    """D1: the service's own words (recorded for the soft delete)."""
    extended = pool.extended(now)
    if extended:
        names = ", ".join(region.name for region in extended)
        raise RefusedByPool(
            f"{what} of a pool {pool.name} that is extended to regions ({names}) is not allowed."
        )


def ended(spans: Tuple[BilledSpan, ...], when: int) -> Tuple[BilledSpan, ...]:
    """Spans still open, ended at ``when``."""
    return tuple(span if span.end is not None else span._replace(end=when) for span in spans)


def _people(ids: Tuple[str, ...]) -> FrozenSet[str]:
    """Object ids, of which neither order nor case says anything."""
    return frozenset(one.lower() for one in ids)


def _refuse_taken(name: str, holder: Pool, now: int) -> None:
    if holder.phase(now) == "deleted":
        raise Conflict(messages.name_soft_deleted(name, holder.location), code="ConflictError")
    raise Conflict(messages.name_taken(name), code="VaultAlreadyExists")


def _location(text: str, regions: Catalogue) -> str:
    if not regions.known(text):
        raise RefusedByPool(
            messages.unknown_region(text, regions.near(text), regions.invalid_name_message(text))
        )
    return regions.normalise(text)


def _check_sku(sku: str) -> None:
    try:
        price_usd_per_hour(sku)
    except KeyError:
        raise Invalid(messages.not_covered(f"SKU {sku}")) from None


def _deleted(pool: Optional[Pool], name: str, now: int) -> Pool:
    if pool is None or pool.phase(now) != "deleted":
        raise NotFound(f"No deleted managed HSM named '{name}' was found.", code="DeletedVaultNotFound")
    refuse_busy(pool, now)
    return pool
