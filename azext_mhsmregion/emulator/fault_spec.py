"""A fault as people write it, by itself or in a schedule (``fault_schedule.py``).

    {"scope": "region", "region": "uksouth", "effect": "hang", "after": 5, "for": "60s"}
    {"scope": "pool", "hsmName": "ContosoMHSM", "region": "uksouth", "after": [5, 20], "for": "1m"}

``after`` (from now on) and ``for`` are seconds, a text such as ``90s``, ``6m``, ``2h``, or a range of
two of them, from which a schedule's seed draws. Without ``for`` the fault stays until it is cleared.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Callable, Mapping, Optional, Type, TypeVar

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.emulator.unit import Unit
from azext_mhsmregion.model import messages
from azext_mhsmregion.model.chance import chance
from azext_mhsmregion.model.clock import NEVER, SECOND
from azext_mhsmregion.model.durations import seconds
from azext_mhsmregion.model.errors import Invalid, NotFound
from azext_mhsmregion.model.faults import EFFECTS, WIDE, Effect, Fault, FaultKind, Scope
from azext_mhsmregion.model.regions import catalogue

MEMBERS = {
    "scope", "hsmName", "region", "partition", "to", "oneWay", "effect", "kind", "after", "for", "rate",
    "milliseconds",
}  # fmt: skip

E = TypeVar("E", bound=Enum)
NewId = Callable[[], str]


def one(unit: Unit, spec: Mapping[str, Any], new_id: NewId, seed: int = 0, number: int = 0) -> Fault:
    """The fault that ``spec`` asks for, from now on. Raises Invalid, and NotFound for a pool that
    does not exist. ``seed`` and ``number`` decide what a range comes to. Scopes service and region hit
    every pool there (F4), whichever was named."""
    parse.refuse_unknown(spec, MEMBERS, "A fault")
    _refuse_empty(spec)
    scope = _choice(spec, "scope", Scope, Scope.POOL if spec.get("hsmName") else Scope.REGION)
    start = unit.now + _milliseconds(spec, "after", 0, (seed, number))
    lasts = _milliseconds(spec, "for", NEVER, (seed, number))
    region = _region(parse.required(spec, "region", str))
    pool = _pool(unit, parse.optional(spec, "hsmName", str), region)
    rate = spec.get("rate", 1.0)
    if isinstance(rate, bool) or not isinstance(rate, (int, float)):
        raise Invalid("'rate' must be a number.", "BadParameter")
    return Fault(
        id=new_id()[:8],
        scope=scope,
        region=region,
        effect=_choice(spec, "effect", Effect, EFFECTS[scope][0]),
        start=start,
        end=min(NEVER, start + lasts),
        pool="" if scope in WIDE else pool,
        partition=parse.optional(spec, "partition", int),
        to=_region(parse.optional(spec, "to", str) or ""),
        both_ways=not parse.optional(spec, "oneWay", bool),
        kind=_choice(spec, "kind", FaultKind, FaultKind.TRANSIENT),
        rate=float(rate),
        milliseconds=parse.optional(spec, "milliseconds", int) or 0,
    )


def _refuse_empty(spec: Mapping[str, Any]) -> None:
    """A variable that is not set leaves an empty text: without it, more would be broken."""
    empty = next((name for name, value in spec.items() if value == ""), None)
    if empty is not None:
        raise Invalid(messages.member_empty(empty), "BadParameter")


def _milliseconds(spec: Mapping[str, Any], name: str, default: int, draw: Any) -> int:
    value = spec.get(name)
    if value is None:
        return default
    if isinstance(value, list) and len(value) == 2:
        low, high = (_number(name, end) for end in value)
        if low > high:
            raise Invalid(messages.range_is_reversed(name), "BadParameter")
        return int(SECOND * (low + (high - low) * chance(name, *draw)))
    return int(SECOND * _number(name, value))


def _number(name: str, value: Any) -> float:
    try:
        number = seconds(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        number = -1
    if isinstance(value, bool) or not 0 <= number < NEVER / SECOND:
        raise Invalid(messages.not_a_duration(name), "BadParameter")
    return number


def _choice(spec: Mapping[str, Any], name: str, kinds: Type[E], default: E) -> E:
    value = parse.optional(spec, name, str)
    if value is None:
        return default
    try:
        return kinds(value)
    except ValueError:
        known = ", ".join(str(kind.value) for kind in kinds)
        raise Invalid(messages.not_one_of(name, value, known), "BadParameter") from None


def _region(text: str) -> str:
    if text and not catalogue().known(text):
        raise Invalid(catalogue().invalid_name_message(text))
    return catalogue().normalise(text)


def _pool(unit: Unit, name: Optional[str], region: str) -> str:
    """The id of the pool that was named, which must be in the region."""
    if name is None:
        return ""
    pool = unit.require_pool(name)
    if pool.region(region, unit.now) is None:
        raise NotFound(messages.pool_not_in_region(pool.name, region), "RegionNotFound")
    return pool.id
