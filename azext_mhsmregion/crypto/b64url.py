"""base64url without padding, the form of JWK and JWE members (RFC 7515, section 2)."""

from __future__ import annotations

import base64
import binascii

_TO_STANDARD = str.maketrans("-_", "+/")


def encode(data: bytes) -> str:
    """``data`` in base64url, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of ``text``: either base64 alphabet, padded or not, as clients of the service send both.

    Raises ValueError on anything else; the caller knows what the text was meant to be.
    """
    unpadded = text.rstrip("=").translate(_TO_STANDARD)
    try:
        return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error


def encode_int(number: int, width: int = 0) -> str:
    """``number`` big-endian in ``width`` bytes; without a width in as few as hold it (RFC 7518, 2)."""
    return encode(number.to_bytes(width or (number.bit_length() + 7) // 8, "big"))


def decode_int(text: str) -> int:
    """The big-endian number in ``text``. Raises ValueError."""
    return int.from_bytes(decode(text), "big")


def encode_standard(data: bytes) -> str:
    """``data`` in the padded standard alphabet: what x5c holds, alone among the members (RFC 7517, 4.7)."""
    return base64.b64encode(data).decode("ascii")
