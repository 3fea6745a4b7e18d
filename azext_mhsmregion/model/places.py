"""Places that a client can stand in (DESIGN section 4): a region in any spelling (G5, G7), or
``region.<name>``. Parsed at every door by this one function; inside, a place is a region's canonical
name, or empty: the default one."""

from __future__ import annotations

from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Invalid, NotCovered
from azext_mhsmregion.model.regions import catalogue

DEFAULT = "-"
"""What stands for no place where a name may not be empty."""

_REGION, _VNET = "region.", "vnet."
_LONGEST = 100


def parse(text: str) -> str:
    """The canonical name of the place's region, empty for the default place. Raises Invalid for what
    is no place (it would silently mean the primary), NotCovered for a virtual network."""
    if text in ("", DEFAULT):
        return ""
    text = "".join(one if one.isprintable() else "?" for one in text[:_LONGEST])
    name = text[len(_REGION) :] if text.lower().startswith(_REGION) else text
    known = catalogue()
    if known.known(name):
        return known.normalise(name)
    if _is_network(text):
        raise NotCovered(messages.place_in_network(text))
    raise Invalid(messages.unknown_place(text, known.near(name)), "BadParameter")


def _is_network(text: str) -> bool:
    """``vnet.<group>.<name>``."""
    _, group, name = (*text.split(".", 2), "", "")[:3]
    return text.lower().startswith(_VNET) and bool(group) and bool(name)
