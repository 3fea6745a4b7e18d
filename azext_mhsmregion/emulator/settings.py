"""What a user may set of an emulator, kept in its store (DESIGN section 3)."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

from azext_mhsmregion.emulator import parse
from azext_mhsmregion.model import places
from azext_mhsmregion.model.errors import Invalid
from azext_mhsmregion.model.profile import DEFAULT_PROFILE, Profile, profile
from azext_mhsmregion.model.regions import DEFAULT_EDITION, EDITIONS, catalogue

LONGEST = 366 * 86400
"""Seconds that a duration may be."""
_SEEDS = 2**63
_NONE: Mapping[str, Any] = {}


class Settings(NamedTuple):
    """``durations`` are seconds by name, over the profile's; ``seed`` makes ids' and lags'
    randomness repeatable; ``without_capacity`` names regions whose add ends in Failed (E5, G3);
    ``place`` is where a client stands that does not say; ``routing`` is how the traffic manager
    orders healthy regions (F6), ``latency`` milliseconds by place and region for it; ``pacing``
    whether partitions work at their documented rates only (A9)."""

    profile: str = DEFAULT_PROFILE
    durations: Mapping[str, float] = _NONE
    edition: str = DEFAULT_EDITION
    seed: int = 0
    advance_on_poll: bool = True
    without_capacity: Tuple[str, ...] = ()
    place: str = ""
    routing: str = "nearest"
    latency: Mapping[str, Mapping[str, float]] = _NONE
    pacing: bool = False

    def changed(self, **changes: Any) -> Settings:
        """The settings with some replaced. Raises ValueError for what cannot be."""
        made = self._replace(**changes)
        wrong = [name for name, value in made.durations.items() if not 0 <= value <= LONGEST]
        if wrong:
            raise ValueError(f"{wrong[0]} must be from 0 to {LONGEST} seconds (366 days)")
        if made.edition not in EDITIONS:
            raise ValueError(f"unknown edition {made.edition!r}: {', '.join(EDITIONS)}")
        from azext_mhsmregion.model.routing import METHODS  # reads of the control plane need none

        if made.routing not in METHODS:
            raise ValueError(f"unknown routing {made.routing!r}: {', '.join(METHODS)}")
        measured = {name for row in made.latency.values() for name in row}
        for name in (*made.without_capacity, *made.latency, *measured):
            if not catalogue().known(name):
                raise ValueError(f"unknown region {name!r}")
        made.checked_profile()
        return made

    def checked_profile(self) -> Profile:
        """The profile with this emulator's durations. Raises ValueError."""
        return profile(self.profile, self.durations)


def encode(settings: Settings) -> Dict[str, Any]:
    return settings._asdict()


def decode(raw: Optional[Mapping[str, Any]]) -> Settings:
    if raw is None:
        return Settings()
    return Settings(**{**raw, "without_capacity": tuple(raw["without_capacity"])})


def changes(body: Mapping[str, Any]) -> Dict[str, Any]:
    """What a request wants changed, each member of its type; null changes nothing. Raises Invalid."""
    parse.refuse_unknown(body, _READERS, "The settings")
    return {name: _READERS[name](body, name) for name, value in body.items() if value is not None}


def _text(body: Mapping[str, Any], name: str) -> str:
    return parse.required(body, name, str)


def _switch(body: Mapping[str, Any], name: str) -> bool:
    return parse.required(body, name, bool)


def _seed(body: Mapping[str, Any], name: str) -> int:
    number = parse.required(body, name, int)
    if not -_SEEDS <= number < _SEEDS:
        raise Invalid(f"'{name}' must be an integer of 64 bits.", "BadParameter")
    return number


def _regions(body: Mapping[str, Any], name: str) -> Tuple[str, ...]:
    return tuple(parse.strings(body, name))


def _place(body: Mapping[str, Any], name: str) -> str:
    return places.parse(parse.required(body, name, str))


def _numbers(body: Mapping[str, Any], name: str) -> Dict[str, float]:
    values = parse.required(body, name, dict)
    return {key: parse.finite(f"{name}.{key}", value) for key, value in values.items()}


def _latency(body: Mapping[str, Any], name: str) -> Dict[str, Dict[str, float]]:
    """By the canonical names of places and regions, as the traffic manager looks them up."""
    normalise = catalogue().normalise
    rows = parse.required(body, name, dict)
    found = {where: _numbers(rows, where) for where in rows}
    if any(value < 0 for row in found.values() for value in row.values()):
        raise Invalid(f"'{name}' must be milliseconds from 0 on.", "BadParameter")
    table: Dict[str, Dict[str, float]] = {}
    for where, row in found.items():
        measured = {normalise(region): value for region, value in row.items()}
        table.setdefault(normalise(where), {}).update(measured)
    return table


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    "profile": _text,
    "durations": _numbers,
    "edition": _text,
    "seed": _seed,
    "advance_on_poll": _switch,
    "without_capacity": _regions,
    "place": _place,
    "routing": _text,
    "latency": _latency,
    "pacing": _switch,
}
