"""What every call shares: endpoints, api-versions, token audiences, pages, and the refusal to
follow a link out of the service's own names."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Mapping, NamedTuple, Optional
from urllib.parse import quote, urlencode, urlsplit

from azext_mhsmregion.provider.answers import checked, items_of, object_of
from azext_mhsmregion.provider.errors import BadAnswerError
from azext_mhsmregion.provider.transport import Answer, Call, Transport

ARM_API_VERSION = "2023-07-01"
KEYS_API_VERSION = "7.4"
ACCESS_API_VERSION = "7.4"
SECURITY_DOMAIN_API_VERSION = "7.2"

PUBLIC_ARM = "https://management.azure.com"
PUBLIC_HSM_SUFFIX = "managedhsm.azure.net"
NAMESPACE = "providers/Microsoft.KeyVault"


class Endpoints(NamedTuple):
    """One cloud: ``arm`` without a slash at its end, the audience of its tokens, and the
    suffix of pools' names, which is the data plane's audience too."""

    arm: str = PUBLIC_ARM
    arm_audience: str = PUBLIC_ARM
    hsm_suffix: str = PUBLIC_HSM_SUFFIX

    @property
    def hsm_audience(self) -> str:
        return f"https://{self.hsm_suffix}"


class Service:
    """Sends calls to the control plane (ARM) and to pools' data planes."""

    def __init__(
        self,
        transport: Transport,
        subscription_id: str,
        endpoints: Optional[Endpoints] = None,
        api_version: str = ARM_API_VERSION,
    ) -> None:
        self.transport = transport
        self.subscription_id = subscription_id
        self.endpoints = endpoints or Endpoints()
        self.api_version = api_version

    # -- control plane ---------------------------------------------------------
    def arm_url(self, path: str) -> str:
        """The absolute URL of an ARM path (a resource id, or relative to the subscription)."""
        if not path.startswith("/"):
            path = f"/subscriptions/{self.subscription_id}/{path}"
        return f"{self.endpoints.arm}{path}?{urlencode({'api-version': self.api_version})}"

    def arm(self, method: str, path: str, what: str, body: Optional[Mapping[str, Any]] = None) -> Answer:
        """One call to ARM, checked. ``what`` names it in errors."""
        return checked(self.send_arm(method, self.arm_url(path), body), what, of_arm=True)

    def send_arm(self, method: str, url: str, body: Optional[Mapping[str, Any]] = None) -> Answer:
        """One call to an absolute ARM URL, unchecked."""
        trust(url, urlsplit(self.endpoints.arm).hostname or "")
        return self.transport.send(_call(method, url, self.endpoints.arm_audience, body))

    def arm_pages(self, path: str, what: str) -> Iterator[Dict[str, Any]]:
        """The items of an ARM list, page after page."""
        url = self.arm_url(path)
        while url:
            page = object_of(checked(self.send_arm("GET", url), what, of_arm=True), what)
            yield from items_of(page, what)
            url = str(page.get("nextLink") or "")

    # -- data plane ------------------------------------------------------------
    def hsm(
        self,
        method: str,
        base: str,
        path: str,
        what: str,
        api_version: str,
        body: Optional[Mapping[str, Any]] = None,
        query: Optional[Mapping[str, str]] = None,
    ) -> Answer:
        """One call to a pool's data plane, checked. ``base`` is the pool's hsmUri, ``path``
        begins with a slash."""
        parameters = {"api-version": api_version, **(query or {})}
        url = f"{base.rstrip('/')}{path}?{urlencode(parameters)}"
        return checked(self._send_hsm(method, url, base, body), what)

    def hsm_pages(
        self, base: str, path: str, what: str, api_version: str, query: Optional[Mapping[str, str]] = None
    ) -> Iterator[Dict[str, Any]]:
        """The items of a data-plane list, page after page."""
        page = object_of(self.hsm("GET", base, path, what, api_version, query=query), what)
        while True:
            yield from items_of(page, what)
            link = str(page.get("nextLink") or "")
            if not link:
                return
            page = object_of(checked(self._send_hsm("GET", link, base, None), what), what)

    def hsm_audience(self, base: str) -> str:
        """The audience of tokens for the pool at ``base``: the name of its cloud's service."""
        host = urlsplit(base).hostname or ""
        if host.endswith("." + self.endpoints.hsm_suffix):
            return self.endpoints.hsm_audience
        return f"https://{host.partition('.')[2]}"

    def _send_hsm(self, method: str, url: str, base: str, body: Optional[Mapping[str, Any]]) -> Answer:
        trust(url, urlsplit(base).hostname or "")
        return self.transport.send(_call(method, url, self.hsm_audience(base), body))


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def trust(url: str, host: str) -> None:
    """Raises BadAnswerError unless ``url`` is HTTPS and of ``host``, of a name below it or of
    one above it that is still a service's name: a token must not follow a link elsewhere."""
    parts = urlsplit(url)
    there = (parts.hostname or "").lower()
    above = host.endswith("." + there) and there.count(".") >= 2
    if parts.scheme != "https" or not (there == host or there.endswith("." + host) or above):
        raise BadAnswerError(
            f"The service points to {url}, which is not one of its own names.",
            "Nothing was sent there. Check --arm-endpoint and HTTPS_PROXY.",
        )


def _call(method: str, url: str, audience: str, body: Optional[Mapping[str, Any]]) -> Call:
    headers = {"accept": "application/json"}
    data = b""
    if body is not None:
        headers["content-type"] = "application/json"
        data = json.dumps(body, separators=(",", ":")).encode()
    return Call(method, url, headers, data, audience)
