"""ARM's refusals: its error body, and its 401 for each thing that is wrong with a token."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Dict, NamedTuple, Sequence, Tuple

from azext_mhsmregion.emulator.identity import Unauthenticated
from azext_mhsmregion.emulator.wire import Response, json_response
from azext_mhsmregion.model.errors import Conflict, ModelError

CHALLENGE = 'Bearer authorization_uri="https://login.microsoftonline.com/", error="invalid_token"'
NO_TOKEN = "Authentication failed. The 'Authorization' header is missing."
ALLOWED_AUDIENCES = (
    "'https://management.core.windows.net/','https://management.core.windows.net',"
    "'https://management.azure.com/','https://management.azure.com'"
)


class Detail(NamedTuple):
    """One of several errors: its code, the id of the resource, what is wrong."""

    code: str
    target: str
    message: str


class Detailed(Conflict):
    """409 with an error for each resource that stands in the way."""

    def __init__(self, message: str, code: str, details: Sequence[Detail]) -> None:
        super().__init__(message, code)
        self.details = tuple(details)


def error_response(error: ModelError) -> Response:
    """ARM's error body."""
    body: Dict[str, Any] = {"code": error.code, "message": error.message}
    if isinstance(error, Detailed):
        body["details"] = [detail._asdict() for detail in error.details]
    return json_response(error.status, {"error": body})


def unauthenticated(error: Unauthenticated) -> Response:
    """401 in ARM's words: no token, or what is wrong with it."""
    code, message = _told(error)
    return json_response(
        401, {"error": {"code": code, "message": message}}, (("www-authenticate", CHALLENGE),)
    )


def _told(error: Unauthenticated) -> Tuple[str, str]:
    if not str(error):
        return "AuthenticationFailed", NO_TOKEN
    cause = error.__cause__
    if cause is None:  # a sound token, of somebody who is not in the directory any more (ours)
        return "InvalidAuthenticationToken", str(error)
    from azext_mhsmregion.emulator.entra import tokens

    if isinstance(cause, tokens.TokenExpired):
        return "ExpiredAuthenticationToken", (
            f"The access token expiry UTC time '{_written(cause.expired)}' is earlier than current UTC time "
            f"'{_written(cause.now)}'."
        )
    if isinstance(cause, tokens.WrongAudience):
        return "InvalidAuthenticationTokenAudience", (
            f"The access token has been obtained for wrong audience or resource '{cause.found}'. It should "
            f"exactly match with one of the allowed audiences {ALLOWED_AUDIENCES}."
        )
    if isinstance(cause, tokens.WrongTenant):
        return "InvalidAuthenticationTokenTenant", _wrong_tenant(cause.found, cause.expected)
    return "InvalidAuthenticationToken", "The access token is invalid."


def _wrong_tenant(found: str, expected: str) -> str:
    tenant = expected.rstrip("/").rpartition("/")[2]
    return (
        f"The access token is from the wrong issuer '{found}'. It must match the tenant '{expected}' "
        f"associated with this subscription. Please use the authority (URL) "
        f"'https://login.windows.net/{tenant}' to get the token. Note, if the subscription is transferred to "
        "another tenant there is no impact to the services, but information about new tenant could take time "
        "to propagate (up to an hour). If you just transferred your subscription and see this error message, "
        "please try back later."
    )


def _written(seconds: float) -> str:
    """A moment as ARM writes it: 11/24/2025 5:31:00 PM."""
    when = datetime.fromtimestamp(seconds, timezone.utc)
    hour = when.hour % 12 or 12
    return f"{when.month}/{when.day}/{when.year} {hour}:{when:%M:%S} {'AM' if when.hour < 12 else 'PM'}"
