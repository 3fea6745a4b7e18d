"""Long operations: the newest Location, Retry-After, and what the end means."""

from __future__ import annotations

import pytest
from scripted import (
    OPERATION,
    POOL_ID,
    FakeAzure,
    Script,
    answer,
    deleted_body,
    pool_body,
    provider_over,
    refusal,
)
from sides import FakeClock

from azext_mhsmregion.model.messages import name_soft_deleted
from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.durations import Durations
from azext_mhsmregion.provider.interface import Operation, PoolSpec
from azext_mhsmregion.provider.waiting import wait


def url(query):
    return f"https://management.azure.com{OPERATION}/1?{query}"


def an_operation(kind="region-add", **fields):
    values = {"resource": POOL_ID, "region": "uksouth", "started": 0.0, **fields}
    return Operation(kind, "contoso", url("t=0"), **values)


def regions(state):
    listed = [{"name": "eastus2", "provisioningState": "Succeeded", "isPrimary": True}]
    if state:
        listed.append({"name": "uksouth", "provisioningState": state, "isPrimary": False})
    return answer(200, {"value": listed})


def test_the_newest_location_is_followed_and_retry_after_honoured():
    script = Script(
        answer(202, location=url("t=1"), retry_after="4"),
        answer(202, location=url("t=2")),
        answer(200),
        regions("Succeeded"),
    )
    clock = FakeClock()
    wait(provider_over(script, clock), an_operation(), clock.sleep, clock.now)
    assert [call.url for call in script.calls[:3]] == [url("t=0"), url("t=1"), url("t=2")]
    assert clock.sleeps == [30.0, 4.0, 30.0]


@pytest.mark.parametrize("status", [200, 201, 204])
def test_any_success_ends_it(status):
    assert provider_over(Script(answer(status))).poll(an_operation("delete", resource="")).done


def test_a_done_operation_is_not_asked_again():
    done = an_operation(done=True)
    assert provider_over(Script()).poll(done) is done


@pytest.mark.parametrize("kind", ["region-add", "region-remove"])
def test_an_operation_that_is_refused_in_the_end_has_failed(kind):
    script = Script(refusal(409, "NoCapacity", "There is no capacity in uksouth."))
    with pytest.raises(errors.OperationFailedError) as caught:
        provider_over(script).poll(an_operation(kind))
    assert "There is no capacity in uksouth." in caught.value.message
    assert caught.value.code == "NoCapacity"
    assert "keyvault region" in caught.value.hint


@pytest.mark.rule("E5")
def test_a_region_in_failed_is_a_failure_although_the_operation_finished():
    azure = FakeAzure()
    azure.ends_as = "Failed"
    clock = FakeClock()
    provider = provider_over(azure, clock)
    operation = provider.add_region(provider.plan_region_add("contoso", "uksouth"))
    with pytest.raises(errors.OperationFailedError, match="adding uksouth to contoso failed"):
        wait(provider, operation, clock.sleep, clock.now)
    assert provider.plan_region_add("contoso", "uksouth").already == "Failed"


def test_a_region_that_is_not_listed_after_its_add_is_a_failure():
    with pytest.raises(errors.OperationFailedError, match="not among the pool's regions"):
        provider_over(Script(answer(200), regions(None))).poll(an_operation())


def test_a_region_that_is_still_coming_is_waited_for():
    script = Script(answer(200), regions("Provisioning"), answer(200), regions("Succeeded"))
    provider = provider_over(script)
    operation = provider.poll(an_operation())
    assert not operation.done
    assert provider.poll(operation).done


def test_a_removed_region_is_gone():
    provider = provider_over(Script(answer(200), regions("Deleting"), answer(200), regions(None)))
    operation = provider.poll(an_operation("region-remove"))
    assert not operation.done
    assert provider.poll(operation).done


@pytest.mark.rule("G7")
def test_a_region_under_another_of_its_names_is_the_same_region():
    listed = [{"name": "UK-South", "provisioningState": "Succeeded", "isPrimary": False}]
    assert provider_over(Script(answer(200), answer(200, {"value": listed}))).poll(an_operation()).done


def test_a_pool_in_failed_after_its_creation_is_a_failure():
    body = pool_body(state="Failed")
    body["properties"]["statusMessage"] = "Allocation failed."
    with pytest.raises(errors.OperationFailedError, match="create of contoso failed: Allocation failed."):
        provider_over(Script(answer(200, body))).poll(an_operation("create"))


@pytest.mark.parametrize(("state", "done"), [("InProgress", False), ("Succeeded", True)])
def test_an_async_operation_body_tells_its_state(state, done):
    provider = provider_over(Script(answer(200, {"status": state})))
    assert provider.poll(an_operation("delete", resource="")).done is done


def test_an_async_operation_that_failed():
    script = Script(answer(200, {"status": "Failed", "error": {"code": "C", "message": "Broken."}}))
    with pytest.raises(errors.OperationFailedError, match="Broken."):
        provider_over(script).poll(an_operation("delete"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, errors.AuthenticationError), (403, errors.ForbiddenError), (503, errors.ServiceError)],
)
def test_a_poll_that_could_not_be_answered_says_nothing_of_the_operation(status, kind):
    with pytest.raises(kind):
        provider_over(Script(refusal(status, "C", "Words."))).poll(an_operation())


