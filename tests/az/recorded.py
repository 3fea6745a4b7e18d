"""What az prints beside what the service answered when az's own tests were recorded: the JSON paths of
both. az prints a model of its own, so values that are null are left out."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Set, Tuple

from shared_data import golden

Differences = Dict[str, Tuple[Set[str], Set[str]]]
"""By command: the paths that az lacks, and those that only az has."""


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every path to a value that is not null: ``a.b`` for members, ``[]`` for items of a list."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}[]")
    elif value is not None:
        yield at


def bodies() -> Dict[str, Any]:
    """The last body that each command of ``hsm_mgmt`` was answered with; a list's first item."""
    found: Dict[str, Any] = {}
    for exchange in golden("hsm_mgmt"):
        body = exchange["response"]["body"]
        if isinstance(body, dict) and exchange["response"]["status"] == 200:
            found[exchange["command"]] = body.get("value", body)
    return {command: body[:1] if isinstance(body, list) else body for command, body in found.items()}


def differences(printed: Dict[str, Any]) -> Differences:
    """Of what az ``printed``, by command; those that do not differ are left out."""
    recorded = bodies()
    found: Differences = {}
    for command, output in printed.items():
        here, there = set(paths(output)), set(paths(recorded[command]))
        if here != there:
            found[command] = (there - here, here - there)
    return found
