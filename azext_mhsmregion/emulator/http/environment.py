"""``emulator env``: the variables that send unmodified clients to the emulator (DESIGN section 4)."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional
from urllib.parse import quote

from azext_mhsmregion.emulator.directory import Directory
from azext_mhsmregion.emulator.http.authority import TRUST_STORE_PASSWORD, bundle_path, trust_store_path

HOST = "127.0.0.1"
NO_PROXY = "localhost,127.0.0.1,::1"
DEFAULT_PLACE = "-"
"""Stands for "no place" where a proxy's user name may not be empty: ``requests`` drops those."""


def variables(
    home: Path,
    port: int,
    directory: Directory,
    place: Optional[str] = None,
    client: str = "-",
    environ: Optional[Mapping[str, str]] = None,
    java_port: Optional[int] = None,
) -> Dict[str, str]:
    """The variables for a client that stands at ``place`` (None: the default one) and is called
    ``client``. ``environ`` is the user's present environment, ``java_port`` the place's own port:
    Java's clients cannot say where they stand. The trust store is left out of JAVA_TOOL_OPTIONS
    where ``Authority.bundle`` could not write one."""
    present = os.environ if environ is None else environ
    proxy = proxy_url(port, place, client)
    bundle = str(bundle_path(home))
    names = {
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "https_proxy": proxy,
        "http_proxy": proxy,
        "NO_PROXY": NO_PROXY,
        "no_proxy": NO_PROXY,
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": bundle,
        "JAVA_TOOL_OPTIONS": _java_options(home, java_port or port),
        "AZURE_TENANT_ID": directory.tenant_id,
        "AZURE_SUBSCRIPTION_ID": directory.subscription_id,
        "AZURE_CONFIG_DIR": str(home / "az"),
        "AZURE_EXTENSION_DIR": _extension_folder(home, present),
        "MHSMREGION_PROVIDER": "emulator",
        "MHSMREGION_HOME": str(home),
    }
    app = directory.app
    if app is not None:
        names["AZURE_CLIENT_ID"] = app.app_id or ""
        names["AZURE_CLIENT_SECRET"] = app.secret or ""
    return names


def as_sh(names: Mapping[str, str]) -> str:
    """``export NAME='value'`` lines for a POSIX shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in names.items())


def as_fish(names: Mapping[str, str]) -> str:
    """``set -gx NAME 'value'`` lines: in single quotes fish escapes the backslash and the quote."""
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in names.items()}
    return "".join(f"set -gx {name} '{value}'\n" for name, value in quoted.items())


def as_powershell(names: Mapping[str, str]) -> str:
    """``$Env:NAME = 'value'`` lines: a quote is doubled, and PowerShell takes the typographic ones
    for quotes too."""
    quoted = {name: _POWERSHELL_QUOTE.sub(r"\g<0>\g<0>", value) for name, value in names.items()}
    return "".join(f"$Env:{name} = '{value}'\n" for name, value in quoted.items())


def as_dotenv(names: Mapping[str, str]) -> str:
    """``NAME=value`` lines for ``.env`` files. Their readers disagree on quotes (docker's
    ``--env-file`` knows none), so a value has them only where it needs them."""
    return "".join(f"{name}={_dotenv_value(value)}\n" for name, value in names.items())


def as_json(names: Mapping[str, str]) -> str:
    """One JSON object."""
    return json.dumps(names, indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "sh": as_sh,
    "fish": as_fish,
    "powershell": as_powershell,
    "dotenv": as_dotenv,
    "json": as_json,
}
"""How the variables can be written, by the name of the format."""

_POWERSHELL_QUOTE = re.compile("['\u2018\u2019\u201a\u201b]")
_DOTENV_BARE = re.compile(r"(?! )[^\s#$'\"`\\]*(?: [^\s#$'\"`\\]+)*")
_DOTENV_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"})


def _dotenv_value(value: str) -> str:
    if _DOTENV_BARE.fullmatch(value):
        return value
    if not set(value) & set("'\\\n\r"):
        return f"'{value}'"
    return f'"{value.translate(_DOTENV_ESCAPED)}"'


def proxy_url(port: int, place: Optional[str], client: str) -> str:
    """The server's proxy for a client called ``client`` at ``place`` (None, "": the default one)."""
    if not place and client == "-":
        return f"http://{HOST}:{port}"
    return f"http://{quote(place or DEFAULT_PLACE, safe='')}:{quote(client, safe='')}@{HOST}:{port}"


def _java_options(home: Path, port: int) -> str:
    """Java's tunnels send no proxy credentials: a Java client's place is that of its port."""
    options = [
        f"-Dhttps.proxyHost={HOST}",
        f"-Dhttps.proxyPort={port}",
        f"-Dhttp.proxyHost={HOST}",
        f"-Dhttp.proxyPort={port}",
    ]
    store = trust_store_path(home)
    if store.exists():
        options += [
            f"-Djavax.net.ssl.trustStore={_java_quoted(str(store))}",
            "-Djavax.net.ssl.trustStoreType=PKCS12",
            f"-Djavax.net.ssl.trustStorePassword={TRUST_STORE_PASSWORD}",
        ]
    return " ".join(options)


def _java_quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def _extension_folder(home: Path, present: Mapping[str, str]) -> str:
    """Where the user's az keeps its extensions: a profile of its own would hide them."""
    if present.get("AZURE_EXTENSION_DIR"):
        return present["AZURE_EXTENSION_DIR"]
    profile = Path(present.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    if profile == home / "az":
        profile = Path.home() / ".azure"
    return str(profile / "cliextensions")
