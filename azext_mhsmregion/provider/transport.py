"""One HTTP exchange, and who carries it: sockets (requests) or the emulator in this process.

Nothing on the in-process path imports requests, asyncio or azure.*: they are imported by the
class that needs them, when it is made.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Protocol, Tuple
from urllib.parse import parse_qsl, urlsplit

from azext_mhsmregion.emulator import wire
from azext_mhsmregion.provider.errors import BadAnswerError, NetworkError, ProviderError

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Call(NamedTuple):
    """One request. ``url`` is absolute with its query encoded, ``audience`` the resource that
    the token must be for (empty: no token is sent)."""

    method: str
    url: str
    headers: Mapping[str, str] = _NO_HEADERS
    body: bytes = b""
    audience: str = ""


class Answer(NamedTuple):
    """One answer. ``headers`` have lower-case names."""

    status: int
    headers: Mapping[str, str] = _NO_HEADERS
    body: bytes = b""


class Transport(Protocol):
    """Carries calls. Raises NetworkError when nobody answers."""

    def send(self, call: Call) -> Answer: ...


class Credential(Protocol):
    """Who we are. Raises AuthenticationError when there is no credential."""

    def get_token(self, audience: str) -> str: ...


class InProcessTransport:
    """Calls the emulator's handlers directly, as ``principal`` standing at ``place``."""

    def __init__(
        self,
        handle: Callable[[wire.Request, wire.Caller], wire.Response],
        principal: str,
        place: str = "",
        client: str = "-",
    ) -> None:
        self._handle = handle
        self._caller = wire.Caller(place=place, client=client, region=None, principal=principal)

    def send(self, call: Call) -> Answer:
        parts = urlsplit(call.url)
        request = wire.Request(
            method=call.method.upper(),
            host=(parts.hostname or "").lower(),
            path=parts.path or "/",
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in call.headers.items()},
            body=call.body,
        )
        try:
            response = self._handle(request, self._caller)
        except wire.ConnectionBroken as broken:
            raise NetworkError(f"{request.host} cannot be reached: {broken}.", _OUTAGE_HINT) from broken
        return Answer(response.status, dict(response.headers), response.body)


class RequestsTransport:
    """Sockets. Proxies and certificate authorities come from the environment unless given:
    ``proxies`` as requests takes them, ``ca_bundle`` a file."""

    def __init__(
        self,
        credential: Optional[Credential],
        proxies: Optional[Mapping[str, str]] = None,
        ca_bundle: Optional[str] = None,
        timeouts: Tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT),
    ) -> None:
        import requests

        self.credential = credential
        self.proxies = dict(proxies) if proxies else None
        self.ca_bundle = ca_bundle
        self._timeouts = timeouts
        self._requests = requests
        self._session = requests.Session()
        self._session.trust_env = self.proxies is None
        # Else requests would put a host's ~/.netrc entry in the place of our token.
        self._session.auth = _leave_alone

    def send(self, call: Call) -> Answer:
        try:
            response = self._session.request(
                call.method,
                call.url,
                headers=self._headers(call),
                data=call.body or None,
                timeout=self._timeouts,
                allow_redirects=False,
                proxies=self.proxies,
                verify=self.ca_bundle,
            )
        except self._requests.RequestException as error:
            raise self._translated(error, call) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.content)

    def _headers(self, call: Call) -> Dict[str, str]:
        from uuid import uuid4

        headers = {"accept": "application/json", "x-ms-client-request-id": str(uuid4()), **call.headers}
        if call.audience and self.credential is not None:
            headers["authorization"] = f"Bearer {self.credential.get_token(call.audience)}"
        return headers

    def _translated(self, error: Exception, call: Call) -> ProviderError:
        """An exception of requests as one of ours."""
        host = urlsplit(call.url).hostname or call.url
        kinds = self._requests.exceptions
        if isinstance(error, (kinds.ChunkedEncodingError, kinds.ContentDecodingError)):
            return BadAnswerError(
                f"The answer of {host} was truncated or garbled: {error}", "Try again in a moment."
            )
        if isinstance(error, kinds.ProxyError):
            return NetworkError(f"The proxy did not let us reach {host}: {_root(error)}", _PROXY_HINT)
        if isinstance(error, kinds.SSLError):
            return NetworkError(f"The TLS connection to {host} failed: {_root(error)}", _TLS_HINT)
        if isinstance(error, kinds.Timeout):
            return NetworkError(f"{host} did not answer in time.", _NETWORK_HINT)
        return NetworkError(f"{host} cannot be reached: {_root(error)}", _NETWORK_HINT)


_NETWORK_HINT = "Check the network and HTTPS_PROXY, or work offline with --provider emulator."
_OUTAGE_HINT = "`keyvault emulator fault list` shows what is broken."
_PROXY_HINT = "Check HTTPS_PROXY, and with an emulator's proxy that the pool's name exists."
_TLS_HINT = "Check REQUESTS_CA_BUNDLE: it must name a bundle with the authority that signed the certificate."


def _leave_alone(request: Any) -> Any:
    return request


def _root(error: BaseException) -> str:
    """The innermost reason in requests' nested exceptions, in words."""
    reason: Any = error
    while True:
        inner = getattr(reason, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in getattr(reason, "args", ()) if isinstance(arg, BaseException)), None)
        if inner is None:
            return str(reason).rpartition(">: ")[2] or type(reason).__name__
        reason = inner
