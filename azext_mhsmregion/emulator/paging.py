"""Lists in pages. A token is the last item that was given, so that what comes and goes between
two pages neither hides an item nor shows one twice."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Dict, List, Mapping, Sequence, Tuple
from urllib.parse import urlencode

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.model.errors import Invalid

TOKEN = "$skiptoken"
Item = Tuple[str, Any]
"""What it is sorted by, and what is shown of it."""


def page(
    items: Sequence[Item], query: Mapping[str, str], size_name: str, largest: int, url: str
) -> Dict[str, Any]:
    """The page that ``query`` asks for (``largest`` items at most, fewer with ``size_name``) and,
    while there is more, the ``nextLink`` under ``url``. Raises Invalid."""
    size = _size(query, size_name, largest)
    start = _start([key for key, _ in items], query.get(TOKEN))
    shown = items[start : start + size]
    body: Dict[str, Any] = {"value": [item for _, item in shown]}
    if start + size < len(items):
        follow = {name: value for name, value in query.items() if name != TOKEN}
        body["nextLink"] = f"{url}?{urlencode({**follow, TOKEN: shown[-1][0]})}"
    return body


def _size(query: Mapping[str, str], name: str, largest: int) -> int:
    text = query.get(name)
    if text is None:
        return largest
    size = parse.whole_number(text)
    if not size:
        raise Invalid(f"'{name}' must be a whole number from 1 to {largest}.", "BadParameter")
    return min(largest, size)


def _start(keys: List[str], last: Any) -> int:
    if last is None:
        return 0
    return keys.index(last) + 1 if last in keys else bisect_right(keys, last)
