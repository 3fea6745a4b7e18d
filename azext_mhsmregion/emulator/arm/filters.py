"""``$filter`` of ARM's generic lists: equalities joined by ``and``, and nothing else. A filter that
is not understood is refused, since one that is ignored answers with everything."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Collection, Dict, Mapping, Optional

from azext_mhsmregion.model.errors import Invalid

RESOURCES = ("resourcetype", "name", "resourcegroup", "location", "tagname", "tagvalue")
"""What resources can be filtered by, in lower case; groups by their tags only."""

GROUPS = ("tagname", "tagvalue")

_EQUALITY = re.compile(r"\s*(\w+)\s+eq\s+'((?:[^']|'')*)'\s*(?:$|and\s)", re.IGNORECASE)


@dataclass(frozen=True)
class Filter:
    """The value that each named field must have."""

    wanted: Mapping[str, str] = field(default_factory=dict)

    @property
    def by_tag(self) -> bool:
        """ARM leaves the tags out of the answer then, as its documentation says."""
        return "tagname" in self.wanted or "tagvalue" in self.wanted

    def takes(self, fields: Mapping[str, str], tags: Optional[Mapping[str, str]]) -> bool:
        """Does it let through what has these fields (names in lower case) and tags? Values are
        compared without regard to case, those of tags with."""
        plain = {name: value for name, value in self.wanted.items() if name not in GROUPS}
        if any(fields.get(name, "").lower() != value.lower() for name, value in plain.items()):
            return False
        return not self.by_tag or any(self._takes_tag(*tag) for tag in (tags or {}).items())

    def _takes_tag(self, name: str, value: str) -> bool:
        wanted = self.wanted
        has_name = wanted.get("tagname", name).lower() == name.lower()
        return has_name and wanted.get("tagvalue", value) == value


def parsed(text: Optional[str], known: Collection[str]) -> Filter:
    """The filter of a request; one without takes everything. Raises Invalid, in ARM's words."""
    if text is None or not text.strip():
        return Filter()
    wanted: Dict[str, str] = {}
    position = 0
    while position < len(text):
        found = _EQUALITY.match(text, position)
        name = found.group(1).lower() if found else ""
        if found is None or name not in known or name in wanted:
            raise _invalid(text)
        wanted[name] = found.group(2).replace("''", "'")
        position = found.end()
    if text.rstrip().lower().endswith("and"):
        raise _invalid(text)
    return Filter(wanted)


def _invalid(text: str) -> Invalid:
    return Invalid(f"Invalid $filter '{text}' specified in the query string.", "InvalidFilterInQueryString")
