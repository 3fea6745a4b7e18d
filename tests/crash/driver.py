"""The process that is killed: works on a home and acknowledges each write by a line.

    driver.py story HOME CERTIFICATES       the life of a pool, then the private files
    driver.py begin HOME CERTIFICATES       to an active pool
    driver.py rounds HOME [COUNT]           add, remove and keys, for ever or COUNT rounds

With MHSMREGION_CRASH_STATES in the environment each line also carries the state (see state.py).
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Iterable, List

from rig import Rig, Step, beginning, files, round_of_writes, story
from state import state


def main(arguments: List[str]) -> None:
    what, home = arguments[0], Path(arguments[1])
    if what == "rounds":
        rig = Rig(home, "rounds")
        rounds: Iterable[int] = range(int(arguments[2])) if len(arguments) > 2 else itertools.count()
        work(rig, itertools.chain.from_iterable(round_of_writes(rig, number) for number in rounds))
        return
    rig = Rig(home, "story", Path(arguments[2]))
    if what == "begin":
        work(rig, beginning(rig))
        rig.emulator.store.close()
        return
    work(rig, story(rig))
    work(rig, files(rig), opened=False)
    serve(home)
    acknowledge(rig, "served", None)


def work(rig: Rig, steps: Iterable[Step], opened: bool = True) -> None:
    if opened:
        acknowledge(rig, "open", None)
    for name, step in steps:
        acknowledge(rig, name, step())


def acknowledge(rig: Rig, name: str, result: Any) -> None:
    line = {"step": name, **(result if isinstance(result, dict) else {})}
    if os.environ.get("MHSMREGION_CRASH_STATES"):
        line["state"] = state(rig.home)
    print(json.dumps(line), flush=True)


def serve(home: Path) -> None:
    """The real server, ended as soon as it has announced itself."""
    from azext_mhsmregion.cli.server_options import ServerOptions
    from azext_mhsmregion.cli.serving import serve as run

    stopped = threading.Event()

    def stop() -> None:
        while not (home / "server.json").exists() and not stopped.wait(0.002):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    watcher = threading.Thread(target=stop, daemon=True)
    watcher.start()
    try:
        run(ServerOptions(str(home)))
    finally:
        stopped.set()
        watcher.join()


if __name__ == "__main__":
    main(sys.argv[1:])
