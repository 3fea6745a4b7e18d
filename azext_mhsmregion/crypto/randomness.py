"""Randomness is handed in, never fetched (STYLE habit 5). ``os.urandom`` fits the type; tests hand in
a seeded source. pyca's own key generation and OAEP are the exceptions: they take no source."""

from __future__ import annotations

from typing import Callable

from azext_mhsmregion.crypto.errors import BadRandom

Random = Callable[[int], bytes]
"""``random(n)`` answers n random bytes."""


def draw(random: Random, length: int) -> bytes:
    """``length`` bytes from ``random``.

    Raises BadRandom on any other number of them: a short nonce or key would go unnoticed.
    """
    drawn = random(length)
    if len(drawn) != length:
        raise BadRandom(f"The random source gave {len(drawn)} bytes for {length}.")
    return drawn
