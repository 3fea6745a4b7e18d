"""Stands on PYTHONPATH of a program that may not use the network: every attempt raises, and is
written to the file that MHSMREGION_TEST_ATTEMPTS names, since a program may swallow the error."""

import os
import sys

FORBIDDEN = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)


def _forbid(event, arguments):
    if event in FORBIDDEN:
        what = f"{event} {arguments!r}"
        with open(os.environ["MHSMREGION_TEST_ATTEMPTS"], "a", encoding="utf-8") as file:
            file.write(f"{what}\n")
        raise PermissionError(f"sockets are forbidden in this test: {what}")


sys.addaudithook(_forbid)
