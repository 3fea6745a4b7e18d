"""What a drill puts up and takes down again, whatever ends it: a server where none runs, a snapshot
where something is destroyed, the outage, the command."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence

from knack.log import get_logger

import azext_mhsmregion
from azext_mhsmregion.cli import context, documents, errors, serving
from azext_mhsmregion.cli.drill.saw import instant
from azext_mhsmregion.emulator import running
from azext_mhsmregion.emulator.http import environment
from azext_mhsmregion.provider.errors import ProviderError, UsageError

logger = get_logger(__name__)

PATIENCE_SECONDS = 5.0
"""What an interrupted command has to end by itself."""

LOOK_SECONDS = 2.0
"""Between two looks at what the client saw."""

JUST_BEFORE = (1.0, 0.5, 0.2)
"""Real seconds before a link's outage ends in which it is looked at: on a busy machine the last look may
come too late."""

Ask = Callable[..., Any]


@contextmanager
def server(cmd: Any) -> Iterator[running.RunningServer]:
    """The server of the home; one of the drill's own where none runs."""
    from azext_mhsmregion.cli.ops import emulator

    home = Path(context.home(cmd.cli_ctx))
    found = running.find(home)
    if found is not None:
        yield found
        return
    with _found_by_children():
        emulator.start(cmd)
    try:
        started = running.find(Path(context.home(cmd.cli_ctx)))
        assert started is not None
        yield started
    finally:
        emulator.stop(cmd)


@contextmanager
def _found_by_children() -> Iterator[None]:
    """In az this package lies in a folder of its own, which a process that is started does not know."""
    before = os.environ.get("PYTHONPATH")
    folder = str(Path(azext_mhsmregion.__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, before] if before else [folder])
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@contextmanager
def fault(ask: Ask, spec: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    """The outage, ended with the block where it can be. Raises UsageError for one that cannot be."""
    with errors.of_options():
        made = ask("POST", "faults", spec)
    try:
        yield made
    finally:
        if made["kind"] != "destroyed":
            clear(ask, made["id"])


def clear(ask: Ask, fault_id: str) -> None:
    """End the drill's own fault, unless it has ended by itself."""
    try:
        ask("DELETE", f"faults/{documents.quoted(fault_id)}")
    except ProviderError as error:
        if error.code != "FaultNotFound":
            raise


@contextmanager
def put_back(ask: Ask, name: str) -> Iterator[None]:
    """Everything that the home holds is afterwards as it was."""
    path = f"snapshots/{documents.quoted(name)}"
    ask("PUT", path)
    try:
        yield
    finally:
        ask("POST", f"{path}/restore")
        ask("DELETE", path)
        logger.warning("The drill destroyed a copy: the home is as it was before.")


def surroundings(cmd: Any, found: running.RunningServer, place: str, client: str) -> Dict[str, str]:
    """The user's environment, and over it what `emulator env` prints, for a client called so."""
    home = context.home(cmd.cli_ctx)
    names = environment.variables(
        Path(home),
        found.port,
        serving.open_home(home).directory,
        place,
        client,
        java_port=found.places.get(place),
        address=environment.reached_at(found.address),
        password=found.password,
        known_as=Path(context.named_home(cmd.cli_ctx)),
    )
    return {**os.environ, **names}


class Recorder:
    """The client's connections and requests, fetched as they come: the server keeps but the newest."""

    def __init__(self, ask: Ask, client: str) -> None:
        self._ask, self._client, self._mark = ask, client, "0"
        self.records: List[Mapping[str, Any]] = []

    def fetch(self) -> None:
        page = self._ask("GET", documents.with_query("requests", client=self._client, after=self._mark))
        self.records += page["value"]
        self._mark = page["after"]


class Looker:
    """Looks at the pool's status while a link is out, and once more just before the outage ends. Of
    other outages the account needs no look."""

    def __init__(self, ask: Ask, path: str, fault: Mapping[str, Any]) -> None:
        self._ask, self._path = ask, path
        self._is_needed, self._end = fault["to"] is not None, fault["end"]
        self.looks: List[Mapping[str, Any]] = []

    def look(self) -> None:
        if self._is_needed:
            self.looks.append(self._ask("GET", self._path))

    def due_in(self) -> float:
        """Real seconds until the next look: the clock may be fast."""
        if not self._is_needed or self._end is None:
            return LOOK_SECONDS
        clock = self._ask("GET", "clock")
        left = (instant(self._end) - instant(clock["now"])) / clock["scale"]
        return min([LOOK_SECONDS, *(left - early for early in JUST_BEFORE if left > early)])


def command(
    words: Sequence[str],
    environ: Mapping[str, str],
    meanwhile: Callable[[], None],
    due_in: Callable[[], float] = lambda: LOOK_SECONDS,
) -> int:
    """Run the command to its end; its exit code, below zero for the signal that ended it. ``meanwhile``
    is called now and then, ``due_in`` says when. Raises UsageError for what cannot be run. Ctrl-C
    reaches the command too, and ends it."""
    try:
        process = subprocess.Popen(list(words), env=dict(environ))
    except OSError as error:
        raise UsageError(f"'{words[0]}' cannot be run: {error.strerror or error}.") from error
    try:
        return _waited_for(process, meanwhile, due_in)
    except BaseException:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_SECONDS)
        process.kill()
        process.wait()
        raise


def _waited_for(
    process: subprocess.Popen[bytes], meanwhile: Callable[[], None], due_in: Callable[[], float]
) -> int:
    while True:
        try:
            return process.wait(due_in())
        except subprocess.TimeoutExpired:
            meanwhile()
