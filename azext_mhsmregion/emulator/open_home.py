"""An emulator opened by a command: what the provider needs of it."""

from __future__ import annotations

import os
from typing import List, Mapping, Optional, Tuple

from azext_mhsmregion.emulator.directory import Principal
from azext_mhsmregion.emulator.errors import HomeError
from azext_mhsmregion.emulator.service import Emulator, open_emulator
from azext_mhsmregion.emulator.store.home import locate


class OpenHome:
    """An emulator opened by a command: who calls, from where, and the server on the home if one
    runs. What the provider needs and nothing else."""

    def __init__(self, emulator: Emulator, principal: Principal, place: str) -> None:
        self.emulator = emulator
        self.principal = principal
        self.place = place
        self.principal_id = principal.object_id
        self.subscription_id = emulator.directory.subscription_id
        self.tenant_id = emulator.directory.tenant_id
        self.handle = emulator.handle
        self.cost = emulator.cost
        self.loss_if_removed = emulator.loss_if_removed
        self.is_last_alive = emulator.is_last_alive
        self.is_last_serving = emulator.is_last_serving
        self.expected_seconds = emulator.expected_seconds

    @property
    def edition(self) -> str:
        return self.emulator.settings().edition

    def held_for(self, pool: str) -> Optional[float]:
        """Seconds of service time that the pool's operation lacks while the clock is held and no
        poll moves it (DESIGN section 3); None where time passes."""
        with self.emulator.parts.reading() as unit:
            found = unit.tx.pool_named(pool, unit.now)
            held = unit.clock.mode == "manual" and not unit.settings.advance_on_poll
            if not held or found is None or found.operation is None or not found.is_busy(unit.now):
                return None
            return (found.operation.done - unit.now) / 1000

    def time_held(self, pool: str, polled: bool) -> Optional[float]:
        """Seconds of service time until all that is under way in the pool has ended, 0 where nothing
        is, while the clock is held; None where time passes, or moves with the looks of who waits
        (``polled``: they are polls of an operation)."""
        with self.emulator.parts.reading() as unit:
            if unit.clock.mode != "manual" or (polled and unit.settings.advance_on_poll):
                return None
            found = unit.tx.pool_named(pool, unit.now)
            return 0.0 if found is None else (found.under_way_until(unit.now) - unit.now) / 1000

    def find_principal(self, name: str) -> Optional[str]:
        """Object id of a principal or group by its name, sign-in name or application id."""
        found = self.emulator.directory.find(name)
        return None if found is None else found.object_id

    def replication(self, name: str, key: Optional[str] = None) -> Tuple[bool, int, float, int]:
        """As :meth:`Emulator.replication`."""
        return self.emulator.replication(name, key)

    def server_proxy(self, place: str, client: str) -> Optional[str]:
        """The proxy of the server that runs on this home, as the URL of a client there called so;
        None when none runs."""
        if not (self.emulator.home / "server.json").exists():
            return None  # the usual case, at the cost of one look
        from azext_mhsmregion.emulator import running

        server = running.find(self.emulator.home)
        if server is None:
            return None
        from azext_mhsmregion.emulator.http.environment import proxy_url, reached_at

        address = reached_at(server.address)
        return proxy_url(server.port, place, client, address, server.password)

    def owner_token(self, audience: str) -> str:
        """A token of the calling principal, for the server's socket."""
        return self.emulator.tokens().issue(self.principal, audience)

    def ca_bundle(self) -> str:
        """Path of the bundle that trusts this home's certificates."""
        return str(self.emulator.home / "ca" / "bundle.pem")


def open_home(
    home: Optional[str] = None,
    place: Optional[str] = None,
    as_name: Optional[str] = None,
    environ: Mapping[str, str] = os.environ,
) -> OpenHome:
    """The home of a command. Raises HomeError, also for a caller that the directory does not
    have."""
    emulator = open_emulator(locate(environ, home))
    directory = emulator.directory
    principal = directory.principal(as_name) if as_name else directory.owner
    if principal is None:
        known: List[str] = [item.name for item in emulator.directory.principals]
        raise HomeError(
            f"The emulator's directory has no principal named '{as_name}'.",
            f"It has {', '.join(known)}; add others in {emulator.home / 'directory.json'}.",
        )
    return OpenHome(emulator, principal, place or "")
