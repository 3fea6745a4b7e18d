"""Ratios of the emulator as a service, each measured in one run: ``make bench``.

Start-up is timed from outside against moto_server's, alternating, best of ten: to ``GET /health``, and
to the first request that a client of Azure's waits for (a token, then a GET, over TLS). The cost of a
request is the server process's own CPU time over many requests on one keep-alive connection,
against the same HTTP stack with a static answer, in turns (tools/turns.py).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import urlencode

from turns import Ratio, take_turns

CHECKOUT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MHSM = BIN / "mhsm"
MOTO = CHECKOUT / ".bench" / "bin" / "moto_server"
ROUNDS, REQUESTS, REPEATS = 10, 250, 32
POOLS = 1000
ARM, LOGIN = "management.azure.com", "login.microsoftonline.com"


def plain(**more: str) -> Dict[str, str]:
    """The environment of a user's shell: byte code may be cached, nothing points elsewhere."""
    dropped = ("MHSMREGION_", "AZURE_", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return {**kept, **more}


class Served(NamedTuple):
    """A server process: its port, its id, the bundle that trusts it."""

    pid: int
    port: int
    bundle: Path

    def cpu(self) -> float:
        """CPU seconds of all its threads so far."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def peak_mebibytes(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def connection(self, host: str = ARM) -> http.client.HTTPSConnection:
        """Trusting the emulator's authority alone: certifi's many take a client longer to load than the
        server takes to answer."""
        context = ssl.create_default_context(cafile=str(self.bundle.with_name("authority.crt")))
        made = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        made.set_tunnel(host, 443)
        return made


@contextmanager
def emulator(home: Path) -> Iterator[Served]:
    command = [str(MHSM), "keyvault", "emulator", "start", "--foreground", "--home", str(home)]
    # Its log goes nowhere, as into a file; a pipe that nobody reads would hold the server up.
    child = subprocess.Popen(command, env=plain(), stderr=subprocess.DEVNULL)
    announced = home / "server.json"
    try:
        while not announced.exists() and child.poll() is None:
            time.sleep(0.002)
        yield Served(child.pid, json.loads(announced.read_text())["port"], home / "ca" / "bundle.pem")
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()


@contextmanager
def static(home: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "support.static_server", str(home)]
    environment = plain(PYTHONPATH=f"{CHECKOUT / 'tests'}:{CHECKOUT}")
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert child.stdout is not None
    try:
        yield Served(child.pid, int(child.stdout.readline()), home / "ca" / "bundle.pem")
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()


class Asking:
    """One warm keep-alive connection that asks for one path."""

    def __init__(self, server: Served, path: str, token: str) -> None:
        self._server, self._path = server, path
        self._headers = {"authorization": f"Bearer {token}"}
        self._connection = server.connection()
        self.costs: List[float] = []
        for _ in range(50):
            self._ask()

    def round(self) -> None:
        """Many requests; ``costs`` gets the server's CPU seconds of one."""
        before = self._server.cpu()
        for _ in range(REQUESTS):
            self._ask()
        self.costs.append((self._server.cpu() - before) / REQUESTS)

    def _ask(self) -> None:
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body


def prepared(folder: Path, pools: int) -> Tuple[Path, str, str]:
    """A home with ``pools`` pools; the path of the first; a token of its owner's for ARM."""
    code = (
        "import sys; from pathlib import Path\n"
        "from azext_mhsmregion.emulator import seeding\n"
        "from azext_mhsmregion.emulator.service import open_emulator\n"
        "emulator = open_emulator(Path(sys.argv[1]))\n"
        "wanted = [{'name': f'Pool-{n}', 'activated': False} for n in range(int(sys.argv[2]))]\n"
        "seeding.sow(emulator.parts, emulator.keyring(), seeding.parsed({'pools': wanted}))\n"
        "print(emulator.directory.subscription_id)\n"
        "print(emulator.tokens().issue(emulator.directory.owner, 'https://management.azure.com'))\n"
    )
    home = folder / f"home-{pools}"
    done = subprocess.run([sys.executable, "-c", code, str(home), str(pools)], env=plain(), check=True,
                          capture_output=True, text=True)  # fmt: skip
    subscription, token = done.stdout.split()
    provider = "providers/Microsoft.KeyVault/managedHSMs"
    path = f"/subscriptions/{subscription}/resourceGroups/default/{provider}/Pool-0?api-version=2023-07-01"
    return home, path, token


def all_pools(server: Served, path: str, token: str) -> int:
    """Lists the pools of the subscription in ``path`` to the last page; how many there are."""
    count, link = 0, pools_of(path.split("/")[2])
    while link:
        page = asked(server.connection(), "GET", link, None, bearer(token))
        count += len(page["value"])
        link = page.get("nextLink", "").partition(ARM)[2]
    return count


def pools_of(subscription: str) -> str:
    """The path of the list of all pools."""
    return f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/managedHSMs?api-version=2023-07-01"


def bearer(token: str) -> Dict[str, str]:
    return {"authorization": f"Bearer {token}"}


LIST_KEYS = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "TrentService.ListKeys",
    "authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/kms/aws4_request, "
    "SignedHeaders=host, Signature=0",
}
"""What makes a POST a request to list the keys of AWS KMS."""


