"""The variables that send unmodified clients here."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from azext_mhsmregion.emulator.directory import Directory, Principal
from azext_mhsmregion.emulator.http.environment import FORMATS, as_sh, reached_at, variables

APP = Principal("p", "emulator-app", "servicePrincipal", "a", "it's")
DIRECTORY = Directory("t", "s", (Principal("o", "owner", "user"), APP))
HOME = Path("/somewhere/a home")
# DESIGN section 4
NAMES = """HTTPS_PROXY HTTP_PROXY https_proxy http_proxy NO_PROXY no_proxy REQUESTS_CA_BUNDLE SSL_CERT_FILE
    CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS JAVA_TOOL_OPTIONS AZURE_TENANT_ID AZURE_CLIENT_ID
    AZURE_CLIENT_SECRET AZURE_SUBSCRIPTION_ID AZURE_CONFIG_DIR AZURE_EXTENSION_DIR MHSMREGION_PROVIDER
    MHSMREGION_HOME"""


def made(environ=None, **more):
    return variables(HOME, 8443, DIRECTORY, environ=environ or {}, **more)


def test_exactly_the_designs_variables():
    assert set(made()) == set(NAMES.split())


@pytest.mark.parametrize(
    ("place", "client", "proxy"),
    [
        (None, "-", "http://127.0.0.1:8443"),
        ("uksouth", "-", "http://uksouth:-@127.0.0.1:8443"),
        ("Region.Australia East", "app 1", "http://australiaeast:app%201@127.0.0.1:8443"),
        (None, "app", "http://-:app@127.0.0.1:8443"),
    ],
)
def test_the_proxy_says_place_and_client(place, client, proxy):
    names = made(place=place, client=client)
    assert {names[n] for n in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")} == {proxy}


@pytest.mark.parametrize(
    ("more", "proxy"),
    [
        ({"address": "emulator"}, "http://emulator:8443"),
        ({"address": "::1", "place": "uksouth"}, "http://uksouth:-@[::1]:8443"),
        ({"password": "p@ss:wo/rd"}, "http://-:p%40ss%3Awo%2Frd@127.0.0.1:8443"),
        ({"password": "password", "client": "app"}, "http://-:app.password@127.0.0.1:8443"),
        ({"password": "password", "place": "uksouth"}, "http://uksouth:password@127.0.0.1:8443"),
    ],
)
def test_the_proxy_says_address_and_password(more, proxy):
    assert made(**more)["HTTPS_PROXY"] == proxy


@pytest.mark.parametrize(
    ("listening", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.0.2.1", "192.0.2.1"), ("127.0.0.1", "127.0.0.1")],
)
def test_this_machine_reaches_a_server_at(listening, reached):
    assert reached_at(listening) == reached


def test_java_is_told_the_password_and_may_show_it_in_a_tunnel():
    options = made(password="password", client="app")["JAVA_TOOL_OPTIONS"].split()
    assert {"-Dhttps.proxyUser=-", "-Dhttps.proxyPassword=app.password"} <= set(options)
    assert "-Djdk.http.auth.tunneling.disabledSchemes=" in options
    assert "proxyUser" not in made(client="app")["JAVA_TOOL_OPTIONS"]


def test_commands_are_led_to_the_home_that_the_user_named():
    names = made(known_as=Path("/named"))
    assert (names["MHSMREGION_HOME"], names["AZURE_CONFIG_DIR"]) == ("/named", str(HOME / "az"))


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, str(Path.home() / ".azure" / "cliextensions")),
        ({"AZURE_EXTENSION_DIR": "/e"}, "/e"),
        ({"AZURE_CONFIG_DIR": "/c"}, "/c/cliextensions"),
        ({"AZURE_CONFIG_DIR": str(HOME / "az")}, str(Path.home() / ".azure" / "cliextensions")),
    ],
)
def test_az_finds_the_users_extensions(environ, folder):
    assert made(environ)["AZURE_EXTENSION_DIR"] == folder


def test_a_directory_without_a_service_principal_names_none():
    names = variables(HOME, 1, Directory("t", "s", DIRECTORY.principals[:1]), environ={})
    assert "AZURE_CLIENT_ID" not in names


def test_java_is_given_the_trust_store_where_there_is_one(tmp_path):
    assert "trustStore" not in made()["JAVA_TOOL_OPTIONS"]
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "trust.p12").touch()
    options = variables(tmp_path, 8443, DIRECTORY, environ={})["JAVA_TOOL_OPTIONS"]
    assert f"-Djavax.net.ssl.trustStore={tmp_path}/ca/trust.p12" in options


def test_a_shell_reads_back_what_was_meant():
    script = as_sh(made()) + 'printf "%s|%s" "$AZURE_CLIENT_SECRET" "$MHSMREGION_HOME"'
    answered = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
    assert answered.stdout == "it's|/somewhere/a home"


HARD = {
    "PLAIN": "http://uksouth:-@127.0.0.1:8443",
    "SPACES": "-Da=1 -Db=2",
    "EDGES": " a ",
    "QUOTES": 'it\'s "so"',
    "SINGLE": "it's",
    "DOUBLE": 'say "so"',
    "TYPOGRAPHIC": "it\u2019s",
    "DOLLAR": "$HOME ${HOME} $(id)",
    "BACKTICK": "`id`",
    "BACKSLASH": "C:\\new\\",
    "QUOTED_BACKSLASH": "\\'; id; '",
    "HASH": "a #b",
    "LINES": "a\nb",
    "EMPTY": "",
}


def test_sh_gives_every_value_back():
    script = as_sh(HARD) + "".join(f'printf "%s\\0" "${name}"; ' for name in HARD)
    answered = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
    assert answered.stdout.split("\0")[:-1] == list(HARD.values())


def read_dotenv(text):
    """As python-dotenv and docker compose read it: bare, 'literal' or "with escapes"."""
    row = re.compile(r"""^(\w+)=(?:'([^']*)'|"((?:\\.|[^"\\])*)"|([^\n]*))$""", re.MULTILINE)
    found = {}
    for name, literal, escaped, bare in row.findall(text):
        plain = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), escaped)
        found[name] = literal or plain or bare.partition(" #")[0].strip()
    return found


