"""Someone else's change between our read and our write: detected, retried, never lost."""

from __future__ import annotations

import pytest
from scripted import FakeAzure, answer, pool_body, provider_over, refusal, retrying
from sides import FakeClock

from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.waiting import wait


def add(provider, region="uksouth"):
    return provider.add_region(provider.plan_region_add("contoso", region))


def remove(provider, region="uksouth"):
    return provider.remove_region(provider.plan_region_remove("contoso", region))


def test_what_others_changed_since_the_plan_is_kept():
    azure = FakeAzure(swedencentral="Succeeded")
    provider = provider_over(azure)
    plan = provider.plan_region_add("contoso", "uksouth")
    azure.regions = {"norwayeast": "Succeeded"}
    provider.add_region(plan)
    assert azure.names_patched() == [["norwayeast", "uksouth"]]


def test_a_region_that_slips_in_between_read_and_write_is_put_back():
    azure = FakeAzure()
    azure.before_patch.append(lambda it: it.regions.update(norwayeast="Provisioning"))
    add(provider_over(azure))
    assert azure.names_patched() == [["uksouth"], ["norwayeast", "uksouth"]]
    assert azure.regions == {"norwayeast": "Provisioning", "uksouth": "Provisioning"}


def test_a_removal_that_slips_in_between_read_and_write_stays_a_removal():
    azure = FakeAzure(norwayeast="Succeeded")
    azure.before_patch.append(lambda it: it.regions.update(norwayeast="Deleting"))
    add(provider_over(azure))
    assert azure.names_patched() == [["norwayeast", "uksouth"], ["uksouth"]]
    assert azure.regions == {"norwayeast": "Deleting", "uksouth": "Provisioning"}


def test_an_add_that_others_undo_is_sent_again():
    azure = FakeAzure()
    azure.after_patch.append(lambda it: it.put_regions([]))
    add(provider_over(azure))
    assert azure.names_patched() == [["uksouth"], ["uksouth"]]
    assert azure.regions == {"uksouth": "Provisioning"}


def test_a_remove_that_others_undo_is_sent_again():
    azure = FakeAzure(uksouth="Succeeded")
    azure.after_patch.append(lambda it: it.regions.update(uksouth="Provisioning"))
    remove(provider_over(azure))
    assert azure.names_patched() == [[], []]
    assert azure.regions == {"uksouth": "Deleting"}


def test_a_remove_puts_back_what_slipped_in():
    azure = FakeAzure(uksouth="Succeeded")
    azure.before_patch.append(lambda it: it.regions.update(norwayeast="Provisioning"))
    remove(provider_over(azure))
    assert azure.names_patched() == [[], ["norwayeast"]]
    assert azure.regions == {"norwayeast": "Provisioning", "uksouth": "Deleting"}


def test_who_changes_it_every_time_is_told_so_after_three_merges():
    azure = FakeAzure()
    azure.after_patch = [lambda it: it.put_regions([])] * 9
    with pytest.raises(errors.ChangedByOthersError, match="undid our add of uksouth") as caught:
        add(provider_over(azure))
    assert len(azure.patches) == 4
    assert "region list --hsm-name contoso" in caught.value.hint


def test_what_others_lost_and_cannot_be_put_back_is_an_error():
    azure = FakeAzure()

    def add_one_and_close_the_door(it):
        it.regions["norwayeast"] = "Provisioning"
        it.before_patch.append(close)

    def close(it):
        it.refuse = refusal(409, "Conflict", "Another operation is under way.")

    azure.before_patch.append(add_one_and_close_the_door)
    with pytest.raises(errors.ChangedByOthersError, match="added norwayeast"):
        add(provider_over(azure))


def test_a_stale_second_read_is_not_taken_for_someone_elses_change():
    azure = FakeAzure()
    provider = provider_over(azure)
    plan = provider.plan_region_add("contoso", "uksouth")
    azure.cached = azure.record()
    operation = provider.add_region(plan)
    assert not operation.done
    assert len(azure.patches) == 1


def test_our_own_accepted_change_that_does_not_show_yet_goes_on():
    azure = FakeAzure()

    def forget(it):
        it.regions = {}
        it.before_patch.append(
            lambda again: setattr(again, "refuse", refusal(409, "Conflict", "An operation is under way."))
        )

    azure.after_patch.append(forget)
    assert not add(provider_over(azure)).done
    assert len(azure.patches) == 1


def test_a_conflict_at_the_first_write_is_the_services_word():
    azure = FakeAzure()
    azure.refuse = refusal(409, "Conflict", "Another operation is under way.")
    with pytest.raises(errors.ConflictError, match="Another operation is under way."):
        add(provider_over(azure))


@pytest.mark.parametrize("change", [add, remove])
def test_our_own_write_that_was_answered_502_and_taken_goes_on(change):
    azure, clock = FakeAzure(**({"uksouth": "Succeeded"} if change is remove else {})), FakeClock()
    azure.replies = [answer(502), refusal(409, "Conflict", "Another operation is under way.")]
    provider = provider_over(retrying(azure, clock), clock)
    operation = change(provider)
    assert (operation.done, len(azure.patches)) == (False, 1)
    azure.settle()
    assert wait(provider, operation, clock.sleep, clock.now).done


