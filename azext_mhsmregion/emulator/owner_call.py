"""The emulator's own API called in this process, as the home's owner. What it refuses comes as types."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional, Type
from urllib.parse import parse_qsl

from azext_mhsmregion.emulator.hosts import CONTROL_HOST
from azext_mhsmregion.emulator.service import Emulator
from azext_mhsmregion.emulator.wire import Caller, Request, Response
from azext_mhsmregion.model.errors import Conflict, Invalid, ModelError, NotFound

_REFUSALS: Dict[int, Type[ModelError]] = {kind.status: kind for kind in (Invalid, NotFound, Conflict)}


def call(emulator: Emulator, method: str, path: str, body: Optional[Mapping[str, Any]] = None) -> Any:
    """The answer's JSON; ``path`` may have a query. Raises ModelError: Invalid, NotFound or Conflict by
    the answer's status."""
    data = b"" if body is None else json.dumps(body).encode()
    bare, _, query = path.partition("?")
    request = Request(method, CONTROL_HOST, bare, dict(parse_qsl(query)), {}, data)
    answer = emulator.handle(request, Caller(principal=emulator.directory.owner.object_id))
    if answer.status >= 400:
        raise _refusal(answer)
    return json.loads(answer.body)


def _refusal(answer: Response) -> ModelError:
    error = json.loads(answer.body)["error"]
    return _REFUSALS.get(answer.status, ModelError)(error["message"], error["code"])


__all__ = ["call"]
