"""Run a server of the fake gateway until a signal comes: ``python serve.py HOME``."""

import sys
from pathlib import Path

from floor import FakeGateway

from azext_mhsmregion.emulator.http.server import run

if __name__ == "__main__":
    run(Path(sys.argv[1]), FakeGateway, lambda server: print(server.port, flush=True))
