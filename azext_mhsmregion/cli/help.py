"""The help as Knack takes it, and what the extension does otherwise than az's own commands."""

from __future__ import annotations

from textwrap import indent
from typing import Dict, Iterable, Tuple

from azext_mhsmregion.cli.commands import groups
from azext_mhsmregion.cli.help_texts import COMMANDS, GROUPS, WELCOME, Text

__all__ = ["AZ_DIFFERENCES", "COMMANDS", "GROUPS", "WELCOME", "as_yaml", "load"]

# What the extension's answers differ in from those of az's own commands of the same names: said in
# az's help and in HISTORY.rst (a test compares them).
SENDS = (
    "sends location, sku and regions only, where az sends the whole pool back and so reverts what "
    "others changed meanwhile (--full-body does it az's way)"
)
AZ_DIFFERENCES: Dict[str, Tuple[str, ...]] = {
    "keyvault region": (
        "replaces az's own group while the extension is installed",
        "show, list-locations, cost, `wait --replicated`, --dry-run, --provider and its companions are new",
        "status, route, watch and drill are new, and of the emulator only",
        "a pool or region that does not exist ends with exit code 3",
        "with the emulator provider no login is needed and no request leaves the process",
    ),
    "keyvault region add": (
        "prints the regions, as list does, where az prints the pool or nothing",
        "a region that is there already is a warning and exit code 0",
        "waits for an add that is under way, and fails when that ended in Failed",
        "tries a failed region again",
        "refuses the primary region before anything is sent",
        SENDS,
    ),
    "keyvault region remove": (
        "prints the regions, as list does, where az prints the pool or nothing",
        "a region that is not there is a warning and exit code 0",
        "refuses the primary region before anything is sent",
        "refuses without --yes when acknowledged writes would be lost",
        "asks first when the setting is on: az config set mhsmregion.confirm_remove=true",
        SENDS,
    ),
    "keyvault region list": (
        "finds the pool without --resource-group",
        "lists the primary region first",
        "has a table view of its own: Name, Display name, Primary, State",
    ),
    "keyvault region wait": (
        "--region waits for one region; without it, for the pool, as az does",
        "--replicated is new",
        "a time-out ends with exit code 1, where az prints it and ends with 0",
        "--custom is tried before a failed state ends the wait",
    ),
}


def load(program: str, commands: Iterable[str]) -> None:
    """Give Knack the help of ``commands`` and, in ``mhsm``, of their groups. In az the group
    ``keyvault`` stays core's."""
    from knack.help_files import helps

    names = list(commands)
    for name in ["", *groups(names)]:
        if program == "az" and name not in AZ_DIFFERENCES:
            continue
        helps[name] = as_yaml("group", name, GROUPS[name], program)
    for name in names:
        helps[name] = as_yaml("command", name, COMMANDS[name], program)


def as_yaml(kind: str, name: str, text: Text, program: str) -> str:
    """One help entry in Knack's YAML."""
    different = AZ_DIFFERENCES.get(name) if program == "az" else None
    differences = f"Differs from az's own: {'; '.join(different)}." if different else ""
    own = text.detail if kind == "group" else _flowing(text.detail)
    detail = "\n\n".join(part for part in (own, differences) if part)
    lines = [f"type: {kind}", "short-summary: |-", _block(text.summary, 2)]
    if detail:
        lines += ["long-summary: |-", _block(detail, 2)]
    lines.append("examples:")
    for what, how in text.examples:
        lines += ["  - name: |-", _block(what, 6)]
        lines += ["    text: |-", _block(how.replace("{p}", program), 6)]
    return "\n".join(lines) + "\n"


def _flowing(text: str) -> str:
    """Each paragraph in one line: Knack wraps it, and keeps the breaks that are there."""
    paragraphs = (" ".join(one.split()) for one in text.split("\n\n"))
    return "\n\n".join(one for one in paragraphs if one)


def _block(text: str, spaces: int) -> str:
    return indent(text, " " * spaces)
