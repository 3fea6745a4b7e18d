"""What every answer of the control plane carries, refusals included: the ids of the request."""

from __future__ import annotations

from typing import List, Tuple

from azext_mhsmregion.emulator.frame import Ask
from azext_mhsmregion.emulator.wire import Response

REQUEST = "x-ms-request-id"
CORRELATION = "x-ms-correlation-request-id"
CLIENT = "x-ms-client-request-id"
RETURN_CLIENT = "x-ms-return-client-request-id"


def marked(ask: Ask, response: Response) -> Response:
    """The answer with a request id of its own, the correlation id (the client's if it sent one)
    and, where the client asks for it, the client's own request id."""
    sent, new_id = ask.request.headers, ask.parts.sources.new_id
    ids: List[Tuple[str, str]] = [(REQUEST, new_id()), (CORRELATION, sent.get(CORRELATION) or new_id())]
    if CLIENT in sent and sent.get(RETURN_CLIENT, "").lower() == "true":
        ids.append((CLIENT, sent[CLIENT]))
    return response._replace(headers=(*response.headers, *ids))
