"""K1, K3 and A4: the settings of a pool."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from shared_data import golden

from .harness import ADMINISTRATOR, CRYPTO_OFFICER, EXTENDED, OTHER, PRIMARY, SIX_MINUTES, Answer, World

NAME = "AllowKeyManagementOperationsThroughARM"


def get(world: World, region: str = "", who: str = "owner") -> Answer:
    return world.data("GET", f"/settings/{NAME}", region=region, who=who)


def put(world: World, value: Any, region: str = "", who: str = "owner") -> Answer:
    return world.data("PATCH", f"/settings/{NAME}", {"value": value}, region=region, who=who)


@pytest.mark.rule("K1")
def test_k1_settings_are_shown_and_changed_as_recorded(world: World) -> None:
    recorded = golden("hsm_setting")
    world.active_pool()

    answers = [
        get(world),
        put(world, "true"),
        get(world),
        put(world, "false"),
        world.data("GET", "/settings"),
    ]

    assert [answer.body for answer in answers] == [item["response"]["body"] for item in recorded[1:]]
    assert {answer.status for answer in answers} == {200}
    assert put(world, "True").ok().body["value"] == "true"
    shown = world.data("GET", f"/settings/{NAME.lower()}").body
    assert shown == {"name": NAME, "type": "boolean", "value": "true"}


@pytest.mark.rule("K1")
def test_k1_settings_that_cannot_be_are_refused(world: World) -> None:
    world.active_pool()

    answers: Dict[str, Answer] = {
        "none": world.data("GET", "/settings/Moon"),
        "change none": world.data("PATCH", "/settings/Moon", {"value": "true"}),
        "no boolean": put(world, "yes"),
        "no text": put(world, True),
        "nothing": world.data("PATCH", f"/settings/{NAME}", {}),
    }

    assert {name: answer.status for name, answer in answers.items()} == {
        **dict.fromkeys(answers, 400), "none": 404, "change none": 404,
    }  # fmt: skip
    assert get(world).body["value"] == "false"


@pytest.mark.rule("K3")
def test_k3_reading_and_writing_settings_are_administrators_rights(world: World) -> None:
    world.active_pool()
    world.assign(CRYPTO_OFFICER, OTHER).ok()
    before = [get(world, who=OTHER).status, put(world, "true", who=OTHER).status]
    before.append(world.data("GET", "/settings", who=OTHER).status)

    world.assign(ADMINISTRATOR, OTHER).ok()

    assert before == [403, 403, 403]
    assert (get(world, who=OTHER).status, put(world, "true", who=OTHER).status) == (200, 200)


@pytest.mark.rule("K3")
def test_k3_who_may_read_settings_may_not_write_them(world: World) -> None:
    world.active_pool()
    role = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    action = "Microsoft.KeyVault/managedHsm/settings/read/action"
    body = {"properties": {"roleName": "Reader", "permissions": [{"dataActions": [action]}]}}
    world.data("PUT", f"/providers/Microsoft.Authorization/roleDefinitions/{role}", body).ok()
    world.assign(role, OTHER).ok()

    assert (get(world, who=OTHER).status, put(world, "true", who=OTHER).status) == (200, 403)


@pytest.mark.rule("A4")
@pytest.mark.rule("L1")
def test_a4_a_setting_reaches_the_other_region_within_six_minutes(world: World) -> None:
    world.extended_pool()

    put(world, "true", PRIMARY).ok()
    at_once = get(world, PRIMARY).body["value"], get(world, EXTENDED).body["value"]
    world.advance(SIX_MINUTES)

    assert at_once == ("true", "false")
    assert get(world, EXTENDED).body["value"] == "true"
    assert world.data("GET", "/settings", region=EXTENDED).body["settings"][0]["value"] == "true"
    assert world.shown(PRIMARY) == world.shown(EXTENDED)


@pytest.mark.rule("L6")
def test_l6_of_two_regions_values_the_later_one_stands_in_both(world: World) -> None:
    world.extended_pool()
    world.break_link(PRIMARY, EXTENDED, 600)

    put(world, "true", EXTENDED).ok()
    world.advance(1)
    put(world, "false", PRIMARY).ok()
    world.advance(600 + SIX_MINUTES)

    assert [get(world, region).body["value"] for region in (PRIMARY, EXTENDED)] == ["false", "false"]
    assert [event["object_kind"] for event in world.events("conflict")] == ["setting"]
