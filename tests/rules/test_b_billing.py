"""B1 to B4: the bill."""

from __future__ import annotations

from typing import Dict

import pytest

from azext_mhsmregion.model import billing

from .harness import DAY, EXTENDED, POOL, PRIMARY, World

ADD, DELETE = 1470, 330
HOUR = 3600


def hours(world: World) -> Dict[str, float]:
    """Hours billed so far, by region."""
    return {region: amount for _, region, amount, _ in world.emulator.cost(POOL)}


@pytest.mark.rule("B1")
def test_b1_an_extended_region_doubles_the_bill(world: World) -> None:
    world.active_pool()
    world.extend(EXTENDED)
    before = hours(world)

    world.advance(10 * HOUR)

    after = hours(world)
    grown = {region: after[region] - before.get(region, 0) for region in after}
    assert grown == pytest.approx({PRIMARY: 10, EXTENDED: 10})
    assert len({price for _, _, _, price in world.emulator.cost(POOL)}) == 1


@pytest.mark.rule("B1")
def test_b1_two_extended_regions_treble_it(world: World) -> None:
    world.active_pool()
    world.extend(EXTENDED, "japaneast")
    before = sum(hours(world).values())

    world.advance(HOUR)

    assert sum(hours(world).values()) - before == pytest.approx(3)


@pytest.mark.rule("B2")
def test_b2_an_extended_region_is_billed_from_succeeded_on(world: World) -> None:
    world.active_pool()
    world.hold_time_still()
    world.set_regions(EXTENDED)

    world.advance(ADD)
    at_succeeded = hours(world).get(EXTENDED, 0)
    world.advance(HOUR)

    assert at_succeeded == 0
    assert hours(world)[EXTENDED] == pytest.approx(1)


@pytest.mark.rule("B2")
def test_b2_it_ends_when_the_removal_is_accepted_and_not_when_it_is_done(world: World) -> None:
    world.active_pool()
    world.extend(EXTENDED)
    world.advance(2 * HOUR)
    world.hold_time_still()

    world.set_regions()
    world.advance(5 * HOUR)

    assert hours(world)[EXTENDED] == pytest.approx(2)
    assert hours(world)[PRIMARY] > 7


@pytest.mark.rule("B2")
def test_b2_the_primary_is_billed_from_its_creation_also_before_it_is_activated(world: World) -> None:
    world.hold_time_still()
    world.put_pool()

    world.advance(3 * HOUR)

    assert hours(world) == pytest.approx({PRIMARY: 3})


@pytest.mark.rule("B2")
def test_b2_a_region_that_comes_back_is_billed_for_both_of_its_lives(world: World) -> None:
    world.active_pool()
    for _ in range(2):
        world.extend(EXTENDED)
        world.advance(HOUR)
        world.shrink(EXTENDED)
        world.advance(HOUR)

    assert hours(world)[EXTENDED] == pytest.approx(2)


@pytest.mark.rule("B3")
def test_b3_a_soft_deleted_pool_goes_on_being_billed_until_it_is_purged(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()
    before = hours(world)[PRIMARY]

    world.advance(24 * HOUR)
    while_deleted = hours(world)[PRIMARY] - before
    world.finish(world.purge_pool()).ok()
    world.advance(24 * HOUR)

    assert while_deleted == pytest.approx(24)
    assert hours(world)[PRIMARY] - before == pytest.approx(24)


@pytest.mark.rule("B3")
def test_b3_and_no_longer_than_its_retention(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()
    before = hours(world)[PRIMARY]

    world.advance(30 * DAY)

    assert hours(world)[PRIMARY] - before == pytest.approx(7 * 24 - DELETE / HOUR)


@pytest.mark.rule("B3")
def test_b3_a_recovered_pool_was_billed_all_along(world: World) -> None:
    world.active_pool()
    world.finish(world.delete_pool()).ok()
    before = hours(world)[PRIMARY]
    world.advance(48 * HOUR)

    world.finish(world.recover_pool()).ok()
    world.advance(30 * DAY)

    assert hours(world)[PRIMARY] - before == pytest.approx(48 + 30 * 24 + 210 / HOUR)


@pytest.mark.rule("B4")
def test_b4_the_price_is_a_dated_setting_and_the_report_is_by_pool_and_region(world: World) -> None:
    world.active_pool()
    world.extend(EXTENDED)
    world.create_pool("Second", "northeurope")
    world.advance(HOUR)

    report = world.emulator.cost(None)

    assert billing.PRICE_DATE == "2025-04-14"
    assert [(pool, region, price) for pool, region, _, price in report] == [
        (POOL, PRIMARY, 3.2),
        (POOL, EXTENDED, 3.2),
        ("Second", "northeurope", 3.2),
    ]
    assert all(amount > 1 for _, _, amount, _ in report)


@pytest.mark.rule("B4")
def test_b4_spans_of_one_region_are_added_up_in_order_of_first_billing() -> None:
    hour = HOUR * 1000
    spans = [
        billing.BilledSpan("p", "b", "Standard_B1", 5 * hour, 6 * hour),
        billing.BilledSpan("p", "a", "Standard_B1", 0, 2 * hour),
        billing.BilledSpan("p", "a", "Standard_B1", 4 * hour),
        billing.BilledSpan("p", "c", "Standard_B1", 99 * hour),
    ]

    assert billing.cost(spans, 10 * hour) == (("p", "a", 8, 3.2), ("p", "b", 1, 3.2), ("p", "c", 0, 3.2))


@pytest.mark.rule("B4")
def test_b4_a_price_that_we_do_not_have_is_refused_and_never_made_up(world: World) -> None:
    body = {**world.pool_body(), "sku": {"family": "B", "name": "Custom_B32"}}

    answer = world.arm("PUT", world.pool_path(), body)

    assert answer.status == 400
    with pytest.raises(KeyError):
        billing.price_usd_per_hour("Custom_B32")
