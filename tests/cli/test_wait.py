"""``keyvault region wait``, progress and Ctrl-C."""

import io

import pytest

from azext_mhsmregion.cli.progress import Progress, duration
from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.interface import Replication

from .fake import Clock

WAIT = "keyvault region wait --hsm-name ContosoMHSM"
ADD = "keyvault region add --hsm-name ContosoMHSM --region australiaeast"


def test_created_waits_for_the_region(mhsm):
    mhsm.pool()
    mhsm(f"{ADD} --no-wait")
    outcome = mhsm(f"{WAIT} --region australiaeast --created")
    assert (outcome.code, outcome.out, mhsm.clock.time) == (0, "", 1090.0)


def test_created_with_azure_looks_every_thirty_seconds(mhsm):
    mhsm.pool()
    mhsm.provider.kind = "arm"
    mhsm.provider.length = 31
    mhsm(f"{ADD} --no-wait")
    mhsm(f"{WAIT} --region australiaeast --created")
    assert mhsm.clock.time == 1060.0


def test_interval_and_timeout(mhsm):
    mhsm.pool()
    mhsm(f"{ADD} --no-wait")
    outcome = mhsm(f"{WAIT} --region australiaeast --created --interval 20 --timeout 50")
    assert (outcome.code, mhsm.clock.time) == (1, 1050.0)
    assert "Waiting for ContosoMHSM australiaeast to be created: not reached in 50s." in outcome.err


def test_created_may_not_exist_yet_updated_must(mhsm):
    mhsm.pool()
    assert mhsm(f"{WAIT} --region australiaeast --created --timeout 3").code == 1
    assert mhsm(f"{WAIT} --region australiaeast --updated --timeout 3").code == 3


def test_without_a_region_it_waits_for_the_pool(mhsm):
    mhsm.pool()
    assert mhsm(f"{WAIT} --updated").code == 0
    assert mhsm(f"{WAIT} --exists").code == 0
    assert mhsm(f"{WAIT} --deleted --timeout 2").code == 1
    assert mhsm("keyvault region wait --hsm-name nobody --deleted").code == 0


