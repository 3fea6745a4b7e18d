"""The emulator's HTTP stack with nothing behind it: one static answer, the yardstick of what a
request costs. ``python -m support.static_server HOME`` prints its port and serves until SIGTERM."""

from __future__ import annotations

import sys
from pathlib import Path

from azext_mhsmregion.emulator.http import requestlog, server
from azext_mhsmregion.emulator.wire import Caller, NameKind, Request, Resolution, Response

ANSWER = Response(200, (("content-type", "application/json; charset=utf-8"),), b'{"value":[]}' + b" " * 1200)
"""About as long as a pool."""


class Static:
    """A gateway that thinks about nothing."""

    def resolve(self, host: str, place: str, client: str) -> Resolution:
        return Resolution(NameKind.OURS)

    def handle(self, request: Request, caller: Caller) -> Response:
        return ANSWER


if __name__ == "__main__":
    requestlog.to_stderr()  # the log belongs to the stack
    server.run(Path(sys.argv[1]), Static, lambda opened: print(opened.port, flush=True))
