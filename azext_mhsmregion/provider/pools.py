"""Managed HSM pools on the control plane (rules C1 to C5, D1 to D4)."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Optional

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.regions import Catalogue
from azext_mhsmregion.provider.answers import deleted_pool_of, group_in, object_of, pool_of, text_at, value_at
from azext_mhsmregion.provider.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ProviderError,
    UsageError,
)
from azext_mhsmregion.provider.interface import (
    DEFAULT_SKU,
    DeletedPool,
    Operation,
    Pool,
    PoolChanges,
    PoolSpec,
)
from azext_mhsmregion.provider.operations import Operations
from azext_mhsmregion.provider.service import NAMESPACE, Service, segment

POOLS = f"{NAMESPACE}/managedHSMs"
DELETED_POOLS = f"{NAMESPACE}/deletedManagedHSMs"

_POOL_MISSING = frozenset({"", "resourcenotfound", "notfound"})
_GROUP_MISSING = "resourcegroupnotfound"
_EXTENDED_TO = re.compile(r"extended to regions \(([^)]+)\)")
"""In the recorded refusal to delete an extended pool (rule D1)."""


class Pools:
    """Finds, makes, changes and removes pools. ``tenant_id`` and ``caller`` are asked for when
    they are needed; ``default_group`` is used without a group, None: a group must be named."""

    def __init__(
        self,
        service: Service,
        operations: Operations,
        catalogue: Callable[[], Catalogue],
        tenant_id: Callable[[], str],
        caller: Callable[[], str],
        default_group: Optional[str],
    ) -> None:
        self._service = service
        self._operations = operations
        self._catalogue = catalogue
        self._tenant_id = tenant_id
        self._caller = caller
        self._default_group = default_group

    # -- finding ---------------------------------------------------------------
    def list(self, group: Optional[str] = None) -> List[Pool]:
        """Pools of the subscription or of one group."""
        path = f"resourceGroups/{segment(group)}/{POOLS}" if group else POOLS
        what = f"the list of pools in group {group}" if group else "the list of pools"
        return [pool_of(item, what) for item in self._service.arm_pages(path, what)]

    def get(self, name: str, group: Optional[str] = None) -> Pool:
        """The pool's own record, fresh. Raises NotFoundError with names that look alike."""
        return self.read(self.locate(name, group), name)

    def read(self, resource: str, name: str) -> Pool:
        """The pool with that ARM id, fresh."""
        what = f"managed HSM {name}"
        try:
            return pool_of(object_of(self._service.arm("GET", resource, what), what), what)
        except NotFoundError as error:
            raise self.not_found(error, name) from error

    def locate(self, name: str, group: Optional[str] = None) -> str:
        """The ARM id of a pool: made from the group, else looked up by the name (rule C3)."""
        if group:
            return self._resource(name, group)
        return self.find(name).id

    def find(self, name: str) -> Pool:
        """The pool of that name in the subscription's list, whatever its group."""
        return self.among(self.list(), name)

    def among(self, pools: List[Pool], name: str) -> Pool:
        """The pool of that name in a list. Raises NotFoundError that says where it is."""
        for pool in pools:
            if pool.name.lower() == name.lower():
                return pool
        message = f"There is no managed HSM named {name} in this subscription."
        raise NotFoundError(message, self._whereabouts(name, pools))

    def _resource(self, name: str, group: str) -> str:
        subscription = f"/subscriptions/{self._service.subscription_id}"
        return f"{subscription}/resourceGroups/{segment(group)}/{POOLS}/{segment(name)}"

    def not_found(self, error: NotFoundError, name: str) -> NotFoundError:
        """The service's words, and where the pool is, or the pools that there are."""
        code = (error.code or "").lower()
        if code == _GROUP_MISSING:
            hint = "Without --resource-group a pool is found by its name."
            return NotFoundError(error.message, hint, error.code)
        if code not in _POOL_MISSING:
            return error
        try:
            hint = self._whereabouts(name, self.list())
        except ProviderError:
            return error
        return NotFoundError(error.message, hint, error.code)

    def _whereabouts(self, name: str, pools: List[Pool]) -> str:
        """A hint: the pool is in another group, was soft-deleted, or is a near miss."""
        for pool in pools:
            if pool.name.lower() == name.lower():
                return f"{pool.name} is in resource group {pool.group}."
        deleted = self.deleted_named(name)
        if deleted is not None:
            return f"{deleted.name} was soft-deleted in {deleted.location}. {_revive_hint(deleted.name)}"
        return _near_hint(name, [pool.name for pool in pools])

    def deleted_named(self, name: str) -> Optional[DeletedPool]:
        """The soft-deleted pool of that name, None when there is none or nobody tells us."""
        try:
            deleted = self.list_deleted()
        except ProviderError:
            return None
        return next((pool for pool in deleted if pool.name.lower() == name.lower()), None)

    # -- making and changing -----------------------------------------------------
    def create(self, spec: PoolSpec) -> Operation:
        """Makes a pool, never changes one: the name is asked for first (rule C3)."""
        group = spec.group or self._default_group
        if not group:
            raise UsageError(
                "A resource group is needed to create a pool.", "Name one: --resource-group GROUP."
            )
        self._refuse_taken(spec.name)
        resource = self._resource(spec.name, group)
        body = self._creation(spec)
        answer = self._service.arm("PUT", resource, f"the creation of {spec.name}", body)
        return self._operations.begin(answer, "create", spec.name, resource)

    def _creation(self, spec: PoolSpec) -> Dict[str, Any]:
        properties: Dict[str, Any] = {
            "tenantId": self._tenant_id(),
            "initialAdminObjectIds": list(spec.administrators) or [self._caller()],
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": spec.retention_days,
            "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow"},
        }
        if spec.purge_protection is not None:
            properties["enablePurgeProtection"] = spec.purge_protection
        body: Dict[str, Any] = {
            "location": self._catalogue().normalise(spec.location),
            "sku": {"family": "B", "name": spec.sku},
            "properties": properties,
        }
        if spec.tags:
            body["tags"] = dict(spec.tags)
        return body

    def _refuse_taken(self, name: str) -> None:
        """A PUT on a pool that exists would change it. Who may not ask, may still create."""
        try:
            answer = self.check_name(name)
        except ForbiddenError:
            return
        if answer.get("nameAvailable") is not False:
            return
        reason = str(answer.get("reason") or "")
        message = str(answer.get("message") or f"The name {name} is not available.")
        if reason == "AlreadyExists":
            deleted = self.deleted_named(name)
            if deleted is not None:
                message = messages.name_soft_deleted(deleted.name, deleted.location)
                raise ConflictError(message, _revive_hint(deleted.name), reason)
            hint = "Take another name; `keyvault list` and `keyvault list-deleted` show where it is."
            raise ConflictError(message, hint, reason)
        raise BadRequestError(message, "3 to 24 letters, digits and hyphens.", reason or None)

    def update(self, name: str, group: Optional[str], changes: PoolChanges) -> Operation:
        """Changes what ``changes`` names and nothing else."""
        pool = self.get(name, group)
        answer = self._service.arm("PATCH", pool.id, f"the update of {pool.name}", _update(pool, changes))
        return self._operations.begin(answer, "update", pool.name, pool.id)

    def delete(self, name: str, group: Optional[str] = None) -> Operation:
        """Soft-deletes a pool. An extended one is refused (rule D1)."""
        resource = self.locate(name, group)
        try:
            answer = self._service.arm("DELETE", resource, f"the deletion of {name}")
        except NotFoundError as error:
            raise self.not_found(error, name) from error
        except BadRequestError as error:
            raise BadRequestError(error.message, _extended_hint(error, name), error.code) from error
        return self._operations.begin(answer, "delete", name, resource)

    # -- soft-deleted --------------------------------------------------------------
    def list_deleted(self) -> List[DeletedPool]:
        what = "the list of deleted pools"
        return [deleted_pool_of(item, what) for item in self._service.arm_pages(DELETED_POOLS, what)]

    def get_deleted(self, name: str, location: Optional[str] = None) -> DeletedPool:
        """One soft-deleted pool; without a location it is looked up by its name."""
        what = f"deleted managed HSM {name}"
        if location:
            answer = self._service.arm("GET", self._deleted_path(name, location), what)
            return deleted_pool_of(object_of(answer, what), what)
        deleted = self.list_deleted()
        for pool in deleted:
            if pool.name.lower() == name.lower():
                return pool
        message = f"There is no deleted managed HSM named {name}."
        raise NotFoundError(message, _near_hint(name, [pool.name for pool in deleted], "deleted pools"))

    def recover(self, name: str, location: Optional[str] = None) -> Operation:
        """Brings a soft-deleted pool back where it was."""
        deleted = self.get_deleted(name, location)
        resource = text_at(deleted.body, "properties.mhsmId", f"deleted managed HSM {name}")
        group_in(resource, f"deleted managed HSM {name}")
        body = {
            "location": deleted.location,
            "sku": {"family": "B", "name": DEFAULT_SKU},
            "properties": {"tenantId": self._tenant_id(), "createMode": "Recover"},
        }
        answer = self._service.arm("PUT", resource, f"the recovery of {name}", body)
        return self._operations.begin(answer, "recover", deleted.name, resource)

    def purge(self, name: str, location: Optional[str] = None) -> Operation:
        """Ends a soft-deleted pool for good."""
        place = location or self.get_deleted(name).location
        path = f"{self._deleted_path(name, place)}/purge"
        answer = self._service.arm("POST", path, f"the purge of {name}")
        return self._operations.begin(answer, "purge", name, "")

    def check_name(self, name: str) -> Dict[str, Any]:
        """Is the name free? As the service answers: nameAvailable, reason, message."""
        what = f"the check of the name {name}"
        path = f"{NAMESPACE}/checkMhsmNameAvailability"
        return object_of(self._service.arm("POST", path, what, {"name": name}), what)

    def _deleted_path(self, name: str, location: str) -> str:
        place = self._catalogue().normalise(location)
        return f"{NAMESPACE}/locations/{segment(place)}/deletedManagedHSMs/{segment(name)}"


