"""The emulator provider: the same client over the emulator's handlers in this process, or over
the proxy of the server that runs on that home."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional, Protocol, Sequence, Tuple

from azext_mhsmregion.emulator import errors as home_errors
from azext_mhsmregion.emulator import wire
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.billing import PRICE_DATE, price_usd_per_hour
from azext_mhsmregion.model.errors import NotFound
from azext_mhsmregion.provider.access import Access, SdkAccess
from azext_mhsmregion.provider.answers import checked, words_of
from azext_mhsmregion.provider.client import ManagedHsmClient, Settings
from azext_mhsmregion.provider.errors import BadRequestError, DestroyedError, HomeError, NotFoundError
from azext_mhsmregion.provider.interface import (
    DEFAULT_SKU,
    Cost,
    CostLine,
    Operation,
    Plan,
    Replication,
)
from azext_mhsmregion.provider.prices import dollars
from azext_mhsmregion.provider.retry import retrying
from azext_mhsmregion.provider.service import Service
from azext_mhsmregion.provider.states import LEAVING
from azext_mhsmregion.provider.surroundings import Surroundings
from azext_mhsmregion.provider.transport import Answer, Call, InProcessTransport, RequestsTransport, Transport

CONTROL_URL = "https://emulator.mhsmregion.internal"
"""The emulator's own API (``emulator/control``)."""


UNAVAILABLE = 503
WAIT_HINT = (
    "Wait until the regions agree (`keyvault region wait --replicated`), or accept the loss with --yes."
)


