"""Homes of the emulator that tests start from, and a server on one of them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Dict, Iterator, List

from azext_mhsmregion.crypto.certificates import self_signed
from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.environment import variables
from azext_mhsmregion.emulator.http.server import Server
from azext_mhsmregion.emulator.service import Emulator, open_emulator
from azext_mhsmregion.provider.interface import PoolSpec
from azext_mhsmregion.provider.selection import select
from azext_mhsmregion.provider.waiting import wait

POOL = "ContosoMHSM"
KEY = "payments"
CRYPTO_USER = "Managed HSM Crypto User"
AT_ONCE = dict.fromkeys(
    ("create", "update", "activation", "region-add", "region-remove", "delete", "dns.ttl"), 0.0
)


@cache
def wrapping_keys() -> tuple:
    """Three officers' keys and certificates, PEM, made once a run."""
    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    return tuple(self_signed(f"Officer {number}", yesterday, 365) for number in range(3))


def certificates() -> tuple:
    """The certificates alone."""
    return tuple(certificate for _, certificate in wrapping_keys())


def write_certificates(folder: Path) -> List[Path]:
    """The certificates as files, each with its key beside it, named as az wants it."""
    files = [folder / f"officer_{number}.cer" for number in range(3)]
    for file, (key, certificate) in zip(files, wrapping_keys()):
        file.write_bytes(certificate)
        file.with_suffix(".key").write_bytes(key)
    return files


def no_sleep(_seconds: float) -> None:
    """Operations of a prepared home end at once: nobody waits."""


def prepare(home: Path) -> None:
    """A home with the active pool ContosoMHSM in UK South and one key. Its owner and the service
    principal that `emulator env` hands out administer it and use its keys."""
    emulator = open_emulator(home)
    emulator.configure(durations=AT_ONCE)
    provider = select("emulator", environ={}, home=home, sleep=no_sleep)
    app = emulator.directory.app
    assert app is not None
    who = (provider.whoami(), app.object_id)
    spec = PoolSpec(POOL, "uksouth", group="default", administrators=who, retention_days=7)
    wait(provider, provider.create_pool(spec), no_sleep, time.monotonic)
    provider.download_security_domain(POOL, list(certificates()), 2)
    roles = {one["properties"]["roleName"]: one["id"] for one in provider.list_role_definitions(POOL)}
    for number, principal in enumerate(who):
        name = f"00000000-0000-0000-0000-{number:012}"
        provider.create_role_assignment(POOL, "/keys", roles[CRYPTO_USER], principal, name)
    provider.create_key(POOL, KEY, {"kty": "EC-HSM", "crv": "P-256"})
    emulator.store.close()


@dataclass(frozen=True)
class Served:
    """A server in this process. ``environment`` leads clients to it."""

    emulator: Emulator
    environment: Dict[str, str]


@contextmanager
def served(home: Path) -> Iterator[Served]:
    """A server on ``home`` for the length of the block."""
    emulator = open_emulator(home)
    emulator.store.own()
    authority = Authority(home, time.time)
    authority.bundle()
    try:
        with Server(emulator, authority).in_thread() as server:
            yield Served(emulator, variables(home, server.port, emulator.directory, environ={}))
    finally:
        emulator.store.close()
