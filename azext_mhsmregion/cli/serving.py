"""Runs the emulator's server in this process, until a signal ends it: floor 2's parts put
together, and ``<home>/server.json``, by which others find the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Mapping, Optional

from azext_mhsmregion.emulator import errors as emulator_errors
from azext_mhsmregion.emulator import running
from azext_mhsmregion.emulator.http import environment
from azext_mhsmregion.emulator.service import Emulator, open_emulator
from azext_mhsmregion.provider.errors import HomeError, ServiceError


def open_home(home: str) -> Emulator:
    """The emulator of ``home``; its errors as the commands tell them."""
    try:
        return open_emulator(Path(home))
    except emulator_errors.HomeError as error:
        raise HomeError(error.message, error.hint) from error


def serve(home: str, port: int, places: Mapping[str, int]) -> None:
    """Serve until SIGTERM or SIGINT. Raises HomeError, also when another process has the home."""
    from azext_mhsmregion.emulator.http import requestlog, server

    requestlog.to_stderr()
    folder = Path(home)
    emulator = open_home(home)
    own_pid = os.getpid()

    def ready(opened: server.Server) -> None:
        running.announce(folder, running.RunningServer(own_pid, opened.port, opened.place_ports))
        print(f"Ready on 127.0.0.1:{opened.port}, home {home}. Ctrl-C ends it.", file=sys.stderr, flush=True)

    try:
        emulator.store.own()
        server.run(folder, lambda: emulator, ready, port=port, places=places, health={"pid": own_pid})
    except emulator_errors.HomeError as error:
        raise HomeError(error.message, error.hint) from error
    except OSError as error:
        raise ServiceError(
            f"The server cannot listen on 127.0.0.1: {error.strerror or error}.",
            "Without --port it takes a free one.",
        ) from error
    finally:
        running.withdraw(folder, own_pid)
        emulator.store.close()


def environment_as(form: str, home: str, server: running.RunningServer, place: Optional[str]) -> str:
    """What points clients at the server of ``home``, in one of ``environment.FORMATS``."""
    directory = open_home(home).directory
    java_port = server.places.get(place or "")
    names = environment.variables(Path(home), server.port, directory, place, java_port=java_port)
    return environment.FORMATS[form](names)
