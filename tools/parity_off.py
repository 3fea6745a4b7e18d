"""A pytest plugin that switches one operation off: ``MHSMREGION_PARITY_OFF="GET /path/{template}"``.

Its route answers 501, in this process; where the template ends in a key's version, before the operation
or not, the route without one too. tools/parity.py uses it; the product knows nothing of it.
"""

from __future__ import annotations

import functools
import os
from typing import Any, Callable, Dict, List, Optional, Tuple

from azext_mhsmregion.emulator.routes import Handler, Router
from azext_mhsmregion.emulator.wire import Response, json_response

OFF = "MHSMREGION_PARITY_OFF"
VERSION = "/{key-version}"


def pytest_configure(config: Any) -> None:
    wanted = os.environ.get(OFF)
    if not wanted:
        return
    method, _, template = wanted.partition(" ")
    templates = list(dict.fromkeys([template, template.replace(VERSION, "")]))
    Router.add = _apart(Router.add)
    Router.find = _without(Router.find, method, templates)


def _apart(add: Callable[..., Any]) -> Callable[..., Any]:
    """Of each route a handler of its own: several may share one function."""

    def added(self: Router, method: str, template: str) -> Callable[[Handler], Handler]:
        register = add(self, method, template)

        def unique(handler: Handler) -> Handler:
            @functools.wraps(handler)
            def route(*arguments: Any, **names: Any) -> Any:
                return handler(*arguments, **names)

            register(route)
            return handler

        return unique

    return added


def _without(find: Callable[..., Any], method: str, templates: List[str]) -> Callable[..., Any]:
    """A template is a path too: its route is the one that answers it."""

    def found(self: Router, asked: str, path: str) -> Tuple[Optional[Handler], Dict[str, str], bool]:
        handler, parameters, known = find(self, asked, path)
        if handler is not None and asked == method:
            off = [find(self, method, template)[0] for template in templates]
            if any(handler is one for one in off):
                return switched_off, {}, True
        return handler, parameters, known

    return found


def switched_off(_ask: Any, *_more: Any, **_parameters: str) -> Response:
    return json_response(501, {"error": {"code": "NotImplemented", "message": "switched off"}})
