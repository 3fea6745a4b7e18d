"""``mhsm keyvault emulator``: start, stop, env. This file starts a process for the server,
finds it again and ends it; ``serving`` is what runs in that process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Optional

from knack.log import get_logger

from azext_mhsmregion.cli import context, errors, places
from azext_mhsmregion.emulator import running
from azext_mhsmregion.provider.errors import ConflictError, HomeError, ServiceError, UsageError

logger = get_logger(__name__)

LOG_FILE = "server.log"
START_SECONDS, STOP_SECONDS, LOOK_SECONDS = 30.0, 15.0, 0.05
LOG_TAIL_CHARACTERS = 2000
LAST_PORT = 65535


def start(cmd, foreground=False, port=0, place=None) -> Optional[Dict[str, Any]]:
    home = context.home(cmd.cli_ctx)
    ports = _ports_of_places(place)
    found = running.find(Path(home))
    if found:
        raise ConflictError(
            f"A server runs on {home} already: process {found.pid}, port {found.port}.",
            hint=f"Stop it first: {context.command_line(cmd.cli_ctx, 'keyvault', 'emulator', 'stop')}",
        )
    context.sending(cmd.cli_ctx)
    if foreground:
        from azext_mhsmregion.cli import serving

        serving.serve(home, port, ports)
        return None
    return _start_in_background(home, port, ports)


def stop(cmd) -> None:
    home = context.home(cmd.cli_ctx)
    found = running.find(Path(home))
    if not found:
        logger.warning("No server runs on %s; nothing was changed.", home)
        return
    context.sending(cmd.cli_ctx)
    os.kill(found.pid, signal.SIGTERM)
    deadline = context.now() + STOP_SECONDS
    while running.find(Path(home)) == found:
        if context.now() > deadline:
            raise ServiceError(f"The server (process {found.pid}) did not end in {STOP_SECONDS:g} seconds.")
        context.sleep(LOOK_SECONDS)


def restart(cmd, port=None) -> Optional[Dict[str, Any]]:
    """On the same ports, unless told otherwise; starts a server where none runs."""
    found = running.find(Path(context.home(cmd.cli_ctx)))
    if found:
        stop(cmd)
    ports = dict(found.places) if found else {}
    wanted = port if port is not None else found.port if found else 0
    return _start_in_background(context.home(cmd.cli_ctx), wanted, ports)


def env(cmd, form="sh") -> None:
    """Prints its text as it is: ``eval "$(mhsm keyvault emulator env)"``."""
    from azext_mhsmregion.cli import serving

    home = context.home(cmd.cli_ctx)
    found = running.find(Path(home))
    if not found:
        raise ConflictError(
            f"No server runs on {home}.",
            hint=f"Start one: {context.command_line(cmd.cli_ctx, 'keyvault', 'emulator', 'start')}",
        )
    text = serving.environment_as(form, home, found, context.place(cmd.cli_ctx))
    with errors.writing():
        sys.stdout.write(text)


def _ports_of_places(texts: Optional[List[List[str]]]) -> Dict[str, int]:
    """The port of each place, by the place's region."""
    ports: Dict[str, int] = {}
    for text in [one for several in texts or [] for one in several]:
        name, _, port = text.partition("=")
        if not name or not port.isdigit() or int(port) > LAST_PORT:
            raise UsageError(f"--place is {text}; it must be NAME=PORT, PORT at most {LAST_PORT}.")
        ports[places.parse(name, "--place")] = int(port)
    return ports


def _start_in_background(home: str, port: int, ports: Dict[str, int]) -> Dict[str, Any]:
    command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", "emulator", "start"]
    command += ["--foreground", "--home", home, "--port", str(port)]
    for name, place_port in ports.items():
        command += ["--place", f"{name}={place_port}"]
    log_path = os.path.join(home, LOG_FILE)
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
        with open(log_path, "wb") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
    except OSError as error:
        raise HomeError(
            f"The emulator's home cannot be used: {home}: {error.strerror}.",
            hint="Choose another: --home FOLDER or MHSMREGION_HOME.",
        ) from error
    return _wait_until_ready(home, child, log_path)


def _wait_until_ready(home: str, child: Any, log_path: str) -> Dict[str, Any]:
    deadline = context.now() + START_SECONDS
    while context.now() < deadline:
        if child.poll() is not None:
            what = f"The server ended as it started (exit code {child.returncode})."
            raise ServiceError(what, _tail(log_path))
        found = running.find(Path(home))
        if found and found.pid == child.pid:
            return {**asdict(found), "home": home}
        context.sleep(LOOK_SECONDS)
    child.terminate()
    raise ServiceError(f"The server was not ready in {START_SECONDS:g} seconds.", _tail(log_path))


def _tail(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()[-LOG_TAIL_CHARACTERS:].strip()
