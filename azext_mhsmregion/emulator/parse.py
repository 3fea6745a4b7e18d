"""Parse at the door, once: JSON bodies to typed values, or the error that the service gives."""

from __future__ import annotations

import json
import math
from typing import Any, Collection, Dict, List, Mapping, Optional, Tuple, Type, TypeVar

from azext_mhsmregion.emulator.wire import Request
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.errors import Invalid

T = TypeVar("T")
LAST_UNIX_TIME = 253_402_300_799
"""The end of the year 9999."""
_LONGEST_NUMBER = 18
"""Digits; all such numbers fit 64 bits."""
_NAMES = {str: "a string", bool: "a boolean", int: "an integer", dict: "an object", list: "an array"}


def body(request: Request, once: bool = False) -> Mapping[str, Any]:
    """The JSON object of a request; a missing or null body is an empty object (K5).

    Raises Invalid for what is not JSON or not an object, and with ``once`` for an object that names a
    member twice.
    """
    if not request.body.strip():
        return {}
    try:
        parsed = json.loads(request.body, object_pairs_hook=_each_once if once else None)
    except (ValueError, RecursionError):
        raise Invalid("The request body is not valid JSON.", "InvalidRequestContent") from None
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise Invalid("The request body must be a JSON object.", "InvalidRequestContent")
    return parsed


def _each_once(members: List[Tuple[str, Any]]) -> Dict[str, Any]:
    made = dict(members)
    if len(made) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(messages.member_twice(twice), "BadParameter")
    return made


def whole_number(text: str) -> Optional[int]:
    """The number that the text spells in plain digits, None for anything else: ``isdigit`` alone
    takes digits that ``int`` refuses, and ``int`` takes others than the ten, and no end of them."""
    plain = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return int(text) if plain else None


def optional(source: Mapping[str, Any], name: str, kind: Type[T]) -> Optional[T]:
    """A member of the wanted type, None when absent or null; digits in a string are an integer
    (az sends the retention so, and the service takes it). Raises Invalid."""
    value: Any = source.get(name)
    if value is None:
        return None
    if kind is int and isinstance(value, str):
        value = whole_number(value)
    wrong = not isinstance(value, kind) or (kind is int and isinstance(value, bool))
    if wrong:
        raise Invalid(f"'{name}' must be {_NAMES[kind]}.", "BadParameter")
    return value  # type: ignore[no-any-return]


def number(source: Mapping[str, Any], name: str) -> Optional[float]:
    """A finite number, None when absent or null (JSON as Python reads it has NaN and Infinity).
    Raises Invalid."""
    value = source.get(name)
    return None if value is None else finite(name, value)


def finite(name: str, value: Any) -> float:
    """The value of ``name`` as a finite number. Raises Invalid."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not _is_finite(value):
        raise Invalid(f"'{name}' must be a number.", "BadParameter")
    return float(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that no float holds
        return False


def unix_time(source: Mapping[str, Any], name: str) -> Optional[int]:
    """Seconds since 1970, up to the year 9999; None when absent. Raises Invalid."""
    value = optional(source, name, int)
    if value is not None and not 0 <= value <= LAST_UNIX_TIME:
        raise Invalid(f"'{name}' must be a time in seconds since 1970.", "BadParameter")
    return value


def required(source: Mapping[str, Any], name: str, kind: Type[T]) -> T:
    """A member that must be there. Raises Invalid."""
    value = optional(source, name, kind)
    if value is None:
        raise Invalid(f"'{name}' must be given.", "BadParameter")
    return value


def strings(source: Mapping[str, Any], name: str) -> List[str]:
    """A list of strings, empty when absent. Raises Invalid."""
    values = optional(source, name, list) or []
    if not all(isinstance(value, str) for value in values):
        raise Invalid(f"'{name}' must be an array of strings.", "BadParameter")
    return values


def text_map(source: Mapping[str, Any], name: str) -> Optional[Mapping[str, str]]:
    """An object of strings (tags), None when absent. Raises Invalid."""
    values: Optional[Mapping[str, Any]] = optional(source, name, dict)
    if values is not None and not all(isinstance(value, str) for value in values.values()):
        raise Invalid(f"'{name}' must be an object of strings.", "BadParameter")
    return values


def refuse_unknown(source: Mapping[str, Any], known: Collection[str], what: str) -> None:
    """Raises Invalid for a member that ``what`` does not have."""
    unknown = sorted(set(source) - set(known))
    if unknown:
        members = ", ".join(sorted(known))
        raise Invalid(f"{what} has no '{unknown[0]}'; it has {members}.", "BadParameter")
