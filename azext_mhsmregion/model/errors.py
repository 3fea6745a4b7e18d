"""What the service refuses, as types. Each carries the service's code and message; the doors
(ARM, data plane) turn them into bodies of their own shape with ``status``."""

from __future__ import annotations

from typing import Callable

from azext_mhsmregion.model import messages


class ModelError(Exception):
    """Base: HTTP ``status``, error ``code`` and ``message`` as the service would answer."""

    status = 400
    code = "BadRequest"

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        if code:
            self.code = code


class Invalid(ModelError):
    """400: the request cannot be right."""


class NotFound(ModelError):
    """404: no such pool, key, assignment, definition or operation."""

    status = 404
    code = "NotFound"


class Conflict(ModelError):
    """409: the state of the pool or object does not allow it now."""

    status = 409
    code = "Conflict"


class Contradiction(Conflict):
    """A fault and another, by its id, want two things at once; ``tell`` says so of whatever the other is
    called."""

    def __init__(self, tell: Callable[[str], str], other: str) -> None:
        super().__init__(tell(f"fault {other}"), "FaultsContradict")
        self.tell = tell
        self.other = other


class Forbidden(ModelError):
    """403: local RBAC says no, or the pool or object does not take this now."""

    status = 403
    code = "Forbidden"


class Unavailable(ModelError):
    """503: an outage keeps it from being served now."""

    status = 503
    code = "ServiceUnavailable"


class Throttled(ModelError):
    """429: more requests than are served."""

    status = 429
    code = "Throttled"


class Broken(ModelError):
    """500: a fault that was asked for."""

    status = 500
    code = "InternalServerError"


class NotCovered(ModelError):
    """501: the service does ``what``, this emulator does not."""

    status = 501
    code = "NotImplemented"

    def __init__(self, what: str) -> None:
        super().__init__(messages.not_covered(what))


class RefusedByPool(ModelError):
    """400 with code "400", as recorded for region adds and for deletes of extended pools."""

    code = "400"
