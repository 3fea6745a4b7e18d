"""An emulator in process, on a home of its own, under the manual clock: small verbs, so that a
rule's test reads arrange, act, assert. Nothing sleeps and nothing leaves the process."""

from __future__ import annotations

import json
import os
import random
import re
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from hypothesis import HealthCheck, Phase, settings

from azext_mhsmregion.crypto import certificates
from azext_mhsmregion.emulator import objects, traffic
from azext_mhsmregion.emulator.service import CONTROL_HOST, Emulator, manual_clock, open_emulator
from azext_mhsmregion.emulator.wire import Caller, ConnectionBroken, Request, Resolution
from azext_mhsmregion.model import routing
from azext_mhsmregion.model.clock import SECOND
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.model.replication import Kind, Row

ARM = "management.azure.com"
ARM_VERSION = "2023-07-01"
DATA_VERSION = "7.4"
START = 1_744_588_800_000
"""Service time at which every test begins: 2025-04-14T00:00:00Z, milliseconds."""

REAL = 1_800_000_000_000
"""Real time, which stands still: far from service time, so that no test confuses them."""

POOL = "ContosoMHSM"
PRIMARY, EXTENDED, THIRD = "uksouth", "australiaeast", "japaneast"
CONTAINER = "https://contosobackups.blob.core.windows.net/hsm"
ACCESS = {"storageResourceUri": CONTAINER, "token": "sv=2024-01-01&sig=none"}
"""Where backups go, and how a request names it."""

SIX_MINUTES = 360
DAY = 24 * 3600

ADMINISTRATOR = "a290e904-7015-4bba-90c8-60543313cdb4"
CRYPTO_OFFICER = "515eb02d-2335-4d2d-92f2-b1cbdf9c3778"
CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
CRYPTO_AUDITOR = "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3"

OWNER, OTHER, NOBODY = "owner", "other", None


_COUNT_SHIFT, _LETTERS = 96, 0xFACADE
"""Ids differ from the front, since faults take their first eight digits; and have letters, so that a
comparison with regard to case shows itself."""


class FixedSources:
    """Real time that stands still, ids that count, random bytes that repeat."""

    def __init__(self, seed: int = 7) -> None:
        self.milliseconds = REAL
        self._count = 0
        self._random = random.Random(seed)

    def real(self) -> int:
        return self.milliseconds

    def new_id(self) -> str:
        self._count += 1
        return str(uuid.UUID(int=self._count << _COUNT_SHIFT | _LETTERS, version=4))

    def random(self, count: int) -> bytes:
        return self._random.randbytes(count)


@dataclass(frozen=True)
class Answer:
    """One answer, its body parsed (None when empty)."""

    status: int
    headers: Mapping[str, str]
    body: Any
    delay: int = 0

    @property
    def code(self) -> str:
        return self.body["error"]["code"]  # type: ignore[no-any-return]

    @property
    def message(self) -> str:
        return self.body["error"]["message"]  # type: ignore[no-any-return]

    def ok(self) -> Answer:
        """The answer itself; fails the test unless it is a 2xx."""
        assert 200 <= self.status < 300, (self.status, self.body)
        return self


def parsed(body: bytes) -> Any:
    """A body's JSON, None when empty, the text itself when it is a bare word (401's OK)."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode()


Labels = Tuple[Tuple[str, str], ...]
_SAMPLE = re.compile(r"([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def samples(text: str) -> Dict[str, Dict[Labels, float]]:
    """Prometheus's text format 0.0.4, read strictly: HELP, TYPE, then the samples of that name, none
    twice; nothing else, and a line's end behind the last."""
    found: Dict[str, Dict[Labels, float]] = {}
    name = ""
    assert text.endswith("\n")
    for line in text.splitlines():
        words = line.split(" ", 3)
        if words[:2] == ["#", "HELP"]:
            name = words[2]
            assert name not in found and words[3], line
            found[name] = {}
        elif words[:2] == ["#", "TYPE"]:
            assert words[2] == name and words[3] in ("gauge", "counter"), line
            assert name.endswith("_total") is (words[3] == "counter"), line
        else:
            sample = _SAMPLE.fullmatch(line)
            assert sample is not None and sample[1] == name, line
            inside = sample[2] or ""
            labels = tuple((match[1], match[2]) for match in _LABEL.finditer(inside))
            assert ",".join(f'{key}="{value}"' for key, value in labels) == inside, line
            assert labels not in found[name], line
            found[name][labels] = float(sample[3])
    return found


