"""Docker, systemd, GitHub Actions: their files are parsed, and the commands in them run with the wheel
in a virtual environment of its own. Neither a container nor a service manager is run."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import sysconfig
import venv

import pytest
import yaml
from az.installation import made_once, wheel
from docs.machine import SECONDS, Machine

from azext_mhsmregion.emulator import running
from docs import pages

pytestmark = pytest.mark.socket

DOCKER = pages.DOCS / "docker"
INSTRUCTIONS = {"FROM", "COPY", "RUN", "USER", "ENV", "VOLUME", "HEALTHCHECK", "CMD"}


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The programs of a virtual environment that holds our wheel. Its dependencies are lent by this
    one's, since a test takes nothing from the package index."""
    package = wheel(tmp_path_factory)
    with made_once(tmp_path_factory, "bare-venv") as folder:
        if not folder.exists():
            venv.create(folder, with_pip=True)
            python = folder / "bin" / "python"
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--no-index", "--no-deps", str(package)], check=True, timeout=SECONDS)
            (packages,) = folder.glob("lib/python*/site-packages")
            (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture
def on(tmp_path, installed, without_network):
    machine = Machine(tmp_path, {"mhsm": installed / "mhsm"})
    yield machine
    machine.clean_up()


ASK = f"""{shlex.quote(sys.executable)} -c '
import base64, socket, sys
from urllib.parse import unquote, urlsplit
proxy = urlsplit(sys.argv[1])
assert proxy.hostname == "emulator"
shown = base64.b64encode(f"{{unquote(proxy.username)}}:{{unquote(proxy.password)}}".encode()).decode()
with socket.create_connection(("127.0.0.1", proxy.port), 20) as sock:
    sock.sendall(b"CONNECT management.azure.com:443 HTTP/1.1\\r\\n")
    sock.sendall(f"Proxy-Authorization: Basic {{shown}}\\r\\n\\r\\n".encode())
    print(sock.recv(100).split()[1].decode())
'"""
"""Opens a tunnel through the proxy of that URL and prints the answer's status."""


def started(command, on, address="127.0.0.1"):
    """A server in the foreground, once it is ready; killed after SECONDS."""
    process = subprocess.Popen(
        command,
        cwd=on.home,
        env=on.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    line = process.stderr.readline()
    assert line.startswith(f"Ready on {address}:"), line + process.stderr.read()
    return process


def ended(process):
    """The exit code after SIGTERM."""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=SECONDS)
    return process.returncode


def on_a_free_port(command):
    assert command[-2:] == ["--port", "8900"]
    return [*command[:-1], "0"]


def test_the_wheel_is_what_runs(on, installed):
    (code,) = installed.parent.glob("lib/python*/site-packages/azext_mhsmregion")
    done = subprocess.run(
        [installed / "python", "-c", "import azext_mhsmregion; print(azext_mhsmregion.__file__)"],
        cwd=on.home,
        env=on.environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(code / "__init__.py"), done.stderr


# -- docker ------------------------------------------------------------------------------


def dockerfile():
    """The instructions and their arguments, in order."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]


def test_the_dockerfile_is_read():
    instructions = dockerfile()
    assert instructions[0][0] == "FROM"
    assert {name for name, _ in instructions} == INSTRUCTIONS


def test_the_containers_command_gets_healthy_and_ends_well(on):
    instructions = dict(dockerfile())
    health = re.search(r" CMD (.*)$", f" {instructions['HEALTHCHECK']}")[1]
    on.variables["MHSMREGION_HOME"] = str(on.emulator_home)

    assert on.run(health, ("sh",)).returncode != 0
    process = started(on_a_free_port(json.loads(instructions["CMD"])), on)
    checked = on.run(health, ("sh",))
    printed = on.run('. "$MHSMREGION_HOME/env.sh" && exec env')

    assert checked.returncode == 0, checked.stderr
    assert f"HTTPS_PROXY=http://127.0.0.1:{running.find(on.emulator_home).port}\n" in printed.stdout
    assert ended(process) == 0


def compose():
    """The services of the compose file."""
    return yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))["services"]


def test_the_compose_file_shares_home_and_user_of_the_dockerfile():
    emulator, app = compose()["emulator"], compose()["app"]
    instructions = dict(dockerfile())

    assert (DOCKER / emulator["build"]["context"] / emulator["build"]["dockerfile"]).resolve() == (
        DOCKER / "Dockerfile"
    )
    assert "network_mode" not in app
    assert app["depends_on"] == {"emulator": {"condition": "service_healthy"}}
    home = instructions["VOLUME"]
    assert emulator["volumes"] == app["volumes"] == [f"emulator:{home}"]
    assert instructions["ENV"] == f"MHSMREGION_HOME={home}"
    assert f". {home}/env.sh" in app["command"][-1]
    assert app["user"].split(":")[0] == re.search(r"--uid (\d+)", (DOCKER / "Dockerfile").read_text())[1]


def test_composes_clients_reach_the_emulator_by_its_services_name_and_a_password(on):
    """The name is this test's loopback; the password is what it hands over."""
    emulator, home = compose()["emulator"], str(on.emulator_home)
    shell, health = emulator["healthcheck"]["test"]
    assert shell == "CMD-SHELL"
    (variable,) = emulator["environment"]
    assert emulator["environment"][variable].startswith(f"${{{variable}:?")
    on.variables.update({variable: "of containers", "MHSMREGION_HOME": home})

    process = started(on_a_free_port(emulator["command"]), on, "0.0.0.0")
    checked = on.run(health.replace("/emulator/", f"{home}/"), ("sh",))
    port = running.find(on.emulator_home).port
    del on.variables[variable]
    printed = on.run(f". {home}/env.sh && exec env").stdout
    proxy = f"http://-:of%20containers@emulator:{port}"
    asked = [on.run(f"{ASK} {one}").stdout for one in (proxy, proxy.replace("of", "off"))]

    assert checked.returncode == 0, checked.stderr
    assert f"HTTPS_PROXY={proxy}\n" in printed
    assert asked == ["200\n", "407\n"]
    assert ended(process) == 0


def test_the_compose_file_of_dns(on):
    """The client's container shares the network; both look names up where the emulator answers."""
    services = yaml.safe_load((DOCKER / "dns.yaml").read_text(encoding="utf-8"))["services"]
    emulator, app = services["emulator"], services["app"]
    resolver = "./resolv.conf:/etc/resolv.conf:ro"

    assert app["network_mode"] == "service:emulator"
    assert app["depends_on"] == {"emulator": {"condition": "service_healthy"}}
    assert app["user"] == compose()["app"]["user"]
    assert emulator["build"] == compose()["emulator"]["build"]
    assert emulator["volumes"] == app["volumes"] == [f"emulator:{dict(dockerfile())['VOLUME']}", resolver]
    assert emulator["sysctls"] == {"net.ipv4.ip_unprivileged_port_start": 0}
    assert (DOCKER / "resolv.conf").read_text() == "nameserver 127.0.0.1\n"

    if os.geteuid() != 0:
        pytest.skip("only root takes ports 53 and 443 here")
    process = started(on_a_free_port(emulator["command"]), on)
    assert running.find(on.emulator_home).dns.address == "127.0.0.1:53"
    on.variables["MHSMREGION_HOME"] = str(on.emulator_home)
    health = re.search(r" CMD (.*)$", f" {dict(dockerfile())['HEALTHCHECK']}")[1]
    assert on.run(health, ("sh",)).returncode == 0
    printed = on.run(app["command"][-1].replace("/emulator/", f"{on.emulator_home}/")).stdout
    assert "REQUESTS_CA_BUNDLE=" in printed
    assert "HTTPS_PROXY=" not in printed
    assert ended(process) == 0


# -- systemd -----------------------------------------------------------------------------


def test_the_unit_starts_is_found_and_ends_well(on):
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(pages.read("systemd.md").files["mhsm-emulator.service"])
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = {name: value.replace("%h", str(on.home)) for name, value in unit["Service"].items()}
    assert service["Environment"] == f"MHSMREGION_HOME={on.emulator_home}"
    program, *words = shlex.split(service["ExecStart"])
    assert program == f"{on.home}/.local/bin/mhsm"

    process = started(on_a_free_port(["mhsm", *words]), on)

    assert on.run("mhsm keyvault emulator env").returncode == 0
    assert ended(process) == 0


# -- GitHub Actions ----------------------------------------------------------------------


def test_the_workflows_steps_run_one_after_the_other(on):
    page = pages.read("github-actions.md")
    (on.home / "pools.yaml").write_text(page.files["pools.yaml"])
    workflow = yaml.safe_load(page.files["workflow.yaml"])
    steps = workflow["jobs"]["test"]["steps"]
    ours = [step["run"] for step in steps if "mhsm keyvault" in step.get("run", "")]

    done = [on.run(step, ("bash", "-e")) for step in ours]

    assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
    assert [one["name"] for one in json.loads(done[1].stdout)] == ["uksouth", "australiaeast"]
