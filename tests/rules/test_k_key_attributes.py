"""K1, K3 and L6: a key's attributes are changed, and win or lose as a whole."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from .harness import CRYPTO_AUDITOR, EXTENDED, OTHER, PRIMARY, SIX_MINUTES, THIRD, Answer, World


def patch(world: World, key: str, body: Any, **more: Any) -> Answer:
    return world.data("PATCH", f"/keys/{key}", body, **more)


def what_can_change(answer: Answer) -> Dict[str, Any]:
    shown = answer.ok().body
    kept = {name: shown["attributes"].get(name) for name in ("enabled", "nbf", "exp")}
    return {**kept, "key_ops": shown["key"]["key_ops"], "tags": shown.get("tags")}


# -- K1: an update --------------------------------------------------------------------------


@pytest.mark.rule("K1")
def test_k1_an_update_changes_what_it_names_and_nothing_else(world: World) -> None:
    world.active_pool()
    made = world.put_key("k", attributes={"nbf": 1000, "exp": 2000000000}, tags={"a": "1"}).ok()
    world.advance(60)

    answer = patch(world, "k", {"attributes": {"enabled": False}}).ok()

    assert what_can_change(answer) == {**what_can_change(made), "enabled": False}
    assert answer.body["key"] == made.body["key"]
    before, after = made.body["attributes"], answer.body["attributes"]
    assert after == {**before, "enabled": False, "updated": before["updated"] + 60}
    assert world.get_key("k").body == answer.body


@pytest.mark.rule("K1")
def test_k1_dates_tags_and_operations_can_be_changed(world: World) -> None:
    world.active_pool()
    world.put_key("k", tags={"a": "1"}).ok()
    wanted = {"attributes": {"nbf": 5, "exp": 6}, "tags": {"b": "2"}, "key_ops": ["verify", "verify"]}

    answer = patch(world, "k", wanted)

    assert what_can_change(answer) == {
        "enabled": True, "nbf": 5, "exp": 6, "key_ops": ["verify"], "tags": {"b": "2"},
    }  # fmt: skip
    assert what_can_change(patch(world, "k", {"tags": {}, "key_ops": None}))["tags"] is None
    assert world.get_key("k").body["key"]["key_ops"] == ["verify"]


@pytest.mark.rule("K1")
def test_k1_an_update_without_version_is_of_the_current_one(world: World) -> None:
    world.active_pool()
    old = world.put_key("k").ok().body["key"]["kid"].rsplit("/", 1)[-1]
    new = world.put_key("k").ok().body["key"]["kid"].rsplit("/", 1)[-1]

    of_current = patch(world, "k/", {"tags": {"which": "new"}}).ok()
    of_old = patch(world, f"k/{old}", {"tags": {"which": "old"}}).ok()

    assert [one.body["key"]["kid"].rsplit("/", 1)[-1] for one in (of_current, of_old)] == [new, old]
    listed = world.data("GET", "/keys/k/versions").ok().body["value"]
    assert [item["tags"]["which"] for item in listed] == ["old", "new"]
    assert world.get_key("k").body["tags"] == {"which": "new"}


@pytest.mark.rule("K1")
def test_k1_an_update_that_cannot_be_is_refused_and_changes_nothing(world: World) -> None:
    world.active_pool()
    made = world.put_key("k").ok()
    world.put_key("gone").ok()
    world.data("DELETE", "/keys/gone").ok()

    answers = {
        "no such key": patch(world, "none", {}),
        "no such version": patch(world, "k/none", {}),
        "deleted": patch(world, "gone", {"tags": {}}),
        "unknown operation": patch(world, "k", {"key_ops": ["sing"]}),
        "no list": patch(world, "k", {"key_ops": "sign"}),
        "no boolean": patch(world, "k", {"attributes": {"enabled": "yes"}}),
        "no number": patch(world, "k", {"attributes": {"exp": "soon"}}),
        "too many tags": patch(world, "k", {"tags": {str(number): "" for number in range(16)}}),
        "a long tag": patch(world, "k", {"tags": {"n" * 257: ""}}),
        "a long value": patch(world, "k", {"tags": {"n": "v" * 257}}),
        "tags of numbers": patch(world, "k", {"tags": {"a": 1}}),
        "release policy": patch(world, "k", {"release_policy": {"data": "e30"}}),
    }

    assert {answers[name].code for name in ("too many tags", "a long tag", "a long value")} == {
        "BadParameter"
    }
    assert {name: answer.status for name, answer in answers.items()} == {
        **dict.fromkeys(answers, 400), "no such key": 404, "no such version": 404, "deleted": 404,
        "release policy": 501,
    }  # fmt: skip
    assert world.get_key("k").body == made.body


# -- K3: what an update allows and forbids ------------------------------------------------------


@pytest.mark.rule("K3")
def test_k3_operations_that_were_taken_away_or_given_count_at_once(world: World) -> None:
    world.active_pool()
    world.put_key("k", key_ops=["sign"]).ok()

    patch(world, "k", {"key_ops": ["verify"]}).ok()
    taken = world.sign("k")
    patch(world, "k", {"key_ops": ["sign", "verify"]}).ok()

    assert (taken.status, taken.code) == (403, "KeyOperationForbidden")
    signature = world.sign("k").ok().body["value"]
    assert world.verify("k", signature).ok().body["value"] is True


@pytest.mark.rule("K3")
def test_k3_who_may_read_a_key_may_not_change_it(world: World) -> None:
    world.active_pool()
    world.put_key("k").ok()
    world.assign(CRYPTO_AUDITOR, OTHER).ok()

    assert world.get_key("k", who=OTHER).status == 200
    assert patch(world, "k", {"attributes": {"enabled": False}}, who=OTHER).status == 403
    assert world.sign("k").status == 200


# -- L6: between regions ------------------------------------------------------------------------


@pytest.mark.rule("L1")
@pytest.mark.rule("L6")
def test_l6_a_key_disabled_in_one_region_signs_in_the_other_until_it_hears_of_it(world: World) -> None:
    world.extended_pool()
    world.put_key("k").ok()
    world.advance(SIX_MINUTES)

    patch(world, "k", {"attributes": {"enabled": False}}, region=PRIMARY).ok()
    at_once = world.sign("k", PRIMARY).status, world.sign("k", EXTENDED).status
    world.advance(SIX_MINUTES)

    assert at_once == (403, 200)
    assert world.sign("k", EXTENDED).status == 403
    assert world.shown(PRIMARY) == world.shown(EXTENDED)


@pytest.mark.rule("L6")
def test_l6_of_two_regions_changes_the_later_one_wins_as_a_whole(world: World) -> None:
    world.extended_pool()
    world.put_key("k", tags={"a": "0"}).ok()
    world.advance(SIX_MINUTES)
    world.break_link(PRIMARY, EXTENDED, 600)

    patch(world, "k", {"key_ops": ["verify"], "attributes": {"enabled": False}}, region=PRIMARY).ok()
    world.advance(1)
    patch(world, "k", {"tags": {"a": "1"}}, region=EXTENDED).ok()
    world.advance(600 + SIX_MINUTES)

    for region in (PRIMARY, EXTENDED):
        assert what_can_change(world.get_key("k", region)) == {
            "enabled": True, "nbf": None, "exp": None, "key_ops": ["sign", "verify", "deriveKey"],
            "tags": {"a": "1"},
        }  # fmt: skip
    assert world.shown(PRIMARY) == world.shown(EXTENDED)
    assert [event["object_kind"] for event in world.events("conflict")] == ["key_attributes"]


@pytest.mark.rule("L6")
def test_l6_one_regions_changes_add_up(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)
    world.put_key("k").ok()
    world.advance(SIX_MINUTES)

    patch(world, "k", {"tags": {"a": "1"}}, region=EXTENDED).ok()
    patch(world, "k", {"attributes": {"exp": 2000000000}}, region=EXTENDED).ok()
    patch(world, "k", {"key_ops": ["sign"]}, region=EXTENDED).ok()
    world.advance(SIX_MINUTES)

    shown = [what_can_change(world.get_key("k", region)) for region in (PRIMARY, EXTENDED, THIRD)]
    assert shown == 3 * [
        {"enabled": True, "nbf": None, "exp": 2000000000, "key_ops": ["sign"], "tags": {"a": "1"}}
    ]


@pytest.mark.rule("L6")
def test_l6_attributes_of_a_purged_key_are_not_those_of_its_successor(world: World) -> None:
    world.active_pool()
    world.put_key("k", tags={"a": "1"}).ok()
    patch(world, "k", {"attributes": {"enabled": False}}).ok()
    world.data("DELETE", "/keys/k").ok()
    world.data("DELETE", "/deletedkeys/k").ok()

    world.put_key("k").ok()

    assert what_can_change(world.get_key("k"))["enabled"] is True


@pytest.mark.rule("K1")
def test_k1_tags_are_taken_up_to_their_limits(world: World) -> None:
    """15 of 256 characters each, in create and update alike."""
    world.active_pool()
    most = {f"{number:02}" + "n" * 254: "v" * 256 for number in range(15)}

    assert world.put_key("k", tags=most).ok().body["tags"] == most
    assert patch(world, "k", {"tags": {**most, "one": ""}}).code == "BadParameter"
    assert world.put_key("l", tags={"n": "v" * 257}).code == "BadParameter"