def _update(pool: Pool, changes: PoolChanges) -> Dict[str, Any]:
    """The PATCH body. Nested objects replace their whole, so network rules are carried over."""
    properties: Dict[str, Any] = {}
    if changes.purge_protection is not None:
        properties["enablePurgeProtection"] = changes.purge_protection
    if changes.public_network_access is not None:
        properties["publicNetworkAccess"] = changes.public_network_access
    if changes.bypass is not None or changes.default_action is not None:
        rules: Mapping[str, Any] = value_at(pool.body, "properties.networkAcls") or {}
        properties["networkAcls"] = {
            **rules,
            "bypass": changes.bypass or rules.get("bypass", "AzureServices"),
            "defaultAction": changes.default_action or rules.get("defaultAction", "Allow"),
        }
    body: Dict[str, Any] = {"location": pool.location, "sku": pool.body.get("sku"), "properties": properties}
    if changes.tags is not None:
        body["tags"] = dict(changes.tags)
    return body


def _revive_hint(name: str) -> str:
    return (
        f"`keyvault recover --hsm-name {name}` brings it back, `keyvault purge --hsm-name {name}` ends it "
        "for good."
    )


def _extended_hint(error: BadRequestError, name: str) -> str:
    """How to make a pool deletable, where the refusal says that it is extended."""
    found = _EXTENDED_TO.search(error.message)
    if found is None:
        return error.hint
    regions = [region.strip() for region in found.group(1).split(",")]
    commands = [f"`keyvault region remove --hsm-name {name} --region {region}`" for region in regions]
    return f"Remove its extended region{'s' if len(regions) > 1 else ''} first: {', '.join(commands)}."


def _near_hint(name: str, names: List[str], kind: str = "pools") -> str:
    """Did you mean …, else the names that there are."""
    from difflib import get_close_matches

    by_lower = {one.lower(): one for one in names}
    near = get_close_matches(name.lower(), list(by_lower), n=3, cutoff=0.6)
    if near:
        return f"Did you mean {', '.join(by_lower[one] for one in near)}?"
    if not names:
        return f"There are no {kind} here; `keyvault create` makes one." if kind == "pools" else ""
    listed = ", ".join(sorted(names)[:10])
    return f"The {kind} here: {listed}{', …' if len(names) > 10 else ''}."
