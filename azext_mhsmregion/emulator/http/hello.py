"""The server name that a TLS client asks for, read off its ClientHello (RFC 8446, RFC 6066)."""

from __future__ import annotations

from typing import Optional

HANDSHAKE = 0x16
"""First byte of a TLS handshake record, and so of a ClientHello."""

RECORD_HEADER = 5
LONGEST_RECORD = RECORD_HEADER + 16384

UNRECOGNIZED_NAME = bytes((0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70))
"""The fatal alert "unrecognized_name": no certificate for that name here."""

_CLIENT_HELLO = 1
_SERVER_NAME = 0
_HOST_NAME = 0


def record_length(data: bytes) -> int:
    """Length of the whole first record, header included, as far as ``data`` tells."""
    if len(data) < RECORD_HEADER:
        return RECORD_HEADER
    return RECORD_HEADER + int.from_bytes(data[3:5], "big")


def server_name(record: bytes) -> Optional[str]:
    """The host name of the server-name extension, lower case; None where there is none."""
    try:
        return _server_name(_Reader(record))
    except (IndexError, UnicodeDecodeError):
        return None


class _Reader:
    """Takes numbers and blocks off the front of bytes; IndexError when they end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise IndexError("the message ends early")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def block(self, length_size: int) -> _Reader:
        return _Reader(self.take(self.number(length_size)))

    def __bool__(self) -> bool:
        return self._at < len(self._data)


def _server_name(record: _Reader) -> Optional[str]:
    record.take(3)  # record type, version
    message = record.block(2)
    if message.number(1) != _CLIENT_HELLO:
        return None
    hello = message.block(3)
    hello.take(2 + 32)  # version, random
    hello.block(1)  # session
    hello.block(2)  # cipher suites
    hello.block(1)  # compression methods
    extensions = hello.block(2)
    while extensions:
        kind, body = extensions.number(2), extensions.block(2)
        if kind == _SERVER_NAME:
            return _host_name(body.block(2))
    return None


def _host_name(names: _Reader) -> Optional[str]:
    while names:
        kind, name = names.number(1), names.block(2)
        if kind == _HOST_NAME:
            return name.take(len(name._data)).decode("ascii").lower().rstrip(".") or None
    return None
