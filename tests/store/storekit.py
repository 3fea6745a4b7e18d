"""What the store's tests share: stores, a pool, writes, and other processes on a home."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence

from azext_mhsmregion.emulator.store.lease import Lease
from azext_mhsmregion.emulator.store.store import Store
from azext_mhsmregion.model.lifecycle import Act, NewPool, create
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.profile import profile
from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.model.replication import Kind, Row, Stamp

NOW = 1_767_000_000_000
PRIMARY, EXTENDED = "uksouth", "australiaeast"


def open_store(home: Path, patience: float = 5.0, sleep: Callable[[float], None] = time.sleep) -> Store:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Store(home, Lease(home, sleep, time.monotonic, patience))


def pool(name: str = "ContosoMHSM", pool_id: str = "") -> Pool:
    asked = NewPool(
        id=pool_id or f"id-of-{name}",
        name=name,
        subscription="sub",
        group="default",
        tenant="tenant",
        location=PRIMARY,
        administrators=("owner",),
    )
    act = Act(NOW, "owner", f"operation-of-{name}", profile("quick", {}))
    return create(asked, None, act, catalogue())


def row(number: int, region: str = PRIMARY, kind: Kind = Kind.KEY_VERSION, **changes: Any) -> Row:
    """A row of the write ``number``; of the same write in every region."""
    facts: Dict[str, Any] = {
        "region": region,
        "kind": kind,
        "name": f"key-{number}",
        "version": f"v{number}",
        "stamp": Stamp(NOW + number, PRIMARY),
        "accepted": NOW,
        "lag": 0,
        "visible_from": NOW,
        "tombstone": False,
        "body": {"number": number},
    }
    return Row(**{**facts, **changes})


def rows(numbers: Sequence[int], *regions: str) -> List[Row]:
    return [row(number, region) for number in numbers for region in regions]


class Other:
    """Another process that works on a home, by lines on its standard input and output."""

    def __init__(self, home: Path, code: str) -> None:
        prelude = (
            "import sys, os, time\nfrom pathlib import Path\n"
            f"sys.path.insert(0, {str(Path(__file__).parent)!r})\nimport storekit\n"
            "def say(line): print(line, flush=True)\n"
            f"home = Path({str(home)!r})\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", prelude + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def hear(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, f"the other process ended: {self.process.wait()}"
        return line

    def tell(self, line: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        self.tell(line)
        return self.hear()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None
        return self.process.wait(timeout=30)


@contextmanager
def other(home: Path, code: str) -> Iterator[Other]:
    """Another process, gone at the end of the ``with`` block."""
    made = Other(home, code)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()