def test_a_conflict_with_something_else_stays_one_after_a_retry():
    azure, clock = FakeAzure(), FakeClock()
    azure.replies = [answer(429), refusal(409, "Conflict", "Another operation is under way.")]
    with pytest.raises(errors.ConflictError, match="Another operation is under way."):
        add(provider_over(retrying(azure, clock)))


@pytest.mark.parametrize("unreadable", [answer(503), refusal(403, "AuthorizationFailed", "No."), answer(200)])
@pytest.mark.parametrize("change", [add, remove])
def test_an_accepted_change_goes_on_with_a_warning_when_the_pool_cannot_be_read_again(change, unreadable):
    azure = FakeAzure(**({"uksouth": "Succeeded"} if change is remove else {}))
    azure.unreadable = [unreadable]
    operation = change(provider_over(azure))
    assert not operation.done
    assert operation.url.endswith("/1?t=0")
    (warning,) = operation.warnings
    assert "was accepted and is under way" in warning
    assert "region list --hsm-name contoso" in warning


def test_an_accepted_change_that_could_be_checked_has_no_warnings():
    assert add(provider_over(FakeAzure())).warnings == ()


@pytest.mark.rule("E5")
@pytest.mark.parametrize("change", [add, remove])
def test_a_failed_region_that_the_service_tries_again_is_not_others_doing(change):
    azure = FakeAzure(italynorth="Failed", **({"uksouth": "Succeeded"} if change is remove else {}))
    assert not change(provider_over(azure)).done
    assert azure.regions["italynorth"] == "Provisioning"
    assert len(azure.patches) == 1


def test_the_body_keeps_to_location_sku_and_regions():
    azure = FakeAzure(norwayeast="Succeeded")
    add(provider_over(azure))
    assert azure.patches == [
        {
            "location": "eastus2",
            "sku": {"family": "B", "name": "Standard_B1"},
            "properties": {"regions": [{"name": "norwayeast"}, {"name": "uksouth"}]},
        }
    ]


def test_full_body_sends_the_whole_resource_without_its_read_only_parts():
    azure = FakeAzure()
    add(provider_over(azure, full_body=True))
    assert azure.patches == [
        {
            "location": "eastus2",
            "sku": {"family": "B", "name": "Standard_B1"},
            "tags": {"team": "blue"},
            "properties": {
                "tenantId": "tenant",
                "initialAdminObjectIds": ["me"],
                "networkAcls": pool_body()["properties"]["networkAcls"],
                "regions": [{"name": "uksouth"}],
            },
        }
    ]


@pytest.mark.parametrize(("full_body", "offered"), [(False, True), (True, False)])
def test_a_400_has_the_services_words_and_offers_full_body(full_body, offered):
    azure = FakeAzure()
    azure.refuse = refusal(400, "BadRequest", "The property networkAcls is required.")
    with pytest.raises(errors.BadRequestError, match="networkAcls is required") as caught:
        add(provider_over(azure, full_body=full_body))
    assert ("--full-body" in caught.value.hint) is offered
    assert azure.regions == {}


def test_an_unknown_region_gets_the_services_words_and_the_near_miss():
    azure = FakeAzure()
    azure.refuse = refusal(400, "400", "Invalid region name: australiest passed.")
    with pytest.raises(errors.BadRequestError) as caught:
        add(provider_over(azure), "australiest")
    assert caught.value.hint.startswith("Did you mean australiaeast")


@pytest.mark.parametrize(("state", "change"), [("Provisioning", add), ("Deleting", remove)])
def test_what_someone_else_is_doing_already_is_waited_for(state, change):
    azure, clock = FakeAzure(uksouth=state), FakeClock()
    provider = provider_over(azure, clock)
    operation = change(provider)
    assert (operation.done, azure.patches) == (False, [])
    operation = provider.poll(operation)
    assert not operation.done
    azure.settle()
    assert wait(provider, operation, clock.sleep, clock.now).done


@pytest.mark.rule("E5")
def test_a_region_in_failed_can_be_added_again_and_removed():
    azure = FakeAzure(uksouth="Failed")
    add(provider_over(azure))
    assert azure.names_patched() == [["uksouth"]]
    azure = FakeAzure(uksouth="Failed")
    remove(provider_over(azure))
    assert azure.names_patched() == [[]]


def test_an_update_carries_network_rules_over():
    azure = FakeAzure()
    provider = provider_over(azure)
    from azext_mhsmregion.provider.interface import PoolChanges

    azure.put_regions = lambda names: None
    sent = []

    def send(call, inner=azure.send):
        if call.method == "PATCH":
            sent.append(call.body)
            return answer(200, azure.record())
        return inner(call)

    azure.send = send
    provider.update_pool("contoso", None, PoolChanges(default_action="Allow"))
    assert b'"ipRules":[{"value":"1.2.3.4"}]' in sent[0]
    assert b'"defaultAction":"Allow"' in sent[0]
    assert b"regions" not in sent[0]
