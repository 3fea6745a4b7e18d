"""What goes wrong, told at each door. The provider's typed errors are the only ones mapped; the
rest are programming errors and stay visible as such."""

from __future__ import annotations

import sys
from typing import Any

from azext_mhsmregion.provider import errors

AZ_CLASSES = (
    (errors.NotFoundError, "ResourceNotFoundError"),
    (errors.UsageError, "InvalidArgumentValueError"),
    (errors.BadRequestError, "BadRequestError"),
    (errors.AuthenticationError, "UnauthorizedError"),
    (errors.ForbiddenError, "ForbiddenError"),
    (errors.NetworkError, "AzureConnectionError"),
    (errors.ServiceError, "AzureInternalError"),
    (errors.HomeError, "FileOperationError"),
)
AZ_FALLBACK = "AzureResponseError"


class Interrupted(errors.ProviderError):
    """The user stopped a wait with Ctrl-C; the operation itself goes on."""


class CancelledError(errors.ProviderError):
    """The user answered no."""


def show(error: errors.ProviderError) -> int:
    """The door of ``mhsm``: one ERROR line and the hint on stderr; returns the exit code."""
    print(f"ERROR: {error.message}", file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)
    return error.exit_code


def raise_for_az(error: Exception) -> Any:
    """The door of az: raises az's own error of the same meaning. A usage error ends with exit
    code 2, as az's own parser does it."""
    if not isinstance(error, errors.ProviderError):
        raise error
    from azure.cli.core import azclierror

    name = "ManualInterrupt" if isinstance(error, Interrupted) else AZ_FALLBACK
    name = next((az for ours, az in AZ_CLASSES if isinstance(error, ours)), name)
    translated = getattr(azclierror, name)(error.message, recommendation=error.hint or None)
    if error.exit_code != 2:
        raise translated from error
    translated.print_error()
    translated.send_telemetry()
    raise SystemExit(error.exit_code) from error


def raise_if_failed(region: Any, pool: str, name: str) -> None:
    """An add that ended in Failed leaves the region listed as Failed (rule E5)."""
    if region is not None and region.provisioning_state == "Failed":
        raise errors.OperationFailedError(
            f"Adding region {name} to pool {pool} ended in Failed.",
            hint="A failed region is not billed and not used. Add it again, or remove it.",
        )
