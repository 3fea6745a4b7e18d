"""The ASGI application: HTTP in, :class:`wire.Request` to the gateway, :class:`wire.Response` out."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Tuple
from urllib.parse import parse_qsl

from azext_mhsmregion.emulator.errors import HomeError, HomeUnwritable
from azext_mhsmregion.emulator.http import connection, outage, requestlog
from azext_mhsmregion.emulator.wire import (
    Caller,
    ConnectionBroken,
    Gateway,
    Request,
    Response,
    json_response,
)
from azext_mhsmregion.emulator.witness import Witness

LONGEST_BODY = 1024 * 1024
"""Bytes of a request body that are accepted; a longer one gets 413."""

_LONGEST_DISCARDED = 8 * LONGEST_BODY
_NO_BODY = (204, 304)
_CLIENT_REQUEST_ID = b"x-ms-client-request-id"
_CLOSE = ("connection", "close")

log = logging.getLogger(__name__)

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Dict[str, Any]], Awaitable[None]]
Headers = List[Tuple[bytes, bytes]]


@dataclass(frozen=True)
class Tunnel:
    """What is fixed for the life of a connection: the host it was opened for, its caller, and its
    number."""

    host: str
    caller: Caller
    number: int = 0


class BodyTooLong(Exception):
    """The body is longer than :data:`LONGEST_BODY`."""


class BodyTooSlow(Exception):
    """The body took longer than :data:`connection.BODY_TIMEOUT`."""


class Disconnected(Exception):
    """The client went away in the middle of its request."""


class App:
    """Serves the requests of every connection; the connection's :class:`Tunnel` comes in the
    scope's state. ``now`` is real time in seconds since 1970, for the Date header."""

    def __init__(
        self, gateway: Gateway, workers: Executor, now: Callable[[], float], witness: Witness
    ) -> None:
        self._witness = witness
        self._gateway = gateway
        self._workers = workers
        self._now = now
        self._date: Tuple[int, bytes] = (-1, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tunnel: Tunnel = scope["state"]["tunnel"]
        begun = time.perf_counter()
        try:
            response = await self._respond(scope, receive, tunnel)
            headers = self._headers(response)
        except (Disconnected, asyncio.CancelledError):  # only a stop without grace cancels
            return
        except ConnectionBroken as broken:
            self._record(scope, tunnel, requestlog.BROKEN, begun)
            await outage.break_off(receive, scope["state"]["drop"], broken.effect)
            return
        except HomeError as error:
            log.warning("%s", error.message)
            response = _unusable(error)
            headers = self._headers(response)
        except Exception:
            log.exception("%s https://%s%s failed", scope["method"], tunnel.host, scope["path"])
            response = _failure()
            headers = self._headers(response)
        if response.delay:
            await asyncio.sleep(response.delay / 1000)
        self._record(scope, tunnel, response.status, begun)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def _record(self, scope: Scope, tunnel: Tunnel, status: int, begun: float) -> None:
        took = time.perf_counter() - begun
        asked = (scope["method"], scope["raw_path"].decode("latin-1"))
        self._witness.asked(tunnel.number, tunnel.caller, tunnel.host, asked, status, took)
        requestlog.record(
            scope["method"],
            f"{tunnel.host}{asked[1]}",
            status,
            took,
            tunnel.caller.client,
            tunnel.caller.place,
            tunnel.caller.region,
            _client_request_id(scope["headers"]),
        )

    async def _respond(self, scope: Scope, receive: Receive, tunnel: Tunnel) -> Response:
        try:
            body = await _read_body(receive, scope["state"])
        except BodyTooLong:
            return _too_long()
        except BodyTooSlow:
            return _too_slow()
        headers = _joined(scope["headers"])
        if not _is_for(headers.get("host"), tunnel.host):
            return _misdirected(headers.get("host", ""), tunnel.host)
        request = Request(
            method=scope["method"],
            host=tunnel.host,
            path=scope["raw_path"].decode("ascii"),
            query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers=headers,
            body=body,
        )
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._gateway.handle, request, tunnel.caller)

    def _headers(self, response: Response) -> Headers:
        headers = [(name.encode("ascii"), _value(value)) for name, value in response.headers]
        names = {name for name, _ in headers}
        if b"date" not in names:
            headers.append((b"date", self._date_now()))
        if b"content-length" not in names and response.status not in _NO_BODY:
            headers.append((b"content-length", str(len(response.body)).encode()))
        return headers

    def _date_now(self) -> bytes:
        second = int(self._now())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]


async def _read_body(receive: Receive, state: Mapping[str, Any]) -> bytes:
    """The whole body. One that is too long is read on and thrown away, within reason, so that
    the client gets to read its answer. ``state`` is the request's: the connection says there that
    the time is over. Raises :class:`BodyTooLong`, :class:`BodyTooSlow`, :class:`Disconnected`."""
    parts: List[bytes] = []
    length = 0
    more = True
    while more and length <= _LONGEST_DISCARDED:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected()
        more = message.get("more_body", False)
        if more and connection.LATE in state:
            raise BodyTooSlow()
        length += len(message["body"])
        if length <= LONGEST_BODY:
            parts.append(message["body"])
    if length > LONGEST_BODY:
        raise BodyTooLong()
    return b"".join(parts)


def _client_request_id(pairs: Headers) -> str:
    found = (value for name, value in pairs if name == _CLIENT_REQUEST_ID)
    return next(found, b"").decode("latin-1")


def _joined(pairs: Headers) -> Dict[str, str]:
    headers: Dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _is_for(header: Optional[str], host: str) -> bool:
    if header is None:
        return True
    name, _, port = header.lower().partition(":")
    return name.rstrip(".") == host and port in ("", "443")


def _value(text: str) -> bytes:
    if "\r" in text or "\n" in text or "\0" in text:
        raise ValueError("a header's value holds a line break")
    return text.encode("latin-1")


def _error(status: int, code: str, message: str, *headers: Tuple[str, str]) -> Response:
    return json_response(status, {"error": {"code": code, "message": message}}, headers)


def _failure() -> Response:
    text = "The emulator failed to handle this request; its log says why."
    return _error(500, "InternalError", text)


def _unusable(error: HomeError) -> Response:
    """The system keeps the home from us, by a full disk for instance. 507 is a status that SDKs do
    not try again, so that their users read why."""
    status = 507 if isinstance(error, HomeUnwritable) else 503
    return _error(status, "HomeUnusable", f"{error.message} Nothing was changed.")


def _too_long() -> Response:
    return _error(413, "RequestBodyTooLarge", f"The body is longer than {LONGEST_BODY} bytes.", _CLOSE)


def _too_slow() -> Response:
    text = f"The body did not arrive within {connection.BODY_TIMEOUT:g} seconds."
    return _error(408, "RequestTimeout", text, _CLOSE)


def _misdirected(asked: str, host: str) -> Response:
    text = f"This connection was opened for {host}; it does not serve {asked}."
    return _error(421, "MisdirectedRequest", text, _CLOSE)