class Emulator(Protocol):
    """What :func:`azext_mhsmregion.emulator.open_home.open_home` gives."""

    @property
    def principal_id(self) -> str: ...
    @property
    def subscription_id(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def edition(self) -> str: ...
    def handle(self, request: wire.Request, caller: wire.Caller) -> wire.Response: ...
    def server_proxy(self, place: str, client: str) -> Optional[str]: ...
    def owner_token(self, audience: str) -> str: ...
    def ca_bundle(self) -> str: ...
    def cost(self, name: Optional[str]) -> Sequence[Tuple[str, str, float, float]]: ...
    def replication(self, name: str, key: Optional[str]) -> Tuple[bool, int, float, int]: ...
    def expected_seconds(self, kind: str) -> float: ...
    def loss_if_removed(self, pool: str, region: str) -> int: ...
    def is_last_alive(self, pool: str, region: str) -> bool: ...
    def is_last_serving(self, pool: str, region: str) -> bool: ...
    def find_principal(self, name: str) -> Optional[str]: ...
    def held_for(self, pool: str) -> Optional[float]: ...
    def time_held(self, pool: str, polled: bool) -> Optional[float]: ...


@contextmanager
def translating() -> Iterator[None]:
    """The emulator's own errors as the provider's."""
    try:
        yield
    except home_errors.HomeError as error:
        raise HomeError(error.message, error.hint) from error
    except NotFound as error:
        raise NotFoundError(error.message, code=error.code) from error


class EmulatorProvider(ManagedHsmClient):
    """kind "emulator": documented rules bind, and the emulator tells what Azure cannot."""

    kind = "emulator"
    locations_note = "as the emulator enforces it"

    def __init__(
        self, emulator: Emulator, transport: Transport, settings: Settings, access: Optional[Access] = None
    ) -> None:
        self._emulator = emulator
        super().__init__(transport, settings, access)

    def expected_seconds(self, kind: str) -> Optional[float]:
        with translating():
            return self._emulator.expected_seconds(kind)

    def plan_region_remove(self, name: str, region: str, group: Optional[str] = None) -> Plan:
        """Warns of what would be lost (rule E3), or that nobody would answer; by a removal under way nothing
        is any more."""
        plan = super().plan_region_remove(name, region, group)
        already = (plan.already or "").lower()
        loss = None if already in ("", *LEAVING) else self._loss(plan)
        return plan if loss is None else plan._replace(warnings=(*plan.warnings, loss.message))

    def remove_region(self, plan: Plan, group: Optional[str] = None, accept_loss: bool = False) -> Operation:
        """Refuses when acknowledged writes would be lost (rule E3), or nobody would be left to answer,
        unless ``accept_loss``."""
        loss = None if accept_loss else self._loss(plan)
        if loss is not None:
            raise loss
        return super().remove_region(plan, group, accept_loss)

    def _loss(self, plan: Plan) -> Optional[BadRequestError]:
        """What the removal would lose, writes or the last region that answers, as the error that refuses
        it; None: nothing."""
        where = plan.pool, plan.region
        with translating():
            lost = self._emulator.loss_if_removed(*where)
            is_last = bool(lost) and self._emulator.is_last_alive(*where)
            is_needed = not lost and self._emulator.is_last_serving(*where)
        if is_needed:
            return BadRequestError(messages.last_serving_removal(*where), messages.LAST_SERVING_HINT)
        if not lost:
            return None
        if is_last:
            return BadRequestError(messages.last_removal_loses(*where, lost), messages.LAST_REMOVAL_HINT)
        return BadRequestError(messages.removal_loses(*where, lost), WAIT_HINT)

    def cost(self, name: Optional[str] = None) -> Cost:
        """Soft-deleted pools too: they are billed until they are purged (rule B3)."""
        try:
            with translating():
                billed = self._emulator.cost(name or None)
        except NotFoundError as error:
            raise self._pools.not_found(error, name or "") from error
        lines = tuple(
            CostLine(pool, region, hours, price, dollars(hours * price))
            for pool, region, hours, price in billed
        )
        following = max((line.usd_per_hour for line in lines), default=price_usd_per_hour(DEFAULT_SKU))
        return Cost(lines, following, PRICE_DATE, "Hours of the emulator's service time.")

    def find_principal(self, name: str) -> str:
        found = self._emulator.find_principal(name)
        if found is None:
            raise NotFoundError(
                f"The emulator's directory has no principal or group named '{name}'.",
                "It knows those of directory.json in its home: names, sign-in names, application ids.",
            )
        return found

    def held_for(self, operation: Operation) -> Optional[float]:
        with translating():
            return self._emulator.held_for(operation.pool)

    def time_held(self, pool: str, polled: bool = False) -> Optional[float]:
        with translating():
            return self._emulator.time_held(pool, polled)

    def control(self, method: str, path: str, body: Optional[Mapping[str, Any]] = None) -> Any:
        """One call of the emulator's own API: the answer's JSON, None where it has none. Raises
        ProviderError."""
        text = self.control_text(method, path, body)
        return json.loads(text) if text else None

    def control_text(self, method: str, path: str, body: Optional[Mapping[str, Any]] = None) -> str:
        """The same, for an answer that is a text. Raises ProviderError."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"accept": "application/json", "content-type": "application/json"}
        call = Call(method, f"{CONTROL_URL}/{path}", headers, data, audience=CONTROL_URL)
        return checked(self._service.transport.send(call), "the emulator").body.decode()

    def replication(self, name: str, key: Optional[str] = None) -> Replication:
        pool = self.get_pool(name)
        with translating():
            agreed, pending, seconds, lost = self._emulator.replication(pool.name, key)
        return Replication(agreed, exact=True, pending=pending, seconds=seconds, lost=lost)


class _Final:
    """Makes an error of what a destroyed region answers: it is not to be asked again (rule E6)."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner

    def send(self, call: Call) -> Answer:
        """Raises DestroyedError."""
        answer = self.inner.send(call)
        if answer.status == UNAVAILABLE:
            code, message = words_of(answer)
            if message.endswith(messages.NEVER_BACK):
                raise DestroyedError(message, messages.NEVER_BACK_HINT, code)
        return answer


def connect(
    emulator: Emulator,
    place: str = "",
    client: str = "-",
    full_body: bool = False,
    outside: Optional[Surroundings] = None,
) -> EmulatorProvider:
    """In process, or through the server when one runs on the home."""
    from azext_mhsmregion.emulator.arm.groups import DEFAULT_GROUP

    outside = outside or Surroundings()
    settings = Settings(
        subscription_id=emulator.subscription_id,
        tenant_id=lambda: emulator.tenant_id,
        caller=lambda: emulator.principal_id,
        edition=emulator.edition,
        binding=True,
        full_body=full_body,
        default_group=DEFAULT_GROUP,
        now=outside.now,
        wall=outside.wall,
    )
    proxy = emulator.server_proxy(place, client)
    if proxy is None:
        inside = InProcessTransport(_translated(emulator), emulator.principal_id, place, client)
        return EmulatorProvider(emulator, retrying(_Final(inside), outside), settings)
    return _over_server(emulator, proxy, settings, outside)


def _translated(emulator: Emulator) -> Callable[[wire.Request, wire.Caller], wire.Response]:
    """The dispatcher; a home that cannot be used is no answer of the service."""

    def handle(request: wire.Request, caller: wire.Caller) -> wire.Response:
        with translating():
            return emulator.handle(request, caller)

    return handle


def _over_server(
    emulator: Emulator, proxy: str, settings: Settings, outside: Surroundings
) -> EmulatorProvider:
    """Sockets to the server's proxy, with the owner's token."""
    from azext_mhsmregion.provider.credentials import OwnerCredential

    credential = OwnerCredential(emulator.owner_token)
    sockets = RequestsTransport(credential, {"https": proxy, "http": proxy}, emulator.ca_bundle())
    transport = retrying(_Final(sockets), outside)
    access = SdkAccess(Service(transport, settings.subscription_id), credential, sockets)
    return EmulatorProvider(emulator, transport, settings, access)


def open_provider(
    home: Path,
    place: str = "",
    as_name: Optional[str] = None,
    full_body: bool = False,
    outside: Optional[Surroundings] = None,
) -> EmulatorProvider:
    """The provider on the home at ``home``; ``as_name`` another principal than its owner.
    Raises HomeError."""
    from azext_mhsmregion.emulator.open_home import open_home

    with translating():
        emulator: Emulator = open_home(str(home), place, as_name)
        return connect(emulator, place, full_body=full_body, outside=outside)
