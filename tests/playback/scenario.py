"""A scenario: commands of one program under a cassette, and what they must answer.

The program is ``mhsm`` in this process, or az in a process of its own (az_runner.py). A scenario
is a function in scenarios.py; it uses no names but the scenario's, so that it runs on real names
while it is recorded and on placeholders when it is replayed.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import shlex
import socket
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Protocol

import cassette
import jmespath
import pytest
import scrub

from azext_mhsmregion.cli import app, context

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
ASSIGNMENT = "00000000-0000-0000-0000-0000000000aa"
OTHER_ASSIGNMENT = "00000000-0000-0000-0000-0000000000ab"
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Outcome:
    """What a command answered."""

    line: str
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def has(self, expression: str, expected: Any) -> Outcome:
        """The JMESPath ``expression`` gives ``expected`` of what was printed."""
        found = jmespath.search(expression, self.json)
        assert found == expected, f"{self.line}: {expression} is {found!r}, not {expected!r}"
        return self

    def says(self, *words: str) -> Outcome:
        """All of that stands on stderr."""
        for one in words:
            assert one in self.err, f"{self.line}: {one!r} is not in {self.err!r}"
        return self

    def prints(self, text: str) -> Outcome:
        assert self.out == text, f"{self.line}: printed {self.out!r}, not {text!r}"
        return self


@dataclass(frozen=True)
class Names:
    """Real ones while recording, placeholders in a replay. ``known`` maps the one to the other."""

    pool: str
    group: str
    known: Mapping[str, str] = field(default_factory=dict)


REPLAYED = Names("mhsm-000001", "default")


class Program(Protocol):
    """Runs one command line under the cassette that is in."""

    def __call__(self, argv: List[str]) -> Outcome: ...


class Scenario:
    """What a scenario is given."""

    def __init__(self, names: Names, folder: Path, program: Program, recording: bool) -> None:
        self.pool = names.pool
        self.group = names.group
        self.folder = folder
        self._program = program
        self._recording = recording

    def run(self, line: str, *more: str, code: int = 0) -> Outcome:
        """Run a command and check its exit code."""
        outcome = self._program([*shlex.split(line), *more])
        if "CannotOverwriteExistingCassette" in outcome.err or "record_mode 'none'" in outcome.err:
            pytest.fail(f"{line}: sent what the cassette does not have:\n{outcome.err}")
        assert outcome.code == code, f"{line}: exit code {outcome.code}, not {code}: {outcome.err}"
        return outcome

    def wrapping_keys(self) -> str:
        """Files of three certificates, as words of a command line."""
        from az.homes import write_certificates

        return " ".join(shlex.quote(str(file)) for file in write_certificates(self.folder))

    def prepared_pool(self) -> None:
        """An active pool in UK South, made before the cassette: a replay needs none."""
        if not self._recording:
            return
        where = f"--hsm-name {self.pool} -g {self.group}"
        for line in (
            f"keyvault create {where} --location uksouth --retention-days 7",
            f"keyvault security-domain download --hsm-name {self.pool} --sd-quorum 2"
            f" --sd-wrapping-keys {self.wrapping_keys()} --security-domain-file {self.folder / 'made.json'}",
        ):
            outcome = run_mhsm(shlex.split(line))
            assert outcome.code == 0, f"{line}: {outcome.err}"


# -- mhsm in this process ----------------------------------------------------------------
def run_mhsm(argv: List[str]) -> Outcome:
    """``mhsm`` in this process, as a process of its own would run it."""
    from azure.keyvault.administration._internal.http_challenge_cache import clear

    clear()
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        for logger in (logging.getLogger(), logging.getLogger("cli")):
            patch.setattr(logger, "handlers", [])
        code = app.main(argv)
    return Outcome(shlex.join(argv), code, out.getvalue(), err.getvalue())


class Clock:
    """Sleeping makes the time pass; nobody waits. ``advance`` is told as well."""

    def __init__(self, advance: Optional[Callable[[float], None]] = None) -> None:
        self._time = 1000.0
        self._advance = advance

    def now(self) -> float:
        return self._time

    def sleep(self, seconds: float) -> None:
        self._time += seconds
        if self._advance is not None:
            self._advance(seconds)


@contextmanager
def environment(patch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> Iterator[None]:
    """Nothing of the caller's that leads elsewhere, and ``settings``."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "MHSMREGION_"))]:
        patch.delenv(name)
    for name in PROXIES:
        patch.delenv(name, raising=False)
        patch.delenv(name.lower(), raising=False)
    for name, value in settings.items():
        patch.setenv(name, value)
    yield


