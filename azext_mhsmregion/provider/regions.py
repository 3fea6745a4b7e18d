"""A pool's regions: listed, planned, added, removed."""

from __future__ import annotations

from typing import Callable, List, Mapping, Optional, Tuple

from azext_mhsmregion.model.regions import Catalogue
from azext_mhsmregion.provider.answers import checked, region_of
from azext_mhsmregion.provider.bodies import full_body, regions_body
from azext_mhsmregion.provider.errors import (
    BadRequestError,
    ChangedByOthersError,
    ConflictError,
    NotFoundError,
    ProviderError,
)
from azext_mhsmregion.provider.interface import Operation, Plan, Pool, Region
from azext_mhsmregion.provider.merging import NOTHING_LOST, Lost, lost_between, wanted
from azext_mhsmregion.provider.operations import REGION_ADD, REGION_REMOVE, Operations
from azext_mhsmregion.provider.pools import Pools
from azext_mhsmregion.provider.preflight import check_add, check_remove, extended_region, near_hint
from azext_mhsmregion.provider.prices import bill
from azext_mhsmregion.provider.service import Service
from azext_mhsmregion.provider.states import COMING, LEAVING, SUCCEEDED

ADD, REMOVE = "add", "remove"
MERGES = 3
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
        before, after, unpriced = bill(pool, action == ADD, present)
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
        times, else ChangedByOthersError. What was accepted is returned, also when the pool could
        not be read again: then with a warning."""
        adding = plan.action == ADD
        normalise = self._catalogue().normalise
        before = self._pools.get(plan.pool, group)
        begun = self._begun(before, plan)
        if begun is not None:
            return begun
        lost, accepted = NOTHING_LOST, None
        for _ in range(1 + MERGES):
            names = wanted(before, plan.region, adding, lost, normalise)
            try:
                accepted = self._patch(before, names, plan)
            except ConflictError as error:
                if lost.others:
                    raise _changed(plan, lost) from error
                if accepted is None:
                    accepted = self._begun_by_now(before, plan)
                if accepted is None:
                    raise
                return accepted  # ours was accepted and runs; its end will tell
            try:
                after = self._pools.read(before.id, before.name)
            except ProviderError as error:
                return accepted._replace(warnings=(*accepted.warnings, _unchecked(plan, error)))
            lost = lost_between(before, after, plan.region, adding, normalise)
            if not lost:
                return accepted
            before = after
        raise _changed(plan, lost)

    def _begun(self, pool: Pool, plan: Plan) -> Optional[Operation]:
        """Is the region as the plan wants it, or on its way there? Then nothing is to be sent,
        and the pool itself is polled."""
        present = extended_region(pool, plan.region, self._catalogue())
        state = present.provisioning_state.lower() if present else ""
        done, under_way = (SUCCEEDED, COMING) if plan.action == ADD else ("", LEAVING)
        if state != done and state not in under_way:
            return None
        kind = REGION_ADD if plan.action == ADD else REGION_REMOVE
        url = self._service.arm_url(pool.id)
        return Operation(kind, pool.name, url, done=state == done, resource=pool.id, region=plan.region)

    def _begun_by_now(self, before: Pool, plan: Plan) -> Optional[Operation]:
        """After a conflict: a write that was answered 5xx may have been taken all the same, and
        then what its retry met was our own operation."""
        try:
            return self._begun(self._pools.read(before.id, before.name), plan)
        except ProviderError:
            return None  # the conflict itself says more

    def _patch(self, pool: Pool, names: Tuple[str, ...], plan: Plan) -> Operation:
        what = f"the {plan.action} of region {plan.region}"
        url = self._service.arm_url(pool.id)
        try:
            answer = self._service.send_arm("PATCH", url, self._body(pool, names))
            checked(answer, what, of_arm=True)
        except BadRequestError as error:
            raise BadRequestError(error.message, self._hint(plan), error.code) from error
        kind = REGION_ADD if plan.action == ADD else REGION_REMOVE
        return self._operations.begin(answer, kind, pool.name, pool.id, plan.region)

    def _hint(self, plan: Plan) -> str:
        if not self._catalogue().known(plan.region):
            return near_hint(plan.region, self._catalogue())
        return "" if self._whole_resource else FULL_BODY_HINT


def _unchecked(plan: Plan, error: ProviderError) -> str:
    return (
        f"The {plan.action} of {plan.region} was accepted and is under way, but the pool could not be read "
        f"again to see whether someone else changed its regions meanwhile: {error.message} "
        f"Look at `keyvault region list --hsm-name {plan.pool}` when it has finished."
    )


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
