"""Runs the emulator's server in this process, until a signal ends it: floor 2's parts put
together, and ``<home>/server.json``, by which others find the server."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Optional

from azext_mhsmregion.cli.server_options import MEMORY_FOLDER, ServerOptions
from azext_mhsmregion.emulator import errors as emulator_errors
from azext_mhsmregion.emulator import running, throwaway
from azext_mhsmregion.emulator.http import environment
from azext_mhsmregion.emulator.service import Emulator, open_emulator
from azext_mhsmregion.provider.errors import HomeError, ServiceError


def open_home(home: str) -> Emulator:
    """The emulator of ``home``; its errors as the commands tell them."""
    with telling():
        return open_emulator(Path(home))


def pools_of(home: str) -> List[str]:
    """Names of the pools in ``home``, deleted ones included; an empty home is not made."""
    if not (Path(home) / "store.db").exists():
        return []
    emulator = open_home(home)
    try:
        with emulator.store.read() as transaction:
            return [pool.name for pool in transaction.pools()]
    finally:
        emulator.store.close()


@contextmanager
def telling() -> Iterator[None]:
    """The emulator's errors as the commands tell them."""
    try:
        yield
    except emulator_errors.HomeError as error:
        raise HomeError(error.message, error.hint) from error


def serve(options: ServerOptions) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. Raises HomeError, also when another process has the
    home; ServiceError when an address cannot be listened on."""
    with telling():
        if not options.memory:
            _serve(options, Path(options.home))
            return
        with _thrown_away(Path(options.home)) as folder:
            _serve(options, folder)


def _serve(options: ServerOptions, folder: Path) -> None:
    """Serve the state in ``folder``; a thread that will not end does not outlive this call."""
    from azext_mhsmregion.emulator.http import ending

    _log_to(folder)
    emulator = open_emulator(folder)
    try:
        emulator.store.own()
        threading.Thread(target=emulator.warm_up, name=f"{ending.THREADS}warm-up", daemon=True).start()
        _run(options, folder, emulator)
    finally:
        running.withdraw(folder, os.getpid())
        stuck = ending.stuck_threads()
        if stuck:
            if options.memory:
                throwaway.remove(Path(options.home), folder)
            ending.abandon(stuck)
        emulator.store.close()


def _run(options: ServerOptions, folder: Path, emulator: Emulator) -> None:
    from azext_mhsmregion.emulator.http import server
    from azext_mhsmregion.emulator.http.passthrough import Passthrough

    try:
        server.run(
            folder,
            lambda: emulator,
            lambda opened: _announce(options, folder, opened),
            host=options.address,
            port=options.port,
            places=options.places,
            health={"pid": os.getpid()},
            grace=server.GRACE,
            password=options.password,
            passthrough=Passthrough(options.passthrough),
            dns=options.dns,
            witness=emulator.parts.witness,
        )
    except OSError as error:
        raise _cannot_listen(options, error) from error


def _cannot_listen(options: ServerOptions, error: OSError) -> ServiceError:
    ports = (options.port, *options.places.values())
    is_for_dns = options.dns and error.filename not in [f"{options.address}:{port}" for port in ports]
    return ServiceError(
        f"The server cannot listen on {error.filename or options.address}: {error.strerror or error}.",
        NEEDS_PORTS if is_for_dns else "Without --port it takes a free one.",
    )


NEEDS_PORTS = (
    "--dns needs the DNS port, and port 443 of the loopback addresses 127.43.0.0/16, for itself: on Linux, "
    "as root, or in a network namespace (`unshare -rn`) or container of its own. See docs/dns.md."
)


def _announce(options: ServerOptions, folder: Path, opened: Any) -> None:
    found = running.RunningServer(
        pid=os.getpid(),
        port=opened.port,
        places=opened.place_ports,
        address=options.address,
        password=options.password,
        passthrough=options.passthrough,
        memory=options.memory,
        dns=_name_service(opened.dns_addresses),
    )
    running.announce(folder, found)
    home = Path(options.home)
    if options.memory:
        throwaway.announce(home, folder)
    elif throwaway.follow(home) != home:
        raise emulator_errors.HomeHeld(f"A throw-away emulator was started on {home} meanwhile.", "")
    where = f"[{options.address}]" if ":" in options.address else options.address
    kept = " It keeps nothing." if options.memory else ""
    line = f"Ready on {where}:{opened.port}, home {options.home}. Ctrl-C ends it.{kept}"
    print(line, file=sys.stderr, flush=True)


def _name_service(addresses: Mapping[str, str]) -> Optional[running.NameService]:
    """Addresses by place, that of the default place ("") apart."""
    if not addresses:
        return None
    places = {place: address for place, address in addresses.items() if place}
    return running.NameService(addresses[""], places)


def _log_to(folder: Path) -> None:
    """To stderr; where that is the home's own log, in turns."""
    from azext_mhsmregion.emulator.http import logfile, logturns, requestlog

    path = folder / logfile.FILE
    if logturns.is_stderr(path):
        requestlog.to(logturns.LogFile(path))
    else:
        requestlog.to_stderr()


@contextmanager
def _thrown_away(home: Path) -> Iterator[Path]:
    """A folder for the state of a server that keeps nothing, gone at the end, whichever signal
    brings that about."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    given = os.environ.pop(MEMORY_FOLDER, None)
    folder = Path(given) if given else throwaway.make(home)
    try:
        yield folder
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        throwaway.remove(home, folder)


def _leave(*_: object) -> None:
    raise SystemExit(0)


def environment_as(
    form: str,
    home: str,
    server: running.RunningServer,
    place: Optional[str],
    address: Optional[str] = None,
    known_as: Optional[str] = None,
) -> str:
    """What points clients at the server of ``home``, in one of ``environment.FORMATS``. ``address``:
    where they reach it (None: on this machine); ``known_as``: the home that they name."""
    names = environment.variables(
        Path(home),
        server.port,
        open_home(home).directory,
        place,
        java_port=server.places.get(place or ""),
        address=address or environment.reached_at(server.address),
        password=server.password,
        known_as=Path(known_as or home),
    )
    return environment.FORMATS[form](names)
