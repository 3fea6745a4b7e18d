"""Runs each script of this folder with ``sh``: with mhsm always, with az where one is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from az import homes
from az.installation import VERSIONS, bare_environment, extensions_of, python_of, warm_profile_of

from azext_mhsmregion.emulator.service import open_emulator

HERE = Path(__file__).resolve().parent
SCRIPTS = sorted(path.name for path in HERE.glob("*.sh") if path.name != "common.sh")
# In one script `wait --timeout 0` must meet the region on its way.
ADD_SECONDS = {"no_wait.sh": 3.0}


@pytest.fixture
def environment(request, tmp_path):
    """A home without pools, a folder for programs, certificates."""
    script = request.node.callspec.params["script"] if hasattr(request.node, "callspec") else ""
    durations = {**homes.AT_ONCE, "region-add": ADD_SECONDS.get(script, 0.0)}
    open_emulator(tmp_path / "home").configure(durations=durations)
    (tmp_path / "certificates").mkdir()
    homes.write_certificates(tmp_path / "certificates")
    programs = tmp_path / "programs"
    programs.mkdir()
    link(programs / "mhsm", Path(sys.executable).parent / "mhsm")
    return bare_environment(
        MHSMREGION_HOME=str(tmp_path / "home"),
        MHSMREGION_PROVIDER="emulator",
        CERTIFICATES=str(tmp_path / "certificates"),
        PYTHON=sys.executable,
        PATH=f"{programs}:{os.defpath}",
    )


def link(name, program):
    """A program under a name of its own, without the rest of its folder."""
    assert program.exists(), f"{program} is missing"
    name.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
    name.chmod(0o755)


def run(script, environment, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        ["sh", str(HERE / script)],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, f"{script} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_with_mhsm(script, environment, tmp_path):
    last = run(script, {**environment, "CLI": "mhsm"}, tmp_path)
    assert last == f"done: {script[:-3]} with mhsm"


@pytest.mark.az
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_script_with_az(script, version, environment, tmp_path, tmp_path_factory):
    az = python_of(version).parent / "az"
    link(tmp_path / "programs" / "az", az)
    shutil.copytree(warm_profile_of(version, tmp_path_factory), tmp_path / "profile")
    profile = {
        "AZURE_CONFIG_DIR": str(tmp_path / "profile"),
        "AZURE_EXTENSION_DIR": str(extensions_of(version, tmp_path_factory)),
    }
    last = run(script, {**environment, **profile, "CLI": "az"}, tmp_path)
    assert last == f"done: {script[:-3]} with az"


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_stops_at_its_first_error(script):
    lines = (HERE / script).read_text().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "set -eu" in lines


def test_a_failed_expectation_fails_the_script(environment, tmp_path):
    """The control: `expect`, `same` and `is_json` of common.sh can fail."""
    for line in ("expect 3 true", "same this 1 2", "echo x >out; is_json out", "echo x >out; empty out"):
        script = f'set -eu\n. "{HERE}/common.sh"\n{line}\n'
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=tmp_path,
            env={**environment, "CLI": "mhsm"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 99, line
        assert "FAILED" in done.stderr
