"""The options of ``mhsm keyvault emulator start``: what is refused before anything starts, and that a
password reaches the server and nobody else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from azext_mhsmregion.cli import server_options
from azext_mhsmregion.cli.server_options import ServerOptions
from azext_mhsmregion.emulator import running

GROUP = "keyvault emulator"
PASSWORD = "ge.heim:nis 1"
FILE = "--proxy-password-file"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "::"])
def test_an_address_that_others_reach_needs_a_password(mhsm, address):
    outcome = mhsm(f"{GROUP} start --listen {address}")
    assert outcome.code == 2
    assert f"Other machines can reach {address}" in outcome.err
    assert "MHSMREGION_PROXY_PASSWORD" in outcome.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--listen myhost", "must be an IP address"),
        ("--proxy-password short", "fewer than 8 characters"),
        ("--proxy-password longenough --proxy-password-file x", "Say --proxy-password or"),
        ("--proxy-password-file /nowhere", "/nowhere cannot be read: No such file"),
        ("--proxy-passthrough https://pypi.org", "https://pypi.org is no host"),
        ("--proxy-passthrough management.azure.com", "never passes"),
    ],
)
def test_what_cannot_be_is_told_before_anything_starts(mhsm, tmp_path, options, said):
    outcome = mhsm(f"{GROUP} start {options}")
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert not (tmp_path / "home").exists()


def test_an_empty_file_holds_no_password(mhsm, tmp_path):
    (tmp_path / "empty").write_text("\n")
    assert "fewer than 8" in mhsm(f"{GROUP} start {FILE} {tmp_path / 'empty'}").err


def test_the_password_is_the_options_else_the_files_else_the_environments(tmp_path):
    file = tmp_path / "password"
    file.write_text("from the file\nnot this\n")
    environ = {"MHSMREGION_PROXY_PASSWORD": "from the environment"}
    assert server_options.password_of("from the option", None, environ) == "from the option"
    assert server_options.password_of(None, str(file), environ) == "from the file"
    assert server_options.password_of(None, None, environ) == "from the environment"
    assert server_options.password_of(None, None, {"MHSMREGION_PROXY_PASSWORD": ""}) == ""


def test_options_are_typed_again_without_the_password():
    options = ServerOptions("/h", 1, {"uksouth": 2}, "0.0.0.0", PASSWORD, ("a", ".b"), memory=True)
    assert " ".join(options.as_typed()) == (
        "--home /h --port 1 --listen 0.0.0.0 --place uksouth=2 --proxy-passthrough a,.b --memory"
    )
    assert PASSWORD not in repr(options)


def everything_said_of(pid):
    """Command lines of all processes: what `ps` shows to other users."""
    lines = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    assert (Path("/proc") / str(pid) / "cmdline").exists()
    return b"\n".join(lines).decode(errors="replace")


@pytest.mark.socket
@pytest.mark.parametrize("how", ["environment", "file"])
def test_the_password_reaches_server_clients_and_commands_but_no_list_of_processes(
    mhsm_process, tmp_path, how
):
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    given = {"MHSMREGION_PROXY_PASSWORD": PASSWORD} if how == "environment" else {}
    options = "" if how == "environment" else f"{FILE} {file}"
    started = mhsm_process(f"{GROUP} start --listen 0.0.0.0 {options}", **given)
    assert started.returncode == 0, started.stderr
    server = json.loads(started.stdout)
    assert server["address"] == "0.0.0.0"
    assert PASSWORD not in started.stdout
    if sys.platform == "linux":
        assert PASSWORD not in everything_said_of(server["pid"])
    assert (mhsm_process.home / "server.json").stat().st_mode & 0o777 == 0o600

    listed = mhsm_process("keyvault list")  # by the server: a command of this home knows the password
    assert (listed.returncode, listed.stdout.strip()) == (0, "[]"), listed.stderr
    variables = json.loads(mhsm_process(f"{GROUP} env --format json --from uksouth").stdout)
    proxy = variables["HTTPS_PROXY"]
    assert proxy == f"http://uksouth:ge.heim%3Anis%201@127.0.0.1:{server['port']}"
    login = (
        "https://login.microsoftonline.com/common/discovery/instance?api-version=1.1&authorization_endpoint=x"
    )
    with requests.Session() as session:
        session.trust_env, session.verify = False, variables["REQUESTS_CA_BUNDLE"]
        assert session.get(login, proxies={"https": proxy}).status_code < 500
        with pytest.raises(requests.exceptions.ProxyError, match="407"):
            session.get(login, proxies={"https": f"http://127.0.0.1:{server['port']}"})
    logged = mhsm_process(f"{GROUP} logs").stdout
    assert "407" in logged
    assert PASSWORD not in logged


@pytest.mark.socket
def test_a_password_in_the_list_of_processes_is_warned_of(mhsm_process):
    command = [sys.executable, "-m", "azext_mhsmregion.cli.app", *GROUP.split(), "start", "--foreground"]
    command += ["--home", str(mhsm_process.home), "--proxy-password", "for all to see"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert "Other users can read --proxy-password" in process.stderr.readline()
        assert process.stderr.readline().startswith("Ready on ")
        process.terminate()


@pytest.mark.socket
def test_a_restart_keeps_all_options(mhsm_process):
    options = (
        f"--listen 0.0.0.0 --place uksouth=0 --proxy-passthrough pypi.org --proxy-passthrough .x.test {FILE}"
    )
    file = mhsm_process.home.parent / "password"
    file.write_text(PASSWORD)
    assert mhsm_process(f"{GROUP} start {options} {file}").returncode == 0
    before = running.find(mhsm_process.home)
    assert before.passthrough == ("pypi.org", ".x.test")
    assert before.password == PASSWORD
    assert PASSWORD not in repr(before)
    restarted = mhsm_process(f"{GROUP} restart")
    assert restarted.returncode == 0, restarted.stderr
    after = running.find(mhsm_process.home)
    assert after.pid != before.pid
    assert [getattr(after, n) for n in ("port", "places", "address", "password", "passthrough")] == [
        getattr(before, n) for n in ("port", "places", "address", "password", "passthrough")
    ]


@pytest.mark.socket
def test_env_names_the_address_by_which_clients_come(mhsm_process):
    port = json.loads(mhsm_process(f"{GROUP} start --place uksouth=0").stdout)["port"]
    variables = json.loads(mhsm_process(f"{GROUP} env --format json --address emulator").stdout)
    assert variables["HTTPS_PROXY"] == f"http://emulator:{port}"
    assert "-Dhttps.proxyHost=emulator " in variables["JAVA_TOOL_OPTIONS"]
