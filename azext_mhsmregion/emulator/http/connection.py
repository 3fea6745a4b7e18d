"""One HTTP connection: uvicorn's protocol, with bounds on what a client may send and on how long it
may take; what breaks one is answered and logged."""

from __future__ import annotations

import asyncio
import json
import logging
from http import HTTPStatus
from typing import Any, Callable, Optional

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from azext_mhsmregion.emulator.http import outage, requestlog

LONGEST_HEADERS = 65536
"""Bytes that a request's line and headers may have; longer ones get 431."""

HEAD_TIMEOUT = 60.0
"""Seconds that a request's line and headers may take to arrive."""

BODY_TIMEOUT = 60.0
"""Seconds that the rest of a body may take to arrive; one that takes longer gets 408."""

LINGER = 1.0
"""Seconds that a refused client has to read why, while what it still sends is thrown away."""

LATE = "late"
"""What stands in the state of a request's scope once its body has taken too long."""

log = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):  # type: ignore[misc]
    """uvicorn's protocol, with a bound on headers, on the time that they and a body take, and on
    silence before the first request; and a future that tells when the connection is gone, as
    ``when_lost`` is told."""

    when_lost: Optional[Callable[[], None]] = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer: Optional[asyncio.TimerHandle] = None
        self._body_timer: Optional[asyncio.TimerHandle] = None
        self._head_bytes = self._unparsed_bytes = 0
        self._requests_read = 0
        self._stopping = self._refused = False
        self.lost: asyncio.Future[None] = self.loop.create_future()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Optional[Exception]) -> None:
        self._unset_keepalive_if_required()
        self._stop_head_timer()
        self._stop_body_timer()
        super().connection_lost(exc)
        if self.when_lost is not None:
            self.when_lost()
        if not self.lost.done():
            self.lost.set_result(None)

    def drop(self) -> None:
        """Reset the connection."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            outage.reset_on_close(sock)
        self.transport.abort()

    def shutdown(self) -> None:
        """End it: at once where no whole request is under way, else behind the answer."""
        self._stopping = True
        super().shutdown()
        self._drop_half_read()

    # -- the head of a request ---------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing() or self._refused:
            return  # what comes behind a refusal is thrown away
        read = self._requests_read
        super().data_received(data)
        if self._head_timer is not None and self._requests_read == read:
            self._count_unparsed(len(data))
        elif self._body_timer is None and self._lacks_body():
            self._body_timer = self.loop.call_later(BODY_TIMEOUT, self._body_too_slow)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._unparsed_bytes = 0
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._head_too_slow)

    def on_url(self, url: bytes) -> None:
        self._head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > LONGEST_HEADERS:
            raise ValueError("the request's headers are too long")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """uvicorn's answer to what its parser refuses: our 431 where it was too long."""
        if max(self._head_bytes, self._unparsed_bytes) > LONGEST_HEADERS:
            text = f"The request's line and headers are longer than {LONGEST_HEADERS} bytes."
            self._refuse(431, "RequestHeaderFieldsTooLarge", text)
        else:
            self._refuse(400, "BadRequest", msg)

    def _count_unparsed(self, size: int) -> None:
        """The parser shows a header only once it is whole: one without an end is counted as it comes."""
        self._unparsed_bytes += size
        if self._unparsed_bytes > LONGEST_HEADERS and not self.transport.is_closing():
            self.send_400_response("")

    def _refuse(self, status: int, code: str, text: str) -> None:
        """Answer what is no request, and hang up."""
        tunnel = self.app_state["tunnel"]
        requestlog.record(
            requestlog.NOTHING, tunnel.host, status, None, tunnel.caller.client, tunnel.caller.place
        )
        log.info("a request to %s was answered %d: %s", tunnel.host, status, text)
        body = json.dumps({"error": {"code": code, "message": text}}).encode()
        lines = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "content-type: application/json; charset=utf-8",
            f"content-length: {len(body)}",
            "connection: close",
        )
        self._stop_head_timer()
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self._refused = True
        # Not at once: closing while its bytes wait unread would reset the connection, and the client,
        # which may still be sending, would never read why.
        self.loop.call_later(LINGER, self.transport.close)

    def _head_too_slow(self) -> None:
        log.info("a request's headers took longer than %g seconds", HEAD_TIMEOUT)
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    # -- its body ------------------------------------------------------------------------------
    def on_message_complete(self) -> None:
        self._requests_read += 1
        self._stop_body_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._stopping:
            self._drop_half_read()

    def _lacks_body(self) -> bool:
        """Is the newest request's head here, and not all of its body?"""
        cycle = self.cycle
        return cycle is not None and cycle.more_body and not cycle.response_complete

    def _body_too_slow(self) -> None:
        """Let the application answer. A request that waits behind another has had no time yet: its
        connection is not read on until its turn comes."""
        self._body_timer = None
        if not self._lacks_body():
            return
        if self.pipeline:
            self._body_timer = self.loop.call_later(BODY_TIMEOUT, self._body_too_slow)
            return
        log.info("a request's body took longer than %g seconds", BODY_TIMEOUT)
        self.cycle.scope["state"][LATE] = True
        self.cycle.message_event.set()

    def _drop_half_read(self) -> None:
        """What lacks a part of its body is not under way: nobody knows whether it ever comes."""
        if self._lacks_body() and not self.pipeline:
            log.info("a request whose body was not all there was dropped")
            self.transport.abort()

    def _stop_body_timer(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
