"""Places that a client can stand in: ``uksouth``, or ``region.uksouth`` as a proxy's user name has
it (DESIGN section 4). Parsed at the door; inside, a place is a region's canonical name."""

from __future__ import annotations

from typing import Mapping, Optional

from azext_mhsmregion.provider.errors import UsageError

VARIABLE = "MHSMREGION_PLACE"
PREFIX = "region."


def parse(text: str, source: str = "") -> str:
    """The region's canonical name. Raises UsageError for a place that nobody knows: it would
    silently mean the primary. ``source`` is where the text came from."""
    from azext_mhsmregion.model.regions import catalogue

    name = text[len(PREFIX) :] if text.lower().startswith(PREFIX) else text
    known = catalogue()
    if known.known(name):
        return known.normalise(name)
    near = known.near(name)
    hint = "`keyvault region list-locations` lists the regions."
    where = f" ({source})" if source else ""
    raise UsageError(
        f"No region is called {text}{where}.", f"Did you mean {', '.join(near)}?" if near else hint
    )


def of_environment(environ: Mapping[str, str]) -> Optional[str]:
    """The place that MHSMREGION_PLACE names, None when it names none."""
    text = environ.get(VARIABLE, "").strip()
    return parse(text, VARIABLE) if text else None


def option(text: str) -> str:
    """The value of ``--from``, for argparse."""
    try:
        return parse(text)
    except UsageError as error:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{error.message} {error.hint}") from error