def first_answer(command: List[str], port: int, path: str, aws: Optional[Dict[str, str]] = None) -> float:
    """Seconds from the start of a server process to its first answer: to a GET, or to a request of
    AWS's."""
    began = time.perf_counter()
    child = subprocess.Popen(command, env=plain(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("POST" if aws else "GET", path, "{}" if aws else None, aws or {})
                answer = connection.getresponse()
                text = answer.read()
                took = time.perf_counter() - began
                assert answer.status == 200, text
                return took
            except OSError:
                time.sleep(0.002)
    finally:
        child.terminate()
        child.wait()


def first_azure_answer(home: Path) -> float:
    """Seconds from the start of an emulator on a fresh home to the first answer that a client of
    Azure's waits for: a token by its secret, and with it a GET of the control plane, both over CONNECT
    and TLS under the real names."""
    began = time.perf_counter()
    with emulator(home) as server:
        known = json.loads((home / "directory.json").read_text())
        app = next(one for one in known["principals"] if "secret" in one)
        form = {"grant_type": "client_credentials", "client_id": app["appId"],
                "client_secret": app["secret"], "scope": f"https://{ARM}/.default"}  # fmt: skip
        kind = {"content-type": "application/x-www-form-urlencoded"}
        path = f"/{known['tenantId']}/oauth2/v2.0/token"
        token = asked(server.connection(LOGIN), "POST", path, urlencode(form), kind)["access_token"]
        listed = asked(server.connection(), "GET", pools_of(known["subscriptionId"]), None, bearer(token))
        took = time.perf_counter() - began
        assert listed == {"value": []}, listed
    return took


def asked(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    body: Optional[str],
    headers: Dict[str, str],
) -> Dict[str, Any]:
    """The JSON of an answer, which must be 200."""
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        found: Dict[str, Any] = json.loads(text)
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class StartUp(NamedTuple):
    """Seconds from the start of a process to its first answer: the emulator's plain ``GET /health``, and
    its first to a client of Azure; moto_server's status page, and its first to a client of AWS."""

    health: float
    azure: float
    status: float
    aws: float


def start_up(folder: Path) -> StartUp:
    """Best of ten of each, ours on a fresh home, alternating."""
    found = []
    for number in range(ROUNDS + 1):
        home, port = folder / f"start-{number}", free_port()
        command = [str(MHSM), "keyvault", "emulator", "start", "--foreground", "--home", str(home)]
        health = first_answer([*command, "--port", str(port)], port, "/health")
        azure = first_azure_answer(folder / f"azure-{number}")
        port = free_port()
        status = first_answer([str(MOTO), "-p", str(port)], port, "/moto-api/")
        port = free_port()
        aws = first_answer([str(MOTO), "-p", str(port)], port, "/", LIST_KEYS)
        found.append(StartUp(health, azure, status, aws))
    return StartUp(*(min(column) for column in zip(*found[1:])))


def ensure_moto() -> None:
    """The peer, in an environment of its own, once."""
    if not MOTO.exists():
        folder = MOTO.parent.parent
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--disable-pip-version-check", "moto[server]==5.1.*"], check=True)


def main() -> int:
    ensure_moto()
    rows: List[Tuple[str, float, Optional[float]]] = []
    with tempfile.TemporaryDirectory(prefix="mhsm-bench-") as name:
        folder = Path(name)
        began = start_up(folder)
        print(f"start to GET /health {began.health:.3f} s, to the first Azure answer {began.azure:.3f} s")
        print(
            f"moto_server to its status page {began.status:.3f} s, to the first AWS answer {began.aws:.3f} s"
        )
        rows.append(("start to GET /health / moto's status page", began.health / began.status, None))
        rows.append(("start to first Azure answer / moto's status page", began.azure / began.status, None))
        rows.append(("start to first Azure answer / moto's first of AWS", began.azure / began.aws, 1.0))
        few, many = prepared(folder, 1), prepared(folder, POOLS)
        with emulator(few[0]) as one, emulator(many[0]) as thousand, static(folder / "static") as bare:
            alone, among, nothing = Asking(one, *few[1:]), Asking(thousand, *many[1:]), Asking(bare, *few[1:])
            take_turns([(nothing, alone, among)], REPEATS)
            listed = all_pools(thousand, *many[1:])
            assert listed == POOLS, listed
            peak = thousand.peak_mebibytes()
        for what, side in (("GET of a pool", alone), (f"among {POOLS:,}", among), ("static answer", nothing)):
            print(f"{what}: {min(side.costs) * 1e6:.0f} µs CPU at best")
        for what, ratio in (
            ("GET / static", Ratio.of(alone, nothing)),
            ("among many", Ratio.of(among, alone)),
        ):
            print(f"{what}: {ratio}")
        print(f"peak memory, {POOLS:,} pools listed: {peak:.0f} MiB")
        rows.append(("control-plane GET / static answer, CPU", min(Ratio.of(alone, nothing)), 2.0))
        rows.append((f"GET among {POOLS:,} pools / among one, CPU", min(Ratio.of(among, alone)), 1.25))
    return show(rows)


def show(rows: List[Tuple[str, float, Optional[float]]]) -> int:
    broken = [what for what, ratio, limit in rows if limit is not None and ratio > limit]
    for what, ratio, limit in rows:
        print(f"{what:<50} {ratio:6.3f}  (limit {limit})")
    print(f"bench: {len(rows)} ratios, {len(broken)} over their limit")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
