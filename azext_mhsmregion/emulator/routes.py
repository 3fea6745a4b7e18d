"""Paths to handlers: templates with ``{name}`` parts, compared without regard to case (C3b)."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import unquote

Handler = Callable[..., Any]
ANY_LENGTH = -1
"""Of a template that begins with any number of segments."""


class Router:
    """A table of (method, path template) → handler, in order of registration.

    ``{name}`` stands for one path segment; ``{name:path}``, in front only, for any number.
    """

    def __init__(self) -> None:
        self._routes: List[Tuple[str, List[str], int, Handler]] = []

    def add(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """Decorator: the function answers ``method`` on ``template``."""

        def register(handler: Handler) -> Handler:
            parts = [part if part.startswith("{") else part.lower() for part in _segments(template)]
            length = ANY_LENGTH if parts and parts[0].endswith(":path}") else len(parts)
            self._routes.append((method, parts, length, handler))
            return handler

        return register

    def find(self, method: str, path: str) -> Tuple[Optional[Handler], Dict[str, str], bool]:
        """The handler and its parameters (percent-decoded); and whether the path is known at all.
        A slash at the end of the path is nothing (K5)."""
        asked = _segments(path)
        known = False
        segments = len(asked)
        for wanted, template, length, handler in self._routes:
            if length not in (segments, ANY_LENGTH):
                continue
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
    """The parameters of a path that fits the template, which has as many segments or any number of them; None
    for one that does not."""
    found: Dict[str, str] = {}
    if template and template[0].endswith(":path}"):
        length = len(asked) - (len(template) - 1)
        if length < 0:
            return None
        found[template[0][1 : -len(":path}")]] = "/" + "/".join(asked[:length])
        template, asked = template[1:], asked[length:]
    for wanted, given in zip(template, asked):
        if wanted.startswith("{"):
            found[wanted[1:-1]] = given
        elif wanted != given and wanted != given.lower():
            return None
    return found
