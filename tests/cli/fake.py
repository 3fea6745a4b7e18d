"""A provider that keeps its state in memory and a clock that is moved by sleeping."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.interface import (
    Cost,
    CostLine,
    DeletedPool,
    Location,
    Operation,
    Plan,
    Pool,
    Region,
    Replication,
)

OWNER = "00000000-0000-0000-0000-00000000000a"
CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
ADMINISTRATOR = "a290e904-7015-4bba-90c8-60543313cdb4"
DEFINITION = "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/"
PRICE = 3.2


class Clock:
    """Time that passes only while somebody sleeps. ``interrupt_at``: Ctrl-C at that time."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.interrupt_at: Optional[float] = None

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.interrupt_at is not None and self.time >= self.interrupt_at:
            raise KeyboardInterrupt


def b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class PoolState:
    name: str
    location: str
    group: str = "default"
    activation: str = "Active"
    tags: Dict[str, str] = field(default_factory=dict)
    extended: Dict[str, str] = field(default_factory=dict)
    keys: Dict[str, Dict[str, Any]] = field(default_factory=dict)
    assignments: List[Dict[str, Any]] = field(default_factory=list)

    def regions(self) -> List[Region]:
        return [Region(n, s, False) for n, s in self.extended.items()] + [
            Region(self.location, "Succeeded", True)
        ]

    def body(self) -> Dict[str, Any]:
        return {
            "id": f"/subscriptions/s/resourceGroups/{self.group}/providers/Microsoft.KeyVault"
            f"/managedHSMs/{self.name}",
            "name": self.name,
            "location": self.location,
            "tags": self.tags,
            "properties": {
                "provisioningState": "Succeeded",
                "regions": [{"name": n, "provisioningState": s} for n, s in self.extended.items()],
                "securityDomainProperties": {"activationStatus": self.activation},
            },
        }

    def typed(self) -> Pool:
        return Pool(
            id=self.body()["id"],
            name=self.name,
            group=self.group,
            location=self.location,
            provisioning_state="Succeeded",
            activation_status=self.activation,
            hsm_uri=f"https://{self.name.lower()}.managedhsm.azure.net/",
            extended=tuple(Region(n, s, False) for n, s in self.extended.items()),
            body=self.body(),
        )


