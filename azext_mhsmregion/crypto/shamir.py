"""Shamir's secret sharing in the form that azure-cli reads (``az keyvault security-domain``).

Every byte of the secret is shared by itself: it is f(0) of a polynomial of degree required - 1 over
the integers modulo 257, whose other coefficients are random. Share number x (1, 2, ...) holds f(x) of
every byte, in order, each as 16 bits, little-endian: the upper 7 bits are x, the lower 9 are f(x), since
f(x) can be 256. So a share has twice the secret's length and says its own number; the order in which
shares are handed back does not matter.
Source: azure-cli 2.91.0, ``keyvault/security_domain/`` (byte_shares, utils), its reading side.
"""

from __future__ import annotations

import struct
from typing import List, Sequence, Tuple

from azext_mhsmregion.crypto.errors import BadShare
from azext_mhsmregion.crypto.randomness import Random, draw

PRIME = 257
MAX_SHARES = 126  # x has 7 bits
_VALUE_BITS = 9
_VALUE_MASK = (1 << _VALUE_BITS) - 1


def split(secret: bytes, shares: int, required: int, random: Random) -> List[bytes]:
    """``shares`` shares of ``secret``, each of 2 x len(secret) bytes, numbered from 1.

    Any ``required`` of them give the secret, fewer say nothing about it. Raises BadShare unless
    2 <= required <= shares <= 126 and the secret has a byte at least.
    """
    if not 2 <= required <= shares <= MAX_SHARES:
        raise BadShare(f"{required} of {shares} shares: it takes 2 <= required <= shares <= {MAX_SHARES}.")
    if not secret:
        raise BadShare("There is nothing to share in an empty secret.")
    polynomials = [[byte] + _coefficients(required - 1, random) for byte in secret]
    return [_pack(x, [_evaluate(polynomial, x) for polynomial in polynomials]) for x in range(1, shares + 1)]


def combine(shares: Sequence[bytes], required: int) -> bytes:
    """The secret, from the first ``required`` of ``shares`` in any order.

    Raises BadShare when there are too few, when they cannot belong together, and when they give no
    bytes. Shares of another split are not always recognised: the secret is then a wrong one.
    """
    if required < 2 or len(shares) < required:
        raise BadShare(f"{len(shares)} shares are too few: {max(required, 2)} are required.")
    points = [_unpack(share) for share in shares[:required]]
    numbers = [x for x, _ in points]
    if len(set(numbers)) != required:
        raise BadShare("The same share was given twice.")
    if len({len(values) for _, values in points}) != 1:
        raise BadShare("The shares have different lengths: they are not of one secret.")
    weights = [_weight(x, numbers) for x in numbers]
    columns = zip(*(values for _, values in points))
    secret = [sum(w * v for w, v in zip(weights, column)) % PRIME for column in columns]
    if max(secret) > 0xFF:
        raise BadShare("The shares are not of one secret.")
    return bytes(secret)


def _coefficients(count: int, random: Random) -> List[int]:
    """``count`` numbers below 257. 80 bits each, so that the bias of the remainder is below 2^-64
    (NIST SP 800-90A, A.5.2: 64 bits more than needed) and no source can make it loop."""
    return [int.from_bytes(draw(random, 10), "big") % PRIME for _ in range(count)]


def _evaluate(polynomial: Sequence[int], x: int) -> int:
    """f(x) modulo 257, the constant term first (Horner)."""
    value = 0
    for coefficient in reversed(polynomial):
        value = (value * x + coefficient) % PRIME
    return value


def _weight(x: int, numbers: Sequence[int]) -> int:
    """Lagrange's factor of share ``x`` for f(0): the product of n / (n - x) over the other numbers n."""
    numerator = denominator = 1
    for other in numbers:
        if other != x:
            numerator = numerator * other % PRIME
            denominator = denominator * (other - x) % PRIME
    return numerator * pow(denominator, -1, PRIME) % PRIME


def _pack(x: int, values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}H", *(x << _VALUE_BITS | value for value in values))


def _unpack(share: bytes) -> Tuple[int, List[int]]:
    """(x, values) of a share. Raises BadShare on bytes that ``_pack`` cannot have written."""
    if not share or len(share) % 2:
        raise BadShare(f"A share has an even number of bytes; this one has {len(share)}.")
    words = struct.unpack(f"<{len(share) // 2}H", share)
    numbers = {word >> _VALUE_BITS for word in words}
    values = [word & _VALUE_MASK for word in words]
    if len(numbers) != 1 or 0 in numbers or max(values) >= PRIME:
        raise BadShare("These bytes are no share.")
    return numbers.pop(), values
