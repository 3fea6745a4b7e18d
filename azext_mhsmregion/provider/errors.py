"""What can go wrong behind a command, as types. The CLI turns each into one line on stderr,
a hint and an exit code (DESIGN section 5: 1 error, 2 usage, 3 not found)."""

from __future__ import annotations

from typing import Optional


class ProviderError(Exception):
    """Base of all. ``message`` is what happened in the service's or our words, ``hint`` what
    to do about it (may be empty), ``code`` the service's error code where it sent one."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "", code: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class UsageError(ProviderError):
    """The command cannot be right as typed; nothing was asked of anybody."""

    exit_code = 2


class NotFoundError(ProviderError):
    """The pool, region, key, assignment or group does not exist (also HTTP 404)."""

    exit_code = 3


class BadRequestError(ProviderError):
    """HTTP 400 and other refusals of what was asked."""


class AuthenticationError(ProviderError):
    """No credential, or HTTP 401."""


class ForbiddenError(ProviderError):
    """HTTP 403."""


class ConflictError(ProviderError):
    """HTTP 409: another operation runs, a name is taken."""


class ThrottledError(ProviderError):
    """HTTP 429 that did not end within our retries."""


class ServiceError(ProviderError):
    """HTTP 5xx that did not end within our retries."""


class NetworkError(ProviderError):
    """Nobody answered: no route, refused, time-out, TLS failure."""


class BadAnswerError(ProviderError):
    """The answer could not be read: truncated, not JSON, or not of the expected shape."""


class OperationFailedError(ProviderError):
    """A long operation ended in Failed."""


class DestroyedError(OperationFailedError):
    """What would have to answer is destroyed, and whatever it was to do with it (rule E6)."""


class ChangedByOthersError(ProviderError):
    """Someone else changed the pool between our read and our write, more often than we retry."""


class WaitTimeoutError(ProviderError):
    """The wait's own time-out passed; the operation goes on."""


class TimeHeldError(ProviderError):
    """The emulator's clock stands still, so what is waited for cannot come."""


class HomeError(ProviderError):
    """The emulator's home cannot be used: unwritable, on a network file system, held by
    another process, made by a newer version."""
