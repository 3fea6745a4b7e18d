"""What a data-plane handler gets: the visit of a caller to one region of one pool."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Iterator, Optional, Tuple

from azext_mhsmregion.emulator import objects, traffic
from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.hosts import POOL_SUFFIX
from azext_mhsmregion.emulator.keyring import Keyring
from azext_mhsmregion.emulator.traffic import Balancer
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import ConnectionBroken
from azext_mhsmregion.model import activation, availability, messages, rbac, recovery_messages
from azext_mhsmregion.model.errors import Conflict, NotFound, Unavailable
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.trouble import Trouble


@dataclass(frozen=True)
class Arrived:
    """Where a request arrived, what a fault does to it there, and whether the region is paced (A9)."""

    pool: Pool
    region: str
    trouble: Trouble
    paced: bool = False


def locate(ask: Ask, balancer: Balancer) -> Optional[Arrived]:
    """Pool and region of a request: the region that its connection belongs to, else resolved now
    (in process a call is its own connection). None where the name does not exist. Raises
    ConnectionBroken where the region or partition is out (F10)."""
    caller = ask.caller
    with ask.parts.reading() as unit:
        if caller.region is None:
            at = balancer.resolution(unit, ask.request.host, caller.place, caller.client)
            caller = caller._replace(region=at.region, partition=at.partition)
            if at.effect is not None and at.region is not None:
                raise ConnectionBroken(at.effect, at.region)
        pool = traffic.pool_of(unit, ask.request.host)
        if pool is None or caller.region is None:
            return None
        traffic.require_open(unit, pool, caller)
        return Arrived(pool, caller.region, balancer.trouble(unit, pool, caller), unit.settings.pacing)


class RotationIsDue(Exception):
    """Before the pool's data plane goes on a rotation has to be written that was due (E8)."""


@dataclass(frozen=True)
class Visit:
    """One request at one region's door. ``past_restore_mode``: it is not refused while the pool is
    restored (E7)."""

    ask: Ask
    pool: Pool
    region: str
    keyring: Keyring
    past_restore_mode: bool = False

    def while_restoring(self) -> Visit:
        """The same, for what can be asked of a pool that is being restored."""
        return replace(self, past_restore_mode=True)

    @property
    def host_url(self) -> str:
        """The pool's global address, as it stands in answers."""
        return f"https://{self.pool.name.lower()}{POOL_SUFFIX}"

    @property
    def host_as_named(self) -> str:
        """The host of the request, the pool's name in it as it was made. SDKs keep challenges by
        host, case included: sent on to a host in another case than the user typed, they answer its
        challenge by sending their first request, the POST, once more (azure-keyvault-securitydomain
        1.0.0b4; clients themselves send the host in lower case)."""
        region = self.ask.request.host[: -len(self.pool.name + POOL_SUFFIX)]
        return f"{region}{self.pool.name}{POOL_SUFFIX}"

    def authorize(self, unit: Unit, action: str, scope: str, before_activation: bool = False) -> None:
        """Restore mode (E7) and activation (C4), then local RBAC as this region sees it now (K3)."""
        pool = self._fresh(unit)
        if not before_activation:
            activation.require_active(pool, unit.now)
        rbac.authorize(objects.rights(unit, pool, self.region), self.ask.ids, action, scope)

    @contextmanager
    def reading(
        self, action: str, scope: str, before_activation: bool = False
    ) -> Iterator[Tuple[Unit, Pool]]:
        """A unit that reads, once the caller may."""
        with self.ask.parts.reading() as unit:
            self.authorize(unit, action, scope, before_activation)
            yield unit, self._fresh(unit)

    @contextmanager
    def writing(
        self, what: str, action: str, scope: str, before_activation: bool = False
    ) -> Iterator[Tuple[Unit, Pool]]:
        """A unit that writes, once the caller may and the region takes writes (E3, F3)."""
        with self.recording(what, action, scope, before_activation) as (unit, pool):
            region = pool.region(self.region, unit.now)
            if region is None or region.removing is not None:
                raise Conflict(messages.region_stops_writes(self.region))
            availability.require_writes(pool, self.region, unit.faults, unit.settings.edition, unit.now)
            yield unit, pool

    @contextmanager
    def recording(
        self, what: str, action: str, scope: str, before_activation: bool = False
    ) -> Iterator[Tuple[Unit, Pool]]:
        """A unit that writes no objects, once the caller may: outages that refuse writes leave it."""
        with self.ask.parts.writing(what) as unit:
            self.authorize(unit, action, scope, before_activation)
            yield unit, self._fresh(unit)

    def _fresh(self, unit: Unit) -> Pool:
        pool = unit.tx.pool_by_id(self.pool.id)
        if pool is None or pool.phase(unit.now) != "live" or pool.region(self.region, unit.now) is None:
            raise NotFound(f"Managed HSM {self.pool.name} is not in {self.region} any more.")
        if pool.is_restoring(unit.now):
            if not self.past_restore_mode:
                raise Unavailable(recovery_messages.restore_mode(pool.name))
            return pool
        if pool.rotation_due is not None and pool.rotation_due <= unit.now:
            raise RotationIsDue
        return pool
