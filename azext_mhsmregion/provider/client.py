"""The one client of the service: it implements Provider over a transport. ARM and the emulator
differ in the transport, in whether documented rules bind, and in what the emulator knows
besides (cost so far, exact replication, what a removal would lose)."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from azext_mhsmregion.model.regions import DEFAULT_EDITION, Catalogue, catalogue
from azext_mhsmregion.provider.access import Access, RestAccess
from azext_mhsmregion.provider.data import DataPlane
from azext_mhsmregion.provider.durations import Durations
from azext_mhsmregion.provider.errors import AuthenticationError, ForbiddenError
from azext_mhsmregion.provider.graph import find_principal
from azext_mhsmregion.provider.interface import (
    Cost,
    DeletedPool,
    Location,
    Operation,
    Plan,
    Pool,
    PoolChanges,
    PoolSpec,
    Region,
    Replication,
)
from azext_mhsmregion.provider.locations import locations
from azext_mhsmregion.provider.operations import Operations
from azext_mhsmregion.provider.pools import Pools
from azext_mhsmregion.provider.prices import estimated_cost
from azext_mhsmregion.provider.regions import Regions
from azext_mhsmregion.provider.replication import compare_regions
from azext_mhsmregion.provider.service import ARM_API_VERSION, Endpoints, Service
from azext_mhsmregion.provider.transport import Transport


class Settings(NamedTuple):
    """What a client needs besides its transport.

    ``tenant_id`` and ``caller`` (object id) are asked for when first needed. ``default_group``
    is used for a new pool without a group. ``durations`` remembers how long operations took.
    ``now`` is a monotonic clock, ``wall`` the time of day; both in seconds.
    """

    subscription_id: str
    tenant_id: Callable[[], str]
    caller: Callable[[], str]
    endpoints: Endpoints = Endpoints()
    api_version: str = ARM_API_VERSION
    edition: str = DEFAULT_EDITION
    binding: bool = False
    full_body: bool = False
    default_group: Optional[str] = None
    durations: Optional[Durations] = None
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


class ManagedHsmClient:
    """Implements :class:`azext_mhsmregion.provider.interface.Provider`."""

    kind = "arm"
    locations_note = "as documented, not asked of Azure"

    def __init__(self, transport: Transport, settings: Settings, access: Optional[Access] = None) -> None:
        self._settings = settings
        self._service = Service(transport, settings.subscription_id, settings.endpoints, settings.api_version)
        self._operations = Operations(
            self._service, settings.now, settings.wall, self.expected_seconds, self._record_duration
        )
        self._pools = Pools(
            self._service,
            self._operations,
            self._catalogue,
            settings.tenant_id,
            self.whoami,
            settings.default_group,
        )
        self._regions = Regions(
            self._service,
            self._operations,
            self._pools,
            self._catalogue,
            settings.binding,
            settings.edition,
            settings.full_body,
        )
        self._data = DataPlane(self._service)
        self._access: Access = access or RestAccess(self._service)
        self._bases: Dict[str, str] = {}

    # -- pools -----------------------------------------------------------------
    def list_pools(self, group: Optional[str] = None) -> List[Pool]:
        return self._pools.list(group)

    def get_pool(self, name: str, group: Optional[str] = None) -> Pool:
        return self._pools.get(name, group)

    def create_pool(self, spec: PoolSpec) -> Operation:
        return self._pools.create(spec)

    def update_pool(self, name: str, group: Optional[str], changes: PoolChanges) -> Operation:
        return self._pools.update(name, group, changes)

    def delete_pool(self, name: str, group: Optional[str] = None) -> Operation:
        return self._pools.delete(name, group)

    def list_deleted_pools(self) -> List[DeletedPool]:
        return self._pools.list_deleted()

    def get_deleted_pool(self, name: str, location: Optional[str] = None) -> DeletedPool:
        return self._pools.get_deleted(name, location)

    def recover_pool(self, name: str, location: Optional[str] = None) -> Operation:
        return self._pools.recover(name, location)

    def purge_pool(self, name: str, location: Optional[str] = None) -> Operation:
        return self._pools.purge(name, location)

    def check_name(self, name: str) -> Dict[str, Any]:
        return self._pools.check_name(name)

    # -- regions ---------------------------------------------------------------
    def list_regions(self, name: str, group: Optional[str] = None) -> List[Region]:
        return self._regions.list(name, group)

    def plan_region_add(self, name: str, region: str, group: Optional[str] = None) -> Plan:
        return self._regions.plan_add(name, region, group)

    def plan_region_remove(self, name: str, region: str, group: Optional[str] = None) -> Plan:
        return self._regions.plan_remove(name, region, group)

    def add_region(self, plan: Plan, group: Optional[str] = None) -> Operation:
        return self._regions.change(plan, group)

    def remove_region(self, plan: Plan, group: Optional[str] = None, accept_loss: bool = False) -> Operation:
        return self._regions.change(plan, group)

    def list_locations(self, name: Optional[str] = None) -> Tuple[List[Location], str]:
        pool = self._pools.get(name) if name else None
        note = f"documentation of {self._settings.edition}, {self.locations_note}"
        return locations(self._catalogue(), self._settings.edition, pool), note

    def cost(self, name: Optional[str] = None) -> Cost:
        pools = [self._pools.get(name)] if name else self._pools.list()
        return estimated_cost(pools)

    def replication(self, name: str, key: Optional[str] = None) -> Replication:
        return compare_regions(self._data, self._base(name), self.list_regions(name), key)

    # -- long operations -------------------------------------------------------
    def poll(self, operation: Operation) -> Operation:
        return self._operations.poll(operation)

    def expected_seconds(self, kind: str) -> Optional[float]:
        """How long an operation of this kind should take."""
        durations = self._settings.durations
        return durations.expected(kind) if durations else None

    # -- data plane ------------------------------------------------------------
    def download_security_domain(self, name: str, certificates: Sequence[bytes], quorum: int) -> str:
        return self._data.download_security_domain(self._base(name), certificates, quorum)

    def security_domain_status(self, name: str) -> Dict[str, Any]:
        return self._data.security_domain_status(self._base(name))

    def create_key(self, name: str, key: str, parameters: Mapping[str, Any]) -> Dict[str, Any]:
        return self._data.create_key(self._base(name), key, parameters)

    def get_key(self, name: str, key: str, version: str = "") -> Dict[str, Any]:
        return self._data.get_key(self._base(name), key, version)

    def list_keys(self, name: str, limit: Optional[int] = None) -> List[Dict[str, Any]]:
        return self._data.list_keys(self._base(name), limit)

    def delete_key(self, name: str, key: str) -> Dict[str, Any]:
        return self._data.delete_key(self._base(name), key)

    def sign(self, name: str, key: str, version: str, algorithm: str, digest: bytes) -> Dict[str, Any]:
        return self._data.sign(self._base(name), key, version, algorithm, digest)

    def verify(
        self, name: str, key: str, version: str, algorithm: str, digest: bytes, signature: bytes
    ) -> bool:
        return self._data.verify(self._base(name), key, version, algorithm, digest, signature)

    def list_role_definitions(self, name: str, scope: str = "/") -> List[Dict[str, Any]]:
        return self._access.definitions(self._base(name), scope)

    def list_role_assignments(self, name: str, scope: str = "/") -> List[Dict[str, Any]]:
        return self._access.assignments(self._base(name), scope)

    def create_role_assignment(
        self, name: str, scope: str, role_definition_id: str, principal_id: str, assignment_name: str
    ) -> Dict[str, Any]:
        return self._access.assign(self._base(name), scope, role_definition_id, principal_id, assignment_name)

    def delete_role_assignment(self, name: str, scope: str, assignment_name: str) -> Dict[str, Any]:
        return self._access.unassign(self._base(name), scope, assignment_name)

    def held_for(self, operation: Operation) -> Optional[float]:
        return None

    def time_held(self, pool: str, polled: bool = False) -> Optional[float]:
        return None

    def whoami(self) -> str:
        return self._settings.caller()

    def find_principal(self, name: str) -> str:
        return find_principal(self._service.transport, name)

    # -- within ----------------------------------------------------------------
    def _catalogue(self) -> Catalogue:
        return catalogue()

    def _record_duration(self, kind: str, seconds: float) -> None:
        if self._settings.durations:
            self._settings.durations.record(kind, seconds)

    def _base(self, name: str) -> str:
        """The pool's hsmUri, looked up once. Users of keys often may not read the control
        plane, or see no pool there: then the documented name is tried."""
        base = self._bases.get(name.lower())
        if base is None:
            base = self._bases[name.lower()] = self._looked_up_base(name)
        return base

    def _looked_up_base(self, name: str) -> str:
        documented = f"https://{name.lower()}.{self._settings.endpoints.hsm_suffix}/"
        try:
            pools = self._pools.list()
        except (AuthenticationError, ForbiddenError):
            return documented
        if not (pools or self._settings.binding or self._pools.deleted_named(name)):
            return documented
        return self._pools.among(pools, name).hsm_uri