def not_slept(seconds: float) -> None:
    raise AssertionError(f"something slept for {seconds} s")


class World:
    """One emulator and its verbs. Principals are named: owner, other, or None (no token)."""

    def __init__(self, home: Path, seed: int = 0, **settings: Any) -> None:
        self.sources = FixedSources()
        self.emulator: Emulator = open_emulator(
            home, self.sources, sleep=not_slept, monotonic=lambda: 0.0, mounts=lambda: ""
        )
        self.emulator.configure(**{"profile": "documented", "seed": seed, **settings})
        self.emulator.set_clock(lambda clock, real: manual_clock(START))
        self.subscription = self.emulator.directory.subscription_id
        self.tenant = self.emulator.directory.tenant_id

    # -- who and when -------------------------------------------------------------------
    def id_of(self, who: str) -> str:
        found = self.emulator.directory.by_name(who)
        assert found is not None
        return found.object_id

    def token(self, who: str, audience: str = "https://managedhsm.azure.net") -> str:
        found = self.emulator.directory.by_name(who)
        assert found is not None
        return self.emulator.tokens().issue(found, audience)

    @property
    def now(self) -> int:
        with self.emulator.parts.reading() as unit:
            return unit.now

    def advance(self, seconds: float) -> None:
        self.emulator.set_clock(lambda clock, real: clock.advanced(real, round(seconds * SECOND)))

    def configure(self, **settings: Any) -> None:
        self.emulator.configure(**settings)

    def hold_time_still(self) -> None:
        """Polls do not move the clock."""
        self.configure(advance_on_poll=False)

    # -- the wire -----------------------------------------------------------------------
    def call(
        self,
        method: str,
        host: str,
        path: str,
        body: Any = None,
        *,
        query: Optional[Mapping[str, str]] = None,
        place: str = "",
        who: Optional[str] = OWNER,
        token: str = "",
        caller: Optional[Caller] = None,
    ) -> Answer:
        """One request; ``token`` goes into the header, ``who`` comes without one, in process.
        ``caller`` is a connection that was opened before (place and region are its own)."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        principal = None if token or who is None else self.id_of(who)
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Request(method, host, path, dict(query or {}), headers, data)
        caller = (caller or Caller(place=place))._replace(principal=principal)
        response = self.emulator.handle(request, caller)
        return Answer(response.status, dict(response.headers), parsed(response.body), response.delay)

    def arm(self, method: str, path: str, body: Any = None, version: str = ARM_VERSION) -> Answer:
        """A control-plane request; ``path`` follows the subscription."""
        query = {"api-version": version} if version else {}
        return self.call(method, ARM, f"/subscriptions/{self.subscription}{path}", body, query=query)

    def data(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        region: str = "",
        place: str = "",
        who: Optional[str] = OWNER,
        token: str = "",
        pool: str = POOL,
        version: str = DATA_VERSION,
        caller: Optional[Caller] = None,
    ) -> Answer:
        """A data-plane request, by the region's own name when ``region`` is given (A6)."""
        host = f"{pool.lower()}.managedhsm.azure.net"
        return self.call(
            method,
            f"{region}.{host}" if region else host,
            path,
            body,
            query={"api-version": version} if version else {},
            place=place,
            who=who,
            token=token,
            caller=caller,
        )

    def poll(self, answer: Answer) -> Answer:
        """Ask an operation's address once."""
        assert answer.status == 202, (answer.status, answer.body)
        host, _, rest = answer.headers["location"][len("https://") :].partition("/")
        path, _, query = rest.partition("?")
        pairs = dict(pair.split("=", 1) for pair in query.split("&"))
        return self.call("GET", host, f"/{path}", query=pairs)

    def finish(self, answer: Answer) -> Answer:
        """The operation's last answer; the poll moves the clock to its end."""
        return self.poll(answer)

    # -- pools --------------------------------------------------------------------------
    def pool_path(self, name: str = POOL, group: str = "default") -> str:
        return f"/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name}"

    def deleted_path(self, name: str = POOL, location: str = PRIMARY) -> str:
        return f"/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}"

    def pool_body(self, location: str = PRIMARY, **properties: Any) -> Dict[str, Any]:
        given = {
            "tenantId": self.tenant,
            "initialAdminObjectIds": [self.id_of(OWNER)],
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 7,
        }
        return {
            "location": location,
            "sku": {"family": "B", "name": "Standard_B1"},
            "properties": {**given, **properties},
        }

    def put_pool(self, name: str = POOL, location: str = PRIMARY, **properties: Any) -> Answer:
        return self.arm("PUT", self.pool_path(name), self.pool_body(location, **properties))

    def create_pool(self, name: str = POOL, location: str = PRIMARY, **properties: Any) -> Answer:
        return self.finish(self.put_pool(name, location, **properties)).ok()

    def show(self, name: str = POOL) -> Answer:
        return self.arm("GET", self.pool_path(name))

    def download(self, certs: int = 3, quorum: int = 2, pool: str = POOL) -> Answer:
        body = {"certificates": [certificate(number) for number in range(certs)], "required": quorum}
        return self.data("POST", "/securitydomain/download", body, pool=pool)

    def activate(self, pool: str = POOL) -> None:
        self.download(pool=pool).ok()
        self.data("GET", "/securitydomain/download/pending", pool=pool).ok()
        if not self.record(pool).is_active(self.now):
            self.advance(60)

    def patch(self, name: str = POOL, **properties: Any) -> Answer:
        return self.arm("PATCH", self.pool_path(name), {"properties": properties})

    def set_regions(self, *names: str, pool: str = POOL) -> Answer:
        """PATCH with exactly these extended regions, not waited for."""
        return self.patch(pool, regions=[{"name": name} for name in names])

    def extend(self, *names: str, pool: str = POOL) -> None:
        listed = [name for name, _, primary in self.regions(pool) if not primary]
        self.finish(self.set_regions(*listed, *names, pool=pool)).ok()

    def shrink(self, *names: str, pool: str = POOL) -> None:
        listed = [name for name, _, primary in self.regions(pool) if not primary and name not in names]
        self.finish(self.set_regions(*listed, pool=pool)).ok()

    def regions(self, name: str = POOL) -> List[Tuple[str, str, bool]]:
        """(name, state, is it the primary), as the control plane lists them."""
        listed = self.arm("GET", self.pool_path(name) + "/regions").ok().body["value"]
        return [(item["name"], item["provisioningState"], item["isPrimary"]) for item in listed]

    def delete_pool(self, name: str = POOL) -> Answer:
        return self.arm("DELETE", self.pool_path(name))

    def recover_pool(self, name: str = POOL) -> Answer:
        return self.put_pool(name, createMode="recover")

    def purge_pool(self, name: str = POOL, location: str = PRIMARY) -> Answer:
        return self.arm("POST", self.deleted_path(name, location) + "/purge")

    # -- keys and roles --------------------------------------------------------------------
    def put_key(self, name: str, region: str = "", who: str = OWNER, **more: Any) -> Answer:
        body = {"kty": "EC-HSM", "crv": "P-256", **more}
        return self.data("POST", f"/keys/{name}/create", body, region=region, who=who)

    def get_key(self, name: str, region: str = "", who: str = OWNER) -> Answer:
        return self.data("GET", f"/keys/{name}", region=region, who=who)

    def keys(self, region: str = "") -> List[str]:
        listed = self.data("GET", "/keys", region=region).ok().body["value"]
        return [item["kid"].rsplit("/", 1)[-1] for item in listed]

    def assign(
        self,
        role: str,
        who: str = OWNER,
        scope: str = "",
        *,
        region: str = "",
        name: str = "",
        by: str = OWNER,
    ) -> Answer:
        """``who`` gets ``role`` on ``scope`` ("" is ``/``, else ``/keys`` or ``/keys/<name>``)."""
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or self.sources.new_id()}"
        properties = {"roleDefinitionId": f"x/{role}", "principalId": self.id_of(who)}
        return self.data("PUT", path, {"properties": properties}, region=region, who=by)

    def sign(self, key: str, region: str = "", who: str = OWNER, place: str = "") -> Answer:
        body = {"alg": "ES256", "value": DIGEST}
        return self.data("POST", f"/keys/{key}/sign", body, region=region, who=who, place=place)

    def verify(self, key: str, signature: str, region: str = "", place: str = "") -> Answer:
        body = {"alg": "ES256", "digest": DIGEST, "value": signature}
        return self.data("POST", f"/keys/{key}/verify", body, region=region, place=place)

    # -- arrangements -----------------------------------------------------------------------
    def active_pool(self, name: str = POOL, location: str = PRIMARY, **properties: Any) -> World:
        """A pool, activated; its owner may create and use keys."""
        self.create_pool(name, location, **properties)
        self.activate(name)
        if name == POOL:
            self.assign(CRYPTO_OFFICER).ok()
            self.assign(CRYPTO_USER).ok()
            self.advance(SIX_MINUTES)
        return self

    def extended_pool(self, *extended: str, **properties: Any) -> World:
        """The same, extended into ``extended`` (Australia East), all rights arrived."""
        self.active_pool(**properties)
        self.extend(*(extended or (EXTENDED,)))
        self.advance(SIX_MINUTES)
        return self

    # -- below the wire ------------------------------------------------------------------------
    def record(self, name: str = POOL) -> Pool:
        with self.emulator.parts.reading() as unit:
            pool = unit.tx.pool_named(name, unit.now)
        assert pool is not None
        return pool

    def rows(self, region: str, kinds: Tuple[Kind, ...] = tuple(Kind), pool: str = POOL) -> List[Row]:
        found = self.record(pool)
        with self.emulator.parts.reading() as unit:
            return unit.tx.rows(found.id, region, kinds)

    def rows_of_everyone(self) -> int:
        """How many rows the home holds, whatever their pool, those of pools that are gone included."""
        with self.emulator.parts.reading() as unit:
            pools = unit.tx.pools()
            return sum(len(unit.tx.rows(pool.id, region.name)) for pool in pools for region in pool.regions)

    def shown(self, region: str, pool: str = POOL) -> str:
        """Everything that a region shows now, as canonical JSON (L4: byte for byte)."""
        found = self.record(pool)
        with self.emulator.parts.reading() as unit:
            return canonical(objects.shown(unit, found, region, tuple(Kind)))

    # -- the owner's own API: faults, and what can be seen ---------------------------------------
    def control(
        self, method: str, path: str, body: Any = None, query: Optional[Mapping[str, str]] = None
    ) -> Answer:
        return self.call(method, CONTROL_HOST, path, body, query=query)

    def inject(self, **spec: Any) -> Answer:
        """A fault as JSON has it; ``lasts`` is its ``for``. Scopes of a pool name ours."""
        if spec.get("scope") in ("partition", "pool", "link"):
            spec.setdefault("hsmName", POOL)
        lasts = spec.pop("lasts", None)
        return self.control("POST", "/faults", spec if lasts is None else {**spec, "for": lasts})

    def break_(self, scope: str, region: str, seconds: Optional[float] = None, **more: Any) -> str:
        """Break something from now for ``seconds`` (None: until it is cleared); the fault's id."""
        answer = self.inject(scope=scope, region=region, lasts=seconds, **more)
        assert answer.status == 201, answer.body
        return answer.body["id"]  # type: ignore[no-any-return]

    def break_link(self, one: str, other: str, seconds: Optional[float] = None, **more: Any) -> str:
        """The link between two regions is down from now for ``seconds`` (None: no planned end)."""
        return self.break_("link", one, seconds, to=other, **more)

    def destroy(self, scope: str, region: str, **more: Any) -> str:
        return self.break_(scope, region, kind="destroyed", **more)

    def clear(self, fault: str) -> Answer:
        return self.control("DELETE", f"/faults/{fault}")

    def status(self, name: str = POOL) -> Dict[str, Any]:
        return self.control("GET", f"/pools/{name}/status").ok().body  # type: ignore[no-any-return]

    def status_of(self, region: str, name: str = POOL) -> Dict[str, Any]:
        """One region's part of the status."""
        return next(item for item in self.status(name)["regions"] if item["name"] == region)

    def stream(self, after: str = "") -> Tuple[List[Dict[str, Any]], str]:
        """The events behind ``after``, and the mark to ask with next time."""
        events: List[Dict[str, Any]] = []
        while True:
            page = self.control("GET", "/events", query={"after": after}).ok().body
            events, after = events + page["value"], page["after"]
            if not page["more"]:
                return events, after

    def metrics(self) -> Dict[str, Dict[Labels, float]]:
        """Samples by name and labels. Fails the test where the text is not Prometheus's."""
        answer = self.control("GET", "/metrics").ok()
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        return samples(answer.body)

    def client(self, place: str, name: str = "-") -> Client:
        """A client at ``place`` with a cache of its own."""
        return Client(self, place, name)

    def route(self, place: str, name: str = POOL) -> Optional[str]:
        """Where the traffic manager sends a client at ``place`` that has nothing cached."""
        with self.emulator.parts.reading() as unit:
            pool = unit.tx.pool_named(name, unit.now)
            assert pool is not None
            return routing.resolve(pool, place, unit.now, traffic.conditions(unit)).region

    def events(self, kind: str) -> List[Dict[str, Any]]:
        with self.emulator.parts.reading() as unit:
            return unit.tx.events(kind)


