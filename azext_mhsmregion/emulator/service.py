"""One emulator: a home's store, directory and handlers behind one ``handle`` for every host.

The HTTP server and the in-process provider call the same object (DESIGN section 1).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Tuple

from azext_mhsmregion.emulator.directory import Directory, DirectoryError
from azext_mhsmregion.emulator.directory_file import DirectoryFile
from azext_mhsmregion.emulator.errors import HomeError
from azext_mhsmregion.emulator.frame import Ask, Parts, Sources
from azext_mhsmregion.emulator.hosts import (
    ARM_HOST,
    CONTROL_HOST,
    CONTROL_PLANE,
    GRAPH_HOST,
    LOGIN_HOST,
    POOL_SUFFIX,
)
from azext_mhsmregion.emulator.settings import Settings, encode
from azext_mhsmregion.emulator.store.home import (
    home_key,
    prepare,
    sqlite_problem,
    system_mounts,
    unwritable,
)
from azext_mhsmregion.emulator.store.lease import Lease
from azext_mhsmregion.emulator.store.store import Store
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import (
    Caller,
    Location,
    NameKind,
    Request,
    Resolution,
    Response,
    json_response,
)
from azext_mhsmregion.emulator.witness import Witness
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.clock import NEVER, ClockState, manual_clock, real_clock
from azext_mhsmregion.model.errors import NotFound
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.rows import Row

if TYPE_CHECKING:
    from azext_mhsmregion.emulator.entra.context import EntraContext
    from azext_mhsmregion.emulator.entra.tokens import Tokens
    from azext_mhsmregion.emulator.keyring import Keyring
    from azext_mhsmregion.emulator.traffic import Balancer


class SystemSources:
    """Time and randomness of this machine."""

    def real(self) -> int:
        return time.time_ns() // 1_000_000

    def new_id(self) -> str:
        digits = os.urandom(16).hex()  # what uuid4 does, in a fifth of its time: two are made for each answer
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def random(self, count: int) -> bytes:
        return os.urandom(count)


class Emulator:
    """The emulator of one home; a :class:`wire.Gateway`. Thread-safe."""

    def __init__(self, home: Path, store: Store, directory_file: DirectoryFile, sources: Sources) -> None:
        self._tokens: Optional[Tokens] = None
        self._making_tokens = threading.Lock()
        self._keyring: Optional[Keyring] = None
        self._home_key: Optional[bytes] = None
        self._balancers: Optional[Balancer] = None
        self.home = home
        self.store = store
        witness = Witness(sources.real)
        self.parts = Parts(home, store, directory_file, sources, self.tokens, self.home_key, witness)

    @property
    def directory(self) -> Directory:
        """Who exists, as the home's file says now."""
        return self.parts.directory

    # -- gateway ------------------------------------------------------------------------
    def resolve(self, host: str, place: str, client: str) -> Resolution:
        """Name resolution for a client at ``place`` (rules A5, A6)."""
        if host in CONTROL_PLANE:
            return Resolution(NameKind.OURS)
        if not host.endswith(POOL_SUFFIX):
            return Resolution(NameKind.FOREIGN)
        with self.parts.reading() as unit:
            return self._balancer().resolution(unit, host, place, client)

    def enter(self, host: str, client: str, region: str) -> Resolution:
        """What a client's connection comes to that was opened to a region's own address ("": to the
        control plane's)."""
        if not region:
            return Resolution(NameKind.OURS if host in CONTROL_PLANE else NameKind.FOREIGN)
        if not host.endswith(POOL_SUFFIX):
            return Resolution(NameKind.FOREIGN)
        with self.parts.reading() as unit:
            return self._balancer().entry(unit, host, client, region)

    def locate(self, host: str, place: str) -> Location:
        """What DNS answers a client at ``place`` that asks for ``host``."""
        from azext_mhsmregion.emulator import traffic

        is_ours = host in CONTROL_PLANE or host == POOL_SUFFIX[1:]
        if not is_ours and not host.endswith(POOL_SUFFIX):
            return Location(NameKind.FOREIGN)
        with self.parts.reading() as unit:
            if is_ours:
                return Location(NameKind.OURS, ttl=traffic.ttl(unit))
            return traffic.location(unit, host, place)

    def handle(self, request: Request, caller: Caller) -> Response:
        """Answer one request, whatever its host."""
        ask = Ask(self.parts, request, caller, self.parts.directory)
        if request.host == ARM_HOST:
            from azext_mhsmregion.emulator.arm import door

            return door.handle(ask)
        if request.host.endswith(POOL_SUFFIX):
            from azext_mhsmregion.emulator.dataplane import door as data_door

            return data_door.handle(ask, self.keyring(), self._balancer())
        if request.host == LOGIN_HOST:
            from azext_mhsmregion.emulator.entra import handlers

            return handlers.handle(request, self._entra())
        if request.host == GRAPH_HOST:
            from azext_mhsmregion.emulator.entra import graph

            return graph.handle(request, self._entra(), caller.principal)
        if request.host == CONTROL_HOST:
            from azext_mhsmregion.emulator.control import door as control_door

            return control_door.handle(ask, self.keyring)
        return json_response(
            403, {"error": {"code": "ForeignHost", "message": f"{request.host} is not ours."}}
        )

    # -- parts that cost, made on first use ------------------------------------------------
    def tokens(self) -> Tokens:
        """Issues and checks tokens; its key is the home's."""
        with self._making_tokens:  # two of them would each know sign-ins that the other does not
            if self._tokens is None:
                from azext_mhsmregion.emulator.entra.tokens import Tokens

                self._tokens = Tokens(
                    self.home, self.parts.directory_file, lambda: self.parts.sources.real() / 1000
                )
            return self._tokens

    def warm_up(self) -> None:
        """Make ready what the first client of a server would wait for: the key that signs tokens, and
        the doors, which are loaded on first use. A thread of its own does it while the server starts:
        making a key takes the processor, not Python's lock. What fails here is told to who needs it."""
        with suppress(OSError, ValueError):
            self.tokens().prepare()
        from azext_mhsmregion.emulator.arm import door as arm_door
        from azext_mhsmregion.emulator.dataplane import door as data_door
        from azext_mhsmregion.emulator.entra import handlers

        assert arm_door and data_door and handlers

    def keyring(self) -> Keyring:
        """Makes and loads private keys."""
        if self._keyring is None:
            from azext_mhsmregion.emulator.keyring import Keyring

            sources = self.parts.sources
            self._keyring = Keyring(self.home_key, sources.random, sources.new_id)
        return self._keyring

    def _balancer(self) -> Balancer:
        if self._balancers is None:
            from azext_mhsmregion.emulator.traffic import Balancer

            self._balancers = Balancer()
        return self._balancers

    def home_key(self) -> bytes:
        """The key that wraps private keys at rest."""
        if self._home_key is None:
            self._home_key = home_key(self.home, self.parts.sources.random)
        return self._home_key

    # -- the owner's own view ---------------------------------------------------------------
    def settings(self) -> Settings:
        with self.parts.reading() as unit:
            return unit.settings

    def configure(self, **changes: Any) -> Settings:
        """Change settings for good. Raises ValueError for what cannot be."""
        with self.parts.writing("settings") as unit:
            made = unit.settings.changed(**changes)
            unit.tx.put_meta("settings", encode(made))
        return made

    def set_clock(self, change: Callable[[ClockState, int], ClockState]) -> int:
        """Change the service clock; answers service time after it."""
        with self.parts.writing("settings") as unit:
            unit.set_clock(change(unit.clock, unit.real))
            return unit.now

    def cost(self, name: Optional[str]) -> Tuple[Tuple[str, str, float, float], ...]:
        """(pool, region, hours, USD an hour) of a pool, or of all (B4), pools gone included.
        Raises NotFound."""
        from azext_mhsmregion.model import billing, lifecycle

        with self.parts.reading() as unit:
            pools = [p for p in unit.tx.pools() if name is None or p.name.lower() == name.lower()]
            spans = [span for pool in pools for span in lifecycle.billed(pool, unit.now)]
            if name is not None and not pools:
                raise NotFound(messages.pool_not_found(name))
            return billing.cost(spans, unit.now)

    def replication(self, name: str, key: Optional[str] = None) -> Tuple[bool, int, float, int]:
        """Do all regions that are alive agree (L4), on everything or on one key? How many rows are in
        flight, for how many seconds of service time, and how many writes are lost, for which nobody
        waits (L5b). Raises NotFound, also for a key that no region has."""
        from azext_mhsmregion.emulator import losses, standing

        with self.parts.reading() as unit:
            pool = self._live(unit, name)
            if key is not None:
                arrivals, lost = self._arrivals_of_key(unit, pool, key)
                count, last = len(arrivals), max(arrivals, default=0)
            else:
                count, last = unit.tx.in_flight(pool.id, unit.now, standing.alive(unit, pool))
                dead = standing.destroyed(unit, pool)
                lost = sum(losses.loss_if_removed(unit, pool, region).writes for region in dead)
        return count == 0, count, max(0, last - unit.now) / 1000, lost

    @staticmethod
    def _arrivals_of_key(unit: Unit, pool: Pool, key: str) -> Tuple[List[int], int]:
        """When the key's rows that are in flight become visible, and how many of its writes are lost. A
        deleted key is still there."""
        from azext_mhsmregion.emulator import objects, standing

        alive, there = standing.alive(unit, pool), standing.holding(unit, pool)
        rows = [row for region in alive for row in unit.tx.rows(pool.id, region, objects.KEYS, key)]
        kept = {_write_of(row) for row in rows if row.visible_from < NEVER}
        late = [row for row in rows if row.visible_from > unit.now]
        if not late and not any(key in objects.key(unit, pool, one, key).keys for one in there):
            raise NotFound(f"Key {key} is in no region of {pool.name}.")
        lost = {_write_of(row) for row in late} - kept
        return [row.visible_from for row in late if _write_of(row) not in lost], len(lost)

    def loss_if_removed(self, name: str, region: str) -> int:
        """How many acknowledged writes of ``region`` would be lost by its removal (E3). Raises
        NotFound."""
        from azext_mhsmregion.emulator import losses

        with self.parts.reading() as unit:
            return losses.loss_if_removed(unit, self._live(unit, name), region).writes

    def is_last_alive(self, name: str, region: str) -> bool:
        """Are all other regions of the pool destroyed (E6)? Raises NotFound."""
        from azext_mhsmregion.emulator import standing

        with self.parts.reading() as unit:
            return not set(standing.alive(unit, self._live(unit, name))) - {region}

    def is_last_serving(self, name: str, region: str) -> bool:
        """Does it answer, and no other region of the pool? Raises NotFound."""
        from azext_mhsmregion.emulator import standing

        with self.parts.reading() as unit:
            return standing.serving(unit, self._live(unit, name)) == [region]

    def expected_seconds(self, kind: str) -> float:
        """How long an operation takes, in real seconds, by the profile."""
        with self.parts.reading() as unit:
            return unit.profile.of(kind) / 1000 / unit.clock.scale

    @staticmethod
    def _live(unit: Unit, name: str) -> Pool:
        pool = unit.live_pool(name)
        if pool is None:
            raise NotFound(messages.pool_not_found(name))
        return pool

    def _entra(self) -> EntraContext:
        from azext_mhsmregion.emulator.entra.context import EntraContext

        now = self.parts.sources.real
        return EntraContext(self.directory, self.tokens(), lambda: now() / 1000, self.parts.sources.new_id)


def _write_of(row: Row) -> Tuple[Any, ...]:
    """The write that a row is a region's copy of."""
    return row.kind, row.name, row.version, row.stamp


def open_emulator(
    home: Path,
    sources: Optional[Sources] = None,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
    mounts: Callable[[], str] = system_mounts,
    patience: Optional[float] = None,
) -> Emulator:
    """Open (or make) the emulator of ``home``. Raises HomeError."""
    sources = sources or SystemSources()
    prepare(home, mounts)
    lease = Lease(home, sleep, monotonic) if patience is None else Lease(home, sleep, monotonic, patience)
    try:
        directory = DirectoryFile(home, sources.new_id, lambda: sources.random(24).hex())
        store = Store(home, lease)
    except DirectoryError as error:
        hint = "Mend the file. Deleted, it is made anew, with other ids than the pools know."
        raise HomeError(str(error), hint) from error
    except sqlite3.Error as error:
        raise sqlite_problem(home, error) from error
    except OSError as error:
        raise unwritable(home, error) from error
    return Emulator(home, store, directory, sources)


__all__ = [
    "CONTROL_HOST", "Emulator", "SystemSources", "manual_clock", "open_emulator", "real_clock",
]  # fmt: skip
