"""Paths to handlers: templates with ``{name}`` parts, compared without regard to case (C3b)."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Optional, Pattern, Tuple
from urllib.parse import unquote


class Router:
    """A table of (method, path template) → handler, in order of registration."""

    def __init__(self) -> None:
        self._routes: List[Tuple[str, Pattern[str], Callable[..., Any]]] = []

    def add(self, method: str, template: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: the function answers ``method`` on ``template``. ``{name}`` matches one path
        segment, ``{name:path}`` any number."""
        pattern = re.escape(template)
        pattern = re.sub(r"\\\{(\w+):path\\\}", r"(?P<\1>.*?)", pattern)
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
        compiled = re.compile(f"^{pattern}/?$", re.IGNORECASE)

        def register(handler: Callable[..., Any]) -> Callable[..., Any]:
            self._routes.append((method, compiled, handler))
            return handler

        return register

    def find(self, method: str, path: str) -> Tuple[Optional[Callable[..., Any]], Dict[str, str], bool]:
        """The handler and its parameters (percent-decoded); and whether the path is known at all."""
        known = False
        for wanted, pattern, handler in self._routes:
            match = pattern.match(path)
            if match is None:
                continue
            known = True
            if wanted == method:
                return handler, {key: unquote(value) for key, value in match.groupdict().items()}, True
        return None, {}, known
