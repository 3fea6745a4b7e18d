"""A pytest plugin that switches one route off: ``MHSMREGION_PARITY_OFF="GET /path/{template}"``.

The router answers 501 for it, in this process. tools/parity.py uses it; the product knows nothing of it.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, Tuple

from azext_mhsmregion.emulator.routes import Handler, Router
from azext_mhsmregion.emulator.wire import Response, json_response

OFF = "MHSMREGION_PARITY_OFF"


def pytest_configure(config: Any) -> None:
    wanted = os.environ.get(OFF)
    if not wanted:
        return
    method, _, template = wanted.partition(" ")
    find = Router.find

    def found(self: Router, asked: str, path: str) -> Tuple[Optional[Handler], Dict[str, str], bool]:
        handler, parameters, known = find(self, asked, path)
        # A template is a path too: its route is the one that answers it.
        if handler is not None and asked == method and handler is find(self, method, template)[0]:
            same_length = path.strip("/").count("/") == template.strip("/").count("/")
            if same_length:
                return switched_off, {}, True
        return handler, parameters, known

    Router.find = found  # type: ignore[method-assign]


def switched_off(_ask: Any, **_parameters: str) -> Response:
    return json_response(501, {"error": {"code": "NotImplemented", "message": "switched off"}})
