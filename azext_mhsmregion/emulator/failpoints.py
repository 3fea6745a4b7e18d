"""Named places where a test may end the process with SIGKILL (the crash suite).

Off unless the environment names one: ``MHSMREGION_FAILPOINT=name`` kills at the first passage,
``MHSMREGION_FAILPOINT_LOG=file`` writes down every passage, so that the suite can prove that
each one is reached.
"""

from __future__ import annotations

import os
from typing import Dict

_TARGET = os.environ.get("MHSMREGION_FAILPOINT", "")
_LOG = os.environ.get("MHSMREGION_FAILPOINT_LOG", "")

COMMITS = ("schema", "settings", "group", "create", "regions", "update", "delete", "recover", "purge",
           "domain", "key", "role", "poll")  # fmt: skip
FILES = ("home.key", "directory.json", "token-key.pem", "ca.pem", "ca-key.pem", "bundle.pem", "server.json")
NAMES = tuple(f"{kind}.{name}.{when}" for kind, names in (("commit", COMMITS), ("rename", FILES))
              for name in names for when in ("before", "after"))  # fmt: skip
"""Every failpoint there is."""


def passes(name: str) -> None:
    """The process comes by the failpoint ``name``."""
    if _LOG:
        with open(_LOG, "a", encoding="ascii") as log:
            log.write(name + "\n")
    if name == _TARGET:
        import signal

        os.kill(os.getpid(), signal.SIGKILL)


def hits(path: str) -> Dict[str, int]:
    """How often each failpoint was passed, from a log."""
    counts = dict.fromkeys(NAMES, 0)
    with open(path, encoding="ascii") as log:
        for line in log:
            counts[line.strip()] = counts.get(line.strip(), 0) + 1
    return counts
