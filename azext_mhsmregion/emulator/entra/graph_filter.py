"""``$filter`` of a list: clauses joined by ``and``, as az writes them.

displayName eq 'x'      startswith(displayName,'x')      servicePrincipalNames/any(c:c eq 'x')
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List

from azext_mhsmregion.emulator.entra.graph_objects import GraphError

_LITERAL = r"'((?:[^']|'')*)'"
_EQUAL = re.compile(rf"\s*(\w+)\s+eq\s+{_LITERAL}\s*", re.IGNORECASE)
_BEGINS = re.compile(rf"\s*startswith\(\s*(\w+)\s*,\s*{_LITERAL}\s*\)\s*", re.IGNORECASE)
_ANY = re.compile(rf"\s*(\w+)/any\(\s*(\w+)\s*:\s*\2\s+eq\s+{_LITERAL}\s*\)\s*", re.IGNORECASE)
_AND = re.compile(r"\s*and\s+", re.IGNORECASE)
_TEXTS = {"id", "displayName", "userPrincipalName", "appId", "mailNickname"}
_LISTS = {"servicePrincipalNames"}

Clause = Callable[[Dict[str, Any]], bool]


def clauses(text: str) -> List[Clause]:
    """What an entry's properties must all satisfy. Raises GraphError for what is not known here."""
    found, at = [], 0
    while True:
        for form in (_EQUAL, _BEGINS, _ANY):
            match = form.match(text, at)
            if match:
                found.append(_clause(form, match, text))
                break
        else:
            raise _unsupported(text)
        if match.end() == len(text):
            return found
        joint = _AND.match(text, match.end())
        if joint is None:
            raise _unsupported(text)
        at = joint.end()


def _clause(form: re.Pattern[str], match: re.Match[str], text: str) -> Clause:
    """Texts are compared without regard to case, as Graph does."""
    wanted = match.group(match.lastindex or 0).replace("''", "'").lower()
    name = _name(match.group(1), _LISTS if form is _ANY else _TEXTS, text)
    if form is _EQUAL:
        return lambda shown: str(shown.get(name)).lower() == wanted
    if form is _BEGINS:
        return lambda shown: str(shown.get(name)).lower().startswith(wanted)
    return lambda shown: wanted in [str(value).lower() for value in shown.get(name, ())]


def _name(written: str, known: set[str], text: str) -> str:
    found = next((name for name in known if name.lower() == written.lower()), None)
    if found is None:
        raise _unsupported(text)
    return found


def _unsupported(text: str) -> GraphError:
    return GraphError(400, "Request_UnsupportedQuery", f"This emulator does not know the filter: {text}")