def test_dotenv_gives_every_value_back():
    text = FORMATS["dotenv"](HARD)
    assert read_dotenv(text) == HARD
    assert len(text.splitlines()) == len(HARD)


def test_dotenv_quotes_nothing_that_docker_would_take_literally():
    lines = FORMATS["dotenv"]({name: HARD[name] for name in ("PLAIN", "SPACES", "EMPTY")}).splitlines()
    assert lines == [f"{name}={HARD[name]}" for name in ("PLAIN", "SPACES", "EMPTY")]


def test_fish_gives_every_value_back():
    """In its single quotes only \\\\ and \\' are escapes (fish's manual, "Quotes")."""
    rows = re.findall(r"^set -gx (\w+) '((?:\\[\\']|[^\\'])*)'$", FORMATS["fish"](HARD), re.MULTILINE)
    assert {name: re.sub(r"\\([\\'])", r"\1", value) for name, value in rows} == HARD


def test_powershell_gives_every_value_back():
    """In its single quotes a doubled quote is one, typographic ones too (about_Quoting_Rules)."""
    quote = "['\u2018\u2019\u201a\u201b]"
    rows = re.findall(
        rf"^\$Env:(\w+) = '((?:{quote}{quote}|[^'\u2018-\u201b])*)'$",
        FORMATS["powershell"](HARD),
        re.MULTILINE,
    )
    assert {name: re.sub(f"({quote}){quote}", r"\1", value) for name, value in rows} == HARD


def test_json_gives_every_value_back():
    assert json.loads(FORMATS["json"](HARD)) == HARD


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish_itself_gives_every_value_back():
    script = FORMATS["fish"](HARD) + "".join(f'printf "%s\\0" "${name}"\n' for name in HARD)
    answered = subprocess.run(["fish", "-c", script], capture_output=True, text=True, check=True)
    assert answered.stdout.split("\0")[:-1] == list(HARD.values())
