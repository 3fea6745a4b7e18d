"""A pool's regions: listed, planned, added, removed."""

from __future__ import annotations

from typing import Callable, List, Mapping, Optional, Tuple

from azext_mhsmregion.model.billing import price_usd_per_hour
from azext_mhsmregion.model.regions import Catalogue
from azext_mhsmregion.provider.answers import checked, region_of, text_at, value_at
from azext_mhsmregion.provider.bodies import full_body, regions_body
from azext_mhsmregion.provider.errors import (
    BadRequestError,
    ChangedByOthersError,
    ConflictError,
    NotFoundError,
)
from azext_mhsmregion.provider.interface import Operation, Plan, Pool, Region
from azext_mhsmregion.provider.merging import COMING, LEAVING, NOTHING_LOST, Lost, lost_between, wanted
from azext_mhsmregion.provider.operations import REGION_ADD, REGION_REMOVE, Operations
from azext_mhsmregion.provider.pools import Pools
from azext_mhsmregion.provider.preflight import check_add, check_remove, extended_region, near_hint
from azext_mhsmregion.provider.service import Service

ADD, REMOVE = "add", "remove"
MERGES = 3
UNBILLED = frozenset({"failed", "preprovisioning", "provisioning", "deleting", "cleanup"})
FULL_BODY_HINT = (
    "We sent the pool's location, sku and regions only, so that nobody's other settings are reverted. "
    "If the service wants the whole resource, as az's own command sends it: --full-body."
)


class Regions:
    """``binding``: do the documented rules bind (emulator), or are they warnings (ARM)?"""

    def __init__(
        self,
        service: Service,
        operations: Operations,
        pools: Pools,
        catalogue: Callable[[], Catalogue],
        binding: bool,
        edition: str,
        whole_resource: bool,
    ) -> None:
        self._service = service
        self._operations = operations
        self._pools = pools
        self._catalogue = catalogue
        self._binding = binding
        self._edition = edition
        self._whole_resource = whole_resource

    def list(self, name: str, group: Optional[str] = None) -> List[Region]:
        """The pool's regions, primary first (rule C2)."""
        resource = self._pools.locate(name, group)
        what = f"the regions of {name}"
        try:
            regions = [region_of(item, what) for item in self._service.arm_pages(f"{resource}/regions", what)]
        except NotFoundError:
            self._pools.read(resource, name)  # the pool's own 404 says it better
            raise
        return sorted(regions, key=lambda region: not region.is_primary)

    # -- plans -------------------------------------------------------------------
    def plan_add(self, name: str, region: str, group: Optional[str] = None) -> Plan:
        pool = self._pools.get(name, group)
        canonical, warnings = check_add(pool, region, self._catalogue(), self._binding, self._edition)
        return self._plan(ADD, pool, canonical, warnings)

    def plan_remove(self, name: str, region: str, group: Optional[str] = None) -> Plan:
        pool = self._pools.get(name, group)
        canonical, warnings = check_remove(pool, region, self._catalogue(), self._binding)
        return self._plan(REMOVE, pool, canonical, warnings)

    def _plan(self, action: str, pool: Pool, region: str, warnings: Tuple[str, ...]) -> Plan:
        present = extended_region(pool, region, self._catalogue())
        before, after, unpriced = bill(pool, action, present)
        names = wanted(pool, region, action == ADD, NOTHING_LOST, self._catalogue().normalise)
        return Plan(
            action=action,
            pool=pool.name,
            region=region,
            method="PATCH",
            url=self._service.arm_url(pool.id),
            body=self._body(pool, names),
            already=present.provisioning_state if present else None,
            warnings=warnings + unpriced,
            hourly_usd_before=before,
            hourly_usd_after=after,
        )

    def _body(self, pool: Pool, names: Tuple[str, ...]) -> Mapping[str, object]:
        return full_body(pool, names) if self._whole_resource else regions_body(pool, names)

    # -- changes -----------------------------------------------------------------
    def change(self, plan: Plan, group: Optional[str] = None) -> Operation:
        """Does what the plan says, to the pool as it is now: a change that others made since
        the plan is kept, one that slips in between read and write is put back, up to three
        times, else ChangedByOthersError."""
        adding = plan.action == ADD
        normalise = self._catalogue().normalise
        before = self._pools.get(plan.pool, group)
        present = extended_region(before, plan.region, self._catalogue())
        state = present.provisioning_state.lower() if present else ""
        if state == ("succeeded" if adding else ""):
            return self._unsent(before, plan, done=True)
        if state in (COMING if adding else LEAVING):
            return self._unsent(before, plan, done=False)
        lost, accepted = NOTHING_LOST, None
        for _ in range(1 + MERGES):
            names = wanted(before, plan.region, adding, lost, normalise)
            try:
                accepted = self._patch(before, names, plan)
            except ConflictError as error:
                if accepted is None:
                    raise
                if lost.others:
                    raise _changed(plan, lost) from error
                return accepted  # ours was accepted and runs; its end will tell
            after = self._pools.read(before.id, before.name)
            lost = lost_between(before, after, plan.region, adding, normalise)
            if not lost:
                return accepted
            before = after
        raise _changed(plan, lost)

    def _patch(self, pool: Pool, names: Tuple[str, ...], plan: Plan) -> Operation:
        what = f"the {plan.action} of region {plan.region}"
        url = self._service.arm_url(pool.id)
        try:
            answer = checked(self._service.send_arm("PATCH", url, self._body(pool, names)), what)
        except BadRequestError as error:
            raise BadRequestError(error.message, self._hint(plan), error.code) from error
        kind = REGION_ADD if plan.action == ADD else REGION_REMOVE
        return self._operations.begin(answer, kind, pool.name, pool.id, plan.region)

    def _hint(self, plan: Plan) -> str:
        if not self._catalogue().known(plan.region):
            return near_hint(plan.region, self._catalogue())
        return "" if self._whole_resource else FULL_BODY_HINT

    def _unsent(self, pool: Pool, plan: Plan, done: bool) -> Operation:
        """Nothing to send: it is so already, or someone's operation is making it so (then the
        pool itself is polled)."""
        kind = REGION_ADD if plan.action == ADD else REGION_REMOVE
        url = self._service.arm_url(pool.id)
        return Operation(kind, pool.name, url, done=done, resource=pool.id, region=plan.region)


