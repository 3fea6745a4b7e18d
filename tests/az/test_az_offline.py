"""The extension inside az with the emulator provider: no login, no group, no network. Each
command runs twice in one profile, since az finds an extension's commands in another way from
the second call on."""

import socket

import pytest
from az.homes import POOL
from az.installation import isolation, python_of

pytestmark = pytest.mark.az

PRIMARY = {"name": "uksouth", "provisioningState": "Succeeded", "isPrimary": True}
EXTENDED = {"name": "australiaeast", "provisioningState": "Succeeded", "isPrimary": False}
ADD = f"keyvault region add --hsm-name {POOL} --region australiaeast"
LIST = f"keyvault region list --hsm-name {POOL}"
REMOVE = f"keyvault region remove --hsm-name {POOL} --region australiaeast"
TABLE = """\
Name           Display name    Primary    State
-------------  --------------  ---------  ---------
uksouth        UK South        yes        Succeeded
australiaeast  Australia East  no         Succeeded
"""


def test_add_list_remove_each_twice(fresh_az):
    az = fresh_az
    assert not az.profile.exists()
    first, second = az.offline(ADD), az.offline(ADD)
    assert (first.code, first.json) == (0, [PRIMARY, EXTENDED]), first.err
    assert (second.code, second.json) == (0, [PRIMARY, EXTENDED]), second.err
    assert "nothing was changed" not in first.err
    assert f"Pool {POOL} is extended to australiaeast already; nothing was changed." in second.err
    for _ in range(2):
        listed = az.offline(f"{LIST} -o table")
        assert (listed.code, listed.out) == (0, TABLE), listed.err
    first, second = az.offline(REMOVE), az.offline(REMOVE)
    assert (first.code, first.json) == (0, [PRIMARY]), first.err
    assert (second.code, second.json) == (0, [PRIMARY]), second.err
    assert "nothing was changed" not in first.err
    assert f"Pool {POOL} is not extended to australiaeast; nothing was changed." in second.err


def test_nobody_is_signed_in(az):
    """az's own command refuses in the profile of these tests, ours does not."""
    assert az.offline(LIST).code == 0
    refused = az.offline("account show")
    assert refused.code == 1
    assert "az login" in refused.err


def test_an_unknown_pool_is_exit_code_3_and_names_the_pools(az):
    for line in ("list", "add -r australiaeast", "remove -r australiaeast", "show -r uksouth"):
        missing = az.offline(f"keyvault region {line} --hsm-name ContosoMHSN")
        assert (missing.code, missing.out) == (3, ""), line
        assert "There is no managed HSM named ContosoMHSN" in missing.err
        assert f"Did you mean {POOL}?" in missing.err


def test_an_unknown_region_is_exit_code_1_with_the_near_miss(az):
    for verb in ("add", "remove"):
        refused = az.offline(f"keyvault region {verb} --hsm-name {POOL} -r australieast")
        assert (refused.code, refused.out) == (1, ""), verb
        assert "australiaeast" in refused.err
        assert "did you mean" in refused.err.lower()
    assert az.offline(LIST).json == [PRIMARY]


def test_a_region_that_the_pool_does_not_have_is_exit_code_3(az):
    missing = az.offline(f"keyvault region show --hsm-name {POOL} -r australiaeast")
    assert (missing.code, missing.out) == (3, "")
    assert "Its regions: uksouth." in missing.err


def test_the_primary_cannot_be_removed(az):
    refused = az.offline(f"keyvault region remove --hsm-name {POOL} -r uksouth")
    assert (refused.code, refused.out) == (1, "")
    assert "keyvault delete" in refused.err


def test_wrong_usage_is_exit_code_2(az):
    for line in ("list", f"add --hsm-name {POOL}", f"wait --hsm-name {POOL}"):
        assert az.offline(f"keyvault region {line}").code == 2, line


def test_a_dry_run_says_what_would_be_sent_and_changes_nothing(az):
    planned = az.offline(f"{ADD} --dry-run")
    assert planned.code == 0, planned.err
    assert planned.json["request"]["method"] == "PATCH"
    assert planned.json["request"]["body"]["properties"]["regions"] == [{"name": "australiaeast"}]
    assert planned.json["usdPerHour"]["after"] == 2 * planned.json["usdPerHour"]["before"]
    assert az.offline(LIST).json == [PRIMARY]


def test_query_and_tsv(az):
    assert az.offline(f"{ADD} -o none").out == ""
    assert az.offline(f"{LIST} -o tsv --query", "[?!isPrimary].name").out == "australiaeast\n"
    assert az.offline(f"{LIST} -g default -o tsv --query", "length(@)").out == "2\n"


def test_az_knows_the_extension_by_name_and_version(az):
    from azext_mhsmregion import __version__

    shown = az.offline("extension show --name mhsmregion")
    assert shown.json["version"] == __version__
    assert shown.json["extensionType"] == "whl"


def test_the_guard_forbids_sockets(az):
    """The control: what these tests forbid is otherwise possible, and is seen when tried."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        code = f"import socket; socket.create_connection(('127.0.0.1', {door.getsockname()[1]}))"
        program = [str(python_of(az.version)), "-c", code]
        assert az.run(program, az.environment()).code == 0
        refused = az.offline_program(program)
        assert refused.code == 1
        assert "sockets are forbidden" in refused.err
        assert "socket.getaddrinfo" in az.attempts()
        if isolation():
            alone = az.run([*isolation(), *program], az.environment())
            assert alone.code == 1, "the network namespace has a network"
