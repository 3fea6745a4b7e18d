"""Ctrl-C outside a wait: it says that nothing was changed only where that is certain."""

import sys

import pytest

from azext_mhsmregion.provider.interface import Provider

UNCHANGED = "ERROR: Interrupted; nothing was changed.\n"
REGION = "--hsm-name ContosoMHSM --region australiaeast"
KEY = "--hsm-name ContosoMHSM --name mykey"
ROLE = "keyvault role assignment"

READING = {
    "list_regions": "keyvault region list --hsm-name ContosoMHSM",
    "plan_region_add": f"keyvault region add {REGION}",
    "plan_region_remove": f"keyvault region remove {REGION}",
    "list_role_definitions": f"{ROLE} create --hsm-name ContosoMHSM --role x --assignee-object-id y",
    "list_pools": "keyvault list",
}
WRITING = {
    "create_pool": "keyvault create --hsm-name other --location uksouth",
    "update_pool": "keyvault update-hsm --hsm-name ContosoMHSM --tags a=1",
    "delete_pool": "keyvault delete --hsm-name ContosoMHSM",
    "recover_pool": "keyvault recover --hsm-name gone",
    "purge_pool": "keyvault purge --hsm-name gone",
    "add_region": f"keyvault region add {REGION}",
    "remove_region": "keyvault region remove --hsm-name ContosoMHSM --region japaneast",
    "create_key": f"keyvault key create {KEY}2",
    "delete_key": f"keyvault key delete {KEY}",
    "create_role_assignment": f"{ROLE} create --hsm-name ContosoMHSM --assignee-object-id y "
    "--role 21dbd100-6940-42c2-9190-5d6cb909625b",
    "delete_role_assignment": f"{ROLE} delete --hsm-name ContosoMHSM --name n",
    "download_security_domain": "keyvault security-domain download --hsm-name ContosoMHSM --sd-quorum 2 "
    "--sd-wrapping-keys {cer} {cer} {cer} --security-domain-file {cer}.json",
}


@pytest.fixture
def stopped(mhsm, tmp_path):
    certificate = tmp_path / "1.cer"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
    mhsm.pool(extended={})
    mhsm.provider.create_key("ContosoMHSM", "mykey", {"kty": "RSA-HSM"})
    mhsm.provider.create_role_assignment("ContosoMHSM", "/", "d", "p", "n")
    gone = mhsm.pool("gone")
    mhsm.provider.deleted["gone"] = gone
    del mhsm.provider.pools["gone"]

    def run(method, line):
        if method == "remove_region":
            mhsm.pool(extended={"japaneast": "Succeeded"})
        mhsm.provider.stopped_by = {method: KeyboardInterrupt()}
        return mhsm(line.format(cer=certificate))

    return run


@pytest.mark.parametrize("method", READING)
def test_nothing_was_changed_by_a_command_that_had_only_read(stopped, method):
    outcome = stopped(method, READING[method])
    assert (outcome.code, outcome.out, outcome.err) == (1, "", UNCHANGED)


@pytest.mark.parametrize("method", WRITING)
def test_a_command_that_had_begun_to_write_does_not_say_so(stopped, method):
    outcome = stopped(method, WRITING[method])
    assert (outcome.code, outcome.out) == (1, "")
    assert "nothing was changed" not in outcome.err
    assert outcome.err.startswith(("ERROR: Interrupted.\n", "ERROR: Stopped waiting. "))


def test_every_method_that_writes_is_tried():
    verbs = ("create_", "update_", "delete_", "recover_", "purge_", "add_", "remove_", "download_")
    assert set(WRITING) == {name for name in dir(Provider) if name.startswith(verbs)}


def test_after_the_change_it_does_not_say_so_either(mhsm):
    mhsm.pool()
    mhsm.provider.stopped_by = {"list_regions": KeyboardInterrupt()}
    assert mhsm(f"keyvault region add {REGION}").err == "ERROR: Interrupted.\n"


def test_at_the_prompt(mhsm, monkeypatch):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    mhsm.answer = ""

    def interrupted():
        raise KeyboardInterrupt

    def stop(_):
        monkeypatch.setattr(sys.stdin, "readline", interrupted)

    monkeypatch.setattr("azext_mhsmregion.cli.context.in_az", lambda ctx: stop(ctx) or False)
    outcome = mhsm(f"keyvault region remove {REGION}")
    assert outcome.code == 1
    assert outcome.err.endswith(f"Remove it? (y/N): \n{UNCHANGED}")
    assert not mhsm.called("remove_region")
