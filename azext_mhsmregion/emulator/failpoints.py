"""Named places where a test may end the process with SIGKILL (the crash suite).

Off unless the environment names one: ``MHSMREGION_FAILPOINT=name`` kills at the first passage,
``name@3`` at the third; ``MHSMREGION_FAILPOINT_LOG=file`` writes down every passage, so that the
suite can prove that each one is reached.
"""

from __future__ import annotations

import os
from typing import Dict

_LOG = os.environ.get("MHSMREGION_FAILPOINT_LOG", "")
_TARGET, _, _passage = os.environ.get("MHSMREGION_FAILPOINT", "").partition("@")
_ON = bool(_LOG or _TARGET)
_left = int(_passage or 1)

COMMITS = ("schema", "settings", "group", "create", "regions", "update", "delete", "recover", "purge",
           "domain", "key", "role", "poll", "seed", "reset", "restore", "fault", "backup")  # fmt: skip
"""Labels of transactions: what ``Store.write`` is given."""

FILES = ("directory.json", "home.key", "token-key.pem", "authority.pem", "authority.crt", "leaf",
         "bundle.pem", "trust.p12", "server.json", "snapshot", "export", "import",
         "backup")  # fmt: skip
"""Labels of private files: what ``files.create_private``, ``replace_private`` and ``publish`` are given."""

NAMES = tuple(f"{kind}.{name}.{when}" for kind, names in (("commit", COMMITS), ("rename", FILES))
              for name in names for when in ("before", "after"))  # fmt: skip
"""Every failpoint there is."""


def passes(name: str) -> None:
    """The process comes by the failpoint ``name``. Raises LookupError for one not in NAMES."""
    if not _ON:
        return
    if name not in NAMES:
        raise LookupError(f"{name} is not among the failpoints")
    if _LOG:
        with open(_LOG, "a", encoding="ascii") as log:
            log.write(name + "\n")
    if name == _TARGET:
        _kill_when_due()


def hits(path: str) -> Dict[str, int]:
    """How often each failpoint was passed, from a log."""
    counts = dict.fromkeys(NAMES, 0)
    with open(path, encoding="ascii") as log:
        for line in log:
            counts[line.strip()] += 1
    return counts


def _kill_when_due() -> None:
    global _left
    _left -= 1
    if _left == 0:
        import signal

        os.kill(os.getpid(), signal.SIGKILL)
