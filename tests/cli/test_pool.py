"""``keyvault create`` and its companions; the security domain."""

import os
import stat

import pytest

from azext_mhsmregion.cli.ops import security_domain
from azext_mhsmregion.model.activation import MINIMUM_QUORUM, MINIMUM_WRAPPING_KEYS
from azext_mhsmregion.provider import errors

from .fake import OWNER

CREATE = "keyvault create --hsm-name ContosoMHSM --location uksouth"
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def spec(mhsm):
    return mhsm.called("create_pool")[-1][1]


def test_create_waits_and_prints_the_pool(mhsm):
    outcome = mhsm(CREATE)
    assert outcome.code == 0
    assert (outcome.json["name"], outcome.json["resourceGroup"]) == ("ContosoMHSM", "default")
    assert mhsm.clock.time == 1090.0


def test_create_sends_what_was_typed(mhsm):
    mhsm(
        f"{CREATE} -g rg1 --administrators a b --retention-days 7 --enable-purge-protection true "
        "--tags x=1 y --no-wait"
    )
    sent = spec(mhsm)
    assert (sent.group, sent.administrators, sent.retention_days) == ("rg1", ("a", "b"), 7)
    assert (sent.purge_protection, sent.tags) == (True, {"x": "1", "y": ""})


def test_create_makes_the_caller_administrator(mhsm):
    outcome = mhsm(f"{CREATE} --no-wait")
    assert outcome.out == ""
    assert (spec(mhsm).administrators, spec(mhsm).retention_days) == ((OWNER,), 90)
    assert (spec(mhsm).group, spec(mhsm).purge_protection) == (None, None)


@pytest.mark.parametrize(("typed", "value"), [("", True), (" false", False), (" True", True)])
def test_a_three_state_flag(mhsm, typed, value):
    mhsm(f"{CREATE} --no-wait --enable-purge-protection{typed}")
    assert spec(mhsm).purge_protection is value


@pytest.mark.parametrize(
    "wrong", ["--retention-days 6", "--retention-days 91", "--enable-purge-protection x"]
)
def test_create_with_wrong_values_asks_nobody(mhsm, wrong):
    assert mhsm(f"{CREATE} {wrong}").code == 2
    assert mhsm.provider.calls == []


def test_create_needs_name_and_location(mhsm):
    assert mhsm("keyvault create --location uksouth").code == 2
    assert mhsm("keyvault create --hsm-name x").code == 2


def test_show_and_list(mhsm):
    mhsm.pool(group="rg1", extended={"australiaeast": "Succeeded"})
    mhsm.pool("other")
    assert mhsm("keyvault show --hsm-name ContosoMHSM").json["resourceGroup"] == "rg1"
    assert mhsm("keyvault show -n nobody").code == 3
    assert [p["name"] for p in mhsm("keyvault list").json] == ["ContosoMHSM", "other"]
    assert [p["name"] for p in mhsm("keyvault list -g rg1 --resource-type hsm").json] == ["ContosoMHSM"]
    table = mhsm("keyvault list -o table").out
    assert "ContosoMHSM  rg1      uksouth     Succeeded  Active        australiaeast" in table


