"""az in this process, told what to do on standard input: one JSON object a line, one line back.

Run by az's own Python with vcrpy and this folder on PYTHONPATH::

    {"open": "x.yaml", "known": {...}, "record": false}  ->  {}
    {"argv": ["keyvault", "region", "list", ...]}        ->  {"code": 0, "out": "...", "err": "..."}
    {"close": true}                                      ->  {"unasked": ["https://..."]}

While a command runs, a sleep is ``{"sleep": 1.0}`` to the other side, which answers ``{}``: here
nobody sleeps. In a replay sockets are forbidden and az's profile gives a placeholder for a token.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import time
from typing import Any, Dict, List

REPLY = sys.stdout
slept = 0.0
real_monotonic = time.monotonic


def ask(message: Dict[str, Any]) -> Dict[str, Any]:
    """Say something to the other side and wait for its answer."""
    say(message)
    return json.loads(sys.stdin.readline())


def say(message: Dict[str, Any]) -> None:
    REPLY.write(json.dumps(message) + "\n")
    REPLY.flush()


def sleep(seconds: float) -> None:
    """Takes the place of time.sleep before anything takes that."""
    global slept
    slept += seconds
    ask({"sleep": seconds})


class Tape:
    """The cassette that is in."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._cassette: Any = None

    def open(self, path: str, known: Dict[str, str], record: bool) -> Dict[str, Any]:
        import cassette

        if not record:
            self._stack.enter_context(placeholder_login())
            self._stack.enter_context(without_sockets())
        self._cassette = self._stack.enter_context(cassette.used(path, known, record))
        return {}

    def close(self) -> Dict[str, Any]:
        played = self._cassette.play_counts
        unasked = [one.uri for index, one in enumerate(self._cassette.requests) if not played[index]]
        self._stack.close()
        return {"unasked": unasked}


@contextlib.contextmanager
def placeholder_login():
    """az's profile as it is, the token's place taken: nothing of msal runs."""
    from unittest import mock

    def get_raw_token(self, resource=None, scopes=None, subscription=None, tenant=None):
        return ("Bearer", "scrubbed-token", {}), None, None

    with mock.patch("azure.cli.core._profile.Profile.get_raw_token", get_raw_token):
        yield


@contextlib.contextmanager
def without_sockets():
    """Every connection and every look-up raises."""
    import socket
    from unittest import mock

    def refuse(*arguments: Any, **_: Any) -> None:
        raise PermissionError(f"a replay may not use the network: {arguments}")

    with contextlib.ExitStack() as stack:
        for target, name in ((socket.socket, "connect"), (socket, "getaddrinfo")):
            stack.enter_context(mock.patch.object(target, name, refuse))
        yield


def run(argv: List[str]) -> Dict[str, Any]:
    """One command, as a process of its own would run it."""
    from azure.cli.core import get_default_cli

    out, err = io.StringIO(), io.StringIO()
    for name in (None, "cli"):
        logging.getLogger(name).handlers[:] = []
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = get_default_cli().invoke(argv, out_file=out)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return {"code": code or 0, "out": out.getvalue(), "err": err.getvalue()}


def main() -> None:
    time.sleep = sleep
    time.monotonic = lambda: real_monotonic() + slept
    sys.stdout = sys.stderr
    tape = Tape()
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        message = json.loads(line)
        if "open" in message:
            say(tape.open(message["open"], message["known"], message["record"]))
        elif "argv" in message:
            say(run(message["argv"]))
        else:
            say(tape.close())


if __name__ == "__main__":
    main()
