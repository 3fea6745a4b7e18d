"""Inside az its own packages win (DESIGN section 5): crypto, model, store and handlers run on
them too, cryptography 40.0.2 with az 2.48.1 among them."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from shared_data import CHECKOUT, az_folder

SUITES = ("tests/crypto", "tests/store", "tests/rules")


@pytest.mark.az
@pytest.mark.parametrize(("version", "cryptography"), [("2.48.1", "40.0.2"), ("2.91.0", "")])
def test_our_floors_run_on_azs_own_packages(version, cryptography, tmp_path):
    python = az_folder() / version / "bin" / "python"
    beside = az_folder() / f"{version}-testing"
    if not python.exists() or not beside.exists():
        pytest.skip(f"no az {version} with its testing packages under {az_folder()} (make az-env)")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(beside)]),
        "MHSMREGION_AZ": str(tmp_path / "none"),
    }
    environment.pop("MHSMREGION_REQUIRE_AZ", None)
    version_of = "import cryptography; print(cryptography.__version__, cryptography.__file__)"
    found = subprocess.run(
        [python, "-c", version_of], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    home = (az_folder() / version).resolve()
    assert found[0].startswith(cryptography)
    assert Path(found[1]).resolve().is_relative_to(home), "not az's own package"
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not az and not slow", *SUITES]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert int(re.search(r"(\d+) passed", done.stdout).group(1)) > 400
