"""``keyvault security-domain download``: activates a pool."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, Optional

from azext_mhsmregion.cli import context, longrun
from azext_mhsmregion.model.activation import MINIMUM_QUORUM, MINIMUM_WRAPPING_KEYS
from azext_mhsmregion.provider.errors import OperationFailedError, UsageError

MAXIMUM_WRAPPING_KEYS = 10  # the service's limit
ACTIVATION_SECONDS = 1800.0
MAKE_CERTIFICATE = "openssl req -newkey rsa:2048 -nodes -keyout 1.key -x509 -days 365 -out 1.cer"


def download(
    cmd, hsm_name, sd_wrapping_keys, security_domain_file, sd_quorum, no_wait=False
) -> Optional[Dict[str, Any]]:
    _check_numbers(len(sd_wrapping_keys), sd_quorum)
    certificates = [_certificate(path) for path in sd_wrapping_keys]
    provider = context.provider(cmd.cli_ctx)
    # The service hands a pool's security domain out once, so the file is made before it is asked.
    with _new_private_file(security_domain_file) as file:
        context.sending(cmd.cli_ctx)
        file.write(provider.download_security_domain(hsm_name, certificates, sd_quorum).encode())
    if no_wait:
        return None
    return _wait_for_activation(cmd.cli_ctx, provider, hsm_name)


def _check_numbers(keys: int, quorum: int) -> None:
    if not MINIMUM_WRAPPING_KEYS <= keys <= MAXIMUM_WRAPPING_KEYS:
        raise UsageError(
            f"--sd-wrapping-keys names {keys} file(s); give {MINIMUM_WRAPPING_KEYS} to "
            f"{MAXIMUM_WRAPPING_KEYS} certificates."
        )
    if not MINIMUM_QUORUM <= quorum <= keys:
        raise UsageError(
            f"--sd-quorum is {quorum}; it must be from {MINIMUM_QUORUM} to the number of wrapping keys "
            f"({keys})."
        )


def _certificate(path: str) -> bytes:
    try:
        with open(os.path.expanduser(path), "rb") as file:
            content = file.read()
    except OSError as error:
        raise UsageError(f"Cannot read the wrapping key {path}: {error.strerror}.") from error
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise UsageError(
            f"{path} holds no PEM certificate.",
            hint=f"Make one with: {MAKE_CERTIFICATE}",
        )
    return content


@contextmanager
def _new_private_file(path: str) -> Iterator[Any]:
    """A new file for its owner alone; goes again when nothing could be put in it."""
    target = os.path.expanduser(path)
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(
            f"File named '{path}' already exists.", hint="A security domain is never overwritten."
        ) from error
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            if os.path.getsize(target) == 0:
                os.remove(target)
        raise


def _wait_for_activation(cli_ctx: Any, provider: Any, name: str) -> Dict[str, Any]:
    seen: List[Dict[str, Any]] = []

    def check() -> Optional[float]:
        seen[:] = [provider.security_domain_status(name)]
        status = str(seen[0].get("status", "")).lower()
        if status == "failed":
            raise OperationFailedError(f"Activation ended in Failed: {_details(seen[0])}")
        return None if status in ("success", "succeeded") else longrun.interval_of(provider)

    what = f"Activating pool {name}"
    resume = context.command_line(
        cli_ctx, "keyvault", "region", "wait", "--hsm-name", name,
        "--custom", "properties.securityDomainProperties.activationStatus=='Active'",
    )  # fmt: skip
    with longrun.watching(cli_ctx, what, resume) as progress:
        every = longrun.interval_of(provider)
        longrun.until(
            progress, check, every, ACTIVATION_SECONDS, what, lambda: provider.time_held(name, polled=True)
        )
    return {"status": seen[0].get("status"), "statusDetails": _details(seen[0])}


def _details(status: Dict[str, Any]) -> Optional[str]:
    return status.get("status_details") or status.get("statusDetails")