def test_delete_is_refused_while_extended(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    outcome = mhsm("keyvault delete --hsm-name ContosoMHSM")
    assert outcome.code == 1
    assert "extended to regions (australiaeast) is not allowed" in outcome.err
    assert "billed" not in outcome.err


def test_delete_recover_purge(mhsm):
    mhsm.pool()
    deleted = mhsm("keyvault delete --hsm-name ContosoMHSM")
    assert (deleted.code, deleted.out) == (0, "")
    assert "WARNING: Pool ContosoMHSM is being soft-deleted; it is billed until it is purged." in deleted.err
    assert [p["name"] for p in mhsm("keyvault list-deleted").json] == ["ContosoMHSM"]
    shown = mhsm("keyvault show-deleted --hsm-name ContosoMHSM --location uksouth")
    assert shown.json["properties"]["location"] == "uksouth"
    assert "2026-04-01" in mhsm("keyvault list-deleted -o table").out
    assert mhsm("keyvault recover --hsm-name ContosoMHSM").json["name"] == "ContosoMHSM"
    mhsm("keyvault delete --hsm-name ContosoMHSM --only-show-errors")
    purged = mhsm("keyvault purge --hsm-name ContosoMHSM")
    assert (purged.code, purged.out) == (0, "")
    assert mhsm("keyvault show-deleted --hsm-name ContosoMHSM").code == 3
    assert mhsm("keyvault purge --hsm-name ContosoMHSM").code == 3


def test_check_name(mhsm):
    mhsm.pool()
    assert mhsm("keyvault check-name --name ContosoMHSM").json["nameAvailable"] is False
    assert mhsm("keyvault check-name -n free -o tsv --query nameAvailable").out == "true\n"


def test_update(mhsm):
    mhsm.pool()
    outcome = mhsm("keyvault update-hsm --hsm-name ContosoMHSM --tags a=1 --public-network-access disabled")
    assert outcome.json["tags"] == {"a": "1"}
    changes = mhsm.called("update_pool")[0][2]
    assert (changes.public_network_access, changes.purge_protection) == ("Disabled", None)
    assert mhsm("keyvault update-hsm --hsm-name ContosoMHSM").code == 2
    assert mhsm("keyvault update-hsm --hsm-name ContosoMHSM --bypass nothing").code == 2


# -- security domain -------------------------------------------------------------
@pytest.fixture
def download(mhsm, tmp_path):
    mhsm.pool(activation="NotActivated")
    for number in "123":
        (tmp_path / f"{number}.cer").write_bytes(CERTIFICATE)

    def run(keys=("1.cer", "2.cer", "3.cer"), quorum="2", file="sd.json", *more):
        paths = [str(tmp_path / key) for key in keys]
        return mhsm(
            "keyvault security-domain download --hsm-name ContosoMHSM", "--sd-wrapping-keys", *paths,
            "--sd-quorum", quorum, "--security-domain-file", str(tmp_path / file), *more,
        )  # fmt: skip

    return run


def test_download_writes_a_private_file_and_waits_for_activation(mhsm, download, tmp_path):
    outcome = download()
    assert (outcome.code, outcome.json["status"]) == (0, "Success")
    assert mhsm.called("download") == [("download", "ContosoMHSM", (CERTIFICATE,) * 3, 2)]
    assert (tmp_path / "sd.json").read_text() == '{"EncData": {}}'
    assert stat.S_IMODE(os.stat(tmp_path / "sd.json").st_mode) == 0o600
    assert mhsm.clock.time == 1001.0


def test_download_without_waiting(mhsm, download):
    outcome = download(("1.cer", "2.cer", "3.cer"), "2", "sd.json", "--no-wait")
    assert (outcome.code, outcome.out, mhsm.clock.time) == (0, "", 1000.0)


def test_download_never_overwrites(mhsm, download, tmp_path):
    (tmp_path / "sd.json").write_text("precious")
    outcome = download()
    assert (outcome.code, mhsm.called("download")) == (2, [])
    assert "already exists" in outcome.err
    assert (tmp_path / "sd.json").read_text() == "precious"


def test_download_that_fails_leaves_no_file(mhsm, download, tmp_path):
    mhsm.provider.raises = errors.ForbiddenError("no")
    assert download().code == 1
    assert not (tmp_path / "sd.json").exists()


def test_download_checks_what_it_is_given(mhsm, download, tmp_path):
    (tmp_path / "no.cer").write_text("hello")
    few = download(("1.cer",) * (MINIMUM_WRAPPING_KEYS - 1))
    assert (few.code, f"give {MINIMUM_WRAPPING_KEYS} to 10 certificates" in few.err) == (2, True)
    assert download(("1.cer",) * 11).code == 2
    assert download(quorum=str(MINIMUM_QUORUM - 1)).code == 2
    assert download(quorum="4").code == 2
    assert download(("1.cer", "2.cer", "missing.cer")).code == 2
    no_pem = download(("1.cer", "2.cer", "no.cer"))
    assert no_pem.code == 2
    assert "openssl req" in no_pem.err
    assert download(file="no/such/folder/sd.json").code == 2
    assert mhsm.called("download") == []


def test_the_limits_are_the_models(monkeypatch, download):
    monkeypatch.setattr(security_domain, "MINIMUM_WRAPPING_KEYS", 2)
    assert download(("1.cer", "2.cer")).code == 0


def test_an_activation_that_takes_too_long_says_how_to_wait(mhsm, download):
    mhsm.provider.activation_polls = 10_000
    outcome = download()
    assert outcome.code == 1
    assert "Activating pool ContosoMHSM: not reached in 30m 00s." in outcome.err
    assert "region wait --hsm-name ContosoMHSM --custom" in outcome.err
