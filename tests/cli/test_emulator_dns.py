"""``mhsm keyvault emulator start --dns``: what is refused, what is told, what a restart keeps."""

import json
import os
import socket
import subprocess
import sys

import pytest
from support import required
from support.loopback import only_loopback_of

from azext_mhsmregion.cli import server_options
from azext_mhsmregion.cli.server_options import ServerOptions
from azext_mhsmregion.emulator.dns.addresses import Dns, entrances, of_region
from azext_mhsmregion.provider.errors import UsageError

GROUP = "keyvault emulator"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("127.0.0.1:53", Dns("127.0.0.1", 53)),
        ("127.0.0.2", Dns("127.0.0.2", 53)),
        ("127.0.0.1:0", Dns("127.0.0.1", 0)),
        ("[::1]:5353", Dns("::1", 5353)),
        ("[::1]", Dns("::1", 53)),
    ],
)
def test_where_dns_is_answered(text, expected):
    assert server_options.dns_of(text, "") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("localhost", "must be ADDRESS or ADDRESS:PORT"),
        ("", "must be ADDRESS or ADDRESS:PORT"),
        ("::1", "must be ADDRESS or ADDRESS:PORT"),
        ("127.0.0.1:", "must be ADDRESS or ADDRESS:PORT"),
        ("127.0.0.1:65536", "PORT at most 65535"),
        ("127.0.0.1:x", "must be ADDRESS or ADDRESS:PORT"),
        ("0.0.0.0:53", "must be a loopback address"),
        ("192.0.2.1", "must be a loopback address"),
    ],
)
def test_what_is_no_address_for_dns(text, said):
    with pytest.raises(UsageError, match=said):
        server_options.dns_of(text, "")


def test_dns_and_a_password_exclude_each_other(mhsm, tmp_path):
    outcome = mhsm(f"{GROUP} start --dns --proxy-password longenough")
    assert outcome.code == 2
    assert "--dns and a password for the proxy exclude each other" in outcome.err
    assert not (tmp_path / "home").exists()


def test_the_option_is_typed_again():
    words = ServerOptions("/h", dns=Dns("::1", 54)).as_typed()
    assert words[words.index("--dns") + 1] == "[::1]:54"
    assert server_options.dns_of("[::1]:54", "") == Dns("::1", 54)
    assert "--dns" not in ServerOptions("/h").as_typed()


def test_status_says_when_nobody_answers_dns(mhsm_process):
    assert json.loads(mhsm_process(f"{GROUP} status").stdout)["dns"] is None


def test_dnspython_is_loaded_for_dns_alone(tmp_path):
    code = (
        "import sys\n"
        "from azext_mhsmregion.cli import serving, server_options\n"
        "from azext_mhsmregion.emulator.http import server\n"
        "print('dns.message' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.fixture
def alone(request):
    """A network of loopback only, whose ports are all free; False where the test has run already, in a
    process that may make one."""
    with only_loopback_of(request.node, required.REQUIRED):
        yield os.geteuid() == 0


@pytest.mark.socket
def test_start_status_and_the_home_tell_where_and_restart_keeps_it(alone, mhsm_process):
    if not alone:
        return
    variables = f"{GROUP} env --format json"
    place = {"address": "127.0.0.1:53", "places": {"uksouth": f"{of_region('uksouth')}:53"}}

    started = mhsm_process(f"{GROUP} start --dns --place uksouth=0")
    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["dns"] == place
    assert json.loads(mhsm_process(f"{GROUP} status").stdout)["dns"] == place
    assert json.loads((mhsm_process.home / "server.json").read_text())["dns"] == place
    told = json.loads(mhsm_process(variables).stdout)
    restarted = mhsm_process(f"{GROUP} restart")
    assert restarted.returncode == 0, restarted.stderr
    assert json.loads(restarted.stdout)["dns"] == place
    assert json.loads(mhsm_process(variables).stdout) == told
    for address in ("127.0.0.1:53", *(f"{one}:443" for one in entrances())):
        host, _, port = address.partition(":")
        socket.create_connection((host, int(port)), 20).close()


@pytest.mark.socket
@pytest.mark.parametrize("taken", ["127.0.0.1:53", "127.43.0.1:443"])
def test_a_port_that_cannot_be_had_is_told(alone, mhsm_process, taken):
    if not alone:
        return
    host, _, port = taken.partition(":")
    with socket.socket() as sock:
        sock.bind((host, int(port)))
        done = mhsm_process(f"{GROUP} start --dns")
    assert done.returncode == 1
    assert f"The server cannot listen on {taken}" in done.stderr
    assert "Address already in use" in done.stderr
    assert "unshare -rn" in done.stderr