def bill(pool: Pool, action: str, present: Optional[Region]) -> Tuple[float, float, Tuple[str, ...]]:
    """(USD an hour before, after, warnings): one pool's price per region, an extended one from
    Succeeded until its removal is accepted (rules B1, B2)."""
    price, unpriced = price_of(pool)
    billed = [one for one in pool.extended if one.provisioning_state.lower() not in UNBILLED]
    before = price * (1 + len(billed))
    if action == ADD:
        return before, before + (0.0 if present in billed else price), unpriced
    return before, before - (price if present in billed else 0.0), unpriced


def price_of(pool: Pool) -> Tuple[float, Tuple[str, ...]]:
    """(USD an hour of the pool in one region, warnings). Without a known price: 0 and a warning."""
    sku = value_at(pool.body, "sku.name")
    name = sku if isinstance(sku, str) else text_at(pool.body, "sku.name", f"managed HSM {pool.name}")
    try:
        return price_usd_per_hour(name), ()
    except KeyError:
        return 0.0, (f"No price is known for the sku {name}.",)


def _changed(plan: Plan, lost: Lost) -> ChangedByOthersError:
    found = []
    if lost.additions:
        found.append(f"added {', '.join(sorted(lost.additions))}")
    if lost.removals:
        found.append(f"removed {', '.join(sorted(lost.removals))}")
    if lost.ours:
        found.append(f"undid our {plan.action} of {plan.region}")
    return ChangedByOthersError(
        f"Someone else keeps changing the regions of {plan.pool} (they {'; '.join(found)}).",
        f"Agree with them, look at `keyvault region list --hsm-name {plan.pool}`, then try again.",
    )
