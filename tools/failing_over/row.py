"""One row of the table: an emulator of its own, a client in each region, an outage, and what all of
them said. Everything goes over sockets; the clock runs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from azext_mhsmregion.cli import eventlog
from azext_mhsmregion.emulator import embedded, owner_call
from azext_mhsmregion.model.chance import chance
from azext_mhsmregion.model.profile import Profile
from failing_over.log import Call, parsed

CLIENTS_PYTHON = Path(__file__).resolve().parents[2] / ".clients" / "python" / "bin" / "python"
CLIENT = Path(__file__).with_name("client.py")
POOL, PRIMARY, EXTENDED = "ContosoMHSM", "uksouth", "australiaeast"
REGIONS = {"primary": PRIMARY, "extended": EXTENDED}

CONNECTION_SECONDS = 0.5
"""How long the client keeps a connection."""

LEAD, STEADY, AFTER = 4.5, 5.0, 3.0
"""Seconds before the outage, of it beyond the bound of failover, and behind the bound of failback."""

SAMPLE = 0.25
READY_SECONDS = 60.0


@dataclass(frozen=True)
class Bounds:
    """What the configured values promise, in seconds: failover within this (F7) and not before
    detection can have happened, failback (F9), a dead partition out of its region's rotation.
    ``interval`` is that of the probes."""

    interval: float
    failover: float
    detection: float
    failback: float
    partition: float

    @classmethod
    def of(cls, profile: Profile) -> Bounds:
        """Computed from the configured values, and from nothing of the emulator's."""
        interval, timeout, tolerated = (
            profile.of("probe.interval") / 1000,
            profile.of("probe.timeout") / 1000,
            profile.counts["probe.tolerated_failures"],
        )
        ttl = profile.of("dns.ttl") / 1000
        balancer = profile.of("balancer.interval") / 1000
        return cls(
            interval=interval,
            failover=(tolerated + 1) * interval + timeout + ttl,
            detection=tolerated * interval,
            failback=interval + ttl + CONNECTION_SECONDS,
            partition=(profile.counts["balancer.tolerated_failures"] + 1) * balancer
            + profile.of("balancer.timeout") / 1000,
        )


@dataclass(frozen=True)
class Observed:
    """A row as it was seen. ``logs`` by the client's place; ``lag`` are (instant, seconds by which the
    region that lacks most is behind)."""

    affected: str
    scope: str
    seed: int
    bounds: Bounds
    begin: float
    end: float
    logs: Mapping[str, List[Call]]
    lag: List[Tuple[float, float]] = field(default_factory=list)
    events: List[Dict[str, Any]] = field(default_factory=list)

    @property
    def region(self) -> str:
        """The region that is hit."""
        return REGIONS[self.affected]

    @property
    def phase(self) -> float:
        """Where between two probes the outage began, from 0 to below 1: what the seed draws."""
        return self.begin / self.bounds.interval % 1

    @property
    def other(self) -> str:
        return EXTENDED if self.affected == "primary" else PRIMARY

    def changed_health(self, kind: str) -> List[float]:
        """When the traffic manager took the hit region for unhealthy, or for healthy again."""
        return [instant(e["time"]) for e in self.events if e["kind"] == kind and e["region"] == self.region]


def observe(affected: str, scope: str, seed: int) -> Observed:
    """Make the row. Takes :data:`LEAD` + outage + :data:`AFTER` seconds, and what starting costs."""
    with embedded.running() as running:
        bounds = _prepare(running, seed)
        with _client(running, PRIMARY) as near, _client(running, EXTENDED) as far:
            with _sampling(running) as lag:
                begin, end = _break(running, affected, scope, seed, bounds)
                _sleep_until(end + bounds.failback + AFTER)
            logs = {PRIMARY: near.stop(), EXTENDED: far.stop()}
        events = told(running)
    return Observed(affected, scope, seed, bounds, begin, end, logs, lag, events)


def told(running: embedded.Embedded) -> List[Dict[str, Any]]:
    """All events of the pool, oldest first."""
    found, _ = eventlog.since(lambda path: owner_call.call(running.emulator, "GET", f"/{path}"), "", POOL)
    return found


def phase_of(seed: int, affected: str, scope: str) -> float:
    """Where between two probes a seed lets the outage of a row begin."""
    return chance(seed, "outage", affected, scope)


def instant(text: str) -> float:
    """Seconds since 1970 of a time in an answer."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _prepare(running: embedded.Embedded, seed: int) -> Bounds:
    settings = running.emulator.configure(seed=seed)
    app = running.emulator.directory.app
    assert app is not None
    role = {"role": "Managed HSM Crypto User", "principal": app.object_id, "scope": "/keys"}
    keys = [{"name": name} for name in ("payments", "orders")]
    pool = {"name": POOL, "location": PRIMARY, "regions": [EXTENDED], "roles": [role], "keys": keys}
    running.seed(pool)
    return Bounds.of(settings.checked_profile())


class _Client:
    """A client process at work. ``ready`` is set by its first call."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: List[Dict[str, Any]] = []
        self.ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(json.loads(line))
            self.ready.set()

    def stop(self) -> List[Call]:
        """End it; its log."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._reader.join()
        if self._process.wait() != 0:
            raise RuntimeError("a client failed; its traceback stands above")
        return parsed(self._lines)


@contextlib.contextmanager
def _client(running: embedded.Embedded, place: str) -> Iterator[_Client]:
    environment = {**running.environment(place, client=f"app-{place}"), "PATH": "/usr/bin:/bin"}
    command = [str(CLIENTS_PYTHON), str(CLIENT), POOL, str(CONNECTION_SECONDS)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr, text=True, env=environment
    )
    try:
        client = _Client(process)
        if not client.ready.wait(READY_SECONDS):
            raise RuntimeError("a client did not get as far as its first call")
        yield client
    finally:
        process.kill()
        process.wait()


def _break(
    running: embedded.Embedded, affected: str, scope: str, seed: int, bounds: Bounds
) -> Tuple[float, float]:
    """Plan the outage; when it begins and ends. The seed says where between two probes it falls."""
    lasts = bounds.failover + STEADY
    phase = phase_of(seed, affected, scope)
    after = LEAD + (phase - (time.time() + LEAD) / bounds.interval) % 1 * bounds.interval
    spec: Dict[str, Any] = {"scope": scope, "region": REGIONS[affected], "after": after, "for": lasts}
    if scope in ("pool", "partition"):
        spec["hsmName"] = POOL
    if scope == "partition":
        spec["partition"] = int(chance(seed, "partition", affected) * 3)
    fault = owner_call.call(running.emulator, "POST", "/faults", spec)
    return instant(fault["start"]), instant(fault["end"])


@contextlib.contextmanager
def _sampling(running: embedded.Embedded) -> Iterator[List[Tuple[float, float]]]:
    """How far replication is behind, while the block lasts."""
    samples: List[Tuple[float, float]] = []
    over = threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE):
            status = owner_call.call(running.emulator, "GET", f"/pools/{POOL}/status")
            samples.append((time.time(), _lag(status)))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _lag(status: Mapping[str, Any]) -> float:
    lacks = [lack["lagSeconds"] for region in status["regions"] for lack in region["lacks"]]
    return max(lacks, default=0.0)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


__all__ = ["Bounds", "Observed", "observe", "phase_of", "told"]
