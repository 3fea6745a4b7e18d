"""Reset, snapshots, export and import."""

import stat

import pytest

from azext_mhsmregion.emulator import keeping
from azext_mhsmregion.emulator.errors import HomeError, HomeTooNew
from azext_mhsmregion.emulator.service import open_emulator

POOL = {"name": "ContosoMHSM", "roles": [{"role": "Managed HSM Crypto User"}], "keys": [{"name": "k"}]}
SIGN = ("POST", "/keys/k/sign", {"alg": "ES256", "value": "A" * 43})


def test_reset_leaves_a_home_just_made_and_keeps_the_directory(control):
    control.seed(POOL)
    control("PATCH", "/settings", {"seed": 9})
    control("PATCH", "/clock", {"mode": "manual"})
    owner = control.emulator.directory.owner
    assert control("POST", "/reset") == (204, None)
    found = control("GET", "/status")[1]
    assert (found["pools"], found["settings"]["seed"], found["clock"]["mode"]) == ([], 0, "real")
    assert control.emulator.directory.owner == owner
    assert control.seed(POOL) == ["ContosoMHSM"], "the name is free again"


def test_a_snapshot_brings_back_pools_keys_settings_and_clock(control):
    control("PATCH", "/clock", {"mode": "manual", "now": "2030-01-01T00:00:00Z"})
    control.seed(POOL)
    before, kid = control("GET", "/status")[1], control.data("GET", "/keys/k")[1]["key"]["kid"]
    assert control("PUT", "/snapshots/first")[0] == 201
    control("POST", "/clock/advance", {"seconds": 60})
    control("POST", "/reset")
    assert control("POST", "/snapshots/first/restore") == (204, None)
    assert control("GET", "/status")[1] == before
    assert control.data("GET", "/keys/k")[1]["key"]["kid"] == kid
    assert control.data(*SIGN)[0] == 200


def test_snapshots_are_listed_and_dropped(control):
    control("PUT", "/snapshots/b")
    control("PUT", "/snapshots/a")
    listed = control("GET", "/snapshots")[1]["value"]
    assert [item["name"] for item in listed] == ["a", "b"]
    assert control("DELETE", "/snapshots/a")[0] == 204
    assert [item["name"] for item in control("GET", "/snapshots")[1]["value"]] == ["b"]


def test_a_snapshot_that_is_there_is_not_overwritten(control):
    control("PUT", "/snapshots/a")
    control.seed(POOL)
    assert control("PUT", "/snapshots/a")[0] == 400
    control("POST", "/snapshots/a/restore")
    assert control.pools() == {}


@pytest.mark.parametrize("call", [("POST", "/snapshots/none/restore"), ("DELETE", "/snapshots/none")])
def test_a_snapshot_that_is_not_there(control, call):
    assert control(*call)[0] == 404


@pytest.mark.parametrize("name", ["..%2Fstore", ".hidden", "a b", "x" * 65])
def test_a_snapshots_name_is_no_path(control, name):
    assert control("PUT", f"/snapshots/{name.replace(' ', '%20')}")[0] == 400


def test_a_snapshot_of_another_schema_is_refused(control, monkeypatch):
    keeping.take(control.emulator.parts, "old")
    monkeypatch.setattr(keeping.schema, "VERSION", 99)
    with pytest.raises(HomeTooNew, match="schema"):
        keeping.restore(control.emulator.parts, "old")


def test_an_export_makes_the_same_home_elsewhere(control, tmp_path):
    control.seed(POOL)
    signed = control.data("GET", "/keys/k")[1]
    target = tmp_path / "export.tar.gz"
    keeping.export(control.emulator.parts, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    keeping.unpack(target, tmp_path / "elsewhere")
    other = type(control)(open_emulator(tmp_path / "elsewhere"))
    assert other.emulator.directory == control.emulator.directory
    assert other.data("GET", "/keys/k")[1] == signed
    assert other.data(*SIGN)[0] == 200
    other.emulator.store.close()


def test_an_export_overwrites_nothing(control, tmp_path):
    (tmp_path / "there").write_text("mine")
    with pytest.raises(FileExistsError):
        keeping.export(control.emulator.parts, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"


def test_an_import_needs_an_empty_home_and_an_export(control, tmp_path):
    target = tmp_path / "export.tar.gz"
    keeping.export(control.emulator.parts, target)
    with pytest.raises(HomeError, match="not empty"):
        keeping.unpack(target, control.emulator.home)
    (tmp_path / "rubbish").write_bytes(b"rubbish")
    with pytest.raises(HomeError, match="not an export"):
        keeping.unpack(tmp_path / "rubbish", tmp_path / "new")
    assert not (tmp_path / "new").exists()
