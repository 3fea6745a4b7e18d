"""The order of the checks, and which of them bind where (DESIGN section 5)."""

from __future__ import annotations

import pytest
from scripted import pool_body

from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.answers import pool_of
from azext_mhsmregion.provider.preflight import check_add, check_remove


def pool(state="Succeeded", activation="Active", **regions):
    return pool_of(pool_body(state=state, activation=activation, **regions))


def add(region, binding=True, edition="2025-04", **fields):
    return check_add(pool(**fields), region, catalogue(), binding, edition)


WRONG = {"state": "Updating", "activation": "NotActivated", "uksouth": "Succeeded"}


@pytest.mark.parametrize(
    ("region", "edition", "fields", "words"),
    [
        ("testregion", "2026-04", WRONG, "Invalid region name: testregion passed"),
        ("eastus2", "2026-04", WRONG, "is the primary region"),
        ("eastus", "2026-04", WRONG, "cannot be an extended region"),
        ("swedencentral", "2026-04", WRONG, "maximum of 1"),
        ("swedencentral", "2025-04", WRONG, "not activated"),
        ("swedencentral", "2025-04", {**WRONG, "activation": "Active"}, "under way"),
    ],
)
def test_the_first_reason_in_the_emulators_order_is_given(region, edition, fields, words):
    with pytest.raises(errors.ProviderError, match=words):
        add(region, edition=edition, **fields)


def test_without_binding_what_our_data_says_are_warnings():
    name, warnings = add(
        "eastus", binding=False, edition="2026-04", activation="NotActivated", uksouth="Succeeded"
    )
    assert name == "eastus"
    assert [
        word for word in ("cannot be an extended", "maximum", "not activated") if word in str(warnings)
    ] == [
        "cannot be an extended",
        "maximum",
        "not activated",
    ]


def test_an_unknown_region_is_a_warning_with_the_near_miss_without_binding():
    name, warnings = add("australiest", binding=False)
    assert name == "australiest"
    assert "Did you mean australiaeast" in warnings[0]


@pytest.mark.parametrize("binding", [True, False])
@pytest.mark.parametrize(
    ("region", "fields", "kind"),
    [
        ("East US 2", {}, errors.BadRequestError),
        ("uksouth", {"state": "Updating"}, errors.ConflictError),
        ("uksouth", {"swedencentral": "Provisioning"}, errors.ConflictError),
        ("uksouth", {"swedencentral": "Cleanup"}, errors.ConflictError),
    ],
)
def test_what_the_pools_own_record_says_binds_everywhere(binding, region, fields, kind):
    with pytest.raises(kind) as caught:
        add(region, binding=binding, **fields)
    assert caught.value.hint


@pytest.mark.rule("G5")
@pytest.mark.parametrize("spelling", ["UK South", "uksouth", "UKSouth"])
def test_spellings_of_one_region(spelling):
    assert add(spelling) == ("uksouth", ())


@pytest.mark.rule("G7")
def test_the_documents_own_names():
    with pytest.raises(errors.BadRequestError, match="eastus"):
        add("US East")


@pytest.mark.parametrize("state", ["Succeeded", "Provisioning", "Deleting"])
def test_what_is_there_already_passes(state):
    assert add("uksouth", state="Updating", uksouth=state) == ("uksouth", ())


@pytest.mark.rule("E5")
def test_a_failed_region_is_checked_as_if_it_were_new_and_does_not_count_itself():
    assert add("uksouth", edition="2026-04", uksouth="Failed") == ("uksouth", ())
    with pytest.raises(errors.ConflictError):
        add("uksouth", state="Updating", uksouth="Failed")


@pytest.mark.rule("E5")
def test_another_failed_region_is_a_warning_with_both_ways_out():
    for _, warnings in (
        add("uksouth", italynorth="Failed"),
        remove("uksouth", uksouth="Succeeded", italynorth="Failed"),
    ):
        (warning,) = warnings
        assert warning.startswith("italynorth is Failed in pool contoso")
        assert "keyvault region add --hsm-name contoso --region italynorth" in warning
        assert "keyvault region remove" in warning


@pytest.mark.rule("E5")
def test_a_failed_region_that_would_be_tried_again_too_is_a_warning():
    _, warnings = add("uksouth", uksouth="Failed", italynorth="Failed")
    assert ["italynorth" in one and "billed" in one for one in warnings] == [True]


@pytest.mark.rule("C4d")
@pytest.mark.parametrize("binding", [True, False])
def test_a_pool_that_may_be_on_its_way_to_active_is_told_how_to_wait(binding):
    try:
        words = str(add("uksouth", binding=binding, activation="NotActivated")[1])
    except errors.BadRequestError as error:
        words = error.message
    assert "Download its security domain, or, if that was done, wait until it is active" in words
    assert "keyvault region wait --hsm-name contoso --custom" in words


@pytest.mark.rule("G8")
def test_a_public_pool_is_offered_public_regions_only():
    with pytest.raises(errors.BadRequestError, match="cloud"):
        add("usgovvirginia")


def remove(region, binding=True, **fields):
    return check_remove(pool(**fields), region, catalogue(), binding)


@pytest.mark.rule("D3")
@pytest.mark.parametrize("binding", [True, False])
def test_the_primary_goes_by_delete_and_purge(binding):
    with pytest.raises(errors.BadRequestError, match="cannot be removed") as caught:
        remove("eastus2", binding)
    assert "keyvault purge" in caught.value.hint


def test_what_is_not_there_passes_if_it_is_a_region():
    assert remove("uksouth") == ("uksouth", ())
    with pytest.raises(errors.BadRequestError, match="Did you mean uksouth"):
        remove("uksout")
    assert "Did you mean uksouth" in remove("uksout", binding=False)[1][0]


def test_a_region_that_the_catalogue_does_not_know_but_the_pool_has_can_be_removed():
    assert remove("atlantis", atlantis="Succeeded") == ("atlantis", ())


@pytest.mark.parametrize("state", ["Succeeded", "Failed"])
def test_nothing_is_removed_while_another_operation_runs(state):
    assert remove("uksouth", uksouth=state) == ("uksouth", ())
    with pytest.raises(errors.ConflictError):
        remove("uksouth", uksouth=state, swedencentral="Provisioning")


def test_what_is_being_removed_passes():
    assert remove("uksouth", state="Updating", uksouth="Deleting") == ("uksouth", ())
