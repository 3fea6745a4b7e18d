"""Extend a pool into a region and take a region away (rules A8, B1, B2, C4d, D2, D3, E1 to E5,
G1 to G8). A change of ``properties.regions`` is declarative: what is listed shall be there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Optional, Sequence, Tuple

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.availability import require_control_plane
from azext_mhsmregion.model.billing import BilledSpan
from azext_mhsmregion.model.errors import Conflict, Invalid, RefusedByPool
from azext_mhsmregion.model.faults import Effect, Faults, destroyed_at, on
from azext_mhsmregion.model.lifecycle import Act, begin, refuse_busy, settled
from azext_mhsmregion.model.pool import Pool, PoolRegion
from azext_mhsmregion.model.regions import Catalogue


@dataclass(frozen=True)
class Conditions:
    """What decides beside the pool's own record: the catalogue, the edition that binds, regions
    without capacity (G3), and the faults: outages (E4), no capacity, failed provisioning (E5)."""

    regions: Catalogue
    edition: str
    without_capacity: Tuple[str, ...] = ()
    faults: Faults = ()

    def failures(self, now: int) -> Mapping[str, str]:
        """Regions whose provisioning fails at ``now``, and why."""
        full = {self.regions.normalise(name) for name in self.without_capacity}
        full.update(fault.region for fault in on(self.faults, now, (Effect.CAPACITY,)))
        broken = {fault.region for fault in on(self.faults, now, (Effect.PROVISIONING,))}
        return {
            **{name: messages.provisioning_failed([name]) for name in broken},
            **{name: messages.no_capacity([name]) for name in full},
        }


@dataclass(frozen=True)
class RegionChange:
    """The pool after the change, and which regions come (to be seeded) and go."""

    pool: Pool
    added: Tuple[PoolRegion, ...]
    removed: Tuple[str, ...]


def change_regions(pool: Pool, asked: Sequence[str], act: Act, where: Conditions) -> RegionChange:
    """Make the extended regions those of ``asked``. A Failed one that is listed stays as it is,
    unless the list is what is there already: then it is tried again (E5).

    Refusals come in the recorded order: name known, not the primary, extendable, maximum,
    activated, no operation under way; then the pool is unchanged.
    """
    pool = settled(pool, act.now)
    names = [_known(text, where.regions) for text in asked]
    if pool.location in names:
        raise Invalid(messages.own_region(pool.name, pool.location))
    if len(set(names)) != len(names):
        raise Invalid("A region is listed twice.")
    present = {region.name: region for region in pool.extended(act.now)}
    new = _to_be_made(names, present, act.now)
    gone = [name for name in present if name not in names]
    for name in new:
        _check_extendable(name, pool, where)
    if new:
        _check_maximum(pool, names, where)
    if new and not pool.is_active(act.now):
        inactive = messages.not_activated if pool.activated is None else messages.being_activated
        raise Conflict(inactive(pool.name), "HsmNotActivated")
    if new:
        require_control_plane([pool.location, *new], where.faults, act.now)
    refuse_busy(pool, act.now)
    return _apply(pool, new, gone, act, where)


def struck(pool: Pool, faults: Faults, now: int) -> Pool:
    """The record as destructions, of now or of a planned time, leave it: a region that is being added then,
    or whose primary is, ends in Failed when it happens, and so does its operation (E6). One that is called
    off before strikes nothing."""
    regions = tuple(_struck(pool, region, faults, now) for region in pool.regions)
    if regions == pool.regions:
        return pool
    making = [one for one in regions[1:] if not one.failed and now < one.ready]
    spans = [span for span in pool.spans if span.start <= now or span.region not in {o.name for o in making}]
    spans += [_billed(pool, region) for region in making if region.struck is None]
    hit = [region for region in making if region.struck is not None]
    operation = pool.operation
    if operation is not None and operation.kind == "region-add" and pool.is_busy(now):
        ends = [one.made() for one in regions] + [one.gone or 0 for one in regions]
        operation = operation._replace(done=max(now, *ends), destroyed=_told(pool, hit, faults))
    return pool._replace(regions=regions, spans=tuple(spans), operation=operation)


def removal_waits(pool: Pool, unsent_until: Mapping[str, int], now: int) -> Pool:
    """The record once a removal is accepted, or links have failed or come back: it ends when what its
    region has to send has been sent (E3)."""
    leaving = [one for one in pool.regions if one.removing is not None and one.exists(now)]
    if not leaving or pool.operation is None:
        return pool
    ends = {one.name: max(one.leaves or 0, unsent_until.get(one.name, 0), now) for one in leaving}
    regions = tuple(one._replace(gone=ends.get(one.name, one.gone)) for one in pool.regions)
    planned = [one.made() for one in pool.regions if now < one.ready]
    operation = pool.operation._replace(done=max(*ends.values(), *planned, now))
    return pool._replace(regions=regions, operation=operation)


def _struck(pool: Pool, region: PoolRegion, faults: Faults, now: int) -> PoolRegion:
    """A region that is being added, with when it is destroyed, or its primary with what it is seeded from."""
    if region.is_primary or region.failed or region.is_struck(now) or now >= region.ready:
        return region
    deaths = (destroyed_at(faults, pool.id, name) for name in (region.name, pool.location))
    early = [max(now, when) for when in deaths if when is not None and when < region.ready]
    return region._replace(struck=min(early, default=None))


def _told(pool: Pool, hit: Sequence[PoolRegion], faults: Faults) -> Optional[str]:
    """What was destroyed: regions that were being made, or the primary that they were made from."""
    if not hit:
        return None
    names = [region.name for region in hit]
    if any(destroyed_at(faults, pool.id, name) is None for name in names):
        return messages.made_from_what_is_destroyed(names, pool.location)
    return messages.destroyed_while_added(names)


def _billed(pool: Pool, region: PoolRegion) -> BilledSpan:
    """An extended region is billed from Succeeded on (B2)."""
    return BilledSpan(pool.name, region.name, pool.sku, region.ready)


def _apply(pool: Pool, new: Sequence[str], gone: Sequence[str], act: Act, where: Conditions) -> RegionChange:
    added, done_add = _added(new, act, where)
    regions = [item for item in pool.regions if item.name not in new]
    regions, done_remove = _marked_for_removal(regions, gone, act)
    spans = tuple(
        span._replace(end=act.now) if span.region in gone and span.end is None else span
        for span in pool.spans
    ) + tuple(_billed(pool, region) for region in added if not region.failed)
    changed = pool._replace(regions=(*regions, *added), spans=spans)
    failures = where.failures(act.now)
    failure = " ".join(failures[region.name] for region in added if region.failed) or None
    kind = "region-add" if new else "region-remove" if gone else "update"
    done = max(done_add, done_remove, act.now + act.profile.of(kind))
    # What is destroyed already, or will be by plan, fails an add as a fault that comes later does.
    changed = struck(begin(changed, kind, act, done, failure), where.faults, act.now)
    coming = tuple(region for region in changed.regions if region.name in new)
    return RegionChange(changed, coming, tuple(gone))


def _added(new: Sequence[str], act: Act, where: Conditions) -> Tuple[Tuple[PoolRegion, ...], int]:
    ready = act.now + act.profile.of("region-add")
    failures = where.failures(act.now)
    made = tuple(PoolRegion(name, False, act.now, ready, failed=name in failures) for name in new)
    return made, ready if made else act.now


def _marked_for_removal(
    regions: Sequence[PoolRegion], gone: Sequence[str], act: Act
) -> Tuple[List[PoolRegion], int]:
    """E3: out of the traffic manager now, gone later; who knows what it has to send yet lets it wait for
    that (:func:`removal_waits`), so it is there for a moment at least."""
    last = act.now
    marked = []
    for region in regions:
        if region.name in gone and region.removing is None:
            end = act.now + max(1, act.profile.of("region-remove"))
            region = region._replace(removing=act.now, gone=end, leaves=end)
        if region.gone is not None:
            last = max(last, region.gone)
        marked.append(region)
    return marked, last


def _to_be_made(names: Sequence[str], present: Mapping[str, PoolRegion], now: int) -> List[str]:
    """The new ones; the Failed ones where the list adds and drops nothing (E5)."""
    if set(names) != set(present):
        return [name for name in names if name not in present]
    return [name for name in names if present[name].state(now) == "Failed"]


def _known(text: str, regions: Catalogue) -> str:
    """G4: the service's own words for a name it does not know (recorded)."""
    if not regions.known(text):
        raise RefusedByPool(regions.invalid_name_message(text))
    return regions.normalise(text)


def _check_extendable(name: str, pool: Pool, where: Conditions) -> None:
    reason = where.regions.refusal(name, where.edition, where.regions.cloud(pool.location))
    if reason is not None:
        raise RefusedByPool(messages.not_extendable(name, where.edition, reason))


def _check_maximum(pool: Pool, names: Sequence[str], where: Conditions) -> None:
    maximum = where.regions.maximum_extended(where.edition)
    if maximum is not None and len(names) > maximum:
        raise RefusedByPool(messages.too_many_regions(pool.name, maximum))