@dataclass(frozen=True)
class Client:
    """A client somewhere, with a cache called ``name``; every call of its own is a new connection."""

    world: World
    place: str
    name: str = "-"

    def connect(self, region: str = "", pool: str = POOL) -> Resolution:
        """Resolve the name (a region's own, when given) and open a connection."""
        host = f"{region}.{pool.lower()}" if region else pool.lower()
        return self.world.emulator.resolve(f"{host}.managedhsm.azure.net", self.place, self.name)

    def reaches(self, region: str = "", pool: str = POOL) -> Optional[str]:
        """The region of a new connection that is not broken at once, None: it is."""
        found = self.connect(region, pool)
        return found.region if found.effect is None else None

    def open(self, region: str = "", pool: str = POOL) -> Caller:
        """A connection that goes on being used."""
        found = self.connect(region, pool)
        assert found.region is not None and found.effect is None, found
        return Caller(self.place, self.name, found.region, partition=found.partition)

    def answered_by(self) -> Optional[str]:
        """The region that answers one call from here, None where the connection breaks."""
        try:
            answer = self.world.data("GET", "/keys", caller=Caller(self.place, self.name))
        except ConnectionBroken:
            return None
        return answer.ok().headers["x-ms-keyvault-region"]


_PHASES = (Phase.explicit, Phase.generate)
PROPERTY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=_PHASES if os.environ.get("MHSMREGION_RULES_HUNT") else (*_PHASES, Phase.shrink),
)
"""How property tests run: the same examples every time. While a mutant is hunted
(MHSMREGION_RULES_HUNT) one failure is enough, so nothing is shrunk."""

__all__ = [
    "ADMINISTRATOR", "ARM", "ARM_VERSION", "CRYPTO_AUDITOR", "CRYPTO_OFFICER", "CRYPTO_USER", "DAY",
    "EXTENDED", "NOBODY", "OTHER", "OWNER", "POOL", "PRIMARY", "PROPERTY", "REAL", "SIX_MINUTES", "START",
    "THIRD", "Answer", "Client", "FixedSources", "World", "canonical", "catalogue", "certificate",
    "not_slept", "samples",
]  # fmt: skip

DIGEST = "A" * 43
"""32 zero bytes, base64url."""


@cache
def certificate(number: int) -> Dict[str, Any]:
    """A wrapping key's certificate as a download request names it; made once a process."""
    begin = datetime(2026, 1, 1, tzinfo=timezone.utc)
    return certificates.certificate_jwk(certificates.self_signed(f"officer-{number}", begin, 365)[1])


def canonical(objects: Any) -> str:
    """The objects of a region as canonical JSON."""
    return json.dumps(asdict(objects), sort_keys=True, separators=(",", ":"))
