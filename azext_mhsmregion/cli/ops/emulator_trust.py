"""``mhsm keyvault emulator trust``: this home's certificate authority and the system's store."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Sequence

from knack.log import get_logger

from azext_mhsmregion.cli import context
from azext_mhsmregion.emulator import running
from azext_mhsmregion.emulator import trust as trusting
from azext_mhsmregion.provider.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ServiceError,
    UsageError,
)

logger = get_logger(__name__)

which = shutil.which
platform = sys.platform
debian_folder = trusting.DEBIAN_FOLDER
OTHER_STORES = (
    "Programs that bring authorities of their own (Python's requests, Java, Firefox) do not look there."
)


def trust(cmd, install=False, uninstall=False) -> Dict[str, Any]:
    if install and uninstall:
        raise UsageError("Say --install or --uninstall.")
    home = Path(context.home(cmd.cli_ctx))
    certificate = home / "ca" / "authority.crt"
    authority = _authority(cmd, certificate)
    store = trusting.system_store(certificate, home, platform, which, debian_folder)
    if install or uninstall:
        if store is None:
            raise _no_store(certificate)
        if install:
            _refuse_throw_away(home)
        context.sending(cmd.cli_ctx)
        _change(store.install if install else store.uninstall)
        logger.warning("%s %s. %s", "Put into" if install else "Taken out of", store.name, OTHER_STORES)
    return {
        "certificate": str(certificate),
        "fingerprint": f"SHA256 {authority.fingerprint}",
        "expires": authority.expires,
        "signsOnlyAtOrBelow": list(authority.names),
        "store": store and store.name,
        "installed": store and store.has(authority.pem),
        "install": store and trusting.typed(store.install),
        "uninstall": store and trusting.typed(store.uninstall),
        "pem": authority.pem,
    }


def run(command: trusting.Command) -> None:
    """One command, its output on stderr. Raises OSError, CalledProcessError."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())


def has_rights() -> bool:
    """May this process change the system's store?"""
    return os.geteuid() == 0


def _authority(cmd: Any, certificate: Path) -> trusting.Described:
    try:
        return trusting.described(certificate.read_text(encoding="ascii"))
    except FileNotFoundError:
        start = context.command_line(cmd.cli_ctx, "keyvault", "emulator", "start")
        raise NotFoundError(
            "This home has no certificate authority yet: its first server makes it.", f"Start one: {start}"
        ) from None
    except (OSError, ValueError) as error:
        raise ServiceError(f"{certificate} cannot be read: {error}.") from error


def _refuse_throw_away(home: Path) -> None:
    found = running.find(home)
    if found is not None and found.memory:
        raise ConflictError(
            "A throw-away emulator's authority ends with it; the system would trust it for years.",
            "Start one without --memory, or use `emulator env`.",
        )


def _change(commands: Sequence[trusting.Command]) -> None:
    if not has_rights():
        raise ForbiddenError(
            "Only root can change this system's store; nothing was changed.",
            f"Type: {trusting.typed(commands)}",
        )
    try:
        trusting.run_all(commands, run)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServiceError(f"The system's store could not be changed: {error}.") from error


def _no_store(certificate: Path) -> ServiceError:
    return ServiceError(
        "This system has no certificate store that mhsm knows; nothing was changed.",
        f"Give {certificate} to the program that shall trust it, or use `emulator env`.",
    )
