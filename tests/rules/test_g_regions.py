"""G1 to G8: which regions there are, what they are called, and which can be extended regions."""

from __future__ import annotations

import json
from typing import Callable, Dict, List

import pytest
from shared_data import folder, golden

from .harness import EXTENDED, POOL, PRIMARY, World, catalogue

NOT_IN_2025 = (
    "eastus", "southcentralus", "westus2", "switzerlandnorth", "westeurope", "centralindia", "canadacentral",
    "canadaeast", "japanwest", "qatarcentral", "polandcentral", "westcentralus",
)  # fmt: skip
"""The user's document, as RULES G2 writes it down."""

NOT_IN_2026 = ("eastus", "canadaeast", "westeurope", "qatarcentral", "polandcentral", "westindia")
ALIASES = {
    "US East": "eastus",
    "US South Central": "southcentralus",
    "US West Central": "westcentralus",
    "US West 2": "westus2",
}


def public() -> List[str]:
    return [name for name, info in catalogue().regions.items() if info.cloud == "public"]


@pytest.mark.rule("G1")
def test_g1_every_region_can_be_a_primary(world: World) -> None:
    for number, region in enumerate(sorted(catalogue().regions)):
        answer = world.put_pool(f"pool{number}", region)
        assert answer.status == 202, region
        assert world.show(f"pool{number}").body["location"] == region


@pytest.mark.rule("G1")
@pytest.mark.parametrize("region", ["eastus", "qatarcentral"])
def test_g1_also_one_that_cannot_be_an_extended_region(world: World, region: str) -> None:
    world.active_pool(location=region)

    world.extend(EXTENDED)

    assert world.regions() == [(region, "Succeeded", True), (EXTENDED, "Succeeded", False)]


@pytest.mark.rule("G2")
@pytest.mark.parametrize(("edition", "refused"), [("2025-04", NOT_IN_2025), ("2026-04", NOT_IN_2026)])
def test_g2_the_regions_that_an_edition_lists_are_refused_and_the_others_are_not(
    new_world: Callable[..., World], edition: str, refused: List[str]
) -> None:
    world = new_world(edition=edition).active_pool()

    answers: Dict[str, int] = {}
    for name in public():
        if name == PRIMARY:
            continue
        answer = world.set_regions(name)
        answers[name] = answer.status
        if answer.status == 202:
            world.finish(answer)
            world.shrink(name)
        else:
            assert "not extendable" in answer.message and name in answer.message

    assert {name for name, status in answers.items() if status == 400} == set(refused)
    assert {status for name, status in answers.items() if name not in refused} == {202}


@pytest.mark.rule("G2")
def test_g2_the_default_is_the_users_document(world: World) -> None:
    assert world.emulator.settings().edition == "2025-04"


@pytest.mark.rule("G3")
def test_g3_capacity_is_a_fault_of_the_named_region_alone(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=("australiaeast",))

    refused = world.finish(world.set_regions("australiaeast"))
    world.shrink("australiaeast")
    world.extend("australiasoutheast")

    assert refused.status == 400 and "no capacity" in refused.message
    assert world.regions()[1:] == [("australiasoutheast", "Succeeded", False)]


@pytest.mark.rule("G3")
def test_g3_the_fault_names_its_region_as_anyone_writes_it(world: World) -> None:
    world.active_pool()
    world.configure(without_capacity=("Australia East",))

    assert world.finish(world.set_regions("australiaeast")).status == 400
    assert world.regions()[1] == ("australiaeast", "Failed", False)


@pytest.mark.rule("G3")
def test_g3_a_fault_in_a_region_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="atlantis"):
        world.configure(without_capacity=("atlantis",))


@pytest.mark.rule("G4")
def test_g4_an_unknown_region_is_refused_in_the_recorded_words(world: World) -> None:
    recorded = golden("mhsm_region")[1]["response"]
    prefix, _, names = recorded["body"]["error"]["message"].partition("list of region names: ")
    facts = json.loads((folder() / "facts" / "regions.json").read_text())
    world.create_pool()

    answer = world.set_regions("testregion")

    assert answer.status == recorded["status"] == 400
    assert answer.code == recorded["body"]["error"]["code"]
    assert answer.message == f"{prefix}list of region names: {', '.join(facts['recorded_order_2025'])}"
    assert answer.message.startswith(recorded["body"]["error"]["message"])


