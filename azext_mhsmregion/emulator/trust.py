"""How a system is made to trust a home's authority: which store it has, and the commands for it.

Nothing is run here: who does it hands in :data:`Run`.
"""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, List, Optional, Sequence, Tuple

Command = Tuple[str, ...]
Run = Callable[[Command], None]
"""Runs one command. Raises OSError or subprocess.CalledProcessError."""

Which = Callable[[str], Optional[str]]
"""The path of a program, None where there is none: ``shutil.which``."""

DEBIAN_FOLDER = Path("/usr/local/share/ca-certificates")
MACOS_KEYCHAIN = "/Library/Keychains/System.keychain"


@dataclass(frozen=True)
class Described:
    """What a user is told of an authority: SHA-256 of the certificate, its last moment (UTC), the
    names at and below which it may sign."""

    pem: str
    fingerprint: str
    expires: str
    names: Tuple[str, ...]


@dataclass(frozen=True)
class SystemStore:
    """A system's store. ``installed``: where the certificate lies once it is trusted, None where
    that cannot be told from a file."""

    name: str
    install: Tuple[Command, ...]
    uninstall: Tuple[Command, ...]
    installed: Optional[Path] = None

    def has(self, pem: str) -> Optional[bool]:
        """Does it hold the certificate? None: nobody can say."""
        if self.installed is None:
            return None
        try:
            return self.installed.read_text(encoding="ascii") == pem
        except (OSError, UnicodeDecodeError):
            return False


def described(pem: str) -> Described:
    """The authority whose certificate is ``pem``. Raises ValueError."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    certificate = x509.load_pem_x509_certificate(pem.encode())
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    return Described(
        pem=pem,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        expires=_end(certificate).strftime("%Y-%m-%dT%H:%M:%SZ"),
        names=tuple(str(name.value) for name in constraints.permitted_subtrees or ()),
    )


def system_store(
    certificate: Path, home: Path, platform: str, which: Which, folder: Path = DEBIAN_FOLDER
) -> Optional[SystemStore]:
    """The store of this system, None where it has none that we know. A certificate made anew for
    the same home takes the old one's place."""
    path = str(certificate)
    if platform == "darwin":
        return _macos(path)
    if which("update-ca-certificates"):
        target = folder / f"mhsmregion-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}.crt"
        return _debian(path, target)
    if which("trust"):
        return _p11_kit(path)
    return None


def typed(commands: Sequence[Command]) -> str:
    """The commands as one line for a shell, as root."""
    return " && ".join(shlex.join(("sudo", *command)) for command in commands)


def run_all(commands: Sequence[Command], run: Run) -> None:
    """Run them one after the other, to the first that fails. Raises as ``run`` does."""
    for command in commands:
        run(command)


def _debian(certificate: str, target: Path) -> SystemStore:
    """Debian, Ubuntu, Alpine: a folder, and a program that reads it."""
    return SystemStore(
        "ca-certificates (Debian, Ubuntu)",
        (("install", "-m", "0644", certificate, str(target)), ("update-ca-certificates",)),
        (("rm", "-f", str(target)), ("update-ca-certificates", "--fresh")),
        target,
    )


def _p11_kit(certificate: str) -> SystemStore:
    return SystemStore(
        "p11-kit (Fedora, RHEL, Arch)",
        (("trust", "anchor", "--store", certificate),),
        (("trust", "anchor", "--remove", certificate),),
    )


def _macos(certificate: str) -> SystemStore:
    add: List[str] = ["security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", MACOS_KEYCHAIN]
    return SystemStore(
        "the system's keychain (macOS)",
        ((*add, certificate),),
        (("security", "remove-trusted-cert", "-d", certificate),),
    )


def _end(certificate: Any) -> datetime:
    """End of validity. ``not_valid_after_utc`` came with cryptography 42; az 2.48.1 brings 40."""
    aware = getattr(certificate, "not_valid_after_utc", None)
    found: datetime = aware if aware is not None else certificate.not_valid_after.replace(tzinfo=timezone.utc)
    return found
