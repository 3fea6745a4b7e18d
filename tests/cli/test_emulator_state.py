"""``mhsm keyvault emulator``: status, clock, seed, reset, snapshots, export, in process and with a
server on the home, through the same commands."""

import json
import subprocess
import sys

import pytest

SEED = """
pools:
- name: ContosoMHSM
  regions: [australiaeast]
  roles: [{role: Managed HSM Crypto User, scope: /keys}]
  keys: [{name: payments}]
"""


@pytest.fixture(params=["in process", pytest.param("server", marks=pytest.mark.socket)])
def mhsm(request, tmp_path):
    """Runs one command in a process of its own; on a home with a server in the second round."""

    def run(line, code=0, home="home"):
        command = [sys.executable, "-m", "azext_mhsmregion.cli.app", "keyvault", *line.split()]
        done = subprocess.run(
            [*command, "--home", str(tmp_path / home)], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == code, (line, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip()[:1] in ("{", "[") else done.stderr

    (tmp_path / "pools.yaml").write_text(SEED)
    if request.param == "server":
        run("emulator start")
        request.addfinalizer(lambda: run("emulator stop"))
    return run


def test_seed_snapshot_reset_restore(mhsm):
    assert mhsm("emulator seed --file pools.yaml") == {"pools": ["ContosoMHSM"]}
    mhsm("emulator snapshot create --name before")
    mhsm("emulator reset --yes")
    assert mhsm("list") == []
    mhsm("emulator snapshot restore --name before")
    assert [region["name"] for region in mhsm("region list --hsm-name ContosoMHSM")] == [
        "uksouth",
        "australiaeast",
    ]
    assert [item["name"] for item in mhsm("emulator snapshot list")] == ["before"]
    mhsm("emulator snapshot delete --name before")
    assert "no snapshot named" in mhsm("emulator snapshot restore --name before", code=3)


def test_a_held_clock_ends_a_wait_at_once_and_names_the_advance(mhsm):
    mhsm("emulator seed --file pools.yaml")
    mhsm("emulator settings --profile documented --hold")
    mhsm("emulator clock set --mode manual")
    message = mhsm("region remove --hsm-name ContosoMHSM --region australiaeast", code=1)
    assert "Service time stands still" in message
    assert "emulator clock advance --by 1500s" in message
    mhsm("emulator clock advance --by 1500s")
    assert len(mhsm("region list --hsm-name ContosoMHSM")) == 1


def test_the_clock_moves_forward_only(mhsm):
    mhsm("emulator clock set --mode manual --to 2030-01-01T00:00:00Z")
    assert mhsm("emulator clock advance --by 6m")["now"] == "2030-01-01T00:06:00.000Z"
    assert "never goes back" in mhsm("emulator clock set --to 2029-01-01T00:00:00Z", code=1)
    assert "no duration" in mhsm("emulator clock advance --by soon", code=2)


def test_export_and_import_carry_everything(mhsm):
    mhsm("emulator seed --file pools.yaml")
    mhsm("emulator export --file all.tar.gz")
    assert "exists" in mhsm("emulator export --file all.tar.gz", code=1)
    (pool,) = mhsm("emulator import --file all.tar.gz", home="copy")["pools"]
    assert (pool["name"], pool["regions"]) == ("ContosoMHSM", ["uksouth", "australiaeast"])
    assert "not empty" in mhsm("emulator import --file all.tar.gz", code=1)


def test_a_wrong_seed_is_told_and_changes_nothing(mhsm, tmp_path):
    (tmp_path / "wrong.yaml").write_text("pools: [{name: ContosoMHSM, region: x}]")
    assert "no member 'region'" in mhsm("emulator seed --file wrong.yaml", code=1)
    assert "cannot be read" in mhsm("emulator seed --file none.yaml", code=2)
    (tmp_path / "rubbish.yaml").write_text("{")
    assert "neither YAML nor JSON" in mhsm("emulator seed --file rubbish.yaml", code=2)
    assert mhsm("list") == []


def test_settings_are_shown_and_changed(mhsm):
    assert mhsm("emulator settings")["profile"] == "quick"
    changed = mhsm("emulator settings --profile documented --seed 7 --durations region-add=30s dns.ttl=1m")
    assert (changed["profile"], changed["seed"]) == ("documented", 7)
    assert changed["durations"] == {"region-add": 30, "dns.ttl": 60}
    assert mhsm("emulator status")["settings"] == changed
    assert "must be NAME=DURATION" in mhsm("emulator settings --durations x", code=2)
    assert "unknown duration" in mhsm("emulator settings --durations nosuch=1s", code=1)
