"""Where tokens come from: azure-identity outside az, az's own login inside it, the home's
owner for the emulator's socket. Tokens are kept in memory only and never logged."""

from __future__ import annotations

import logging
from typing import Any, Callable, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from azext_mhsmregion.provider.errors import AuthenticationError, NetworkError

MICROSOFT_AUTHORITIES = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
        "login.microsoftonline.de",
        "login.windows.net",
    }
)
LOGIN_HINT = (
    "Run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; "
    "--provider emulator needs no login."
)
RENEW_BEFORE = 300.0


class OwnerCredential:
    """The emulator's home gives its owner tokens."""

    def __init__(self, owner_token: Callable[[str], str]) -> None:
        self._owner_token = owner_token

    def get_token(self, audience: str) -> str:
        return self._owner_token(audience)


class IdentityCredential:
    """azure-identity's DefaultAzureCredential, honouring AZURE_AUTHORITY_HOST. ``wall`` gives
    seconds since the epoch: tokens are kept until five minutes before they expire."""

    def __init__(
        self,
        environ: Mapping[str, str],
        wall: Callable[[], float],
        factory: Optional[Callable[..., Any]] = None,
    ) -> None:
        self._environ = environ
        self._wall = wall
        self._factory = factory
        self._inner: Any = None
        self._kept: Dict[str, Tuple[str, float]] = {}

    def get_token(self, audience: str) -> str:
        token, expires = self._kept.get(audience, ("", 0.0))
        if expires - RENEW_BEFORE <= self._wall():
            token, expires = self._fresh(audience)
            self._kept[audience] = (token, expires)
        return token

    def _fresh(self, audience: str) -> Tuple[str, float]:
        from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestError

        try:
            token = self._credential().get_token(f"{audience}/.default")
        except ClientAuthenticationError as error:
            raise AuthenticationError(_first_lines(error), LOGIN_HINT) from error
        except ServiceRequestError as error:
            raise NetworkError(
                f"The login service cannot be reached: {error}",
                "Check the network, HTTPS_PROXY and AZURE_AUTHORITY_HOST.",
            ) from error
        except (AzureError, ValueError) as error:  # ValueError: malformed authority or tenant
            raise AuthenticationError(f"No token for {audience}: {error}", LOGIN_HINT) from error
        return str(token.token), float(token.expires_on)

    def _credential(self) -> Any:
        if self._inner is None:
            # Its warnings repeat, at length, what our error says; a user's own handlers still get them.
            logging.getLogger("azure.identity").addHandler(logging.NullHandler())
            factory = self._factory or _default_azure_credential()
            self._inner = factory(**identity_options(self._environ))
        return self._inner


def identity_options(environ: Mapping[str, str]) -> Dict[str, Any]:
    """Arguments for DefaultAzureCredential: instance discovery asks login.microsoftonline.com
    whether an authority is genuine, so it is off for one that is not Microsoft's."""
    authority = environ.get("AZURE_AUTHORITY_HOST", "")
    if not authority:
        return {}
    host = urlsplit(authority if "//" in authority else f"https://{authority}").hostname or ""
    options: Dict[str, Any] = {"authority": authority}
    if host.lower() not in MICROSOFT_AUTHORITIES:
        options["disable_instance_discovery"] = True
    return options


def _default_azure_credential() -> Callable[..., Any]:
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise AuthenticationError(
            "azure-identity is not installed.", "pip install azure-identity, or work inside az."
        ) from error
    return DefaultAzureCredential  # type: ignore[no-any-return,unused-ignore]


class AzCredential:
    """az's own login. It keeps and renews the tokens itself; azure.identity is not touched."""

    def __init__(self, cli_ctx: Any) -> None:
        self._cli_ctx = cli_ctx

    def get_token(self, audience: str) -> str:
        from azure.cli.core._profile import Profile
        from knack.util import CLIError

        try:
            credentials, _, _ = Profile(cli_ctx=self._cli_ctx).get_raw_token(
                resource=audience, subscription=self._subscription()
            )
        except CLIError as error:
            raise AuthenticationError(str(error), "Run `az login`.") from error
        return str(credentials[1])

    def _subscription(self) -> Optional[str]:
        """What --subscription said, None for the profile's default."""
        data = getattr(self._cli_ctx, "data", None) or {}
        chosen = data.get("subscription_id")
        return str(chosen) if chosen else None


def from_az(cli_ctx: Any) -> AzCredential:
    """The credential of the az that we run in."""
    return AzCredential(cli_ctx)


def _first_lines(error: Exception) -> str:
    """azure-identity lists every credential that it tried; the first lines say enough."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else "There is no credential."
