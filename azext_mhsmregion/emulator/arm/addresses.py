"""The signed part of an operation's address: another one on every poll, all of them valid (C4c).

The service's own names are ``t``, ``c``, ``s`` and ``h``, what they hold is not documented. Here ``t``
is the moment, in ticks of 100 ns since the year 1, and ``h`` a number drawn for this address followed
by the signature of both and of the operation's id, made with a key of the home's own.
"""

from __future__ import annotations

from typing import Mapping

from azext_mhsmregion.emulator.frame import Ask, Parts
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Invalid

TICKS_BEFORE_1970 = 621_355_968_000_000_000
_DRAWN = 8
"""Bytes; the signature has as many."""


def stamp(ask: Ask, operation: str, real: int) -> str:
    """The query that makes an address of the operation, at ``real`` milliseconds."""
    ticks = str(TICKS_BEFORE_1970 + real * 10_000)
    drawn = ask.parts.sources.random(_DRAWN).hex()
    return f"t={ticks}&h={drawn}{_signature(ask.parts, operation, ticks, drawn)}"


def check(ask: Ask, operation: str) -> None:
    """Raises Invalid for an address that no answer of this home gave out for the operation."""
    from hmac import compare_digest

    query: Mapping[str, str] = ask.request.query
    ticks, given = query.get("t", ""), query.get("h", "")
    drawn, signature = given[: 2 * _DRAWN], given[2 * _DRAWN :]
    wanted = _signature(ask.parts, operation, ticks, drawn)
    if not compare_digest(signature.encode(), wanted.encode()):
        raise Invalid(messages.forged_address(operation), "InvalidOperationAddress")


def _signature(parts: Parts, operation: str, ticks: str, drawn: str) -> str:
    import hmac  # here, since most reads make no address

    text = f"operation address\n{operation.lower()}\n{ticks}\n{drawn}"
    return hmac.new(parts.home_key(), text.encode(), "sha256").digest()[:_DRAWN].hex()
