"""``keyvault region``: outputs, tables, idempotence, dry runs, exit codes."""

from azext_mhsmregion.provider import errors

LIST = "keyvault region list --hsm-name ContosoMHSM"
ADD = "keyvault region add --hsm-name ContosoMHSM --region australiaeast"
REMOVE = "keyvault region remove --hsm-name ContosoMHSM --region australiaeast"
PRIMARY = {"name": "uksouth", "provisioningState": "Succeeded", "isPrimary": True}
EXTENDED = {"name": "australiaeast", "provisioningState": "Succeeded", "isPrimary": False}


def test_list_puts_the_primary_first(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    outcome = mhsm(LIST)
    assert (outcome.code, outcome.json, outcome.err) == (0, [PRIMARY, EXTENDED], "")


def test_list_as_a_table(mhsm):
    mhsm.pool(extended={"australiaeast": "Provisioning"})
    table = mhsm(f"{LIST} -o table").out.splitlines()
    assert table[0].split("  ")[0] == "Name"
    assert [column.strip() for column in table[0].split("  ") if column] == [
        "Name", "Display name", "Primary", "State",
    ]  # fmt: skip
    assert table[2].startswith("uksouth        UK South        yes        Succeeded")
    assert table[3].startswith("australiaeast  Australia East  no         Provisioning")


def test_list_of_a_region_that_the_catalogue_does_not_know_as_a_table(mhsm):
    mhsm.pool(location="moonbase")
    assert "moonbase  moonbase" in mhsm(f"{LIST} -o table").out


def test_list_with_a_query_as_tsv(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    assert mhsm(f"{LIST} -o tsv --query", "[?!isPrimary].name").out == "australiaeast\n"
    assert mhsm(f"{LIST} -o none").out == ""
    assert "- isPrimary: true" in mhsm(f"{LIST} -o yaml").out


def test_list_by_group(mhsm):
    mhsm.pool(group="rg1")
    assert mhsm(f"{LIST} -g rg1").code == 0
    assert mhsm(f"{LIST} --resource-group other").code == 3


def test_an_unknown_pool_is_not_found(mhsm):
    outcome = mhsm(LIST)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == "ERROR: Pool ContosoMHSM was not found.\nSee `keyvault list`.\n"


def test_errors_are_shown_when_only_errors_are(mhsm):
    assert "ERROR: Pool" in mhsm(f"{LIST} --only-show-errors").err


def test_each_provider_error_has_its_exit_code(mhsm):
    for kind, code in (
        (errors.UsageError, 2),
        (errors.NotFoundError, 3),
        (errors.ConflictError, 1),
        (errors.ForbiddenError, 1),
        (errors.HomeError, 1),
        (errors.ThrottledError, 1),
    ):
        mhsm.provider.raises = kind("what happened")
        outcome = mhsm(LIST)
        assert (outcome.code, outcome.err) == (code, "ERROR: what happened\n")


def test_a_group_without_a_command_shows_its_help(mhsm):
    for line, command in (("keyvault region", "list-locations"), ("keyvault", "check-name")):
        outcome = mhsm(line)
        assert (outcome.code, outcome.out) == (2, "")
        assert f"mhsm {line} : " in outcome.err
        assert command in outcome.err
        assert "_subcommand" not in outcome.err


def test_wrong_usage_is_exit_code_2(mhsm):
    for line in ("keyvault region list", "keyvault region lst", "keyvault region", f"{LIST} --nonsense"):
        outcome = mhsm(line)
        assert (outcome.code, outcome.out) == (2, ""), line


def test_show(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    outcome = mhsm("keyvault region show --hsm-name ContosoMHSM --region", "Australia East")
    assert outcome.json == EXTENDED
    assert mhsm("keyvault region show --hsm-name ContosoMHSM -r uksouth -o table").code == 0
    missing = mhsm("keyvault region show --hsm-name ContosoMHSM -r japaneast")
    assert missing.code == 3
    assert "Its regions: uksouth, australiaeast." in missing.err


def test_add_waits_and_prints_the_regions(mhsm):
    mhsm.pool()
    outcome = mhsm(ADD)
    assert (outcome.code, outcome.json, outcome.err) == (0, [PRIMARY, EXTENDED], "")
    assert mhsm.clock.time == 1090.0


def test_add_takes_every_spelling_of_the_option(mhsm):
    for option in ("--region", "--region-name", "-r"):
        mhsm.pool()
        assert mhsm(f"keyvault region add --hsm-name ContosoMHSM {option} australiaeast").code == 0


def test_add_without_waiting_prints_nothing(mhsm):
    mhsm.pool()
    outcome = mhsm(f"{ADD} --no-wait")
    assert (outcome.code, outcome.out, mhsm.clock.time) == (0, "", 1000.0)
    assert mhsm.called("add_region")


def test_add_of_a_region_that_is_there_changes_nothing(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    outcome = mhsm(ADD)
    assert (outcome.code, outcome.json) == (0, [PRIMARY, EXTENDED])
    assert outcome.err == (
        "WARNING: Pool ContosoMHSM is extended to australiaeast already; nothing was changed.\n"
    )
    assert not mhsm.called("add_region")


def test_add_of_a_region_under_way_waits_for_it(mhsm):
    mhsm.pool()
    mhsm(f"{ADD} --no-wait")
    outcome = mhsm(ADD)
    assert (outcome.code, outcome.json) == (0, [PRIMARY, EXTENDED])
    assert len(mhsm.called("add_region")) == 1
    assert mhsm.clock.time >= 1090.0


def test_add_of_a_region_under_way_fails_when_that_failed(mhsm):
    mhsm.pool()
    mhsm.provider.ends_in_failed = True
    mhsm(f"{ADD} --no-wait")
    outcome = mhsm(ADD)
    assert (outcome.code, outcome.out) == (1, "")
    assert "ended in Failed" in outcome.err


def test_add_of_a_region_under_way_without_waiting(mhsm):
    mhsm.pool(extended={"australiaeast": "Provisioning"})
    outcome = mhsm(f"{ADD} --no-wait")
    assert (outcome.code, outcome.out, mhsm.clock.time) == (0, "", 1000.0)


def test_add_tries_a_failed_region_again(mhsm):
    mhsm.pool(extended={"australiaeast": "Failed"})
    outcome = mhsm(ADD)
    assert (outcome.code, outcome.json) == (0, [PRIMARY, EXTENDED])
    assert mhsm.called("add_region")


def test_add_shows_what_its_request_met(mhsm):
    mhsm.pool()
    mhsm.provider.warnings = ("The regions could not be read back.",)
    outcome = mhsm(ADD)
    assert (outcome.code, outcome.err) == (0, "WARNING: The regions could not be read back.\n")


def test_states_are_known_in_any_case(mhsm):
    mhsm.pool(extended={"australiaeast": "succeeded"})
    assert "nothing was changed" in mhsm(ADD).err
    mhsm.pool(extended={"australiaeast": "DELETING"})
    assert mhsm(ADD).code == 1


def test_add_that_ends_in_failed_says_so(mhsm):
    mhsm.pool()
    mhsm.provider.ends_in_failed = True
    outcome = mhsm(ADD)
    assert (outcome.code, outcome.out) == (1, "")
    assert "Adding region australiaeast to pool ContosoMHSM ended in Failed." in outcome.err


def test_add_of_a_region_that_is_leaving_is_refused(mhsm):
    mhsm.pool(extended={"australiaeast": "Deleting"})
    outcome = mhsm(f"{ADD} --home /tmp/h")
    assert outcome.code == 1
    assert (
        "mhsm keyvault region wait --hsm-name ContosoMHSM --region australiaeast --deleted --home /tmp/h"
        in outcome.err
    )


def test_add_of_a_misspelled_region_says_the_near_miss(mhsm):
    mhsm.pool()
    outcome = mhsm("keyvault region add --hsm-name ContosoMHSM --region australieast")
    assert outcome.code == 1
    assert "Did you mean australiaeast?" in outcome.err


def test_add_dry_run_sends_nothing(mhsm):
    pool = mhsm.pool()
    outcome = mhsm(f"{ADD} --dry-run")
    plan = outcome.json
    assert outcome.code == 0
    assert plan["request"]["method"] == "PATCH"
    assert plan["request"]["body"]["properties"]["regions"] == [{"name": "australiaeast"}]
    assert plan["usdPerHour"] == {"before": 3.2, "after": 6.4, "change": 3.2}
    assert plan["stateNow"] is None
    assert (pool.extended, mhsm.provider.calls) == ({}, [])


def test_dry_run_as_a_table(mhsm):
    mhsm.pool()
    table = mhsm(f"{ADD} --dry-run -o table").out
    assert "add        ContosoMHSM  australiaeast  PATCH      3.20         6.40" in table


def test_advice_of_the_arm_provider_is_a_warning(mhsm):
    mhsm.pool()
    mhsm.provider.kind = "arm"
    assert "WARNING: Not asked of Azure." in mhsm(f"{ADD} --dry-run").err
    assert mhsm(f"{ADD} --dry-run --only-show-errors").err == ""


def test_remove_prints_what_is_left(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    outcome = mhsm(REMOVE)
    assert (outcome.code, outcome.json, outcome.err) == (0, [PRIMARY], "")
    assert mhsm.called("remove_region") == [("remove_region", "australiaeast", False)]


def test_remove_with_yes_accepts_a_loss(mhsm):
    for flag in ("--yes", "-y"):
        mhsm.pool(extended={"australiaeast": "Succeeded"})
        mhsm(f"{REMOVE} {flag}")
        assert mhsm.called("remove_region")[-1][2] is True


def test_remove_asks_on_a_terminal(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    mhsm.answer = "n\n"
    outcome = mhsm(REMOVE)
    assert (outcome.code, outcome.out) == (1, "")
    assert "purges the HSM there" in outcome.err
    assert "ERROR: Cancelled; nothing was changed." in outcome.err
    assert not mhsm.called("remove_region")
    mhsm.answer = "y\n"
    assert mhsm(REMOVE).json == [PRIMARY]


def test_remove_does_not_ask_with_yes(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    mhsm.answer = "n\n"
    assert mhsm(f"{REMOVE} --yes").json == [PRIMARY]


def test_remove_of_what_is_not_there_changes_nothing(mhsm):
    mhsm.pool()
    mhsm.answer = "n\n"
    outcome = mhsm(REMOVE)
    assert (outcome.code, outcome.json) == (0, [PRIMARY])
    assert "is not extended to australiaeast; nothing was changed" in outcome.err


def test_remove_of_the_primary_says_what_to_use(mhsm):
    mhsm.pool()
    outcome = mhsm("keyvault region remove --hsm-name ContosoMHSM --region uksouth")
    assert outcome.code == 1
    assert "Delete the pool instead" in outcome.err


def test_remove_that_is_under_way_is_waited_for(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    assert mhsm(f"{REMOVE} --no-wait").out == ""
    outcome = mhsm(REMOVE)
    assert (outcome.code, outcome.json) == (0, [PRIMARY])
    assert len(mhsm.called("remove_region")) == 1


def test_remove_dry_run(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    assert mhsm(f"{REMOVE} --dry-run").json["usdPerHour"]["change"] == -3.2
    assert mhsm.provider.calls == []


def test_list_locations(mhsm):
    rows = mhsm("keyvault region list-locations").json
    assert rows[0] == {
        "name": "australiaeast",
        "displayName": "Australia East",
        "canBeExtended": True,
        "reason": None,
        "edition": "2025-04",
    }
    assert "eastus         East US         no            documented as not extendable" in (
        mhsm("keyvault region list-locations -o table").out
    )


def test_list_locations_with_arm_says_that_azure_was_not_asked(mhsm):
    mhsm.provider.kind = "arm"
    assert (
        "As documented (edition 2025-04), not asked of Azure." in mhsm("keyvault region list-locations").err
    )


def test_cost(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    cost = mhsm("keyvault region cost --hsm-name ContosoMHSM").json
    assert [line["region"] for line in cost["lines"]] == ["australiaeast", "uksouth"]
    assert (cost["usdPerHour"], cost["nextExtensionUsdPerHour"]) == (6.4, 3.2)
    table = mhsm("keyvault region cost -o table").out
    assert "ContosoMHSM       uksouth        10.00    3.20     32.00" in table
    assert "(next extension)" in table


def test_global_options_reach_the_provider(mhsm):
    mhsm.pool()
    mhsm(
        f"{LIST} --provider arm --arm-endpoint https://x --full-body --as other --from japaneast "
        "--home /tmp/h"
    )
    assert mhsm.options.as_typed() == [
        "--provider", "arm", "--arm-endpoint", "https://x", "--full-body", "--as", "other",
        "--from", "japaneast", "--home", "/tmp/h",
    ]  # fmt: skip
    mhsm(LIST)
    assert mhsm.options.as_typed() == []


def test_a_place_is_a_region_however_it_is_spelled(mhsm):
    mhsm.pool()
    for text in ("japaneast", "Japan East", "region.japaneast"):
        assert mhsm(LIST, "--from", text).code == 0
        assert mhsm.options.place == "japaneast"


def test_an_unknown_place_is_wrong_usage(mhsm):
    mhsm.pool()
    outcome = mhsm(f"{LIST} --from japaneest")
    assert (outcome.code, outcome.out) == (2, "")
    assert "'japaneest' is no place" in outcome.err and "japaneast?" in outcome.err
    assert mhsm(f"{LIST} --from nowhere").code == 2


def test_an_unknown_place_in_the_environment_is_wrong_usage(mhsm_process):
    wrong = mhsm_process("keyvault list", MHSMREGION_PLACE="japaneest")
    assert wrong.returncode == 2
    assert "MHSMREGION_PLACE: 'japaneest' is no place" in wrong.stderr
    assert "japaneast?" in wrong.stderr
    assert mhsm_process("keyvault list", MHSMREGION_PLACE="region.japaneast").returncode == 0


def test_an_unknown_provider_is_wrong_usage(mhsm):
    assert mhsm(f"{LIST} --provider gcp").code == 2


def test_looking_makes_no_folder(mhsm, tmp_path):
    mhsm.pool()
    mhsm(LIST)
    mhsm("--help")
    assert not (tmp_path / "home").exists()


def test_settings_are_read_from_the_home(mhsm, tmp_path):
    mhsm.pool()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config").write_text("[core]\noutput = tsv\n")
    assert mhsm(LIST).out == "True\tuksouth\tSucceeded\n"
