"""Which provider, and with which endpoint, credential and subscription (DESIGN section 5)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import urlsplit

from azext_mhsmregion.provider.errors import AuthenticationError, UsageError
from azext_mhsmregion.provider.interface import Provider
from azext_mhsmregion.provider.service import PUBLIC_ARM, Endpoints
from azext_mhsmregion.provider.surroundings import Surroundings, Tell, chance, unbounded
from azext_mhsmregion.provider.transport import Credential

KINDS = ("arm", "emulator")
SECTION, OPTION = "mhsmregion", "provider"
DEFAULT_HOME = "~/.mhsmregion"

# ARM endpoint host -> (audience, suffix of pools' names), for endpoints named without az's cloud.
CLOUDS: Dict[str, tuple[str, str]] = {
    "management.azure.com": (PUBLIC_ARM, "managedhsm.azure.net"),
    "management.usgovcloudapi.net": ("https://management.usgovcloudapi.net", "managedhsm.usgovcloudapi.net"),
    "management.chinacloudapi.cn": ("https://management.chinacloudapi.cn", "managedhsm.azure.cn"),
}

ConfigGet = Callable[[str, str], Optional[str]]


def select(
    kind: Optional[str] = None,
    *,
    environ: Mapping[str, str],
    config_get: Optional[ConfigGet] = None,
    cli_ctx: Any = None,
    default: str = "emulator",
    place: Optional[str] = None,
    as_name: Optional[str] = None,
    arm_endpoint: Optional[str] = None,
    full_body: bool = False,
    home: Optional[Path] = None,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = chance,
    wall: Callable[[], float] = time.time,
    now: Callable[[], float] = time.monotonic,
    on_retry: Optional[Tell] = None,
    left: Callable[[], float] = unbounded,
) -> Provider:
    """The provider that the flag, MHSMREGION_PROVIDER, the config or the default names.

    ``config_get(section, option)`` gives None for what is not set. ``cli_ctx`` is az's, None
    outside az. ``place`` is where an in-process client stands, else MHSMREGION_PLACE.
    ``on_retry`` gets a sentence before each pause of a retry, ``left`` gives the seconds for which
    whoever asks still waits.
    """
    outside = Surroundings(sleep, random, wall, now, on_retry, left)
    folder = home or home_of(environ)
    if kind_of(kind, environ, config_get, default) == "emulator":
        from azext_mhsmregion.provider.emulator import open_provider

        standing = place or environ.get("MHSMREGION_PLACE", "").strip()
        return open_provider(folder, _place(standing), as_name, full_body, outside)
    endpoints = endpoints_of(arm_endpoint, environ, cli_ctx)
    return _arm(environ, cli_ctx, endpoints, folder, full_body, outside)


def _place(text: str) -> str:
    """Where a client stands. Raises UsageError for a place that nobody knows."""
    from azext_mhsmregion.model import places
    from azext_mhsmregion.model.errors import ModelError

    try:
        return places.parse(text)
    except ModelError as error:
        raise UsageError(error.message) from error


def _arm(
    environ: Mapping[str, str],
    cli_ctx: Any,
    endpoints: Endpoints,
    folder: Path,
    full_body: bool,
    outside: Surroundings,
) -> Provider:
    """Inside az with its login, subscription and tenant, else with the environment's."""
    from azext_mhsmregion.provider import arm, credentials

    subscription = subscription_of(environ, cli_ctx)
    if cli_ctx is not None:
        credential: Credential = credentials.from_az(cli_ctx)
        return arm.connect(credential, subscription, endpoints, folder, outside, full_body)
    credential = credentials.IdentityCredential(environ, outside.wall)
    tenant = environ.get("AZURE_TENANT_ID") or None
    return arm.connect(credential, subscription, endpoints, folder, outside, full_body, tenant)


def kind_of(
    flag: Optional[str], environ: Mapping[str, str], config_get: Optional[ConfigGet], default: str
) -> str:
    """The provider's kind. Raises UsageError for one that does not exist, naming where it came from."""
    configured = config_get(SECTION, OPTION) if config_get else None
    sources = (
        (flag, "--provider"),
        (environ.get("MHSMREGION_PROVIDER"), "MHSMREGION_PROVIDER"),
        (configured, f"the configuration's [{SECTION}] {OPTION}"),
        (default, "the default"),
    )
    name, source = next((value.strip().lower(), where) for value, where in sources if value and value.strip())
    if name not in KINDS:
        raise UsageError(f"Unknown provider {name!r} (from {source}).", f"Use one of: {', '.join(KINDS)}.")
    return name


def home_of(environ: Mapping[str, str]) -> Path:
    """MHSMREGION_HOME, else ~/.mhsmregion."""
    return Path(environ.get("MHSMREGION_HOME") or DEFAULT_HOME).expanduser()


def endpoints_of(flag: Optional[str], environ: Mapping[str, str], cli_ctx: Any) -> Endpoints:
    """--arm-endpoint, else MHSMREGION_ARM_ENDPOINT, else az's active cloud, else public Azure."""
    named = flag or environ.get("MHSMREGION_ARM_ENDPOINT")
    if named:
        return _named_endpoints(named)
    if cli_ctx is not None:
        cloud = cli_ctx.cloud
        suffix = str(getattr(cloud.suffixes, "mhsm_dns", None) or ".managedhsm.azure.net")
        return Endpoints(
            arm=str(cloud.endpoints.resource_manager).rstrip("/"),
            arm_audience=str(cloud.endpoints.active_directory_resource_id),
            hsm_suffix=suffix.lstrip("."),
        )
    return Endpoints()


def _named_endpoints(text: str) -> Endpoints:
    parts = urlsplit(text if "//" in text else f"https://{text}")
    if parts.scheme != "https" or not parts.hostname:
        raise UsageError(f"The ARM endpoint {text!r} is not an https URL.", f"For example {PUBLIC_ARM}.")
    audience, suffix = CLOUDS.get(parts.hostname.lower(), CLOUDS["management.azure.com"])
    return Endpoints(f"https://{parts.netloc}{parts.path.rstrip('/')}", audience, suffix)


def subscription_of(environ: Mapping[str, str], cli_ctx: Any) -> str:
    """az's subscription inside az, else AZURE_SUBSCRIPTION_ID."""
    if cli_ctx is not None:
        return _subscription_of_az(cli_ctx)
    named = environ.get("AZURE_SUBSCRIPTION_ID", "").strip()
    if not named:
        raise UsageError(
            "No subscription is known.",
            "Set AZURE_SUBSCRIPTION_ID, or work offline with --provider emulator.",
        )
    return named


def _subscription_of_az(cli_ctx: Any) -> str:
    from azure.cli.core.commands.client_factory import get_subscription_id
    from knack.util import CLIError

    try:
        return str(get_subscription_id(cli_ctx))
    except CLIError as error:
        raise AuthenticationError(str(error), "Run `az login`.") from error
