"""Settings of a pool: a fixed list, each with a value of its type; they replicate as keys do (A4, L6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import List, Mapping

from azext_mhsmregion.model.data import load
from azext_mhsmregion.model.errors import Invalid, NotFound
from azext_mhsmregion.model.merge import Objects
from azext_mhsmregion.model.rows import Kind, Write

_BOOLEANS = ("true", "false")


@dataclass(frozen=True)
class Setting:
    """A setting with its value, which is text whatever its type (recorded)."""

    name: str
    type: str
    value: str


@cache
def defaults() -> Mapping[str, Setting]:
    """What a new pool has, by lower-case name."""
    return {
        entry["name"].lower(): Setting(entry["name"], entry["type"], entry["value"])
        for entry in load("settings")["settings"]
    }


def settings(objects: Objects) -> List[Setting]:
    """All settings as a region shows them."""
    return [setting(objects, one.name) for one in defaults().values()]


def setting(objects: Objects, name: str) -> Setting:
    """One setting as a region shows it. Raises NotFound."""
    default = defaults().get(name.lower())
    if default is None:
        raise NotFound(f"The setting '{name}' was not found.", "SettingNotFound")
    body = objects.settings.get(default.name)
    return default if body is None else replace(default, value=body["value"])


def change(objects: Objects, name: str, value: str) -> Write:
    """Give a setting another value. Raises NotFound, Invalid for a value that is none of its type (ours)."""
    found = setting(objects, name)
    if found.type == "boolean" and value.lower() not in _BOOLEANS:
        raise Invalid(
            f"The setting '{found.name}' is {' or '.join(_BOOLEANS)}, not '{value}'.", "BadParameter"
        )
    return Write(Kind.SETTING, found.name, "", {"value": value.lower()})
