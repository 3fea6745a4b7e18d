"""Values of recordings and answers: read, substituted, compared place by place."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Pattern, Tuple

CUT = re.compile(r"\.\.\.\(\d+ chars\)$|^\(private part removed\)$")


@dataclass(frozen=True)
class Difference:
    """``kind``: value, type, missing (in ours) or extra (in ours)."""

    exchange: int
    where: str
    kind: str
    recorded: Any = None
    ours: Any = None

    def __str__(self) -> str:
        both = f"recorded {short(self.recorded)}, ours {short(self.ours)}"
        return f"exchange {self.exchange}: {self.where}: {self.kind}: {both}"


class Bag(Dict[str, Any]):
    """A list whose order carries no meaning: rows by their key."""


class Texts:
    """Recorded texts and the emulator's own in their place, one for one."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._ours: Dict[str, str] = dict(known)
        self._pattern: Optional[Pattern[str]] = None

    def learn(self, recorded: str, ours: str) -> None:
        """The first meeting counts; a text that stands for two is not taken, and so differs."""
        if recorded not in self._ours and ours not in self._ours.values():
            self._ours[recorded] = ours
            self._pattern = None

    def ours(self, item: Any) -> Any:
        """A recorded value with every known text replaced."""
        if isinstance(item, Bag):
            return Bag({key: self.ours(value) for key, value in item.items()})
        if isinstance(item, dict):
            return {key: self.ours(value) for key, value in item.items()}
        if isinstance(item, list):
            return [self.ours(value) for value in item]
        if not isinstance(item, str) or not self._ours:
            return item
        if self._pattern is None:
            longest_first = sorted(self._ours, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern.sub(lambda match: self._ours[match[0]], item)


def compare(
    index: int, recorded: Any, ours: Any, is_volatile: Callable[[str], bool]
) -> Tuple[List[Difference], int]:
    """Paths, types, and values that are not volatile. What lies below a missing place, or one of
    another type, is not reported again."""
    old, new = nodes(recorded, "body"), nodes(ours, "body")
    found: List[Difference] = []
    above: List[str] = []
    checks = 0
    for where in [*old, *(where for where in new if where not in old)]:
        if any(where.startswith(f"{place}{mark}") for place in above for mark in ".[{"):
            continue
        checks += 1
        if where not in new or where not in old:
            kind = "missing" if where not in new else "extra"
            found.append(Difference(index, where, kind, old.get(where), new.get(where)))
            above.append(where)
        elif old[where][0] != new[where][0]:
            found.append(Difference(index, where, "type", old[where], new[where]))
            above.append(where)
        elif not is_volatile(where) and old[where][0] not in ("object", "array"):
            checks += 1
            if old[where][1] != new[where][1]:
                found.append(Difference(index, where, "value", old[where][1], new[where][1]))
    return found, checks


def nodes(item: Any, at: str) -> Dict[str, Tuple[str, Any]]:
    """Every place of a value with its type, and its value unless others lie below."""
    if isinstance(item, dict):
        is_bag = isinstance(item, Bag)
        made: Dict[str, Tuple[str, Any]] = {at: ("array" if is_bag else "object", None)}
        for key, value in item.items():
            made.update(nodes(value, f"{at}{{{key}}}" if is_bag else f"{at}.{key}"))
        return made
    if isinstance(item, list):
        made = {at: ("array", None)}
        for place, value in enumerate(item):
            made.update(nodes(value, f"{at}[{place}]"))
        return made
    return {at: (_kind(item), item)}


def _kind(item: Any) -> str:
    if item is None:
        return "null"
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return kinds[type(item)]


def read_body(data: bytes) -> Any:
    """A body as the recordings hold it: JSON, else text, else null."""
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def cuts(body: Any) -> List[str]:
    """Places of a request that the recording cut or blanked."""
    return [
        at
        for at, (_, value) in nodes(body, "request").items()
        if isinstance(value, str) and CUT.search(value)
    ]


def get(item: Any, dotted: str) -> Any:
    for name in dotted.split("."):
        item = item.get(name) if isinstance(item, dict) else None
    return item


def put(body: Any, where: str, value: Any) -> None:
    *above, last = where.split(".")[1:]
    for name in above:
        body = body[name]
    body[last] = value


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:120]} ... {text[-60:]}"
