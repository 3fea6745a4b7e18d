"""``keyvault key``: az's shapes of keys and signatures."""

from base64 import b64encode

import pytest

from azext_mhsmregion.provider import errors

KEY = "--hsm-name ContosoMHSM --name mykey"
KID = "https://contosomhsm.managedhsm.azure.net/keys/mykey/v1"
DIGEST = b64encode(b"0123456789abcdef").decode()


@pytest.fixture
def made(mhsm):
    mhsm.pool()
    return mhsm(f"keyvault key create {KEY}")


def test_create_prints_azs_shape(made):
    shown = made.json
    assert made.code == 0
    assert set(shown) == {"attributes", "key", "managed", "releasePolicy", "tags"}
    assert shown["attributes"] == {
        "created": "2023-11-14T22:13:20+00:00",
        "enabled": True,
        "expires": None,
        "exportable": None,
        "hsmPlatform": None,
        "keySize": None,
        "notBefore": None,
        "recoverableDays": 90,
        "recoveryLevel": "Recoverable",
        "updated": "2023-11-14T22:13:20+00:00",
    }
    key = shown["key"]
    assert (key["kid"], key["kty"], key["keyOps"]) == (KID, "RSA-HSM", ["sign", "verify"])
    assert (key["n"], key["e"], key["d"]) == (b64encode(b"\xff\xfe modulus").decode(), "AQAB", None)


def test_create_sends_what_was_typed(mhsm):
    mhsm.pool()
    mhsm(
        f"keyvault key create {KEY} --kty ec-hsm --curve P-256 --ops sign verify --disabled "
        "--expires 2030-01-31T00:00:00Z --not-before 2029-01-31T00:00:00Z --tags a=b"
    )
    assert mhsm.called("create_key")[0][3] == {
        "kty": "EC-HSM",
        "crv": "P-256",
        "key_ops": ["sign", "verify"],
        "attributes": {"enabled": False, "exp": 1896048000, "nbf": 1864512000},
        "tags": {"a": "b"},
    }


def test_create_with_a_size(mhsm):
    mhsm.pool()
    mhsm(f"keyvault key create {KEY} --size 3072 -p hsm")
    sent = mhsm.called("create_key")[0][3]
    assert (sent["kty"], sent["key_size"], sent["attributes"]) == ("RSA-HSM", 3072, {"enabled": True})


@pytest.mark.parametrize("wrong", ["--kty DSA", "--size big", "--curve P-1", "--ops fly", "--expires soon"])
def test_create_with_wrong_values_is_wrong_usage(mhsm, wrong):
    assert mhsm(f"keyvault key create {KEY} {wrong}").code == 2


def test_show(mhsm, made):
    assert mhsm(f"keyvault key show {KEY} --query key.kid -o tsv").out == f"{KID}\n"
    assert mhsm(f"keyvault key show {KEY} --version v1").json == made.json
    assert mhsm(f"keyvault key show --id {KID}").json == made.json
    assert mhsm.called("get_key")[-1] == ("get_key", "contosomhsm", "mykey", "v1")
    regional = KID.replace("https://", "https://uksouth.")
    assert mhsm(f"keyvault key show --id {regional}").code == 0
    assert mhsm("keyvault key show --hsm-name ContosoMHSM --name none").code == 3


@pytest.mark.parametrize("which", ["", "--hsm-name x", "--name x", "--id https://example.com/keys"])
def test_which_key_must_be_said(mhsm, which):
    assert mhsm(f"keyvault key show {which}").code == 2


def test_list(mhsm, made):
    rows = mhsm("keyvault key list --hsm-name ContosoMHSM").json
    assert [(row["name"], row["kid"]) for row in rows] == [("mykey", KID[:-3])]
    assert rows[0]["attributes"]["created"] == "2023-11-14T22:13:20+00:00"
    assert "mykey" in mhsm("keyvault key list --hsm-name ContosoMHSM -o table").out
    assert len(mhsm("keyvault key list --id https://contosomhsm.managedhsm.azure.net/").json) == 1
    assert mhsm("keyvault key list --hsm-name ContosoMHSM --maxresults 0").json == []
    assert mhsm("keyvault key list").code == 2


def test_delete(mhsm, made):
    gone = mhsm(f"keyvault key delete {KEY}").json
    assert gone["recoveryId"].endswith("/deletedkeys/mykey")
    assert gone["deletedDate"] == "2023-11-14T22:15:00+00:00"
    assert mhsm(f"keyvault key show {KEY}").code == 3


def test_sign_and_verify(mhsm, made):
    signed = mhsm(f"keyvault key sign {KEY} -a RS256 --digest {DIGEST}").json
    assert signed == {
        "algorithm": "RS256",
        "keyId": KID,
        "signature": b64encode(b"\xfbsigned:0123456789abcdef").decode(),
    }
    verify = f"keyvault key verify {KEY} --algorithm rs256 --digest {DIGEST} --signature"
    good = mhsm(verify, signed["signature"])
    assert (good.code, good.json) == (0, {"algorithm": "RS256", "isValid": True, "keyId": KID})
    bad = mhsm(verify, b64encode(b"x").decode())
    assert (bad.code, bad.json["isValid"]) == (0, False)


def test_verify_by_one_who_may_not_read_keys(mhsm, made, monkeypatch):
    def refuse(*_):
        raise errors.ForbiddenError("no")

    monkeypatch.setattr(mhsm.provider, "get_key", refuse)
    outcome = mhsm(f"keyvault key verify {KEY} -a RS256 --digest {DIGEST} --signature {DIGEST}")
    assert (outcome.code, outcome.json["keyId"]) == (0, None)


def test_a_digest_must_be_base64(mhsm, made):
    assert mhsm(f"keyvault key sign {KEY} -a RS256 --digest ???").code == 2
    assert mhsm(f"keyvault key sign {KEY} -a XX --digest {DIGEST}").code == 2
    assert mhsm.called("sign") == []
