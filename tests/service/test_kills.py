"""SIGKILL in the middle of writes: what the server acknowledged is there, and nothing else is.

Two clients write keys over kept-alive HTTPS through the proxy, so that one of them has a write
under way whenever the other gets its answer; the server is killed at a random acknowledgement.
"""

from __future__ import annotations

import http.client
import os
import random
import ssl
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Set

import pytest
from servicekit import DATA_API, HSM, POOL_HOST, Client, Home, ServerProcess, seeded

pytestmark = pytest.mark.socket

KILLS = int(os.environ.get("MHSMREGION_SERVER_KILLS", "10"))
SEED = os.environ.get("MHSMREGION_CRASH_SEED", "1")
FULL = 200
WRITERS = 2
FEWEST, MOST = 5, 40
LONGEST_SPIN = 0.003
RATE_AT_LEAST = 50.0
CUT_OFF = (http.client.HTTPException, ssl.SSLError, OSError)


@dataclass
class Log:
    """What the clients know: every name sent, and the key id of every acknowledged one."""

    goal: int
    reached: Callable[[], None]
    sent: Set[str] = field(default_factory=set)
    acknowledged: Dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, name: str, key_id: str) -> None:
        with self._lock:
            self.acknowledged[name] = key_id
            if len(self.acknowledged) == self.goal:
                self.reached()


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing_acknowledged(seeded_home: Home, service_report: List[str]) -> None:
    assert kill_and_compare(max(KILLS, FULL), seeded_home, service_report) >= RATE_AT_LEAST


@pytest.mark.skipif(KILLS >= FULL, reason="the slow test makes them")
def test_kills_lose_nothing_acknowledged(seeded_home: Home, service_report: List[str]) -> None:
    assert kill_and_compare(KILLS, seeded_home, service_report) >= RATE_AT_LEAST


def test_a_home_may_hold_what_a_former_run_wrote(tmp_path: Path) -> None:
    """Both tests above use one home: a run that wrote the names of the one before it found none of
    its keys among the new ones."""
    home = seeded(tmp_path / "home")
    for _ in range(2):
        kill_and_compare(1, home, [])


def kill_and_compare(kills: int, home: Home, report: List[str]) -> float:
    """How many writes a second were acknowledged. The names written are this run's own."""
    begun = time.monotonic()
    run = uuid.uuid4().hex[:8]
    token = home.token(HSM)
    sent: Set[str] = set()
    acknowledged: Dict[str, str] = {}
    seconds, unanswered_there = 0.0, 0
    server = ServerProcess(home.folder)
    try:
        before = listed(server, token)
        for number in range(kills):
            chance = random.Random(f"{SEED}:{number}")
            log, took = write_until_killed(server, token, f"{run}-{number}", chance)
            assert not server.is_found(), "a killed server's left-over is taken for a server"
            server = ServerProcess(home.folder)  # the store opens, the left-over is no hindrance
            assert server.is_found()
            unanswered_there += compare(server, token, log)
            sent |= log.sent
            acknowledged.update(log.acknowledged)
            seconds += took
        there = listed(server, token) - before
        missing = sorted(set(acknowledged) - there)
        asked = {name: get(server, token, name) for name in missing[:5]}
        server.stop()
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
    assert not missing, f"{len(missing)} acknowledged writes are not listed; asked for by name: {asked}"
    assert there <= sent, "a key that nobody sent"
    rate = len(acknowledged) / seconds
    report.append(
        f"server kills: {kills} (seed {SEED}), {len(acknowledged)} acknowledged writes all there, "
        f"{len(sent) - len(acknowledged)} unanswered, of which {unanswered_there} wholly there; "
        f"{rate:.0f} writes/s; {time.monotonic() - begun:.0f} s"
    )
    print(report[-1])
    return rate


def write_until_killed(
    server: ServerProcess, token: str, prefix: str, chance: random.Random
) -> tuple[Log, float]:
    """Write from :data:`WRITERS` connections until the server is dead; the log, and how long the
    writing took."""
    spin = chance.uniform(0, LONGEST_SPIN)

    def kill() -> None:
        until = time.perf_counter() + spin
        while time.perf_counter() < until:
            pass
        server.process.kill()

    log = Log(chance.randint(FEWEST, MOST), kill)
    clients = [server.client(POOL_HOST, token) for _ in range(WRITERS)]
    for client in clients:
        client.connection.connect()
    threads = [
        threading.Thread(target=write, args=(client, f"{prefix}-{index}", log))
        for index, client in enumerate(clients)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    server.kill()
    assert len(log.acknowledged) >= log.goal
    return log, took


def write(client: Client, prefix: str, log: Log) -> None:
    for name in names(prefix):
        log.sent.add(name)
        try:
            answer = client.ask("POST", f"/keys/{name}/create?{DATA_API}", {"kty": "EC-HSM"})
        except CUT_OFF:
            client.close()
            return
        assert answer.status == 200, answer.body
        log.acknowledge(name, answer.json()["key"]["kid"])


def names(prefix: str) -> Iterator[str]:
    number = 0
    while True:
        yield f"{prefix}-{number}"
        number += 1


def compare(server: ServerProcess, token: str, log: Log) -> int:
    """Every acknowledged key is there as it was acknowledged; one without an answer is there
    wholly or not at all. How many of the latter are there."""
    found = 0
    with server.client(POOL_HOST, token) as client:
        for name in sorted(log.sent):
            answer = client.ask("GET", f"/keys/{name}?{DATA_API}")
            if name in log.acknowledged:
                assert answer.status == 200, (name, answer.body)
                assert answer.json()["key"]["kid"] == log.acknowledged[name]
            elif answer.status != 404:
                assert answer.status == 200, (name, answer.body)
                found += 1
    return found


def get(server: ServerProcess, token: str, name: str) -> int:
    """The status of a GET of a key."""
    with server.client(POOL_HOST, token) as client:
        return client.ask("GET", f"/keys/{name}?{DATA_API}").status


def listed(server: ServerProcess, token: str) -> Set[str]:
    """The names of all keys, page by page."""
    found: Set[str] = set()
    with server.client(POOL_HOST, token) as client:
        path = f"/keys?{DATA_API}&maxresults=25"
        while path:
            page = client.ask("GET", path).json()
            found |= {item["kid"].rsplit("/", 1)[1] for item in page["value"]}
            path = (page.get("nextLink") or "").split(POOL_HOST, 1)[-1]
    return found
