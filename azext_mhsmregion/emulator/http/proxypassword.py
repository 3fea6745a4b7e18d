"""The proxy's password, as it stands beside a client's label in the proxy's credentials.

A proxy's credentials are ``<place>:<client>`` (DESIGN section 4). With a password set they are
``<place>:<client>.<password>``, or ``<place>:<password>`` for a client without a label.
"""

from __future__ import annotations

import hmac
from typing import Optional

ANONYMOUS = "-"
"""The label of a client that has none."""

SHORTEST = 8


def label_of(word: str, password: str) -> Optional[str]:
    """The client's label in ``<client>.<password>`` or ``<password>``; None when the password is
    another. Takes as long for a wrong one as for a right one."""
    given, wanted = word.encode(), password.encode()
    is_alone = hmac.compare_digest(given, wanted)
    is_behind = hmac.compare_digest(given[-len(wanted) - 1 :], b"." + wanted)
    if is_alone:
        return ANONYMOUS
    return (given[: -len(wanted) - 1].decode() or ANONYMOUS) if is_behind else None


def word_of(client: str, password: str) -> str:
    """The password part of a proxy's credentials: what :func:`label_of` reads."""
    if not password:
        return client
    return password if client == ANONYMOUS else f"{client}.{password}"


def problem_of(password: str) -> Optional[str]:
    """Why ``password`` cannot be one, None when it can."""
    if len(password) < SHORTEST:
        return f"it has fewer than {SHORTEST} characters"
    if not password.isprintable():
        return "it has characters that cannot be printed"
    return None
