"""What a handler gets beside the request: the emulator's parts, and who asks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator, NamedTuple, Optional, Protocol, Tuple

from azext_mhsmregion.emulator.directory import Directory, Principal
from azext_mhsmregion.emulator.directory_file import DirectoryFile
from azext_mhsmregion.emulator.store.store import Store
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Caller, Request
from azext_mhsmregion.emulator.witness import Witness

if TYPE_CHECKING:
    from azext_mhsmregion.emulator.entra.tokens import Tokens


class Sources(Protocol):
    """Time and randomness, handed in."""

    def real(self) -> int:
        """Real time, milliseconds since the epoch."""

    def new_id(self) -> str:
        """A fresh GUID."""

    def random(self, count: int) -> bytes:
        """Random bytes."""


class Parts(NamedTuple):
    """The parts of one emulator that handlers use."""

    home: Path
    store: Store
    directory_file: DirectoryFile
    sources: Sources
    tokens: Callable[[], Tokens]
    home_key: Callable[[], bytes]
    witness: Witness

    @property
    def directory(self) -> Directory:
        """Who exists, as the home's file says now."""
        return self.directory_file.current()

    @contextmanager
    def reading(self) -> Iterator[Unit]:
        """A unit of work that only reads."""
        with self.store.read() as tx:
            yield Unit(tx, self.sources.real())

    @contextmanager
    def writing(self, what: str) -> Iterator[Unit]:
        """A unit of work that writes; the clock never falls behind it afterwards."""
        with self.store.write(what) as tx:
            unit = Unit(tx, self.sources.real())
            yield unit
            tx.put_clock(unit.clock.seen(unit.now))


@dataclass(frozen=True)
class Ask:
    """One request on its way: the emulator's parts, the caller, the directory as it was when the request
    came, and the principal once known."""

    parts: Parts
    request: Request
    caller: Caller
    directory: Directory
    principal: Optional[Principal] = None

    def by(self, principal: Principal) -> Ask:
        """The same request, its principal known."""
        return Ask(self.parts, self.request, self.caller, self.directory, principal)

    @cached_property
    def ids(self) -> Tuple[str, ...]:
        """Object ids of the principal and of the groups that it belongs to: whose rights it has."""
        return () if self.principal is None else self.directory.ids_of(self.principal)

    @property
    def who(self) -> str:
        """The principal's name as ``systemData`` shows it: a user's sign-in name, a service
        principal's application id."""
        if self.principal is None:
            return ""
        return self.principal.app_id or self.principal.user_principal_name

    @property
    def who_type(self) -> str:
        """``User`` or ``Application``, as ``systemData`` shows it."""
        is_user = self.principal is None or self.principal.app_id is None
        return "User" if is_user else "Application"