def test_deleted_region(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    mhsm("keyvault region remove --hsm-name ContosoMHSM --region australiaeast --no-wait")
    assert mhsm(f"{WAIT} --region australiaeast --deleted").code == 0


def test_a_failed_region_ends_the_wait(mhsm):
    mhsm.pool(extended={"australiaeast": "Failed"})
    outcome = mhsm(f"{WAIT} --region australiaeast --created")
    assert (outcome.code, mhsm.clock.time) == (1, 1000.0)


def test_a_failed_region_exists_and_is_not_gone(mhsm):
    mhsm.pool(extended={"australiaeast": "Failed"})
    assert mhsm(f"{WAIT} --region australiaeast --exists").code == 0
    outcome = mhsm(f"{WAIT} --region australiaeast --deleted --timeout 7")
    assert (outcome.code, mhsm.clock.time) == (1, 1007.0)
    assert "not reached in 7s" in outcome.err


def test_custom_may_ask_for_a_failed_region(mhsm):
    mhsm.pool(extended={"australiaeast": "Failed"})
    assert mhsm(f"{WAIT} --region australiaeast --custom", "provisioningState=='Failed'").code == 0
    assert mhsm(f"{WAIT} --region australiaeast --custom", "isPrimary").code == 1
    assert mhsm(f"{WAIT} --region australiaeast --updated").code == 1
    assert mhsm.clock.time == 1000.0


def test_a_region_of_a_pool_that_is_gone_is_gone(mhsm):
    assert mhsm("keyvault region wait --hsm-name nobody --region australiaeast --deleted").code == 0
    assert mhsm("keyvault region wait --hsm-name nobody --region australiaeast --created").code == 3


def test_what_is_not_there_is_said_once(mhsm):
    mhsm.pool()
    pool = mhsm("keyvault region wait --hsm-name CotosoMHSM --created --timeout 5")
    assert pool.err.startswith(
        "WARNING: Waiting for it to appear. Pool CotosoMHSM was not found. See `keyvault list`.\nERROR"
    )
    region = mhsm(f"{WAIT} --region australieast --exists --timeout 5")
    assert region.err.count("WARNING: Waiting for it to appear.") == 1
    assert "Did you mean australiaeast" in region.err


@pytest.mark.parametrize(
    "words", ["--interval -1", "--interval 0", "--interval x", "--timeout -1", "--timeout x"]
)
def test_seconds_that_cannot_be_are_refused(mhsm, words):
    mhsm.pool()
    outcome = mhsm(f"{WAIT} --created {words}")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def test_a_wait_of_no_seconds_looks_once(mhsm):
    mhsm.pool()
    assert mhsm(f"{WAIT} --created --timeout 0").code == 0


def test_a_time_out_gives_the_same_wait_back(mhsm):
    mhsm.pool()
    err = mhsm(f"{WAIT} --deleted --timeout 2").err
    assert "To wait for it again, run:\n  mhsm keyvault region wait --hsm-name ContosoMHSM --deleted" in err


def test_custom(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    assert mhsm(f"{WAIT} --custom", "length(properties.regions)==`1`").code == 0
    assert mhsm(f"{WAIT} --region australiaeast --custom", "!isPrimary").code == 0
    assert mhsm(f"{WAIT} --timeout 2 --custom", "isPrimary").code == 1
    assert mhsm(f"{WAIT} --custom", "][").code == 2


@pytest.mark.parametrize("flags", ["", "--created --deleted", "--key k1 --created"])
def test_it_takes_one_condition(mhsm, flags):
    mhsm.pool()
    assert mhsm(f"{WAIT} {flags}").code == 2


def test_replicated_waits_as_long_as_the_provider_says(mhsm):
    mhsm.pool()
    mhsm.provider.replications = [Replication(False, True, 3, 0.5), Replication(True, True, 0, 0.0)]
    assert mhsm(f"{WAIT} --replicated --key mykey").code == 0
    assert mhsm.clock.time == 1000.5
    assert mhsm.called("replication")[0] == ("replication", "ContosoMHSM", "mykey")


@pytest.mark.rule("L4")
def test_replicated_ends_after_six_minutes_where_nobody_can_know(mhsm):
    mhsm.pool()
    mhsm.provider.kind = "arm"
    mhsm.provider.replications = [Replication(False, False)]
    outcome = mhsm(f"{WAIT} --replicated")
    assert (outcome.code, mhsm.clock.time) == (0, 1360.0)
    assert "six minutes have passed" in outcome.err


@pytest.mark.rule("L5b")
def test_replicated_does_not_wait_for_what_is_lost_and_says_so(mhsm):
    mhsm.pool()
    mhsm.provider.replications = [Replication(True, True, 0, 0.0, 2)]
    outcome = mhsm(f"{WAIT} --replicated")
    assert (outcome.code, mhsm.clock.time) == (0, 1000.0)
    assert "2 acknowledged writes were lost with what is destroyed" in outcome.err


def test_replicated_exactly_goes_on_past_six_minutes(mhsm):
    mhsm.pool()
    mhsm.provider.replications = [Replication(False, True, 1, None)]
    assert mhsm(f"{WAIT} --replicated --timeout 400").code == 1
    assert mhsm.clock.time == 1400.0


def test_ctrl_c_says_how_to_go_on(mhsm):
    mhsm.pool()
    mhsm.clock.interrupt_at = 1010.0
    outcome = mhsm(f"{ADD} --from japaneast")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "ERROR: Stopped waiting. Adding region australiaeast to pool ContosoMHSM goes on in the service.\n"
        "To wait for it again, run:\n"
        "  mhsm keyvault region wait --hsm-name ContosoMHSM --region australiaeast --created"
        " --from japaneast\n"
    )
    mhsm.clock.interrupt_at = None
    assert mhsm(f"{WAIT} --region australiaeast --created").code == 0


RESUME = (
    "To wait for it again, run:\n"
    "  mhsm keyvault region wait --hsm-name ContosoMHSM --region australiaeast --created\n"
)


@pytest.mark.parametrize("kind", [errors.AuthenticationError, errors.NetworkError, errors.ThrottledError])
def test_an_error_while_waiting_says_that_it_goes_on_and_how_to_wait(mhsm, kind):
    mhsm.pool()
    mhsm.provider.stopped_by = {"poll": kind("token expired", "Log in again.")}
    outcome = mhsm(ADD)
    goes_on = "Adding region australiaeast to pool ContosoMHSM goes on in the service."
    assert outcome.code == 1
    assert outcome.err == f"ERROR: token expired\nLog in again.\n{goes_on}\n{RESUME}"


def test_an_error_while_waiting_for_someone_elses_add_says_how_to_wait(mhsm):
    mhsm.pool(extended={"australiaeast": "Provisioning"})
    mhsm.provider.stopped_by = {"list_regions": errors.AuthenticationError("token expired")}
    assert mhsm(ADD).err.endswith(RESUME)


def test_an_operation_that_failed_does_not_go_on(mhsm):
    mhsm.pool()
    mhsm.provider.stopped_by = {"poll": errors.OperationFailedError("no capacity", "Try another region.")}
    assert mhsm(ADD).err == "ERROR: no capacity\nTry another region.\n"


MAY = "Adding region australiaeast to pool ContosoMHSM may be under way.\n"


def test_ctrl_c_before_the_wait_says_that_it_may_be_under_way(mhsm):
    mhsm.pool()
    mhsm.provider.stopped_by = {"add_region": KeyboardInterrupt()}
    for line in (ADD, f"{ADD} --no-wait"):
        mhsm.pool()
        outcome = mhsm(line)
        assert (outcome.code, outcome.err) == (1, f"ERROR: Stopped waiting. {MAY}{RESUME}")


def test_ctrl_c_before_the_wait_for_a_removal(mhsm):
    mhsm.pool(extended={"australiaeast": "Succeeded"})
    mhsm.provider.stopped_by = {"remove_region": KeyboardInterrupt()}
    err = mhsm("keyvault region remove --hsm-name ContosoMHSM --region australiaeast").err
    assert "Removing region australiaeast from pool ContosoMHSM may be under way." in err
    assert "region wait --hsm-name ContosoMHSM --region australiaeast --deleted" in err


def test_a_request_without_an_answer_may_be_under_way(mhsm):
    mhsm.pool()
    mhsm.provider.stopped_by = {"add_region": errors.NetworkError("The connection was lost.")}
    assert mhsm(ADD).err == f"ERROR: The connection was lost.\n{MAY}{RESUME}"


def test_a_request_that_was_refused_is_not_under_way(mhsm):
    mhsm.pool()
    mhsm.provider.stopped_by = {"add_region": errors.ConflictError("Busy.", "Try later.")}
    assert mhsm(ADD).err == "ERROR: Busy.\nTry later.\n"


def test_ctrl_c_in_a_wait_gives_the_same_wait_back(mhsm):
    mhsm.pool()
    mhsm.clock.interrupt_at = 1001.0
    outcome = mhsm(f"{WAIT} --region australiaeast --custom", "name=='x'")
    command = "--hsm-name ContosoMHSM --region australiaeast --custom 'name=='\"'\"'x'\"'\"''"
    assert f"mhsm keyvault region wait {command}" in outcome.err
    assert "Stopped waiting. What runs in the service goes on." in outcome.err


def test_progress_is_shown_on_a_terminal(mhsm):
    mhsm.pool()
    mhsm.terminal = True
    err = mhsm(ADD).err
    assert "Adding region australiaeast to pool ContosoMHSM ... 10s, about 1m 20s left" in err
    assert err.endswith("\r\x1b[K")


def test_progress_is_quiet_when_piped_or_told(mhsm):
    mhsm.pool()
    assert mhsm(ADD).err == ""
    mhsm.pool()
    mhsm.terminal = True
    assert mhsm(f"{ADD} --only-show-errors").err == ""


def test_progress_without_an_expectation_shows_elapsed_time_only(mhsm):
    mhsm.pool()
    mhsm.terminal = True
    mhsm.provider.expected = None
    err = mhsm(ADD).err
    assert "... 10s" in err
    assert "left" not in err


def test_progress_past_the_expectation():
    clock, stream = Clock(), io.StringIO()
    progress = Progress("Adding", 10.0, stream, True, clock.now)
    clock.sleep(11)
    assert progress.line() == "Adding ... 11s, about 0s left"
    clock.sleep(1.5)
    assert progress.line() == "Adding ... 13s, longer than the expected 10s"


def test_a_line_that_was_not_drawn_is_not_taken_away():
    stream = io.StringIO()
    Progress("Adding", 10.0, stream, True, Clock().now).end()
    assert stream.getvalue() == ""


def test_an_operation_of_a_second_is_not_late(mhsm):
    mhsm.pool()
    mhsm.terminal = True
    mhsm.provider.length = mhsm.provider.expected = 1.0
    err = mhsm(f"{WAIT} --exists").err + mhsm(ADD).err
    assert "about 1s left" in err
    assert "longer" not in err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.4, "59s"), (65, "1m 05s"), (3599.9, "1h 00m"), (7500, "2h 05m")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
