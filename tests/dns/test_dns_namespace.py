"""dig, requests and curl in a network namespace of loopback only: they find the emulator by
/etc/resolv.conf, on ports 53 and 443, without any proxy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from asking import POOL
from rules.harness import EXTENDED, PRIMARY
from support import required
from support.loopback import only_loopback_of

from azext_mhsmregion.emulator import traffic
from azext_mhsmregion.emulator.dns import addresses
from azext_mhsmregion.emulator.dns.addresses import Dns
from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.server import Server

pytestmark = [pytest.mark.socket, pytest.mark.clients]

SECONDS = 60
URL = f"https://{POOL}/keys?api-version=7.4"
REQUESTS = """
import requests, sys
answer = requests.get(sys.argv[1], headers={"authorization": "Bearer " + sys.argv[2]}, timeout=20)
print(answer.status_code, answer.headers.get("x-ms-keyvault-region"))
"""
WITH_RESOLVER = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"'


@pytest.fixture
def programs():
    """dig and curl; where one is missing the test is skipped, or fails if it is required."""
    missing = [name for name in ("dig", "curl", "unshare", "mount") if shutil.which(name) is None]
    if missing:
        required.missing(f"{', '.join(missing)} is not installed (Debian: bind9-dnsutils, curl, util-linux)")


@pytest.fixture
def served(request, programs, world):
    """The emulator on the ports of real life, in a network of its own."""
    with only_loopback_of(request.node, required.REQUIRED):
        if os.geteuid() != 0:  # the test has run in a process that may take these ports
            yield None
            return
        authority = Authority(world.emulator.home, time.time)
        authority.bundle()
        with Server(world.emulator, authority, places={EXTENDED: 0}, dns=Dns()).in_thread(0.1) as running:
            yield running


def dig(*arguments):
    """Alias target, address and TTLs of the pool's name: (region's name, address, {TTL})."""
    command = ["dig", "+noall", "+answer", *arguments, POOL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    (alias, ttl), (found, other) = re.findall(r"(?m)^(\S+)\s+(\d+)\s+IN", done.stdout)
    target, at = re.findall(r"(?:CNAME|A)\s+(\S+)$", done.stdout, re.MULTILINE)
    assert (alias, found) == (f"{POOL}.", target)
    return target, at, {int(ttl), int(other)}


def run(tmp_path, world, resolver, *command):
    """What a program prints that asks ``resolver`` for names and trusts the emulator's authority."""
    file = tmp_path / "resolv.conf"
    file.write_text(f"nameserver {resolver}\n")
    bundle = str(world.emulator.home / "ca" / "bundle.pem")
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = {**kept, "REQUESTS_CA_BUNDLE": bundle, "CURL_CA_BUNDLE": bundle}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-eu", "-c", WITH_RESOLVER, "sh", str(file), *command],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dig_sees_ttl_5_and_another_address_after_the_outage(served, world):
    """F5; F7 by the manual clock: not before detection could have happened, and within its bound."""
    with world.emulator.parts.reading() as unit:
        probes = traffic.conditions(unit).probes
    for transport in ("+notcp", "+tcp"):
        expected = f"{PRIMARY}.{POOL}.", addresses.of_region(PRIMARY), {5}
        assert dig("@127.0.0.1", transport) == expected
    assert dig(f"@{addresses.of_region(EXTENDED)}")[1] == addresses.of_region(EXTENDED)

    world.break_("region", PRIMARY)
    took = 0
    while dig("@127.0.0.1")[1] == addresses.of_region(PRIMARY):
        assert took * 1000 <= probes.slowest_detection
        world.advance(1)
        took += 1

    assert dig("@127.0.0.1") == (f"{EXTENDED}.{POOL}.", addresses.of_region(EXTENDED), {5})
    assert probes.fastest_detection <= took * 1000 <= probes.slowest_detection


def test_programs_without_a_proxy_reach_the_region_that_dns_names(served, world, tmp_path):
    python = [sys.executable, "-c", REQUESTS, URL, world.token("owner")]
    curl = ["curl", "--silent", "--show-error", "--output", "-", "--include", "--max-time", "20"]
    curl += ["--header", f"Authorization: Bearer {world.token('owner')}", URL]

    assert run(tmp_path, world, "127.0.0.1", *python).split() == ["200", PRIMARY]
    assert run(tmp_path, world, addresses.of_region(EXTENDED), *python).split() == ["200", EXTENDED]
    assert f"x-ms-keyvault-region: {PRIMARY}" in run(tmp_path, world, "127.0.0.1", *curl)
    world.break_("region", PRIMARY)
    world.advance(60)
    assert run(tmp_path, world, "127.0.0.1", *python).split() == ["200", EXTENDED]
    assert f"x-ms-keyvault-region: {EXTENDED}" in run(tmp_path, world, "127.0.0.1", *curl)
