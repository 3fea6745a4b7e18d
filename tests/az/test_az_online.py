"""Over the emulator's socket: core's other keyvault commands with the extension installed, and
core's own region commands without it, on the same emulator."""

import pytest
from az.homes import CRYPTO_USER, KEY, POOL

pytestmark = [pytest.mark.az, pytest.mark.socket]

LIST = f"keyvault region list --hsm-name {POOL}"
ADD = f"keyvault region add --hsm-name {POOL} --region australiaeast"
REMOVE = f"keyvault region remove --hsm-name {POOL} --region australiaeast"


def regions(result):
    """(name, state, primary) of each region; core adds fields of its own in some versions."""
    assert result.code == 0, result.err
    return [(one["name"], one["provisioningState"], one["isPrimary"]) for one in result.json]


ONE = [("uksouth", "Succeeded", True)]
TWO = [*ONE, ("australiaeast", "Succeeded", False)]


def test_cores_other_commands_go_on_working(az_online, server):
    listed = az_online("keyvault list --resource-type hsm")
    assert [one["name"] for one in listed.json] == [POOL], listed.err
    shown = az_online(f"keyvault show --hsm-name {POOL}")
    assert shown.json["properties"]["securityDomainProperties"]["activationStatus"] == "Active", shown.err
    made = az_online(f"keyvault key create --hsm-name {POOL} --name second --kty EC-HSM --curve P-256")
    assert made.code == 0, made.err
    key = az_online(f"keyvault key show --hsm-name {POOL} --name second")
    assert key.json["key"]["kid"] == made.json["key"]["kid"]
    if az_online.version != "2.48.1":  # which cannot list keys on Python 3.11: its inspect.getargspec
        keys = az_online(f"keyvault key list --hsm-name {POOL}")
        assert sorted(one["name"] for one in keys.json) == [KEY, "second"], keys.err
    app = server.emulator.directory.app.object_id
    roles = az_online(f"keyvault role assignment list --hsm-name {POOL} --assignee-object-id {app}")
    assert CRYPTO_USER in [one["roleName"] for one in roles.json], roles.err


def test_a_key_is_refused_before_the_role_and_made_after_it(az_online, server):
    app = server.emulator.directory.app.object_id
    create = f"keyvault key create --hsm-name {POOL} --name second --kty EC-HSM --curve P-256"
    role = f"--hsm-name {POOL} --role '{CRYPTO_USER}' --scope /keys --assignee-object-id {app}"
    gone = az_online(f"keyvault role assignment delete {role}")
    assert gone.code == 0, gone.err
    refused = az_online(create)
    assert refused.code == 1
    assert "Not authorized to access" in refused.err
    given = az_online(f"keyvault role assignment create {role} --assignee-principal-type ServicePrincipal")
    assert given.code == 0, given.err
    assert az_online(create).code == 0


def test_core_and_ours_list_the_same_regions(az_online, plain_az):
    for arm in ("emulator", "arm"):
        assert regions(az_online(LIST, MHSMREGION_PROVIDER=arm)) == regions(plain_az(LIST)) == ONE
    assert "extension: mhsmregion" in az_online(LIST).err
    assert "extension: mhsmregion" not in plain_az(LIST).err
    assert regions(az_online(ADD, MHSMREGION_PROVIDER="arm")) == TWO
    for arm in ("emulator", "arm"):
        assert regions(az_online(LIST, MHSMREGION_PROVIDER=arm)) == regions(plain_az(LIST)) == TWO


def test_what_core_changed_ours_shows(az_online, plain_az):
    added = plain_az(ADD)
    assert added.code == 0, added.err
    assert regions(az_online(LIST)) == regions(plain_az(LIST)) == TWO
    removed = plain_az(REMOVE)
    assert removed.code == 0, removed.err
    assert regions(az_online(LIST)) == regions(plain_az(LIST)) == ONE


def test_the_default_provider_asks_azure_with_azs_own_login(az_online):
    """Without MHSMREGION_PROVIDER it is ARM; here its requests end at the emulator's proxy."""
    del az_online.settings["MHSMREGION_PROVIDER"]
    assert regions(az_online(LIST)) == ONE
    missing = az_online("keyvault region list --hsm-name nobody")
    assert missing.code == 3, missing.err
    refused = az_online(f"keyvault region add --hsm-name {POOL} -r australieast")
    assert refused.code == 1
    assert "Did you mean australiaeast" in refused.err
