"""Runs the emulator's server in this process, until a signal ends it: floor 2's parts put
together, and ``<home>/server.json``, by which others find the server."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Mapping

from azext_mhsmregion.emulator import errors as emulator_errors
from azext_mhsmregion.emulator.directory import replace_private
from azext_mhsmregion.emulator.http import environment
from azext_mhsmregion.emulator.service import Emulator, open_emulator
from azext_mhsmregion.emulator.store.lease import SERVER_FILE
from azext_mhsmregion.provider.errors import HomeError, ServiceError


def open_home(home: str) -> Emulator:
    """The emulator of ``home``; its errors as the commands tell them."""
    try:
        return open_emulator(Path(home))
    except emulator_errors.HomeError as error:
        raise HomeError(error.message, error.hint) from error


def serve(home: str, port: int, places: Mapping[str, int]) -> None:
    """Serve until SIGTERM or SIGINT. Raises HomeError, also when another process has the home."""
    from azext_mhsmregion.emulator.http import server

    folder = Path(home)
    emulator = open_home(home)
    own_pid = os.getpid()

    def ready(running: server.Server) -> None:
        facts = {"pid": own_pid, "port": running.port, "places": running.place_ports}
        replace_private(folder / SERVER_FILE, json.dumps(facts).encode())
        print(f"Ready on 127.0.0.1:{running.port}, home {home}. Ctrl-C ends it.", file=sys.stderr, flush=True)

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
        _forget(folder, own_pid)
        emulator.store.close()


def _forget(folder: Path, pid: int) -> None:
    """Take our file away, and no other server's."""
    with suppress(OSError, ValueError):
        facts: Dict[str, Any] = json.loads((folder / SERVER_FILE).read_text(encoding="utf-8"))
        if facts.get("pid") == pid:
            (folder / SERVER_FILE).unlink()


def environment_as_sh(home: str, port: int, place: Any) -> str:
    """``export`` lines that point clients at the server of ``home``."""
    directory = open_home(home).directory
    return environment.as_sh(environment.variables(Path(home), port, directory, place))
