"""What a request makes a region's partitions do, and for how long it is held back (rule A9). How busy a
region is lives in memory: it is forgotten when the emulator stops."""

from __future__ import annotations

import threading
from typing import Dict, Optional, Tuple

from azext_mhsmregion.emulator import objects
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.emulator.wire import Request
from azext_mhsmregion.model import pacing
from azext_mhsmregion.model.pacing import Work
from azext_mhsmregion.model.pool import Pool

_USES = {name.lower(): name for name in ("encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify")}
_WHOLE = {
    ("POST", "create"): "create",
    ("POST", "rotate"): "create",
    ("POST", "backup"): "backup",
}


class Pacer:
    """Until when each region of each pool is busy. Thread-safe."""

    def __init__(self) -> None:
        self._free: Dict[Tuple[str, str], int] = {}
        self._turn = threading.Lock()

    def held_back(self, unit: Unit, pool: Pool, region: str, request: Request) -> int:
        """Real milliseconds for which the answer to a request that was served waits."""
        work = _work(unit, pool, region, request)
        if work is None:
            return 0
        living = pacing.living_partitions(unit.faults, pool.id, region, unit.now)
        where = (pool.id, region)
        with self._turn:
            waits, self._free[where] = pacing.held_back(work, living, unit.real, self._free.get(where, 0))
        return waits


def _work(unit: Unit, pool: Pool, region: str, request: Request) -> Optional[Work]:
    """None for what has no documented rate: lists, roles, settings, imports."""
    parts = [part for part in request.path.split("/") if part]
    collection, name = parts[0].lower() if parts else "", parts[1] if len(parts) > 1 else ""
    last = parts[-1].lower() if parts else ""
    if collection == "deletedkeys" and (request.method, len(parts)) == ("DELETE", 2):
        return Work("purge")
    if collection != "keys" or not name:
        return None
    if request.method == "DELETE":
        return Work("delete")
    if request.method == "POST" and len(parts) > 2 and last in _USES:
        return _use(unit, pool, region, name, parts[2] if len(parts) == 4 else "", _USES[last])
    if request.method == "POST" and parts[1:] == ["restore"]:
        return Work("restore")
    if request.method == "GET" and last not in ("versions", "rotationpolicy", "attestation"):
        return Work("get")
    operation = _WHOLE.get((request.method, last)) if len(parts) == 3 else None
    return None if operation is None else Work(operation)


def _use(unit: Unit, pool: Pool, region: str, name: str, version: str, operation: str) -> Optional[Work]:
    key = objects.key(unit, pool, region, name).keys.get(name)
    found = None if key is None else key.version(version)
    if found is None:
        return None
    return Work(operation, found.body["kty"], found.body["crv"] or found.body["size"])