def test_no_token_follows_a_location_elsewhere():
    script = Script(answer(202, location="https://evil.example/op"))
    provider = provider_over(script)
    with pytest.raises(errors.BadAnswerError):
        provider.poll(provider.poll(an_operation()))
    assert len(script.calls) == 1


def test_a_wait_ticks_and_times_out_and_says_how_to_resume():
    clock, ticks = FakeClock(), []
    provider = provider_over(Script(*[answer(202)] * 9), clock)
    with pytest.raises(errors.WaitTimeoutError) as caught:
        wait(
            provider,
            an_operation(),
            clock.sleep,
            clock.now,
            on_tick=lambda operation, elapsed: ticks.append(elapsed),
            timeout=12,
            interval=5,
        )
    assert "region wait --hsm-name contoso" in caught.value.hint
    assert ticks == [float(second) for second in range(13)]


def test_ctrl_c_goes_through_the_wait():
    def interrupted(seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wait(provider_over(Script()), an_operation(), interrupted, lambda: 0.0)


def test_a_wait_survives_a_moment_without_network():
    class Flaky:
        lost = 3

        def held_for(self, operation):
            return None

        def poll(self, operation):
            if self.lost:
                self.lost -= 1
                raise errors.NetworkError("gone")
            return Operation("delete", "contoso", "", done=True)

    clock = FakeClock()
    assert wait(Flaky(), an_operation(), clock.sleep, clock.now).done
    Flaky.lost = 4
    with pytest.raises(errors.NetworkError):
        wait(Flaky(), an_operation(), clock.sleep, clock.now)


def test_what_an_operation_took_is_the_next_ones_estimate(tmp_path):
    azure, clock = FakeAzure(), FakeClock()
    provider = provider_over(azure, clock, durations=Durations(tmp_path))
    operation = provider.add_region(provider.plan_region_add("contoso", "uksouth"))
    assert operation.expected_seconds is None
    wait(provider, operation, clock.sleep, clock.now)
    assert provider.expected_seconds("region-add") == clock.time == 30 + 7 + 7


def test_durations_keep_five_and_give_their_median(tmp_path):
    durations = Durations(tmp_path / "new" / "home")
    for seconds in (1000, 10, 20, 30, 40, 50):
        durations.record("region-add", seconds)
    assert durations.expected("region-add") == 30
    durations.record("create", 1)
    durations.record("create", 2)
    assert durations.expected("create") == 1.5


@pytest.mark.parametrize("text", ["", "{", "[]", '{"create": 3}', '{"create": ["x"]}'])
def test_an_unreadable_file_of_durations_is_ignored(tmp_path, text):
    (tmp_path / "durations.json").write_text(text)
    assert Durations(tmp_path).expected("create") is None


def test_durations_that_cannot_be_written_are_ignored(tmp_path):
    (tmp_path / "file").write_text("")
    Durations(tmp_path / "file").record("create", 1)


def test_creating_asks_for_the_name_first_and_sends_what_was_recorded():
    script = Script(answer(200, {"nameAvailable": True}), answer(202, location=url("t=0"), retry_after="3"))
    operation = provider_over(script).create_pool(PoolSpec("contoso", "UK South", "group1"))
    assert (operation.kind, operation.retry_after, operation.done) == ("create", 3.0, False)
    assert b'"location":"uksouth"' in script.calls[1].body
    assert b'"initialAdminObjectIds":["me"]' in script.calls[1].body


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("AlreadyExists", errors.ConflictError), ("AccountNameInvalid", errors.BadRequestError)],
)
def test_a_name_that_is_taken_or_malformed_is_refused_in_the_services_words(reason, kind):
    taken = {"nameAvailable": False, "reason": reason, "message": "The name 'contoso' is already in use."}
    script = Script(answer(200, taken), answer(200, {"value": []}))
    with pytest.raises(kind, match="The name 'contoso' is already in use."):
        provider_over(script).create_pool(PoolSpec("contoso", "uksouth", "group1"))
    assert "PUT" not in [call.method for call in script.calls]


@pytest.mark.rule("C3")
def test_the_name_of_a_soft_deleted_pool_is_refused_in_our_words_with_the_way_out():
    taken = {"nameAvailable": False, "reason": "AlreadyExists", "message": "It is already in use."}
    script = Script(answer(200, taken), answer(200, {"value": [deleted_body("Contoso")]}))
    with pytest.raises(errors.ConflictError) as caught:
        provider_over(script).create_pool(PoolSpec("contoso", "uksouth", "group1"))
    assert caught.value.message == name_soft_deleted("Contoso", "uksouth")
    assert "keyvault recover --hsm-name Contoso" in caught.value.hint
    assert "keyvault purge --hsm-name Contoso" in caught.value.hint


def test_creating_in_azure_needs_a_group():
    with pytest.raises(errors.UsageError, match="resource group"):
        provider_over(Script()).create_pool(PoolSpec("contoso", "uksouth"))
