"""The variables that send unmodified clients here."""

import subprocess
from pathlib import Path

import pytest

from azext_mhsmregion.emulator.directory import Directory, Principal
from azext_mhsmregion.emulator.http.environment import as_sh, variables

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
        ("vnet.g.n", "app 1", "http://vnet.g.n:app%201@127.0.0.1:8443"),
        (None, "app", "http://-:app@127.0.0.1:8443"),
    ],
)
def test_the_proxy_says_place_and_client(place, client, proxy):
    names = made(place=place, client=client)
    assert {names[n] for n in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")} == {proxy}


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
