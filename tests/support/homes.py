"""Prepared homes: a pool that is made, activated and extended in process, on a manual clock, so
that nothing waits; afterwards the clock runs again."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import parse_qsl, urlsplit

from azext_mhsmregion.crypto.certificates import certificate_jwk, self_signed
from azext_mhsmregion.emulator import acceptance
from azext_mhsmregion.emulator.keyring import Keyring
from azext_mhsmregion.emulator.service import Emulator, manual_clock, open_emulator
from azext_mhsmregion.emulator.wire import Caller, Request, Response
from azext_mhsmregion.model import keys
from azext_mhsmregion.model.keys import KeyRequest

ARM = "management.azure.com"
API = {"api-version": "2023-07-01"}
DATA_API = {"api-version": "7.4"}
CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"


class Owner:
    """The home's owner, calling the handlers in process."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.principal = emulator.directory.owner.object_id

    def call(
        self, method: str, host: str, path: str, query: Dict[str, str], body: Optional[Any] = None
    ) -> Response:
        """One request; raises AssertionError for an error answer."""
        data = b"" if body is None else json.dumps(body).encode()
        request = Request(method, host, path, query, {}, data)
        answer = self.emulator.handle(request, Caller(principal=self.principal))
        assert answer.status < 400, (method, path, answer.status, answer.body)
        return answer

    def pool(self, name: str, suffix: str = "") -> str:
        subscription = self.emulator.directory.subscription_id
        return (
            f"/subscriptions/{subscription}/resourceGroups/default"
            f"/providers/Microsoft.KeyVault/managedHSMs/{name}{suffix}"
        )

    def finish(self, answer: Response) -> None:
        """Poll a long operation once: the manual clock moves on to its end."""
        location = answer.header("location")
        assert location is not None
        parts = urlsplit(location)
        assert self.call("GET", ARM, parts.path, dict(parse_qsl(parts.query))).status == 200


def prepared(home: Path, name: str = "ContosoMHSM", extended: Sequence[str] = ("australiaeast",)) -> Emulator:
    """A home with one active pool in UK South, extended to ``extended``; real clock afterwards."""
    emulator = open_emulator(home)
    owner = Owner(emulator)
    emulator.set_clock(lambda clock, real: manual_clock(real))
    body = {
        "location": "uksouth",
        "sku": {"family": "B", "name": "Standard_B1"},
        "properties": {"initialAdminObjectIds": [owner.principal], "softDeleteRetentionInDays": 7},
    }
    owner.finish(owner.call("PUT", ARM, owner.pool(name), API, body))
    host = f"{name.lower()}.managedhsm.azure.net"
    owner.call("POST", host, "/securitydomain/download", DATA_API, _download_request())
    owner.call("GET", host, "/securitydomain/download/pending", DATA_API)
    if extended:
        regions = {"properties": {"regions": [{"name": region} for region in extended]}}
        owner.finish(owner.call("PATCH", ARM, owner.pool(name), API, regions))
    emulator.set_clock(lambda clock, real: clock.with_mode(real, "real"))
    return emulator


def add_keys(emulator: Emulator, name: str, count: int, material: int = 10) -> None:
    """Put ``count`` keys into a pool in one transaction, from ``material`` real key blobs."""
    sources = emulator.parts.sources
    ring = Keyring(emulator.home_key, sources.random, sources.new_id)
    asked = keys.canonical(KeyRequest("EC"))
    blobs = [ring.make(asked) for _ in range(material)]
    with emulator.parts.writing("key") as unit:
        pool = unit.tx.pool_named(name, unit.now)
        assert pool is not None
        writes = []
        for number in range(count):
            handle, wrapped = blobs[number % material]
            version = f"{number:032x}"
            unit.tx.put_material(pool.id, version, wrapped)
            made = keys.KeyHandle(version, handle.kty, handle.size, handle.curve, handle.public)
            writes += keys.create(keys.Objects(), f"key-{number}", asked, made, unit.now)
        acceptance.accept(unit, pool, pool.primary.name, writes)


def _download_request() -> Dict[str, Any]:
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    certificates: List[Dict[str, Any]] = [
        certificate_jwk(self_signed(f"officer {number}", yesterday, 30)[1]) for number in range(3)
    ]
    return {"certificates": certificates, "required": 2}


def main(home: str, count: str) -> None:
    """``python -m support.homes FOLDER KEYS``: a prepared home for whoever must stay small."""
    emulator = prepared(Path(home))
    if int(count):
        add_keys(emulator, "ContosoMHSM", int(count))
    emulator.store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
