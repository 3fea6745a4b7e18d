"""``mhsm keyvault emulator``: a server of its own, on a home of its own."""

import json
import subprocess
import sys

import pytest

from azext_mhsmregion.emulator import running

GROUP = "keyvault emulator"


@pytest.mark.socket
def test_start_env_stop(mhsm_process):
    started = mhsm_process(f"{GROUP} start --place japaneast=0")
    assert started.returncode == 0, started.stderr
    server = json.loads(started.stdout)
    assert server["home"] == str(mhsm_process.home)
    assert running.find(mhsm_process.home)

    again = mhsm_process(f"{GROUP} start")
    assert again.returncode == 1
    assert f"process {server['pid']}, port {server['port']}" in again.stderr

    env = mhsm_process(f"{GROUP} env --from region.japaneast").stdout.splitlines()
    assert f"export HTTPS_PROXY=http://japaneast:-@127.0.0.1:{server['port']}" in env
    assert all(line.startswith("export ") for line in env)

    as_json = json.loads(mhsm_process(f"{GROUP} env --format json").stdout)
    assert as_json["HTTPS_PROXY"] == f"http://127.0.0.1:{server['port']}"
    assert mhsm_process(f"{GROUP} env --format cmd").returncode == 2

    stopped = mhsm_process(f"{GROUP} stop")
    assert (stopped.returncode, stopped.stdout) == (0, "")
    assert not running.find(mhsm_process.home)
    assert not (mhsm_process.home / "server.json").exists()


@pytest.mark.socket
def test_start_that_fails_says_why(mhsm_process):
    with_taken_port = json.loads(mhsm_process(f"{GROUP} start").stdout)["port"]
    logged = mhsm_process(f"{GROUP} logs")
    assert "Ready on 127.0.0.1" in logged.stdout
    other = mhsm_process(f"{GROUP} start --port {with_taken_port} --home {mhsm_process.home}-2")
    assert other.returncode == 1
    assert "cannot listen" in other.stderr


def test_stop_without_a_server_changes_nothing(mhsm):
    outcome = mhsm(f"{GROUP} stop")
    assert (outcome.code, outcome.out) == (0, "")
    assert "No server runs on" in outcome.err


def test_env_without_a_server_says_how_to_start_one(mhsm):
    outcome = mhsm(f"{GROUP} env --home /tmp/nowhere")
    assert (outcome.code, outcome.out) == (1, "")
    assert "mhsm keyvault emulator start --home /tmp/nowhere" in outcome.err


def test_a_left_over_file_never_points_at_a_stranger(mhsm, tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "server.json").write_text(json.dumps({"pid": stranger.pid, "port": 1}))
        (tmp_path / "home" / "lease.lock").write_text(str(stranger.pid))
        assert "No server runs on" in mhsm(f"{GROUP} stop").err
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("place", ["japaneast", "=1", "-=1", "japaneast=x", "japaneast=65536"])
def test_a_place_must_name_its_port(mhsm, place):
    assert mhsm(f"{GROUP} start --place {place}").code == 2


def test_a_place_must_be_a_region(mhsm):
    outcome = mhsm(f"{GROUP} start --place uksoth=0")
    assert outcome.code == 2
    assert "--place: 'uksoth' is no place" in outcome.err and "Did you mean uksouth?" in outcome.err
    network = mhsm(f"{GROUP} start --place vnet.group.net=0")
    assert (network.code, "is not implemented" in network.err) == (2, True)


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_port_is_a_port(mhsm, port):
    assert mhsm(f"{GROUP} start --port {port}").code == 2


def test_a_home_that_cannot_be_made(mhsm):
    outcome = mhsm(f"{GROUP} start --home /proc/nowhere")
    assert outcome.code == 1
    assert "home cannot be used" in outcome.err
