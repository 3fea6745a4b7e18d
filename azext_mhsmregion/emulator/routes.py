"""Paths to handlers: templates with ``{name}`` parts, compared without regard to case (C3b)."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import unquote

Handler = Callable[..., Any]


class Router:
    """A table of (method, path template) → handler, in order of registration.

    ``{name}`` stands for one path segment; ``{name:path}``, in front only, for any number.
    """

    def __init__(self) -> None:
        self._routes: List[Tuple[str, List[str], Handler]] = []

    def add(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """Decorator: the function answers ``method`` on ``template``."""

        def register(handler: Handler) -> Handler:
            parts = [part if part.startswith("{") else part.lower() for part in _segments(template)]
            self._routes.append((method, parts, handler))
            return handler

        return register

    def find(self, method: str, path: str) -> Tuple[Optional[Handler], Dict[str, str], bool]:
        """The handler and its parameters (percent-decoded); and whether the path is known at all.
        A slash at the end of the path is nothing (K5)."""
        asked = _segments(path)
        known = False
        for wanted, template, handler in self._routes:
            found = _match(template, asked)
            if found is None:
                continue
            known = True
            if wanted == method:
                return handler, {name: unquote(value) for name, value in found.items()}, True
        return None, {}, known


def _segments(path: str) -> List[str]:
    return [segment for segment in path.split("/") if segment]


def _match(template: List[str], asked: List[str]) -> Optional[Dict[str, str]]:
    """The parameters of a path that fits the template, None for one that does not."""
    if len(template) != len(asked) and not (template and template[0].endswith(":path}")):
        return None
    found: Dict[str, str] = {}
    if template and template[0].endswith(":path}"):
        length = len(asked) - (len(template) - 1)
        if length < 0:
            return None
        found[template[0][1 : -len(":path}")]] = "/" + "/".join(asked[:length])
        template, asked = template[1:], asked[length:]
    if len(template) != len(asked):
        return None
    for wanted, given in zip(template, asked):
        if wanted.startswith("{"):
            found[wanted[1:-1]] = given
        elif wanted != given and wanted != given.lower():
            return None
    return found