def placeholders(home: Path) -> Dict[str, str]:
    """The environment of a replay."""
    return {
        "AZURE_SUBSCRIPTION_ID": scrub.SUBSCRIPTION,
        "AZURE_TENANT_ID": scrub.TENANT,
        "MHSMREGION_PROVIDER": "arm",
        "MHSMREGION_HOME": str(home),
    }


def fake_token() -> str:
    """What a replay sends for a token: it has the placeholders' claims and no signature."""
    parts = ({"alg": "none"}, {"tid": scrub.TENANT, "oid": scrub.CALLER})
    texts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join([*texts, ""])


def forbid_sockets(patch: pytest.MonkeyPatch) -> None:
    """Every connection and every look-up in this process raises."""

    def refuse(*arguments: Any, **_: Any) -> None:
        raise PermissionError(f"a replay may not use the network: {arguments}")

    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection"):
        patch.setattr(socket, name, refuse)


@contextmanager
def replayed(path: Path, folder: Path) -> Iterator[Scenario]:
    """A scenario of ``mhsm`` on a cassette; each exchange of it must be asked for."""
    from azext_mhsmregion.provider import credentials

    assert path.exists(), f"{path} was never recorded: pytest tests/playback --record emulator"
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch, environment(patch, placeholders(folder / "arm")):
        forbid_sockets(patch)
        patch.setattr(context, "sleep", clock.sleep)
        patch.setattr(context, "now", clock.now)
        patch.setattr(credentials.IdentityCredential, "get_token", lambda self, audience: fake_token())
        with cassette.used(str(path)) as tape:
            yield Scenario(REPLAYED, folder, run_mhsm, recording=False)
            unasked = [one.uri for index, one in enumerate(tape.requests) if not tape.play_counts[index]]
            assert not unasked, f"nobody asked for {unasked}"


# -- recording ---------------------------------------------------------------------------
@dataclass(frozen=True)
class Service:
    """Where a recording is made, its names and environment, and how a sleep passes there."""

    origin: str
    names: Names
    environment: Mapping[str, str]
    sleep: Callable[[float], None]


@contextmanager
def recorded(
    path: Path, folder: Path, service: Service, scrubbed: bool = True, with_login: bool = False
) -> Iterator[Scenario]:
    """A scenario of ``mhsm`` on ``service``, into a cassette."""
    with standing_at(service):
        try:
            with ExitStack() as stack:
                tape = LateCassette(stack, str(path), service, scrubbed, with_login)
                yield Scenario(service.names, folder, tape.into(run_mhsm), recording=True)
        finally:
            if service.origin == "azure":
                remove_pool(service.names.pool)


def remove_pool(name: str) -> None:
    """Whatever a scenario left, ended or not: a pool is billed until it is purged."""
    pool = ["--hsm-name", name]
    extended = run_mhsm(["keyvault", "region", "list", *pool, "-o", "tsv", "--query", "[?!isPrimary].name"])
    for region in extended.out.split():
        run_mhsm(["keyvault", "region", "remove", *pool, "--region", region, "--yes"])
    run_mhsm(["keyvault", "delete", *pool])
    run_mhsm(["keyvault", "purge", *pool])
    left = run_mhsm(["keyvault", "check-name", "--name", name])
    assert left.json["nameAvailable"], f"pool {name} is still there and billed: {left.out}"