class FakeProvider:
    """Implements ``provider.interface.Provider``. An operation takes ``length`` seconds.
    ``stopped_by``: what a method raises once it has done its work, by the method's name."""

    def __init__(self, clock: Clock, kind: str = "emulator") -> None:
        self.kind = kind
        self.clock = clock
        self.length = 90.0
        self.expected: Optional[float] = 90.0
        self.pools: Dict[str, PoolState] = {}
        self.deleted: Dict[str, PoolState] = {}
        self.calls: List[Tuple[Any, ...]] = []
        self.raises: Optional[Exception] = None
        self.ends_in_failed = False
        self.warnings: Tuple[str, ...] = ()
        self.stopped_by: Dict[str, BaseException] = {}
        self.replications: List[Replication] = []
        self.activation_polls = 2
        self.principals: Dict[str, str] = {}
        self.held: Optional[float] = None
        self._ends: Dict[str, Tuple[float, Callable[[], None]]] = {}

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        stop = super().__getattribute__("__dict__").get("stopped_by", {}).get(name)
        if stop is None:
            return found

        def stopped(*arguments: Any, **named: Any) -> None:
            found(*arguments, **named)
            raise stop

        return stopped

    # -- helpers ---------------------------------------------------------------
    def begin(self, kind: str, pool: str, at_the_end: Callable[[], None]) -> Operation:
        url = f"https://management.azure.com/operations/{len(self._ends)}"
        self._ends[url] = (self.clock.time + self.length, at_the_end)
        pause = min(5.0, self.length)
        return Operation(
            kind, pool, url, expected_seconds=self.expected, retry_after=pause, warnings=self.warnings
        )

    def settle(self) -> None:
        """Do what is due by now."""
        for url, (due, at_the_end) in list(self._ends.items()):
            if due <= self.clock.time:
                del self._ends[url]
                at_the_end()

    def poll(self, operation: Operation) -> Operation:
        self.settle()
        return operation._replace(done=operation.url not in self._ends)

    def state(self, name: str, group: Optional[str] = None) -> PoolState:
        if self.raises is not None:
            raise self.raises
        self.settle()
        found = self.pools.get(name.lower())
        if found is None or (group and group.lower() != found.group.lower()):
            raise errors.NotFoundError(f"Pool {name} was not found.", "See `keyvault list`.")
        return found

    # -- pools -----------------------------------------------------------------
    def list_pools(self, group: Optional[str] = None) -> List[Pool]:
        return [p.typed() for p in self.pools.values() if group in (None, p.group)]

    def get_pool(self, name: str, group: Optional[str] = None) -> Pool:
        return self.state(name, group).typed()

    def create_pool(self, spec: Any) -> Operation:
        self.calls.append(("create_pool", spec))

        def end() -> None:
            self.pools[spec.name.lower()] = PoolState(
                spec.name, spec.location, spec.group or "default", "NotActivated", dict(spec.tags)
            )

        return self.begin("create", spec.name, end)

    def update_pool(self, name: str, group: Optional[str], changes: Any) -> Operation:
        self.calls.append(("update_pool", name, changes))
        pool = self.state(name, group)
        return self.begin("update", name, lambda: pool.tags.update(changes.tags or {}))

    def delete_pool(self, name: str, group: Optional[str] = None) -> Operation:
        pool = self.state(name, group)
        if pool.extended:
            raise errors.BadRequestError(
                f"Soft delete of a pool {name} that is extended to regions "
                f"({', '.join(pool.extended)}) is not allowed."
            )
        return self.begin(
            "delete", name, lambda: self.deleted.update({name.lower(): self.pools.pop(name.lower())})
        )

    def list_deleted_pools(self) -> List[DeletedPool]:
        return [self.get_deleted_pool(name) for name in self.deleted]

    def get_deleted_pool(self, name: str, location: Optional[str] = None) -> DeletedPool:
        if name.lower() not in self.deleted:
            raise errors.NotFoundError(f"No deleted pool {name}.")
        pool = self.deleted[name.lower()]
        body = {
            "name": pool.name,
            "properties": {
                "location": pool.location,
                "deletionDate": "2026-01-01T00:00:00Z",
                "scheduledPurgeDate": "2026-04-01T00:00:00Z",
                "purgeProtectionEnabled": False,
            },
        }
        return DeletedPool(pool.name, pool.location, body)

    def recover_pool(self, name: str, location: Optional[str] = None) -> Operation:
        self.get_deleted_pool(name)
        return self.begin(
            "recover", name, lambda: self.pools.update({name.lower(): self.deleted.pop(name.lower())})
        )

    def purge_pool(self, name: str, location: Optional[str] = None) -> Operation:
        self.get_deleted_pool(name)
        return self.begin("purge", name, lambda: self.deleted.pop(name.lower()) and None)

    def check_name(self, name: str) -> Dict[str, Any]:
        taken = name.lower() in {**self.pools, **self.deleted}
        return {"nameAvailable": not taken, "reason": "AlreadyExists" if taken else None, "message": None}

    # -- regions ---------------------------------------------------------------
    def list_regions(self, name: str, group: Optional[str] = None) -> List[Region]:
        return self.state(name, group).regions()

    def plan_region_add(self, name: str, region: str, group: Optional[str] = None) -> Plan:
        pool = self.state(name, group)
        if not catalogue().known(region):
            near = catalogue().near(region)
            raise errors.BadRequestError(
                f"Invalid region name: {region} passed.",
                hint=f"Did you mean {near[0]}?" if near else "",
            )
        region = catalogue().normalise(region)
        if region == pool.location:
            raise errors.BadRequestError(f"{region} is the primary region of pool {name}.")
        return self._plan("add", pool, region, [*pool.extended, region], 1)

    def plan_region_remove(self, name: str, region: str, group: Optional[str] = None) -> Plan:
        pool = self.state(name, group)
        region = catalogue().normalise(region)
        if region == pool.location:
            raise errors.BadRequestError(
                f"{region} is the primary region of pool {name} and cannot be removed.",
                hint=f"Delete the pool instead: keyvault delete --hsm-name {name}",
            )
        return self._plan("remove", pool, region, [r for r in pool.extended if r != region], -1)

    def _plan(self, action: str, pool: PoolState, region: str, wanted: List[str], step: int) -> Plan:
        now = PRICE * (1 + len(pool.extended))
        return Plan(
            action=action,
            pool=pool.name,
            region=region,
            method="PATCH",
            url=f"https://management.azure.com{pool.body()['id']}?api-version=2023-07-01",
            body={"location": pool.location, "properties": {"regions": [{"name": r} for r in wanted]}},
            already=pool.extended.get(region),
            warnings=("Not asked of Azure.",) if self.kind == "arm" else (),
            hourly_usd_before=now,
            hourly_usd_after=now + step * PRICE,
        )

    def add_region(self, plan: Plan, group: Optional[str] = None) -> Operation:
        self.calls.append(("add_region", plan.region))
        pool = self.state(plan.pool, group)
        pool.extended[plan.region] = "Provisioning"
        end = "Failed" if self.ends_in_failed else "Succeeded"
        return self.begin("region-add", plan.pool, lambda: pool.extended.update({plan.region: end}))

    def remove_region(self, plan: Plan, group: Optional[str] = None, accept_loss: bool = False) -> Operation:
        self.calls.append(("remove_region", plan.region, accept_loss))
        pool = self.state(plan.pool, group)
        pool.extended[plan.region] = "Deleting"
        return self.begin("region-remove", plan.pool, lambda: pool.extended.pop(plan.region) and None)

    def list_locations(self, name: Optional[str] = None) -> Tuple[List[Location], str]:
        return [
            Location("australiaeast", "Australia East", True, ""),
            Location("uksouth", "UK South", True, ""),
            Location("eastus", "East US", False, "documented as not extendable"),
        ], "2025-04"

    def cost(self, name: Optional[str] = None) -> Cost:
        lines = [
            CostLine(p.name, r.name, 10.0, PRICE, 10 * PRICE)
            for p in self.pools.values()
            for r in p.regions()
            if name in (None, p.name)
        ]
        return Cost(tuple(lines), PRICE, "2025-04-14", "list price")

    def replication(self, name: str, key: Optional[str] = None) -> Replication:
        self.calls.append(("replication", name, key))
        return self.replications.pop(0) if len(self.replications) > 1 else self.replications[0]

    # -- data plane ------------------------------------------------------------
    def download_security_domain(self, name: str, certificates: Any, quorum: int) -> str:
        self.calls.append(("download", name, tuple(certificates), quorum))
        self.state(name)
        return '{"EncData": {}}'

    def security_domain_status(self, name: str) -> Dict[str, Any]:
        self.activation_polls -= 1
        return {"status": "InProgress" if self.activation_polls > 0 else "Success", "status_details": ""}

    def create_key(self, name: str, key: str, parameters: Any) -> Dict[str, Any]:
        self.calls.append(("create_key", name, key, dict(parameters)))
        made = {
            "key": {
                "kid": f"https://{name.lower()}.managedhsm.azure.net/keys/{key}/v1",
                "kty": parameters["kty"],
                "key_ops": parameters.get("key_ops", ["sign", "verify"]),
                "n": b64url(b"\xff\xfe modulus"),
                "e": b64url(b"\x01\x00\x01"),
            },
            "attributes": {
                "enabled": True,
                "created": 1700000000,
                "updated": 1700000000,
                "recoveryLevel": "Recoverable",
                "recoverableDays": 90,
            },
        }
        self.state(name).keys[key] = made
        return made

    def get_key(self, name: str, key: str, version: str = "") -> Dict[str, Any]:
        self.calls.append(("get_key", name, key, version))
        keys = self.state(name).keys
        if key not in keys:
            raise errors.NotFoundError(f"A key with (name/id) {key} was not found in this key vault.")
        return keys[key]

    def list_keys(self, name: str, limit: Optional[int] = None) -> List[Dict[str, Any]]:
        found = self.state(name).keys.values()
        rows = [{"kid": k["key"]["kid"].rsplit("/", 1)[0], "attributes": k["attributes"]} for k in found]
        return rows[:limit]

    def delete_key(self, name: str, key: str) -> Dict[str, Any]:
        made = self.get_key(name, key)
        del self.state(name).keys[key]
        recovery = f"https://{name}.managedhsm.azure.net/deletedkeys/{key}"
        return {**made, "recoveryId": recovery, "deletedDate": 1700000100, "scheduledPurgeDate": 1707776100}

    def sign(self, name: str, key: str, version: str, algorithm: str, digest: bytes) -> Dict[str, Any]:
        self.calls.append(("sign", name, key, version, algorithm, digest))
        return {"kid": self.get_key(name, key)["key"]["kid"], "value": b64url(b"\xfbsigned:" + digest)}

    def verify(
        self, name: str, key: str, version: str, algorithm: str, digest: bytes, signature: bytes
    ) -> bool:
        return signature == b"\xfbsigned:" + digest

    def list_role_definitions(self, name: str, scope: str = "/") -> List[Dict[str, Any]]:
        names = {CRYPTO_USER: "Managed HSM Crypto User", ADMINISTRATOR: "Managed HSM Administrator"}
        return [
            {"id": DEFINITION + guid, "name": guid, "properties": {"roleName": role}}
            for guid, role in names.items()
        ]

    def list_role_assignments(self, name: str, scope: str = "/") -> List[Dict[str, Any]]:
        return list(self.state(name).assignments)

    def create_role_assignment(
        self, name: str, scope: str, role_definition_id: str, principal_id: str, assignment_name: str
    ) -> Dict[str, Any]:
        made = {
            "id": f"/providers/Microsoft.Authorization/roleAssignments/{assignment_name}",
            "name": assignment_name,
            "type": "Microsoft.Authorization/roleAssignments",
            "properties": {
                "scope": scope,
                "roleDefinitionId": role_definition_id,
                "principalId": principal_id,
            },
        }
        self.state(name).assignments.append(made)
        return made

    def delete_role_assignment(self, name: str, scope: str, assignment_name: str) -> Dict[str, Any]:
        pool = self.state(name)
        found = next((a for a in pool.assignments if a["name"] == assignment_name), None)
        if found is None:
            raise errors.NotFoundError(f"Requested role assignment not found: {assignment_name}.")
        pool.assignments.remove(found)
        return found

    def whoami(self) -> str:
        return OWNER

    def held_for(self, operation: Operation) -> Optional[float]:
        return self.held

    def time_held(self, name: str, polled: bool = False) -> Optional[float]:
        return None if polled else self.held

    def find_principal(self, name: str) -> str:
        if name not in self.principals:
            raise errors.NotFoundError(f"no principal named {name}")
        return self.principals[name]