@pytest.mark.rule("G4")
def test_g4_the_name_is_looked_at_before_anything_else(world: World) -> None:
    world.create_pool()
    world.hold_time_still()
    busy = world.patch(publicNetworkAccess="Disabled")

    answer = world.set_regions(PRIMARY, "Test Region", "eastus")

    assert busy.status == 202
    assert (answer.status, answer.code) == (400, "400")
    assert answer.message.startswith(
        "Invalid region name: Test Region passed. The valid list of region names: usgovarizona, chinanorth, "
    )
    listed = answer.message.partition("names: ")[2].split(", ")
    assert set(listed) == set(catalogue().regions)
    assert len(listed) > len(set(listed))


@pytest.mark.rule("G5")
@pytest.mark.parametrize("spelling", ["Australia East", "AustraliaEast", "australiaeast", "AUSTRALIA EAST"])
def test_g5_a_region_is_the_same_however_it_is_written(world: World, spelling: str) -> None:
    world.active_pool()

    world.finish(world.set_regions(spelling)).ok()

    assert world.regions() == [(PRIMARY, "Succeeded", True), ("australiaeast", "Succeeded", False)]
    assert world.set_regions("Uk South").status == 400


@pytest.mark.rule("G5")
def test_g5_the_primary_s_name_too(world: World) -> None:
    world.create_pool(location="UK South")

    assert world.show().body["location"] == "uksouth"
    again = world.arm("PATCH", world.pool_path(), {"location": "UK South", "properties": {}})
    assert again.status == 202


@pytest.mark.rule("G5")
def test_g5_one_region_written_in_two_ways_is_added_once_or_not_at_all(world: World) -> None:
    world.active_pool()

    answer = world.set_regions("Australia East", "australiaeast")

    assert answer.status == 400
    assert world.regions() == [(PRIMARY, "Succeeded", True)]


@pytest.mark.rule("G6")
def test_g6_uk_south_into_us_west_central_needs_edition_2026(new_world: Callable[..., World]) -> None:
    document = new_world().active_pool()
    newer = new_world(edition="2026-04").active_pool()

    assert document.set_regions("US West Central").status == 400
    newer.extend("US West Central")

    assert newer.regions() == [("uksouth", "Succeeded", True), ("westcentralus", "Succeeded", False)]


@pytest.mark.rule("G7")
@pytest.mark.parametrize(("written", "name"), sorted(ALIASES.items()))
def test_g7_the_documents_own_names_resolve(world: World, written: str, name: str) -> None:
    world.create_pool(location=written)

    assert world.show().body["location"] == name
    again = world.arm("PATCH", world.pool_path(), {"location": written, "properties": {}})
    assert again.status == 202
    assert catalogue().normalise(written.upper()) == catalogue().normalise(written.replace(" ", "")) == name


@pytest.mark.rule("G8")
def test_g8_a_public_pool_is_offered_public_regions_only(world: World) -> None:
    world.active_pool()
    elsewhere = sorted(set(catalogue().regions) - set(public()))

    answers = {name: world.set_regions(name) for name in elsewhere}

    assert len(elsewhere) > 5
    assert {answer.status for answer in answers.values()} == {400}
    assert "usgov cloud" in answers["usgovvirginia"].message
    assert "china cloud" in answers["chinaeast2"].message


@pytest.mark.rule("G8")
def test_g8_a_pool_of_another_cloud_is_extended_in_its_own(world: World) -> None:
    world.active_pool(location="usgovvirginia")

    assert world.set_regions(EXTENDED).status == 400
    world.extend("usgovarizona")

    assert world.regions(POOL)[1:] == [("usgovarizona", "Succeeded", False)]
