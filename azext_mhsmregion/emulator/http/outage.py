"""How a connection ends whose region or partition is out: reset, or silence for a while and then
reset (rules F7, F10). A proxy's error would be something that no application sees in life, so it
happens inside the tunnel."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any, Awaitable, Callable, Mapping

LONGEST_SILENCE = 120.0
"""Seconds after which a connection to a dead region breaks, if its client is still there (F10)."""

HANGS = "hang"
_RESET = struct.pack("ii", 1, 0)

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


async def meet(sock: socket.socket, effect: str) -> None:
    """Let a raw connection meet the effect, up to its end."""
    if effect == HANGS:
        with contextlib.suppress(asyncio.TimeoutError, OSError):
            await asyncio.wait_for(_drained(sock), LONGEST_SILENCE)
    reset_on_close(sock)


async def break_off(receive: Receive, drop: Callable[[], None], effect: str) -> None:
    """Let a request meet the effect: no answer, and its connection ends. ``drop`` resets it."""
    if effect == HANGS:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_gone(receive), LONGEST_SILENCE)
    drop()
    await _gone(receive)


def reset_on_close(sock: Any) -> None:
    """Closing the socket from now on resets the connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


async def _drained(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while await loop.sock_recv(sock, 65536):
        pass


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
