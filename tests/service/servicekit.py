"""A server in a process of its own, on a seeded home, and a light client that reaches it through
the proxy: ``http.client`` over CONNECT and TLS, one connection kept alive."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

from azext_mhsmregion.emulator import running, seeding
from azext_mhsmregion.emulator.service import open_emulator

ARM, HSM = "https://management.azure.com", "https://managedhsm.azure.net"
ARM_HOST, LOGIN_HOST = "management.azure.com", "login.microsoftonline.com"
POOL = "ServiceHSM"
POOL_HOST = f"{POOL.lower()}.managedhsm.azure.net"
ARM_API, DATA_API = "api-version=2023-07-01", "api-version=7.4"
TIMEOUT = 30


@dataclass(frozen=True)
class Home:
    """A home with one active pool, and what its clients must know."""

    folder: Path
    tenant: str
    subscription: str
    app_id: str
    secret: str
    owner: str

    def token(self, audience: str) -> str:
        """A fresh token of the owner, from the home's own key."""
        emulator = open_emulator(self.folder)
        try:
            return emulator.tokens().issue(emulator.directory.owner, audience)
        finally:
            emulator.store.close()


def seeded(folder: Path) -> Home:
    """Make the home: one pool in two regions, whose owner may use keys."""
    emulator = open_emulator(folder)
    roles = [{"role": "Managed HSM Crypto User", "scope": "/keys"}]
    pool = {"name": POOL, "location": "uksouth", "regions": ["australiaeast"], "roles": roles}
    seeding.sow(emulator.parts, emulator.keyring(), seeding.parsed({"pools": [pool]}))
    directory = emulator.directory
    app = directory.app
    assert app is not None
    emulator.store.close()
    return Home(
        folder,
        directory.tenant_id,
        directory.subscription_id,
        app.app_id or "",
        app.secret or "",
        directory.owner.object_id,
    )


class ServerProcess:
    """``mhsm keyvault emulator start --foreground`` on a home."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", "emulator", "start"]
        command += ["--foreground", "--home", str(home), *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        if not first.startswith("Ready on "):
            rest = self.process.stderr.read()
            raise AssertionError(f"exit {self.process.wait()}: {first}{rest}")
        self.port = int(first.split(":", 1)[1].split(",")[0])
        self.lines: List[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """A pipe that nobody reads would hold the server up."""
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self.lines += (line.rstrip("\n") for line in stream)

    def client(self, host: str, token: Optional[str] = None, credentials: str = "") -> Client:
        return Client(self.home, self.port, host, token, credentials)

    def is_found(self) -> bool:
        """Does ``server.json`` name this very process?"""
        found = running.find(self.home)
        return found is not None and (found.pid, found.port) == (self.process.pid, self.port)

    def kill(self) -> None:
        self.process.kill()
        self._gone(-signal.SIGKILL)

    def stop(self) -> List[str]:
        """End it as ``emulator stop`` does; the lines that it logged."""
        self.process.terminate()
        return self._gone(0)

    def _gone(self, code: int) -> List[str]:
        found = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        assert found == code, self.lines
        return self.lines


class Client:
    """One connection to one host, through the server's proxy."""

    def __init__(
        self, home: Path, port: int, host: str, token: Optional[str] = None, credentials: str = ""
    ) -> None:
        context = ssl.create_default_context(cafile=str(home / "ca" / "authority.crt"))
        self.host = host
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=context)
        encoded = base64.b64encode(credentials.encode()).decode()
        proxied = {"Proxy-Authorization": f"Basic {encoded}"} if credentials else {}
        self.connection.set_tunnel(host, 443, proxied)
        self.headers: Dict[str, str] = {"Host": host}
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; a body that is not bytes goes as JSON."""
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, body, sent)
        response = self.connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower-case names), body."""

    status: int
    headers: Dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def environment(home: Path) -> Dict[str, str]:
    """The environment of a command on ``home``."""
    return {**os.environ, "MHSMREGION_HOME": str(home)}
