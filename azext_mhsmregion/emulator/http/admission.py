"""Who may use the proxy: anybody, or who knows its password (``proxypassword``).

With a password set nothing but ``GET /health`` is answered without it, whoever asks: a peer on
loopback may be a forwarded port.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from typing import Tuple

from azext_mhsmregion.emulator.http import preface, requestlog
from azext_mhsmregion.emulator.http.proxypassword import label_of
from azext_mhsmregion.model import places
from azext_mhsmregion.model.errors import ModelError

CHALLENGE = ("proxy-authenticate", 'Basic realm="mhsmregion emulator", charset="UTF-8"')

ACCESS_DENIED = bytes((0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x31))
"""The fatal TLS alert "access_denied"."""

_WANTED = (
    "This emulator's proxy wants its password: the place (or -) as user name, and as password "
    "<password> or <client>.<password>. On its machine `mhsm keyvault emulator env` prints the whole URL."
)


class Refused(preface.BadPreface):
    """No password, or a wrong one: 407. It is in the request log already."""

    is_logged = True

    def __init__(self) -> None:
        super().__init__(407, _WANTED, CHALLENGE)


@dataclass(frozen=True)
class Admission:
    """The door's rule; without a ``password`` it admits everybody."""

    password: str = field(default="", repr=False)

    @property
    def takes_direct_tls(self) -> bool:
        """TLS without CONNECT carries no password, so a password shuts it out."""
        return not self.password

    def caller(self, head: preface.Head, default_place: str) -> Tuple[str, str]:
        """Where the client stands and its label, once it has shown the password. Raises
        :class:`preface.BadPreface` for credentials that are none and places that nobody knows,
        :class:`Refused`."""
        place, client = self._shown(head, default_place)
        try:
            return places.parse(place), client
        except ModelError as error:
            raise preface.BadPreface(error.status, _place_refused(error.message)) from error

    def _shown(self, head: preface.Head, default_place: str) -> Tuple[str, str]:
        """Place and label as they were written. Raises as :meth:`caller`."""
        if not self.password:
            return preface.place_and_client(head.headers, default_place)
        try:
            place, word = preface.place_and_client(head.headers, default_place)
        except preface.BadPreface:
            place, word = default_place, ""
        client = label_of(word, self.password)
        if client is None:
            requestlog.record(head.method, head.target, 407, place=default_place)
            raise Refused()
        return place, client

    def check(self, head: preface.Head) -> None:
        """As :meth:`caller`, for requests whose caller does not matter: without a password it looks
        at nothing. Raises :class:`Refused`."""
        if self.password:
            self.caller(head, "")

    def gives_tokens_to(self, peer: str) -> bool:
        """May the peer at address ``peer`` ask for a managed identity's token? As in life, those on
        the same machine alone, once others can reach it."""
        return not self.password or is_loopback(peer)


def _place_refused(why: str) -> str:
    return (
        f"mhsmregion emulator: {why} The user name of a proxy's credentials says where the client stands: "
        "uksouth, region.uksouth, or - for the default place."
    )


def peer_of(sock: socket.socket) -> str:
    """The address at the other end. Raises OSError when it is gone."""
    address: str = sock.getpeername()[0]
    return address


def is_loopback(address: str) -> bool:
    """Is it this machine's own? (IPv4 in IPv6 too, as a socket on ``::`` sees it.)"""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    inner = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (inner or parsed).is_loopback
