"""Who may do what, from the role rows that a region shows: written anew, patterns split at the stars."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from azext_mhsmregion.model.data import load

from ..memory import Group
from . import replay
from .book import Stay

Bodies = Dict[str, Mapping[str, Any]]
PREFIX = "Microsoft.KeyVault/managedHsm/"


class Rights:
    """Built-in roles by id, read from the data file."""

    def __init__(self) -> None:
        self.roles: Dict[str, Sequence[str]] = {
            entry["id"]: entry["data_actions"] for entry in load("roles")["roles"]
        }
        self._known: Dict[Stay, Tuple[int, Bodies, Bodies]] = {}

    def _roles_of(self, stay: Stay) -> Tuple[Bodies, Bodies]:
        """Assignments and definitions that a region shows; worked out when one of them changed."""
        known = self._known.get(stay)
        if known is None or known[0] != stay.roles:
            known = (stay.roles, _shown(stay, "role_assignment"), _shown(stay, "role_definition"))
            self._known[stay] = known
        return known[1], known[2]

    def allowed(self, stay: Stay, principal: str, action: str, scope: str) -> bool:
        """Does something that the region shows allow it?"""
        assignments, _ = self._roles_of(stay)
        for body in assignments.values():
            if body["principalId"] != principal or not _within(body["scope"], scope):
                continue
            role_id = body["roleDefinitionId"].split("/")[-1]
            if self._grants(stay, role_id, PREFIX + action):
                return True
        return False

    def _grants(self, stay: Stay, role_id: str, action: str) -> bool:
        if role_id in self.roles:
            return action in self.roles[role_id]
        custom = self._roles_of(stay)[1].get(role_id)
        if custom is None:
            return False
        given, taken = custom.get("dataActions", ()), custom.get("notDataActions", ())
        return _any(given, action) and not _any(taken, action)


def _shown(stay: Stay, kind: str) -> Dict[str, Mapping[str, Any]]:
    found: Dict[str, Mapping[str, Any]] = {}
    for group in stay.role_groups:
        if group[0] == kind:
            _add(found, group, stay.seen.get(group, {}).values())
    return found


def _add(found: Dict[str, Mapping[str, Any]], group: Group, entries: Iterable[Any]) -> None:
    body = replay.shown(group, entries)
    if body is not None:
        found[group[1]] = body[0]


def _within(granted: str, asked: str) -> bool:
    have: List[str] = [part for part in granted.split("/") if part]
    want: List[str] = [part for part in asked.split("/") if part]
    return want[: len(have)] == have


def _any(patterns: Sequence[str], action: str) -> bool:
    return any(_like(pattern.lower(), action.lower()) for pattern in patterns)


def _like(pattern: str, text: str) -> bool:
    head, *rest = pattern.split("*")
    if not text.startswith(head):
        return False
    text = text[len(head) :]
    for number, piece in enumerate(rest):
        if number == len(rest) - 1:
            return text.endswith(piece)
        at = text.find(piece)
        if at < 0:
            return False
        text = text[at + len(piece) :]
    return not text or bool(rest)
