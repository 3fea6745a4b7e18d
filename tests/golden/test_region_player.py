"""The recorded region run, end to end, through the ARM provider (issue 3, part 6)."""

from __future__ import annotations

import copy

import pytest
from player import SUBSCRIPTION, Mismatch, RegionPlayer, is_subset, load_recording, shared_folder

from azext_mhsmregion.provider.arm import ArmProvider
from azext_mhsmregion.provider.client import Settings
from azext_mhsmregion.provider.errors import BadRequestError
from azext_mhsmregion.provider.interface import Region
from azext_mhsmregion.provider.waiting import wait

pytestmark = pytest.mark.skipif(
    not (shared_folder() / "golden" / "mhsm_region.json").exists(),
    reason="the recordings are not beside this checkout (MHSMREGION_SHARED names their folder)",
)


class Clock:
    """Sleeping is what makes the time pass."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleeps = []

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.time += seconds

    def now(self):
        return self.time


def provider_over(player, full_body=False, clock=None):
    clock = clock or Clock()
    return ArmProvider(
        player,
        Settings(SUBSCRIPTION, lambda: "tenant", lambda: "me", full_body=full_body, now=clock.now),
    )


def run_the_recording(player, provider, clock, group):
    """The commands of the recording in their order; returns (refusals, regions, warnings)."""
    refused = provider.plan_region_add(player.pool_name, "testregion", group)
    with pytest.raises(BadRequestError) as unknown:
        provider.add_region(refused, group)
    player.activate()
    added = provider.add_region(provider.plan_region_add(player.pool_name, "UK South", group), group)
    wait(provider, added, clock.sleep, clock.now)
    extended = provider.list_regions(player.pool_name, group)
    with pytest.raises(BadRequestError) as deletion:
        provider.delete_pool(player.pool_name, group)
    plan = provider.plan_region_remove(player.pool_name, "uksouth", group)
    wait(provider, provider.remove_region(plan, group), clock.sleep, clock.now)
    left = provider.list_regions(player.pool_name, group)
    return (unknown.value, deletion.value), (extended, left), refused.warnings


@pytest.mark.parametrize("full_body", [False, True], ids=["subset", "full-body"])
def test_recording_replays(full_body, capsys):
    player, clock = RegionPlayer(subset=not full_body), Clock()
    provider = provider_over(player, full_body, clock)

    refusals, regions, warnings = run_the_recording(player, provider, clock, player.group)

    recorded = [exchange["response"] for exchange in load_recording()]
    assert refusals[0].message == recorded[1]["body"]["error"]["message"]
    assert refusals[0].code == "400"
    assert refusals[1].message == recorded[7]["body"]["error"]["message"]
    assert regions[0] == [Region("eastus2", "Succeeded", True), Region("uksouth", "Succeeded", False)]
    assert [region._asdict() for region in regions[0]] == [
        {
            "name": item["name"],
            "provisioning_state": item["provisioningState"],
            "is_primary": item["isPrimary"],
        }
        for item in recorded[6]["body"]["value"]
    ]
    assert regions[1] == [Region("eastus2", "Succeeded", True)]
    assert any("Invalid region name: testregion passed." in warning for warning in warnings)
    counts = player.counts
    assert (counts.compared, counts.exchanges, counts.skipped) == (12, 12, 0)
    assert counts.different == (0 if full_body else 3)
    assert counts.assertions >= 12
    with capsys.disabled():
        print(f"\n[{'full-body' if full_body else 'subset'}] {counts.line()}")


def test_polls_wait_as_long_as_the_clients_of_the_recording_did():
    player, clock = RegionPlayer(), Clock()
    player.activate()
    provider = provider_over(player, clock=clock)
    plan = provider.plan_region_add(player.pool_name, "uksouth", player.group)
    wait(provider, provider.add_region(plan, player.group), clock.sleep, clock.now)
    assert clock.sleeps == [30.0] * 46


def test_polls_can_be_compressed_and_are_counted_as_skipped():
    player, clock = RegionPlayer(polls=2), Clock()
    run_the_recording(player, provider_over(player, clock=clock), clock, player.group)
    assert player.counts.skipped == (45 - 2) + (50 - 2)
    assert player.counts.compared == 12


def test_without_a_group_the_list_is_synthesised_and_not_compared():
    player = RegionPlayer()
    player.activate()
    assert provider_over(player).get_pool(player.pool_name.upper()).name == player.pool_name
    assert (player.counts.synthesised, player.counts.compared) == (1, 1)


def test_a_patch_that_is_no_subset_fails():
    player = RegionPlayer()
    player.activate()
    provider = provider_over(player)
    plan = provider.plan_region_add(player.pool_name, "uksouth", player.group)
    recording = copy.deepcopy(load_recording())
    del recording[3]["request"]["body"]["sku"]
    other = RegionPlayer(recording)
    other.activate()
    with pytest.raises(Mismatch, match="not a subset"):
        provider_over(other).add_region(plan, player.group)


def test_a_declared_difference_that_no_longer_differs_fails():
    player = RegionPlayer(subset=True)
    player.activate()
    provider = provider_over(player, full_body=True)
    plan = provider.plan_region_add(player.pool_name, "uksouth", player.group)
    with pytest.raises(Mismatch, match="stale"):
        provider.add_region(plan, player.group)


def test_another_api_version_than_the_recorded_one_fails():
    player = RegionPlayer()
    settings = Settings(SUBSCRIPTION, lambda: "t", lambda: "me", api_version="2024-11-01")
    with pytest.raises(Mismatch, match="2024-11-01"):
        ArmProvider(player, settings).get_pool(player.pool_name, player.group)


def test_what_fits_no_state_fails():
    player = RegionPlayer()
    player.activate()
    provider = provider_over(player)
    plan = provider.plan_region_add(player.pool_name, "swedencentral", player.group)
    with pytest.raises(Mismatch, match="fits no state"):
        provider.add_region(plan, player.group)


@pytest.mark.parametrize(
    ("part", "whole", "subset"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": 2}, {"a": 1}, False),
        ({"c": 1}, {"a": 1}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
    ],
)
def test_subsets(part, whole, subset):
    assert is_subset(part, whole) is subset
