"""What goes wrong, told at each door. The provider's typed errors are the only ones mapped; the
rest are programming errors and stay visible as such."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from typing import Any, Iterator

from azext_mhsmregion.cli import context
from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.states import FAILED

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
FAILED_REGION = "A failed region is not billed and not used. Add it again, or remove it."


class Interrupted(errors.ProviderError):
    """The user stopped the command with Ctrl-C; an operation under way goes on."""


class CancelledError(errors.ProviderError):
    """The user answered no."""


class OutputError(errors.ProviderError):
    """What the command found could not be written out."""


def show(error: errors.ProviderError) -> int:
    """The door of ``mhsm``: one ERROR line and the hint on stderr; returns the exit code."""
    with suppress(OSError):  # stderr may be what cannot be written to
        print(f"ERROR: {error.message}", file=sys.stderr)
        if error.hint:
            print(error.hint, file=sys.stderr)
    return error.exit_code


@contextmanager
def writing() -> Iterator[None]:
    """Raises OutputError where the output cannot be written: a full disk. A reader that went
    away stays a BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"The output cannot be written: {error.strerror or error}.") from error


@contextmanager
def of_options() -> Iterator[None]:
    """What is asked of the emulator was typed as options: where it says that they cannot be right, alone or
    together, that is wrong usage. Raises UsageError."""
    try:
        yield
    except errors.BadRequestError as error:
        raise errors.UsageError(error.message, error.hint, error.code) from error


def tell_interruption(cli_ctx: Any) -> None:
    """At either door, when a command has ended: Ctrl-C outside a wait is told too, and that
    nothing was changed where that is certain."""
    if cli_ctx.result is None or not isinstance(cli_ctx.result.error, KeyboardInterrupt):
        return
    sent = context.session(cli_ctx).sent
    show(Interrupted("Interrupted." if sent else "Interrupted; nothing was changed."))


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
    if region is not None and region.provisioning_state.lower() == FAILED:
        raise errors.OperationFailedError(
            f"Adding region {name} to pool {pool} ended in Failed.",
            hint=FAILED_REGION,
        )
