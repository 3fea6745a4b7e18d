"""Places on the command line (``model/places.py``): what is none is wrong usage."""

from __future__ import annotations

from typing import Mapping, Optional

from azext_mhsmregion.provider.errors import UsageError

VARIABLE = "MHSMREGION_PLACE"
HINT = "`keyvault region list-locations` lists the regions."


def parse(text: str, source: str = "") -> str:
    """The region's canonical name, empty for the default place. Raises UsageError; ``source`` is where
    the text came from."""
    from azext_mhsmregion.model import places
    from azext_mhsmregion.model.errors import ModelError

    try:
        return places.parse(text)
    except ModelError as error:
        where = f"{source}: " if source else ""
        raise UsageError(f"{where}{error.message}", HINT) from error


def of_environment(environ: Mapping[str, str]) -> Optional[str]:
    """The place that MHSMREGION_PLACE names, None when it names none."""
    text = environ.get(VARIABLE, "").strip()
    return parse(text, VARIABLE) if text else None


def option(text: str) -> str:
    """The value of ``--from``, for argparse."""
    try:
        if not text.strip():
            raise UsageError("The place is empty.", HINT)
        return parse(text)
    except UsageError as error:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{error.message} {error.hint}") from error
