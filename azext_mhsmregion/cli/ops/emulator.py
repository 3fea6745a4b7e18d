"""``mhsm keyvault emulator``: start, stop, restart, env. This file starts a process for the server,
finds it again and ends it; ``serving`` is what runs in that process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Optional

from knack.log import get_logger

from azext_mhsmregion.cli import context, errors, server_options
from azext_mhsmregion.cli.server_options import MEMORY_FOLDER, PASSWORD_VARIABLE, ServerOptions
from azext_mhsmregion.emulator import running, throwaway
from azext_mhsmregion.provider.errors import ConflictError, HomeError, ServiceError

logger = get_logger(__name__)

START_SECONDS, STOP_SECONDS, KILL_SECONDS, LOOK_SECONDS = 30.0, 15.0, 5.0, 0.05
LOG_TAIL_CHARACTERS = 2000


def start(
    cmd,
    foreground=False,
    port=0,
    place=None,
    listen=None,
    proxy_password=None,
    proxy_password_file=None,
    proxy_passthrough=None,
    memory=False,
    dns=None,
) -> Optional[Dict[str, Any]]:
    password = server_options.password_of(proxy_password, proxy_password_file, os.environ)
    options = ServerOptions(
        home=context.named_home(cmd.cli_ctx),
        port=port,
        places=server_options.ports_of_places(place),
        address=server_options.address_of(listen, password),
        password=password,
        passthrough=server_options.passthrough_of(proxy_passthrough),
        memory=memory,
        dns=server_options.dns_of(dns, password),
    )
    if foreground and proxy_password:
        logger.warning("Other users can read --proxy-password in the list of processes; %s", HIDE_PASSWORD)
    _refuse_second_server(cmd, options)
    context.sending(cmd.cli_ctx)
    if foreground:
        from azext_mhsmregion.cli import serving

        serving.serve(options)
        return None
    return _start_in_background(options)


HIDE_PASSWORD = server_options.NEEDS_PASSWORD_HINT[0].lower() + server_options.NEEDS_PASSWORD_HINT[1:]


def stop(cmd) -> None:
    home = Path(context.named_home(cmd.cli_ctx))
    found = running.find(throwaway.follow(home))
    if not found:
        if not _tell_left_over(home):
            logger.warning("No server runs on %s; nothing was changed.", home)
        return
    context.sending(cmd.cli_ctx)
    os.kill(found.pid, signal.SIGTERM)
    if not _is_gone(home, found, STOP_SECONDS):
        _kill(home, found)
    throwaway.sweep(home)


def restart(cmd, port=None) -> Optional[Dict[str, Any]]:
    """As it was, unless told otherwise; starts a server where none runs."""
    home = context.named_home(cmd.cli_ctx)
    found = running.find(throwaway.follow(Path(home)))
    if not found:
        password = server_options.password_of(None, None, os.environ)
        return _start_in_background(ServerOptions(home, port or 0, password=password))
    if found.memory:
        raise ConflictError(
            "A throw-away emulator forgets everything when it stops, so it is not restarted.",
            hint="`emulator export` saves what it holds; then `emulator stop`, and start another.",
        )
    stop(cmd)
    options = ServerOptions(
        home=home,
        port=found.port if port is None else port,
        places=found.places,
        address=found.address,
        password=found.password,
        passthrough=found.passthrough,
        dns=server_options.dns_of(found.dns.address if found.dns else None, found.password),
    )
    return _start_in_background(options)


def env(cmd, form="sh", address=None) -> None:
    """Prints its text as it is: ``eval "$(mhsm keyvault emulator env)"``."""
    from azext_mhsmregion.cli import serving

    named, home = context.named_home(cmd.cli_ctx), context.home(cmd.cli_ctx)
    found = running.find(Path(home))
    if not found:
        raise ConflictError(
            f"No server runs on {home}.",
            hint=f"Start one: {context.command_line(cmd.cli_ctx, 'keyvault', 'emulator', 'start')}",
        )
    text = serving.environment_as(form, home, found, context.place(cmd.cli_ctx), address, named)
    with errors.writing():
        sys.stdout.write(text)


def _refuse_second_server(cmd: Any, options: ServerOptions) -> None:
    """One server a home; and a throw-away one hides no pools."""
    home = Path(options.home)
    _tell_left_over(home)
    found = running.find(throwaway.follow(home))
    if found:
        raise ConflictError(
            f"A server runs on {home} already: process {found.pid}, port {found.port}.",
            hint=f"Stop it first: {context.command_line(cmd.cli_ctx, 'keyvault', 'emulator', 'stop')}",
        )
    if not options.memory:
        return
    from azext_mhsmregion.cli import serving

    pools = serving.pools_of(options.home)
    if pools:
        raise ConflictError(
            f"The home {home} holds pools ({', '.join(pools)}), which a throw-away emulator would hide.",
            hint="Name another with --home FOLDER, or start without --memory.",
        )


def _tell_left_over(home: Path) -> bool:
    """Was there anything?"""
    left = throwaway.sweep(home)
    if left is not None:
        logger.warning("Removed what a throw-away emulator that was killed had left: %s", left)
    return left is not None


def _is_gone(home: Path, server: running.RunningServer, seconds: float) -> bool:
    """Does the server end within ``seconds``, and with it what a throw-away one holds?"""
    deadline = context.now() + seconds
    folder = throwaway.follow(home)
    while running.find(folder) == server or (server.memory and folder.exists()):
        if context.now() > deadline:
            return False
        context.sleep(LOOK_SECONDS)
    return True


def _kill(home: Path, server: running.RunningServer) -> None:
    """End a server that SIGTERM did not. What it had acknowledged is in the store."""
    logger.warning("The server (process %d) did not end in %g seconds; killed.", server.pid, STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGKILL)
    deadline = context.now() + KILL_SECONDS
    while running.find(throwaway.follow(home)) == server:
        if context.now() > deadline:
            raise ServiceError(f"The server (process {server.pid}) cannot be killed.")
        context.sleep(LOOK_SECONDS)
    running.withdraw(home, server.pid)


def _start_in_background(options: ServerOptions) -> Dict[str, Any]:
    """The password goes by the environment, which other users cannot read."""
    from azext_mhsmregion.emulator import errors as emulator_errors
    from azext_mhsmregion.emulator.http import logfile

    command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", "emulator", "start"]
    command += ["--foreground", *options.as_typed()]
    try:
        folder = throwaway.make(Path(options.home)) if options.memory else Path(options.home)
    except emulator_errors.HomeError as error:
        raise HomeError(error.message, error.hint) from error
    environment = {**os.environ, PASSWORD_VARIABLE: options.password}
    if options.memory:
        environment[MEMORY_FOLDER] = str(folder)
    log_path = folder / logfile.FILE
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        logfile.begin(log_path)
        with open(log_path, "ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
            )
    except OSError as error:
        raise HomeError(
            f"The emulator's home cannot be used: {folder}: {error.strerror}.",
            hint="Choose another: --home FOLDER or MHSMREGION_HOME.",
        ) from error
    return _wait_until_ready(options, child, log_path)


def _wait_until_ready(options: ServerOptions, child: Any, log_path: Path) -> Dict[str, Any]:
    deadline = context.now() + START_SECONDS
    home = Path(options.home)
    with open(log_path, encoding="utf-8", errors="replace") as log:  # a throw-away one takes it along
        while context.now() < deadline:
            if child.poll() is not None:
                if options.memory:
                    throwaway.remove(home, log_path.parent)
                what = f"The server ended as it started (exit code {child.returncode})."
                raise ServiceError(what, _tail(log))
            found = running.find(throwaway.follow(home))
            if found and found.pid == child.pid:
                return _described(options, found)
            context.sleep(LOOK_SECONDS)
        child.terminate()
        raise ServiceError(f"The server was not ready in {START_SECONDS:g} seconds.", _tail(log))


def _described(options: ServerOptions, server: running.RunningServer) -> Dict[str, Any]:
    """What ``start`` prints: all but the password."""
    facts = {name: value for name, value in asdict(server).items() if name != "password"}
    return {**facts, "passthrough": list(server.passthrough), "home": options.home}


def _tail(log: Any) -> str:
    return log.read()[-LOG_TAIL_CHARACTERS:].strip()
