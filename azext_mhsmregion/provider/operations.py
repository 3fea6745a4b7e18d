"""Long operations: what an accepted request started, and how to ask whether it has ended."""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping, Optional

from azext_mhsmregion.provider.answers import (
    error_of,
    object_of,
    pool_of,
    region_of,
    value_at,
    words_in,
    words_of,
)
from azext_mhsmregion.provider.errors import NotFoundError, OperationFailedError, ProviderError
from azext_mhsmregion.provider.interface import Operation, Region
from azext_mhsmregion.provider.locations import same_region
from azext_mhsmregion.provider.retry import retry_after
from azext_mhsmregion.provider.service import Service
from azext_mhsmregion.provider.states import ENDED_BADLY, IN_PROGRESS
from azext_mhsmregion.provider.transport import Answer

REGION_ADD = "region-add"
REGION_REMOVE = "region-remove"
_LEAVES_NO_POOL = frozenset({"delete", "purge"})
_UNDECIDED = frozenset({401, 403, 429})


class Operations:
    """Begins and polls long operations. ``expected`` gives the seconds that a kind should take
    (None: unknown), ``record`` takes what one took, ``now`` is a monotonic clock and ``wall``
    the time of day."""

    def __init__(
        self,
        service: Service,
        now: Callable[[], float],
        wall: Callable[[], float],
        expected: Callable[[str], Optional[float]],
        record: Callable[[str, float], None],
    ) -> None:
        self._service = service
        self._now = now
        self._wall = wall
        self._expected = expected
        self._record = record

    def begin(self, answer: Answer, kind: str, pool: str, resource: str, region: str = "") -> Operation:
        """The operation that an accepted request (2xx) started."""
        operation = Operation(
            kind=kind,
            pool=pool,
            url=_location(answer) or self._service.arm_url(resource),
            expected_seconds=self._expected(kind),
            retry_after=retry_after(answer.headers, self._wall) or 0.0,
            resource=resource,
            region=region,
            started=self._now(),
        )
        under_way = answer.status == 202 or _state_of(_json(answer)) in IN_PROGRESS
        return operation if under_way else operation._replace(done=True)

    def poll(self, operation: Operation) -> Operation:
        """Asks once. Follows the newest Location. Raises OperationFailedError when it ended
        badly, also when the service calls it finished and the pool or region is in Failed."""
        if operation.done:
            return operation
        answer = self._service.send_arm("GET", operation.url)
        self._raise_if_failed(answer, operation)
        if answer.status == 202 or _state_of(_json(answer)) in IN_PROGRESS | {"inprogress"}:
            return operation._replace(
                url=_location(answer) or operation.url,
                retry_after=retry_after(answer.headers, self._wall) or 0.0,
            )
        if not self._settled(operation):
            return operation._replace(retry_after=retry_after(answer.headers, self._wall) or 0.0)
        if operation.started is not None:
            self._record(operation.kind, self._now() - operation.started)
        return operation._replace(done=True, retry_after=0.0)

    def _raise_if_failed(self, answer: Answer, operation: Operation) -> None:
        if answer.status >= 300:
            if answer.status < 400 or answer.status in _UNDECIDED or answer.status >= 500:
                raise error_of(answer, f"the {operation.kind} of {operation.pool}")
            code, message = words_of(answer)
            raise _failed(operation, message or f"HTTP {answer.status}", code)
        body = _json(answer)
        if _state_of(body) in ENDED_BADLY:
            code, message = words_in(body)
            raise _failed(operation, message or str(value_at(body, "properties.statusMessage") or ""), code)

    def _settled(self, operation: Operation) -> bool:
        """The service says that it is over: is what it was about as it should be? False while
        the region's own state still says that it is coming or going."""
        if operation.kind in _LEAVES_NO_POOL or not operation.resource:
            return True
        if operation.kind in (REGION_ADD, REGION_REMOVE):
            return self._region_settled(operation)
        what = f"managed HSM {operation.pool}"
        pool = pool_of(object_of(self._service.arm("GET", operation.resource, what), what), what)
        if pool.provisioning_state.lower() in ENDED_BADLY:
            raise _failed(operation, str(value_at(pool.body, "properties.statusMessage") or ""))
        return True

    def _region_settled(self, operation: Operation) -> bool:
        try:
            region = self._region(operation)
        except NotFoundError as error:
            raise _failed(operation, error.message, error.code) from error
        if region is None:
            if operation.kind == REGION_ADD:
                raise _failed(operation, f"{operation.region} is not among the pool's regions.")
            return True
        if region.provisioning_state.lower() in ENDED_BADLY:
            raise _failed(operation, f"region {operation.region} is in state {region.provisioning_state}.")
        return region.provisioning_state.lower() not in IN_PROGRESS

    def _region(self, operation: Operation) -> Optional[Region]:
        what = f"the regions of {operation.pool}"
        pages = self._service.arm_pages(f"{operation.resource}/regions", what)
        regions = (region_of(item, what) for item in pages)
        return next((one for one in regions if same_region(one.name, operation.region)), None)


def _location(answer: Answer) -> str:
    return answer.headers.get("location") or answer.headers.get("azure-asyncoperation") or ""


def _json(answer: Answer) -> Any:
    """The body of a poll; an empty one, or one that is not JSON, tells nothing."""
    try:
        return json.loads(answer.body) if answer.body else None
    except ValueError:
        return None


def _state_of(body: Any) -> str:
    """The state that a resource or an Azure-AsyncOperation body tells, in lower case."""
    state = value_at(body, "properties.provisioningState") or value_at(body, "status")
    return state.lower() if isinstance(state, str) else ""


DESTROYED = "RegionDestroyed"
"""The emulator's code where trying again cannot help (E6)."""

_VERBS: Mapping[str, str] = {REGION_ADD: "adding {0} to", REGION_REMOVE: "removing {0} from"}


def _failed(operation: Operation, words: str, code: Optional[str] = None) -> ProviderError:
    doing = _VERBS.get(operation.kind, f"{operation.kind} of").format(operation.region)
    hints = {
        REGION_ADD: "Try again with `keyvault region add`, another region, "
        "or clean up with `keyvault region remove`.",
        REGION_REMOVE: "Try again with `keyvault region remove`.",
    }
    hint = "Clean up with `keyvault region remove`." if code == DESTROYED else hints.get(operation.kind, "")
    message = f"The service says that {doing} {operation.pool} failed"
    return OperationFailedError(f"{message}: {words}" if words else f"{message}.", hint, code)
