"""What is wrong with a home, as types; the provider turns them into its own."""

from __future__ import annotations


class HomeError(Exception):
    """The home cannot be used. ``hint`` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class HomeUnwritable(HomeError):
    """The folder or a file in it cannot be made or written."""


class HomeOnNetwork(HomeError):
    """The folder lies on a network file system, where locks and WAL cannot be trusted."""


class HomeHeld(HomeError):
    """Another process holds the home's lease. ``pid`` where it said so."""

    def __init__(self, message: str, hint: str, pid: int = 0) -> None:
        super().__init__(message, hint)
        self.pid = pid


class HomeTooNew(HomeError):
    """The home was made by a newer version."""
