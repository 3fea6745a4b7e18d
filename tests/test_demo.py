"""``make demo`` is a test too: a new user's first screen."""

import os
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def test_the_demo_ends_well_and_shows_the_tutorial(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path), "MHSMREGION_HOME": str(tmp_path / "mine")}
    done = subprocess.run(
        [sys.executable, CHECKOUT / "tools" / "demo.py"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout
    unwrapped = " ".join(shown.split())
    listed = shown.split("keyvault region list")[1]
    assert re.search(r"uksouth .* yes +Succeeded\n +australiaeast .* no +Succeeded", listed)
    assert "Not authorized to access Microsoft.KeyVault/managedHsm/keys/create" in unwrapped
    assert "Soft delete of a pool ContosoMHSM that is extended to regions (australiaeast)" in unwrapped
    assert re.search(r"key verify .*(\n.*)*?\n    true\n", shown)
    assert re.search(r"region remove .*\n(.*\n){2} +uksouth .*\n  → ", shown), "the primary alone is left"
    assert re.match(r"demo: \d+ commands, all as expected, \d+ s$", shown.splitlines()[-1])
    assert not (tmp_path / "mine").exists(), "the demo uses a home of its own"


def test_a_step_that_goes_wrong_ends_the_demo(tmp_path):
    """A demo that cannot write its home must not look as if it had worked."""
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    environment = {**os.environ, "TMPDIR": str(tmp_path), "MHSMREGION_PROVIDER": "nonsense"}
    code = (
        "import sys; sys.argv = ['demo']\n"
        f"sys.path.insert(0, {str(CHECKOUT / 'tools')!r})\n"
        "import demo, os\n"
        f"demo._environment = lambda _: dict(os.environ, MHSMREGION_HOME={str(blocked)!r})\n"
        "sys.exit(demo.main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "did not end as expected" in done.stdout
