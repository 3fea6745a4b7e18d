"""Transports for unit tests: one plays a script, one is a small service that can be disturbed."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Optional
from urllib.parse import urlsplit

from azext_mhsmregion.provider.arm import ArmProvider
from azext_mhsmregion.provider.client import Settings
from azext_mhsmregion.provider.retry import RetryingTransport
from azext_mhsmregion.provider.transport import Answer, Call

SUBSCRIPTION = "sub-1"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/group1"
POOL_ID = f"{GROUP}/providers/Microsoft.KeyVault/managedHSMs/contoso"
OPERATION = (
    f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/eastus2/managedHsmOperationResults"
)


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    """An answer; a body that is no bytes is sent as JSON. Underscores in names are hyphens."""
    data = body if isinstance(body, bytes) else (b"" if body is None else json.dumps(body).encode())
    return Answer(status, {name.replace("_", "-").lower(): value for name, value in headers.items()}, data)


def refusal(status: int, code: str, message: str, **headers: str) -> Answer:
    return answer(status, {"error": {"code": code, "message": message}}, **headers)


def pool_body(name: str = "contoso", state: str = "Succeeded", activation: str = "Active", **regions: str):
    """A pool's record; ``regions`` are its extended ones by state."""
    return {
        "id": POOL_ID.replace("contoso", name),
        "name": name,
        "type": "Microsoft.KeyVault/managedHSMs",
        "location": "eastus2",
        "sku": {"family": "B", "name": "Standard_B1"},
        "tags": {"team": "blue"},
        "systemData": {"lastModifiedAt": "2026-01-01T00:00:00Z"},
        "properties": {
            "tenantId": "tenant",
            "hsmUri": f"https://{name}.managedhsm.azure.net/",
            "initialAdminObjectIds": ["me"],
            "provisioningState": state,
            "statusMessage": "The Managed HSM is provisioned and ready to use.",
            "networkAcls": {
                "bypass": "AzureServices",
                "defaultAction": "Deny",
                "ipRules": [{"value": "1.2.3.4"}],
            },
            "regions": [
                {"name": region, "provisioningState": region_state, "isPrimary": False}
                for region, region_state in regions.items()
            ],
            "securityDomainProperties": {"activationStatus": activation},
        },
    }


class Script:
    """Answers in order, whatever is asked; remembers the calls."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.calls: List[Call] = []

    def send(self, call: Call) -> Answer:
        self.calls.append(call)
        return self._answers.pop(0)


def deleted_body(name: str, location: str = "uksouth"):
    """A soft-deleted pool's record."""
    resource = POOL_ID.replace("contoso", name)
    return {"id": resource, "name": name, "properties": {"mhsmId": resource, "location": location}}


class FakeAzure:
    """One pool; a PATCH replaces the list of regions, as the service's does, and tries again
    what is listed and Failed. ``before_patch`` and ``after_patch`` are other people: called once
    each with the service, if set. ``deleted`` are soft-deleted pools' records, or a refusal.
    ``unreadable`` answers the next reads of the pool, in order; ``replies`` the next PATCHes,
    which are carried out all the same where the reply is a 5xx."""

    def __init__(self, **regions: str) -> None:
        self.regions: Dict[str, str] = dict(regions)
        self.revision = 0
        self.patches: List[Any] = []
        self.before_patch: List[Callable[[FakeAzure], None]] = []
        self.after_patch: List[Callable[[FakeAzure], None]] = []
        self.refuse: Optional[Answer] = None
        self.polls = 0
        self.ends_as = "Succeeded"
        self.cached: Optional[Dict[str, Any]] = None
        self.deleted: Any = []
        self.unreadable: List[Answer] = []
        self.replies: List[Answer] = []

    def send(self, call: Call) -> Answer:
        path = urlsplit(call.url).path
        if call.method == "PATCH":
            return self._patch(json.loads(call.body))
        if path == POOL_ID and call.method == "GET" and self.unreadable and self.patches:
            return self.unreadable.pop(0)
        if path == POOL_ID:
            return answer(200, self.cached or self.record())
        if path == f"{POOL_ID}/regions":
            primary = {"name": "eastus2", "provisioningState": "Succeeded", "isPrimary": True}
            listed = self.record()["properties"]["regions"]
            return answer(200, {"value": [*listed, primary]})
        if path.startswith(OPERATION):
            return self._poll()
        if path.endswith("/providers/Microsoft.KeyVault/managedHSMs"):
            return answer(200, {"value": [self.record()]})
        if path.endswith("/deletedManagedHSMs"):
            return self.deleted if isinstance(self.deleted, Answer) else answer(200, {"value": self.deleted})
        return refusal(404, "ResourceNotFound", f"The Resource '{path.rpartition('/')[2]}' was not found.")

    def record(self) -> Dict[str, Any]:
        body = pool_body(**self.regions)
        body["systemData"]["lastModifiedAt"] = f"revision {self.revision}"
        return body

    def put_regions(self, names: List[str]) -> None:
        """The service's part of a PATCH."""
        self.revision += 1
        for name in names:
            if self.regions.get(name) not in ("Succeeded",):
                self.regions[name] = "Provisioning"
        for name in set(self.regions) - set(names):
            self.regions[name] = "Deleting"

    def settle(self) -> None:
        self.regions = {
            name: (self.ends_as if state == "Provisioning" else state)
            for name, state in self.regions.items()
            if state != "Deleting"
        }

    def _patch(self, body: Any) -> Answer:
        if self.before_patch:
            self.before_patch.pop(0)(self)
        if self.refuse is not None:
            return self.refuse
        reply = self.replies.pop(0) if self.replies else None
        if reply is not None and reply.status < 500:
            return reply
        self.patches.append(body)
        self.put_regions([region["name"] for region in body["properties"]["regions"]])
        if self.after_patch:
            self.after_patch.pop(0)(self)
        if reply is not None:
            return reply
        return answer(202, location=f"https://management.azure.com{OPERATION}/{len(self.patches)}?t=0")

    def _poll(self) -> Answer:
        self.polls += 1
        if self.polls < 3:
            location = f"https://management.azure.com{OPERATION}/1?t={self.polls}"
            return answer(202, location=location, retry_after="7")
        self.settle()
        return answer(200)

    def names_patched(self) -> List[List[str]]:
        """The region names of each PATCH, sorted."""
        return [sorted(region["name"] for region in body["properties"]["regions"]) for body in self.patches]


def provider_over(transport: Any, clock: Any = None, **settings: Any) -> ArmProvider:
    """An ArmProvider without retries and sockets."""
    if clock is not None:
        settings.setdefault("now", clock.now)
    return ArmProvider(transport, Settings(SUBSCRIPTION, lambda: "tenant", lambda: "me", **settings))


def retrying(transport: Any, clock: Any, random: float = 0.0, wall: float = 0.0) -> RetryingTransport:
    return RetryingTransport(transport, clock.sleep, lambda: random, lambda: wall)
