"""What a command may ask of a provider: typed values in, typed values out, typed errors.

Every method may raise the errors of :mod:`azext_mhsmregion.provider.errors`. ``group`` is a
resource group's name or None, then the provider finds the pool by its name (pool names are
unique in a cloud, rule C3). Times are ISO 8601 strings as on the wire, durations seconds.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Protocol, Sequence, Tuple

DEFAULT_SKU = "Standard_B1"
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


class Region(NamedTuple):
    """One region of a pool (rule C2). ``provisioning_state`` is one of rule C4b's."""

    name: str
    provisioning_state: str
    is_primary: bool


class Pool(NamedTuple):
    """A managed HSM pool. ``body`` is the resource as the control plane sent it."""

    id: str
    name: str
    group: str
    location: str
    provisioning_state: str
    activation_status: str
    hsm_uri: str
    extended: Tuple[Region, ...]
    body: Mapping[str, Any]


class PoolSpec(NamedTuple):
    """What ``keyvault create`` sends."""

    name: str
    location: str
    group: Optional[str] = None
    administrators: Tuple[str, ...] = ()
    retention_days: int = 90
    purge_protection: Optional[bool] = None
    sku: str = DEFAULT_SKU
    tags: Mapping[str, str] = _NO_TAGS


class PoolChanges(NamedTuple):
    """What ``keyvault update-hsm`` changes; None leaves a thing as it is."""

    tags: Optional[Mapping[str, str]] = None
    purge_protection: Optional[bool] = None
    public_network_access: Optional[str] = None
    bypass: Optional[str] = None
    default_action: Optional[str] = None


class DeletedPool(NamedTuple):
    """A soft-deleted pool (rule D4). ``body`` as the control plane sent it."""

    name: str
    location: str
    body: Mapping[str, Any]


class Operation(NamedTuple):
    """A long operation under way. ``url`` is the newest Location to poll; ``kind`` one of
    create, update, region-add, region-remove, delete, recover, purge. ``expected_seconds``
    is how long it should take from its start (the profile's, or seen before), None unknown.
    ``done`` is True when the service finished at once. ``resource`` is the ARM id to look at
    when it ended, ``region`` the region that a region-add or region-remove is about,
    ``started`` a reading of the provider's monotonic clock, ``warnings`` what its beginning met,
    to be shown once."""

    kind: str
    pool: str
    url: str
    expected_seconds: Optional[float] = None
    retry_after: float = 0.0
    done: bool = False
    resource: str = ""
    region: str = ""
    started: Optional[float] = None
    warnings: Tuple[str, ...] = ()


class Plan(NamedTuple):
    """What a region add or remove would do, before doing it (``--dry-run``)."""

    action: str
    pool: str
    region: str
    method: str
    url: str
    body: Mapping[str, Any]
    already: Optional[str]
    warnings: Tuple[str, ...]
    hourly_usd_before: float
    hourly_usd_after: float


class Location(NamedTuple):
    """One region of the catalogue: can a pool be extended into it, and if not why."""

    name: str
    display_name: str
    can_be_extended: bool
    reason: str


class CostLine(NamedTuple):
    """Cost of one pool in one region: hours billed so far (None: this provider cannot
    know), USD an hour, USD so far."""

    pool: str
    region: str
    hours: Optional[float]
    usd_per_hour: float
    usd: Optional[float]


class Cost(NamedTuple):
    """``region cost``: the lines, and what one more extended region adds an hour."""

    lines: Tuple[CostLine, ...]
    next_extension_usd_per_hour: float
    price_date: str
    note: str = ""


class Replication(NamedTuple):
    """Do all regions of a pool agree (rule L4)? ``exact`` is False where the provider can
    only ask the regional names; ``pending`` counts writes not yet visible everywhere,
    ``seconds`` how long until they are (None: unknown); ``lost`` those that never will be, because
    what had them is destroyed (rule L5b)."""

    agreed: bool
    exact: bool
    pending: Optional[int] = None
    seconds: Optional[float] = None
    lost: int = 0


