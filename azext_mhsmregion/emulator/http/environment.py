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
from azext_mhsmregion.emulator.http.proxypassword import ANONYMOUS, word_of
from azext_mhsmregion.model import places

HOST = "127.0.0.1"
NO_PROXY = "localhost,127.0.0.1,::1"


def variables(
    home: Path,
    port: int,
    directory: Directory,
    place: Optional[str] = None,
    client: str = "-",
    environ: Optional[Mapping[str, str]] = None,
    java_port: Optional[int] = None,
    address: str = HOST,
    password: str = "",
    known_as: Optional[Path] = None,
) -> Dict[str, str]:
    """The variables for a client that stands at ``place`` (None: the default one) and is called
    ``client``. ``environ`` is the user's present environment, ``java_port`` the place's own port:
    Java's clients cannot say where they stand. The trust store is left out of JAVA_TOOL_OPTIONS
    where ``Authority.bundle`` could not write one. ``address`` is where clients find the server,
    ``password`` its proxy's, ``known_as`` the home that commands name (None: ``home``)."""
    present = os.environ if environ is None else environ
    proxy = proxy_url(port, place, client, address, password)
    bundle = str(bundle_path(home))
    java_word = word_of(client, password) if password else ""
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
        "JAVA_TOOL_OPTIONS": _java_options(home, address, java_port or port, java_word),
        "AZURE_TENANT_ID": directory.tenant_id,
        "AZURE_SUBSCRIPTION_ID": directory.subscription_id,
        "AZURE_CONFIG_DIR": str(home / "az"),
        "AZURE_EXTENSION_DIR": _extension_folder(home, present),
        "MHSMREGION_PROVIDER": "emulator",
        "MHSMREGION_HOME": str(known_as or home),
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


def proxy_url(port: int, place: Optional[str], client: str, address: str = HOST, password: str = "") -> str:
    """The server's proxy for a client called ``client`` at ``place`` (None, "": the default one).
    Raises ModelError for a place that nobody knows."""
    place = places.parse(place or "")
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    if not place and client == ANONYMOUS and not password:
        return f"http://{where}"
    word = word_of(client, password)
    return f"http://{quote(place or places.DEFAULT, safe='')}:{quote(word, safe='')}@{where}"


def reached_at(listening: str) -> str:
    """The address at which this machine's clients find a server that listens on ``listening``."""
    return {"0.0.0.0": HOST, "::": "::1"}.get(listening, listening)


def _java_options(home: Path, address: str, port: int, password: str) -> str:
    """Java's tunnels send no proxy credentials unless asked: a Java client's place is that of its
    port. A password is asked for, with a user name that says nothing; JDKs need to be told that a
    tunnel may be asked for one."""
    options = [
        f"-Dhttps.proxyHost={address}",
        f"-Dhttps.proxyPort={port}",
        f"-Dhttp.proxyHost={address}",
        f"-Dhttp.proxyPort={port}",
    ]
    if password:
        for scheme in ("https", "http"):
            options += [
                f"-D{scheme}.proxyUser={places.DEFAULT}",
                f"-D{scheme}.proxyPassword={_java_quoted(password)}",
            ]
        options.append("-Djdk.http.auth.tunneling.disabledSchemes=")
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
