"""An emulator for a test suite: a home of its own, a server in a thread, gone at the end.

with embedded.running() as emulator:
    emulator.seed({"name": "ContosoMHSM", "keys": [{"name": "k"}]})
    with emulator.fault(scope="region", region="uksouth"):
        subprocess.run(["./my-app"], env={**os.environ, **emulator.environment("uksouth")})
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from azext_mhsmregion.emulator import keeping, seeding
from azext_mhsmregion.emulator.embedded_faults import Faults
from azext_mhsmregion.emulator.frame import Sources
from azext_mhsmregion.emulator.http import environment
from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.server import Server
from azext_mhsmregion.emulator.service import Emulator, open_emulator
from azext_mhsmregion.model.clock import SECOND


class Embedded(Faults):
    """A running emulator. ``emulator`` is the thing itself, ``port`` its server's."""

    def __init__(self, emulator: Emulator, server: Server) -> None:
        super().__init__(emulator)
        self.port = server.port

    def environment(self, place: Optional[str] = None, client: str = "-") -> Dict[str, str]:
        """Variables that send unmodified clients here; the client stands at ``place``.
        Raises ModelError for one that nobody knows."""
        return environment.variables(self.emulator.home, self.port, self.emulator.directory, place, client)

    def seed(self, *pools: Dict[str, Any]) -> None:
        """Make pools, as the documents of :mod:`seeding` say. Raises ModelError."""
        parsed = seeding.parsed({"pools": list(pools)})
        seeding.sow(self.emulator.parts, self.emulator.keyring(), parsed)

    def reset(self) -> None:
        """Back to no pools, default settings, a running clock."""
        keeping.reset(self.emulator.parts)

    def hold_time(self) -> None:
        """Service time stands still from now on, until :meth:`advance`."""
        self.emulator.set_clock(lambda clock, real: clock.with_mode(real, "manual"))

    def advance(self, seconds: float) -> None:
        """Move service time forward. Raises ValueError for a negative step."""
        self.emulator.set_clock(lambda clock, real: clock.advanced(real, round(seconds * SECOND)))


@contextmanager
def running(home: Optional[Path] = None, sources: Optional[Sources] = None) -> Iterator[Embedded]:
    """Serve ``home`` (a temporary one when None) for the length of a ``with`` block, on a free
    loopback port. Raises HomeError."""
    with tempfile.TemporaryDirectory(prefix="mhsmregion-") as folder:
        emulator = open_emulator(home or Path(folder) / "home", sources)
        try:
            emulator.store.own()
            authority = Authority(emulator.home, lambda: emulator.parts.sources.real() / SECOND)
            authority.bundle()
            opened = Server(emulator, authority, witness=emulator.parts.witness)
            with opened.in_thread() as server:
                yield Embedded(emulator, server)
        finally:
            emulator.store.close()


__all__ = ["Embedded", "running"]
