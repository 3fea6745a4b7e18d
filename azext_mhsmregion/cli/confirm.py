"""Asking before something is gone for good. The question goes to stderr: stdout is for data."""

from __future__ import annotations

import sys

from azext_mhsmregion.cli.errors import CancelledError


def on_terminal() -> bool:
    """Is there somebody to ask?"""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> None:
    """Returns when the answer is yes; raises CancelledError otherwise."""
    print(f"{question} (y/N): ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        print(file=sys.stderr)  # what follows begins on a line of its own
        raise
    if answer.strip().lower() not in ("y", "yes"):
        raise CancelledError("Cancelled; nothing was changed.")