@contextmanager
def standing_at(service: Service) -> Iterator[None]:
    """``mhsm`` in this process works on ``service`` and sleeps as one sleeps there."""
    clock = Clock(service.sleep)
    with pytest.MonkeyPatch.context() as patch, environment(patch, service.environment):
        patch.setattr(context, "sleep", clock.sleep)
        patch.setattr(context, "now", clock.now)
        yield


class LateCassette:
    """Puts the cassette in with the scenario's first command, after its preparations."""

    def __init__(self, stack: ExitStack, path: str, service: Service, scrubbed: bool, login: bool) -> None:
        self._stack = stack
        self._arguments = (path, service.names.known, True, scrubbed, login, service.origin)
        self._inside = False

    def into(self, program: Program) -> Program:
        def run(argv: List[str]) -> Outcome:
            if not self._inside:
                self._inside = True
                self._stack.enter_context(cassette.used(*self._arguments))
            return program(argv)

        return run


@contextmanager
def emulator_service(home: Path) -> Iterator[Service]:
    """A fresh emulator whose service time stands still until somebody sleeps or polls: two
    recordings of one scenario are the same."""
    from az.homes import served

    from azext_mhsmregion.model.clock import manual_clock

    start = 1767225600_000  # 2026-01-01
    with served(home) as server:
        emulator = server.emulator
        emulator.set_clock(lambda state, real: manual_clock(start))

        def sleep(seconds: float) -> None:
            emulator.set_clock(lambda state, real: state.advanced(real, int(seconds * 1000)))

        directory = emulator.directory
        names = _names(
            "default",
            {
                directory.subscription_id: scrub.SUBSCRIPTION,
                directory.tenant_id: scrub.TENANT,
                directory.app.app_id: scrub.CLIENT,
                directory.app.object_id: scrub.CALLER,
                directory.app.secret: scrub.SCRUBBED,
            },
        )
        ours = {"MHSMREGION_PROVIDER": "arm", "MHSMREGION_HOME": str(home.with_name("arm"))}
        yield Service("emulator", names, {**server.environment, **ours}, sleep)


def azure_service(environ: Mapping[str, str], home: Path) -> Service:
    """Real Azure, with the caller's own credential; AZURE_SUBSCRIPTION_ID and the resource group
    MHSMREGION_TEST_GROUP (default: mhsmregion-tests) must be there. It costs money: pools are
    billed from their creation until they are purged."""
    from azext_mhsmregion.provider.arm import claim_of
    from azext_mhsmregion.provider.credentials import IdentityCredential

    if not environ.get("AZURE_SUBSCRIPTION_ID"):
        pytest.exit("--record azure needs AZURE_SUBSCRIPTION_ID", returncode=2)
    token = IdentityCredential(environ, time.time).get_token("https://management.azure.com")
    group = environ.get("MHSMREGION_TEST_GROUP") or "mhsmregion-tests"
    names = _names(
        group,
        {
            environ["AZURE_SUBSCRIPTION_ID"]: scrub.SUBSCRIPTION,
            claim_of(token, "tid"): scrub.TENANT,
            claim_of(token, "oid"): scrub.CALLER,
            environ.get("AZURE_CLIENT_ID", ""): scrub.CLIENT,
            environ.get("AZURE_CLIENT_SECRET", ""): scrub.SCRUBBED,
            group: REPLAYED.group,
        },
    )
    kept = {
        name: value for name, value in environ.items() if name.startswith("AZURE_") or name.upper() in PROXIES
    }
    ours = {"MHSMREGION_PROVIDER": "arm", "MHSMREGION_HOME": str(home)}
    return Service("azure", names, {**kept, **ours}, time.sleep)


def _names(group: str, known: Mapping[str, str]) -> Names:
    """With a pool's name that nobody has."""
    pool = f"mhsm-{os.urandom(6).hex()}"
    return Names(pool, group, {**known, pool: REPLAYED.pool})
