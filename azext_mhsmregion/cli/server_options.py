"""How a server is to be run: the options of ``emulator start``, parsed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple

from azext_mhsmregion.cli import places
from azext_mhsmregion.emulator.dns.addresses import DNS_PORT, Dns, written
from azext_mhsmregion.model.places import DEFAULT
from azext_mhsmregion.provider.errors import UsageError

LOOPBACK = "127.0.0.1"
PASSWORD_VARIABLE = "MHSMREGION_PROXY_PASSWORD"
MEMORY_FOLDER = "MHSMREGION_MEMORY_FOLDER"
"""Tells a throw-away server in the background which folder it was given; nobody else sets it."""

LAST_PORT = 65535
_ADDRESS = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?")
NEEDS_PASSWORD_HINT = f"Set {PASSWORD_VARIABLE}, or say --proxy-password-file FILE."


@dataclass(frozen=True)
class ServerOptions:
    """What a server is told. ``home`` is the one that the user names; port 0 is a free one;
    ``places`` gives each place's port; an empty ``password`` is none; ``passthrough`` is what the
    proxy relays to; with ``memory`` nothing is kept; with ``dns`` it answers DNS there."""

    home: str
    port: int = 0
    places: Mapping[str, int] = field(default_factory=dict)
    address: str = LOOPBACK
    password: str = field(default="", repr=False)
    passthrough: Tuple[str, ...] = ()
    memory: bool = False
    dns: Optional[Dns] = None

    def as_typed(self) -> List[str]:
        """The options again as words of a command line: all but the password, which others could
        read there."""
        words = ["--home", self.home, "--port", str(self.port), "--listen", self.address]
        for name, port in self.places.items():
            words += ["--place", f"{name}={port}"]
        if self.passthrough:
            words += ["--proxy-passthrough", ",".join(self.passthrough)]
        if self.dns is not None:
            words += ["--dns", written(self.dns.host, self.dns.port)]
        return words + ["--memory"] * self.memory


def ports_of_places(texts: Optional[List[List[str]]]) -> Dict[str, int]:
    """The port of each place, by the place's region. Raises UsageError."""
    ports: Dict[str, int] = {}
    for text in [one for several in texts or [] for one in several]:
        name, _, port = text.partition("=")
        if name in ("", DEFAULT) or not port.isdigit() or int(port) > LAST_PORT:
            raise UsageError(f"--place is {text}; it must be NAME=PORT, PORT at most {LAST_PORT}.")
        ports[places.parse(name, "--place")] = int(port)
    return ports


def address_of(text: Optional[str], password: str) -> str:
    """The address to listen on. Raises UsageError for what is none, and for one that other machines
    can reach while there is no password."""
    if not text:
        return LOOPBACK
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        hint = "For example 0.0.0.0 for all of this machine's, or 127.0.0.1."
        raise UsageError(f"--listen is {text}; it must be an IP address.", hint) from None
    if not address.is_loopback and not password:
        what = f"Other machines can reach {text}: --listen needs a password for the proxy."
        raise UsageError(what, NEEDS_PASSWORD_HINT)
    return str(address)


def password_of(typed: Optional[str], file: Optional[str], environ: Mapping[str, str]) -> str:
    """The proxy's password: as typed, else the file's only line, else MHSMREGION_PROXY_PASSWORD,
    else empty: none. Raises UsageError for one that cannot be used."""
    from azext_mhsmregion.emulator.http.proxypassword import problem_of

    if typed is not None and file is not None:
        raise UsageError("Say --proxy-password or --proxy-password-file.")
    if file is not None:
        password, source = _first_line(file), "--proxy-password-file"
    elif typed is not None:
        password, source = typed, "--proxy-password"
    else:
        password, source = environ.get(PASSWORD_VARIABLE, ""), PASSWORD_VARIABLE
        if not password:
            return ""
    problem = problem_of(password)
    if problem:
        raise UsageError(f"The password of {source} cannot be used: {problem}.")
    return password


def passthrough_of(texts: Optional[List[str]]) -> Tuple[str, ...]:
    """The hosts that may be passed to. Raises UsageError."""
    if not texts:
        return ()
    from azext_mhsmregion.emulator.http import passthrough

    try:
        return passthrough.parse(texts)
    except ValueError as error:
        raise UsageError(f"{passthrough.OPTION}: {error}.") from None


def dns_of(text: Optional[str], password: str) -> Optional[Dns]:
    """Where DNS is answered: ``ADDRESS``, ``ADDRESS:PORT`` (IPv6: in brackets); None: nowhere. Raises
    UsageError."""
    if text is None:
        return None
    if password:
        raise UsageError(
            "--dns and a password for the proxy exclude each other.",
            "Clients that find the emulator by DNS speak TLS without CONNECT, which carries no password.",
        )
    host, port = _host_and_port(text)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise UsageError(f"--dns is {text}; it must be ADDRESS or ADDRESS:PORT.") from None
    if not address.is_loopback:
        what = f"--dns is {text}; it must be a loopback address, as those of the regions are."
        raise UsageError(what, "Containers share it by sharing a network: docs/dns.md.")
    return Dns(str(address), port)


def _host_and_port(text: str) -> Tuple[str, int]:
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[3] or 0) > LAST_PORT:
        raise UsageError(f"--dns is {text}; it must be ADDRESS or ADDRESS:PORT, PORT at most {LAST_PORT}.")
    return found[1] or found[2], DNS_PORT if found[3] is None else int(found[3])


def _first_line(file: str) -> str:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--proxy-password-file: {file} cannot be read: {reason}.") from None
    return lines[0].strip() if lines else ""
