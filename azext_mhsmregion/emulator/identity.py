"""Who asks: the caller that needs no token (in process), or the bearer of a token (rule K2)."""

from __future__ import annotations

from typing import Collection

from azext_mhsmregion.emulator.directory import Principal
from azext_mhsmregion.emulator.frame import Ask


class Unauthenticated(Exception):
    """No token, or one that does not hold; the text is empty when there was none."""


def authenticate(ask: Ask, audiences: Collection[str]) -> Principal:
    """The principal behind a request. Raises Unauthenticated."""
    if ask.caller.principal is not None:
        return _known(ask, ask.caller.principal)
    scheme, _, token = ask.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("")
    from azext_mhsmregion.emulator.entra.tokens import TokenError

    try:
        claims = ask.parts.tokens().verify(token.strip(), audiences)
    except TokenError as error:
        raise Unauthenticated(str(error)) from error
    return _known(ask, claims.object_id)


def _known(ask: Ask, object_id: str) -> Principal:
    principal = ask.directory.by_object_id(object_id)
    if principal is None:
        raise Unauthenticated(f"The principal '{object_id}' is not in the emulator's directory.")
    return principal
