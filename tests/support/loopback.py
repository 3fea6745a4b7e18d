"""A network of loopback only, in which nothing can get past the emulator."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from contextlib import ExitStack, contextmanager
from typing import Any, Iterator

from support import namespace

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


@contextmanager
def only_loopback() -> Iterator[None]:
    """This thread, and what it starts, has no network but loopback for the length of the block.
    Raises PermissionError where the user may not make network namespaces, OSError where the
    system has none."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _call("unshare", CLONE_NEWNET)
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP) + bytes(22))
            yield
        finally:
            _call("setns", before, CLONE_NEWNET)
    finally:
        os.close(before)


@contextmanager
def only_loopback_of(item: Any, required: bool) -> Iterator[None]:
    """The same for a whole test; for a user who is not root it runs again as the root of a namespace.
    Where neither is allowed the test is skipped, or fails if it is ``required``."""
    with ExitStack() as stack:
        try:
            stack.enter_context(only_loopback())
        except (OSError, AttributeError) as error:  # no permission, or no Linux
            reason = f"no network of loopback only can be made here: {error}"
            namespace.again(item, "--net", reason, required)
        yield


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
