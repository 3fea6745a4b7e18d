"""Chance that repeats: a number from what it is asked for, the same in every process."""

from __future__ import annotations

_SPAN = 2**64


def chance(*parts: object) -> float:
    """A number from 0 to below 1 that looks drawn, and depends on ``parts`` alone."""
    from hashlib import blake2b  # here, since most commands draw nothing and hashlib takes 3 ms

    text = "\0".join(str(part) for part in parts).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") / _SPAN
