"""What a second region costs, as ratios of the server's own CPU time, measured in one run:

- a write to a pool in two regions against one to a pool in one region;
- a read by the global name while faults are on and planned elsewhere (each request is checked against
  them) against a read by the region's own name where there are none: on one connection that is kept, and
  on a new one for each read. A name is resolved when a connection is opened, so the second is what the
  traffic manager costs; both sides of it pay for a TLS handshake.

The two sides of a ratio take turns (tools/turns.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from bench_service import Served, emulator, plain, show
from turns import Ratio, take_turns

KEYS = 200
ROUNDS, REQUESTS, CONNECTIONS = 40, 80, 12
PLACE = "uksouth"
HOST = ".managedhsm.azure.net"

PREPARE = """
import json, sys
from pathlib import Path
from azext_mhsmregion.emulator import breaking, fault_spec, seeding
from azext_mhsmregion.emulator.service import open_emulator

emulator = open_emulator(Path(sys.argv[1]))
roles = [{"role": "Managed HSM Crypto User"}, {"role": "Managed HSM Crypto Officer"}]
keys = [{"name": f"k{number}"} for number in range(int(sys.argv[2]))]
pools = [
    {"name": name, "location": "uksouth", "regions": regions, "activated": True, "roles": roles, "keys": keys}
    for name, regions in (("Alone", []), ("Both", ["australiaeast"]))
]
seeding.sow(emulator.parts, emulator.keyring(), seeding.parsed({"pools": pools}))
faults = [
    {"scope": scope, "region": region, "hsmName": name, "partition": part, "after": after, "for": 3600}
    for scope, region, name, part, after in (
        ("region", "japaneast", None, None, 0), ("service", "westus2", None, None, 0),
        ("partition", "australiaeast", "Both", 1, 0), ("pool", "australiaeast", "Both", None, 86400),
    )
]
if sys.argv[3] == "faults":
    with emulator.parts.writing("fault") as unit:
        new_id = emulator.parts.sources.new_id
        for spec in faults:
            given = {key: value for key, value in spec.items() if value is not None}
            breaking.inject(unit, fault_spec.one(unit, given, new_id))
print(emulator.tokens().issue(emulator.directory.owner, "https://managedhsm.azure.net"))
"""


def prepared(folder: Path, faults: str) -> Tuple[Path, str]:
    """A home with a pool in one region and one in two; a token of its owner's for both."""
    home = folder / faults
    words = [sys.executable, "-c", PREPARE, str(home), str(KEYS), faults]
    done = subprocess.run(words, env=plain(), check=True, capture_output=True, text=True)
    return home, done.stdout.strip()


Request = Callable[[int], Tuple[str, str, Optional[str]]]
"""Method, path and body of a numbered request."""


class Asking:
    """One warm keep-alive connection to ``host`` that sends what ``request`` says of a number."""

    requests = REQUESTS

    def __init__(self, server: Served, host: str, token: str, request: Request) -> None:
        self._server, self._request, self._sent = server, request, 0
        self._headers: Dict[str, str] = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
        }
        self._connection = server.connection(host)
        self.costs: List[float] = []
        for _ in range(KEYS):
            self._ask()

    def round(self) -> None:
        """Many requests; ``costs`` gets the server's CPU seconds of one."""
        before = self._server.cpu()
        for _ in range(self.requests):
            self._ask()
        self.costs.append((self._server.cpu() - before) / self.requests)

    def _ask(self) -> None:
        self._sent += 1
        method, path, body = self._request(self._sent)
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text


class Fresh(Asking):
    """The same with a new connection, from CONNECT on, for each request."""

    requests = CONNECTIONS

    def _ask(self) -> None:
        self._connection.close()
        super()._ask()


def read(number: int) -> Tuple[str, str, Optional[str]]:
    return "GET", f"/keys/k{number % KEYS}?api-version=7.4", None


def write(number: int) -> Tuple[str, str, Optional[str]]:
    return "PATCH", f"/keys/k{number % KEYS}?api-version=7.4", json.dumps({"tags": {"n": str(number)}})


def asked(folder: Path) -> List[Asking]:
    """What was asked, round by round: a write in one region, one in two; a read by the region's own name,
    one that is routed among faults; the same two with a new connection each."""
    calm, broken = prepared(folder, "calm"), prepared(folder, "faults")
    with emulator(calm[0]) as quiet, emulator(broken[0]) as loud:
        direct = (quiet, f"{PLACE}.both{HOST}", calm[1], read)
        routed = (loud, f"both{HOST}", broken[1], read)
        asking = [
            Asking(quiet, f"alone{HOST}", calm[1], write),
            Asking(quiet, f"both{HOST}", calm[1], write),
            *(kind(*where) for kind in (Asking, Fresh) for where in (direct, routed)),
        ]
        take_turns([(asking[number], asking[number + 1]) for number in range(0, len(asking), 2)], ROUNDS)
    return asking


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mhsm-bench-") as name:
        alone, both, direct, routed, opened, led = asked(Path(name))
    for what, one, other in (
        ("write in one region, in two", alone, both),
        ("read by the region's name, routed", direct, routed),
        ("the same, a new connection each", opened, led),
    ):
        print(f"{what}: {min(one.costs) * 1e6:.0f} and {min(other.costs) * 1e6:.0f} µs CPU at best")
    found = [
        ("write in two regions / in one, CPU", Ratio.of(both, alone), 1.2),
        ("read routed among faults / direct, CPU", Ratio.of(routed, direct), 1.1),
        ("the same, a new connection each, CPU", Ratio.of(led, opened), 1.1),
    ]
    for what, ratio, _ in found:
        print(f"{what}: {ratio}")
    return show([(what, min(ratio), limit) for what, ratio, limit in found])


if __name__ == "__main__":
    sys.exit(main())
