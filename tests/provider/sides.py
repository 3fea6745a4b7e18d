"""What the provider suite runs against. Each constructor gives a pool in East US 2, not yet
activated, and the provider that reaches it.

- ``player``: the ARM provider on the recorded exchanges.
- ``emulator``: the emulator provider, in process, on a home of its own.
- ``socket``: the ARM provider over loopback sockets to an emulator's server.
- ``server``: the emulator provider on a home whose server runs: it goes through its proxy.
"""

from __future__ import annotations

import datetime
import os
import secrets
import shlex
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit

import pytest
from player import SUBSCRIPTION, RegionPlayer, shared_folder

from azext_mhsmregion.provider.arm import ArmProvider
from azext_mhsmregion.provider.client import Settings
from azext_mhsmregion.provider.interface import PoolSpec
from azext_mhsmregion.provider.transport import Answer
from azext_mhsmregion.provider.waiting import wait

POOL = "suite-pool-1"
FULL = "italynorth"
MHSM = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", "emulator"]


@dataclass
class Side:
    """``binding``: documented rules refuse here, elsewhere they warn. ``knows_hours``: can tell
    the hours billed so far."""

    name: str
    provider: Any
    pool: str
    activate: Callable[[], None]
    sleep: Callable[[float], None]
    now: Callable[[], float]
    binding: bool
    knows_hours: bool

    @property
    def emulated(self):
        return self.name != "player"

    def finish(self, operation):
        """Wait for an operation as a command does."""
        return wait(self.provider, operation, self.sleep, self.now, timeout=7200)

    def add(self, region="uksouth"):
        return self.finish(self.provider.add_region(self.provider.plan_region_add(self.pool, region)))

    def remove(self, region="uksouth"):
        plan = self.provider.plan_region_remove(self.pool, region)
        return self.finish(self.provider.remove_region(plan))


def player_side(request):
    if not (shared_folder() / "golden" / "mhsm_region.json").exists():
        pytest.skip("the recordings are not beside this checkout (MHSMREGION_SHARED names their folder)")
    clock = FakeClock()
    player = NothingDeleted()
    settings = Settings(SUBSCRIPTION, lambda: "tenant", lambda: "me", now=clock.now)
    provider = ArmProvider(player, settings)
    return Side(
        "player",
        provider,
        player.pool_name,
        player.activate,
        clock.sleep,
        clock.now,
        binding=False,
        knows_hours=False,
    )


class NothingDeleted(RegionPlayer):
    """The recording's subscription has no soft-deleted pools."""

    def send(self, call):
        if call.method == "GET" and urlsplit(call.url).path.endswith("/deletedManagedHSMs"):
            return Answer(200, {}, b'{"value": []}')
        return super().send(call)


def emulator_side(request):
    from azext_mhsmregion.provider.selection import select

    home = request.getfixturevalue("tmp_path") / "home"
    hasten(home)
    provider = select("emulator", environ={}, home=home, place="eastus2")
    return _emulated("emulator", provider, POOL, binding=True, knows_hours=True)


def socket_side(request):
    from azext_mhsmregion.provider.selection import select

    monkeypatch = request.getfixturevalue("monkeypatch")
    for name, value in request.getfixturevalue("emulator_server").items():
        monkeypatch.setenv(name, value)
    arm_home = request.getfixturevalue("tmp_path") / "arm"
    provider = select("arm", environ=dict(os.environ), home=arm_home)
    return _emulated("socket", provider, f"suite-{secrets.token_hex(6)}", binding=False, knows_hours=False)


def server_side(request):
    from azext_mhsmregion.provider.selection import select
    from azext_mhsmregion.provider.transport import RequestsTransport

    home = Path(request.getfixturevalue("emulator_server")["MHSMREGION_HOME"])
    provider = select("emulator", environ={}, home=home, place="eastus2")
    assert isinstance(provider._service.transport.inner.inner, RequestsTransport), "the server was not found"
    return _emulated("server", provider, f"suite-{secrets.token_hex(6)}", binding=True, knows_hours=True)


@contextmanager
def served(home: Path):
    """A server on ``home``; gives the environment that leads clients to it."""
    hasten(home)
    environ = {**os.environ, "MHSMREGION_HOME": str(home)}
    subprocess.run([*MHSM, "start"], env=environ, check=True, stdout=subprocess.DEVNULL, timeout=60)
    try:
        shown = subprocess.run(
            [*MHSM, "env"], env=environ, check=True, capture_output=True, text=True, timeout=60
        )
        yield {**dict(_exports(shown.stdout)), "MHSMREGION_HOME": str(home)}
    finally:
        subprocess.run([*MHSM, "stop"], env=environ, check=True, stdout=subprocess.DEVNULL, timeout=60)


def hasten(home: Path) -> None:
    """Short operations; adding a region takes long enough to be met under way. There is no
    capacity in FULL."""
    from azext_mhsmregion.emulator.service import open_emulator

    open_emulator(home).configure(
        without_capacity=(FULL,),
        durations={"create": 0.01, "activation": 0.01, "region-add": 0.8, "region-remove": 0.1},
    )


SIDES = {"player": player_side, "emulator": emulator_side, "socket": socket_side, "server": server_side}


class FakeClock:
    """Sleeping is what makes the time pass."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleeps: list = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    def now(self) -> float:
        return self.time


def _emulated(name, provider, pool, binding, knows_hours):
    """A pool like the recording's, made through the provider itself."""
    side = Side(
        name,
        provider,
        pool,
        lambda: _download(provider, pool),
        lambda seconds: time.sleep(min(seconds, 0.05)),
        time.monotonic,
        binding=binding,
        knows_hours=knows_hours,
    )
    side.finish(provider.create_pool(PoolSpec(pool, "eastus2", group="default", retention_days=7)))
    return side


def _download(provider, pool) -> None:
    """Activation: the security domain goes to three certificates, then some polls."""
    provider.download_security_domain(pool, certificates(), 2)
    end = time.monotonic() + 60
    while provider.security_domain_status(pool)["status"] != "Success":
        assert time.monotonic() < end, "the pool was not activated within a minute"
        time.sleep(0.05)


@cache
def certificates():
    """Three self-signed RSA certificates, PEM, made once a run."""
    return [certificate() for _ in range(3)]


def certificate() -> bytes:
    """A fresh self-signed RSA certificate, PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "keeper")])
    today = datetime.datetime(2026, 1, 1)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today)
        .not_valid_after(today + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM)


def _exports(text: str):
    """(name, value) of sh's ``export NAME=value`` lines."""
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["export"]:
            for word in words[1:]:
                name, _, value = word.partition("=")
                yield name, value.rstrip(";")