class Provider(Protocol):
    """The pluggable provider (DESIGN section 1)."""

    kind: str  # "arm" or "emulator"

    # -- pools -----------------------------------------------------------------
    def list_pools(self, group: Optional[str] = None) -> List[Pool]: ...
    def get_pool(self, name: str, group: Optional[str] = None) -> Pool: ...
    def create_pool(self, spec: PoolSpec) -> Operation: ...
    def update_pool(self, name: str, group: Optional[str], changes: PoolChanges) -> Operation: ...
    def delete_pool(self, name: str, group: Optional[str] = None) -> Operation: ...
    def list_deleted_pools(self) -> List[DeletedPool]: ...
    def get_deleted_pool(self, name: str, location: Optional[str] = None) -> DeletedPool: ...
    def recover_pool(self, name: str, location: Optional[str] = None) -> Operation: ...
    def purge_pool(self, name: str, location: Optional[str] = None) -> Operation: ...
    def check_name(self, name: str) -> Dict[str, Any]: ...

    # -- regions ---------------------------------------------------------------
    def list_regions(self, name: str, group: Optional[str] = None) -> List[Region]: ...
    def plan_region_add(self, name: str, region: str, group: Optional[str] = None) -> Plan: ...
    def plan_region_remove(self, name: str, region: str, group: Optional[str] = None) -> Plan: ...
    def add_region(self, plan: Plan, group: Optional[str] = None) -> Operation: ...
    def remove_region(
        self, plan: Plan, group: Optional[str] = None, accept_loss: bool = False
    ) -> Operation: ...
    def list_locations(self, name: Optional[str] = None) -> Tuple[List[Location], str]: ...
    def cost(self, name: Optional[str] = None) -> Cost: ...
    def replication(self, name: str, key: Optional[str] = None) -> Replication: ...

    # -- long operations -------------------------------------------------------
    def poll(self, operation: Operation) -> Operation: ...
    def held_for(self, operation: Operation) -> Optional[float]:
        """Seconds by which somebody must advance a clock that stands still before the operation
        can end; None where time passes by itself."""

    def time_held(self, pool: str, polled: bool = False) -> Optional[float]:
        """For who waits for a change of the pool by looking at it (``polled``: by polling its
        operation): seconds by which a clock that stands still must be advanced until all that is
        under way there has ended, 0 where nothing is; None where time passes by itself."""

    # -- data plane ------------------------------------------------------------
    def download_security_domain(self, name: str, certificates: Sequence[bytes], quorum: int) -> str: ...
    def security_domain_status(self, name: str) -> Dict[str, Any]: ...
    def create_key(self, name: str, key: str, parameters: Mapping[str, Any]) -> Dict[str, Any]: ...
    def get_key(self, name: str, key: str, version: str = "") -> Dict[str, Any]: ...
    def list_keys(self, name: str, limit: Optional[int] = None) -> List[Dict[str, Any]]: ...
    def delete_key(self, name: str, key: str) -> Dict[str, Any]: ...
    def sign(self, name: str, key: str, version: str, algorithm: str, digest: bytes) -> Dict[str, Any]: ...
    def verify(
        self, name: str, key: str, version: str, algorithm: str, digest: bytes, signature: bytes
    ) -> bool: ...
    def list_role_definitions(self, name: str, scope: str = "/") -> List[Dict[str, Any]]: ...
    def list_role_assignments(self, name: str, scope: str = "/") -> List[Dict[str, Any]]: ...
    def create_role_assignment(
        self, name: str, scope: str, role_definition_id: str, principal_id: str, assignment_name: str
    ) -> Dict[str, Any]: ...
    def delete_role_assignment(self, name: str, scope: str, assignment_name: str) -> Dict[str, Any]: ...
    def whoami(self) -> str: ...
    def find_principal(self, name: str) -> str: ...
