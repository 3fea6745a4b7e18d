"""A2, A6 and A7: partitions and their balancer, a region's own name, the region in every answer."""

from __future__ import annotations

from collections import Counter
from typing import Callable, List

import pytest

from azext_mhsmregion.emulator.wire import Caller, ConnectionBroken, NameKind, Resolution

from .harness import EXTENDED, OTHER, POOL, PRIMARY, THIRD, World

HOUR = 3600
TAKEN_OUT = 2 * 5
"""Seconds after which a balancer has noticed a dead partition that refuses: the tick that
finds it, and the one that is not tolerated any more (documented profile)."""

HANGS = 5
"""A probe's time-out, which a partition that hangs costs beside."""


def connections(world: World, count: int = 300, region: str = PRIMARY) -> List[Resolution]:
    """Many new connections, of many clients."""
    return [world.client("uksouth", f"client{number}").connect(region) for number in range(count)]


def broken(found: List[Resolution]) -> float:
    return sum(one.effect is not None for one in found) / len(found)


# -- A2 ----------------------------------------------------------------------------------


@pytest.mark.rule("A2")
@pytest.mark.parametrize("region", [PRIMARY, EXTENDED])
def test_a2_connections_are_spread_over_three_partitions(world: World, region: str) -> None:
    world.extended_pool()

    counts = Counter(one.partition for one in connections(world, region=region))

    assert set(counts) == {0, 1, 2}
    assert all(70 <= count <= 130 for count in counts.values())


@pytest.mark.rule("A2")
@pytest.mark.parametrize("effect", ["refuse", "hang"])
def test_a2_a_dead_partition_fails_its_share_until_the_balancer_takes_it_out(
    world: World, effect: str
) -> None:
    world.extended_pool()
    world.break_("partition", PRIMARY, HOUR, partition=1, effect=effect)

    at_once = connections(world)
    world.advance(TAKEN_OUT + (HANGS if effect == "hang" else 0))
    later = connections(world)

    assert 0.25 < broken(at_once) < 0.42
    assert {one.partition for one in at_once if one.effect} == {1}
    assert {one.effect for one in at_once} == {None, effect}
    assert broken(later) == 0
    assert {one.partition for one in later} == {0, 2}
    assert broken(connections(world, region=EXTENDED)) == 0


@pytest.mark.rule("A2")
def test_a2_it_is_not_taken_out_before_its_probes_can_have_failed(world: World) -> None:
    world.extended_pool()
    world.advance((-world.now / 1000) % 5 + 0.001)
    world.break_("partition", PRIMARY, HOUR, partition=1)

    seen = []
    for _ in range(11):
        seen.append(broken(connections(world, 60)) > 0)
        world.advance(1)

    assert seen == [True] * 10 + [False], "ticks at 5 and 10 seconds; the first failure is tolerated"


@pytest.mark.rule("A2")
def test_a2_it_comes_back_with_its_first_answered_probe(world: World) -> None:
    world.extended_pool()
    fault = world.break_("partition", PRIMARY, partition=1)
    world.advance(60)
    assert {one.partition for one in connections(world, 60)} == {0, 2}

    world.clear(fault).ok()
    world.advance(5)

    assert {one.partition for one in connections(world, 60)} == {0, 1, 2}


@pytest.mark.rule("A2")
def test_a2_any_living_partition_keeps_its_region_healthy_and_none_does_not(world: World) -> None:
    world.extended_pool()
    seen = []
    for number in range(3):
        world.break_("partition", PRIMARY, HOUR, partition=number)
        world.advance(60)
        states = [part["state"] for part in world.status_of(PRIMARY)["partitions"]]
        where = world.client("uksouth").answered_by()
        seen.append((states.count("up"), world.status_of(PRIMARY)["health"], where))

    assert seen == [(2, "healthy", PRIMARY), (1, "healthy", PRIMARY), (0, "unhealthy", EXTENDED)]


@pytest.mark.rule("A2")
def test_a2_status_tells_which_partitions_are_up_and_which_are_in_rotation(world: World) -> None:
    world.extended_pool()
    world.advance((-world.now / 1000) % 5 + 0.5)
    world.break_("partition", PRIMARY, HOUR, partition=2)

    def partitions() -> List[object]:
        return [(part["state"], part["inRotation"]) for part in world.status_of(PRIMARY)["partitions"]]

    at_once = partitions()
    world.advance(TAKEN_OUT)
    later = partitions()
    world.advance(HOUR - TAKEN_OUT)

    assert at_once == [("up", True), ("up", True), ("down", True)]
    assert later == [("up", True), ("up", True), ("down", False)]
    assert partitions()[2] == ("up", False), "until the next probe"


@pytest.mark.rule("A2")
def test_a2_an_open_connection_on_a_partition_breaks_with_it_and_the_others_go_on(world: World) -> None:
    world.extended_pool()
    client = world.client("uksouth")
    opened = [client.open() for _ in range(40)]

    world.break_("partition", PRIMARY, HOUR, partition=0)

    for connection in opened:
        if connection.partition == 0:
            with pytest.raises(ConnectionBroken):
                world.data("GET", "/keys", caller=connection)
        else:
            assert world.data("GET", "/keys", caller=connection).status == 200
    assert {connection.partition for connection in opened} == {0, 1, 2}


@pytest.mark.rule("A2")
def test_a2_all_partitions_dead_at_different_times_leave_the_region_up(world: World) -> None:
    world.extended_pool()
    world.put_key("k", EXTENDED).ok()
    for number in range(3):
        world.break_("partition", PRIMARY, 600, partition=number, after=600 * number)

    seen = set()
    for _ in range(36):
        world.advance(50)
        seen.add(world.status_of(PRIMARY)["health"])

    assert seen == {"healthy"}
    assert world.get_key("k", PRIMARY).status == 200, "and replication never stopped"


# -- A6 ----------------------------------------------------------------------------------


@pytest.mark.rule("A6")
def test_a6_a_region_s_own_name_leads_there_from_everywhere(world: World) -> None:
    world.extended_pool(EXTENDED, THIRD)

    for place in ("uksouth", "australiasoutheast", "koreacentral", ""):
        for region in (PRIMARY, EXTENDED, THIRD):
            assert world.client(place).reaches(region) == region, (place, region)


@pytest.mark.rule("A6")
def test_a6_it_does_not_fail_over(world: World) -> None:
    world.extended_pool()
    world.break_("region", PRIMARY, HOUR)
    world.advance(60)

    assert world.client("uksouth").reaches() == EXTENDED
    found = world.client("uksouth").connect(PRIMARY)
    assert (found.region, found.effect) == (PRIMARY, "refuse")


@pytest.mark.rule("A6")
def test_a6_it_spares_its_clients_the_time_to_failover(world: World) -> None:
    world.extended_pool()
    world.break_("region", PRIMARY, HOUR)

    assert world.client("uksouth").reaches(EXTENDED) == EXTENDED
    assert world.client("uksouth").reaches() is None


@pytest.mark.rule("A6")
def test_a6_the_name_is_there_as_long_as_the_region(world: World) -> None:
    world.active_pool()
    client = world.client("uksouth")
    before = client.connect(EXTENDED).kind

    world.extend(EXTENDED)
    meanwhile = client.connect(EXTENDED)
    world.shrink(EXTENDED)

    assert (before, client.connect(EXTENDED).kind) == (NameKind.NXDOMAIN, NameKind.NXDOMAIN)
    assert (meanwhile.kind, meanwhile.region) == (NameKind.OURS, EXTENDED)
    assert client.connect("atlantis").kind is NameKind.NXDOMAIN
    assert client.connect(PRIMARY).region == PRIMARY


# -- A7 ----------------------------------------------------------------------------------


@pytest.mark.rule("A7")
@pytest.mark.parametrize("region", [PRIMARY, EXTENDED])
def test_a7_every_answer_behind_the_token_names_the_region_that_gave_it(world: World, region: str) -> None:
    world.extended_pool()
    caller = Caller("uksouth", "-", region, partition=0)

    answers = {
        "200": world.data("GET", "/keys", caller=caller),
        "201": world.data(
            "PUT",
            f"/providers/Microsoft.Authorization/roleDefinitions/{world.sources.new_id()}",
            {"properties": {"roleName": "r", "permissions": []}},
            caller=caller,
        ),
        "400": world.data("POST", "/keys/k/create", {"kty": "none"}, caller=caller),
        "403": world.data("GET", "/keys", who=OTHER, caller=caller),
        "404": world.data("GET", "/keys/nosuch", caller=caller),
        "501": world.data("GET", "/nosuch", caller=caller),
    }

    for status, answer in answers.items():
        assert answer.status == int(status), answer.body
        assert answer.headers["x-ms-keyvault-region"] == region, status


@pytest.mark.rule("A7")
def test_a7_faults_and_refused_writes_name_it_too(world: World) -> None:
    world.extended_pool()
    world.break_("service", PRIMARY, HOUR)
    world.break_("pool", EXTENDED, 10, effect="throttle")

    throttled = world.data("GET", "/keys", region=EXTENDED)
    world.advance(10)
    refused = world.put_key("k", EXTENDED)

    assert (throttled.status, refused.status) == (429, 503)
    assert {answer.headers["x-ms-keyvault-region"] for answer in (throttled, refused)} == {EXTENDED}


@pytest.mark.rule("A7")
@pytest.mark.parametrize("token", ["", "rubbish"])
def test_a7_the_challenge_does_not(world: World, token: str) -> None:
    world.extended_pool()

    for method in ("GET", "POST"):
        answer = world.data(method, "/keys", who=None, token=token)
        assert answer.status == 401
        assert "x-ms-keyvault-region" not in answer.headers


@pytest.mark.rule("A7")
def test_a7_it_follows_the_traffic_manager(new_world: Callable[..., World]) -> None:
    world = new_world(routing="primary-first").extended_pool()

    seen = [world.client("australiasoutheast", "me").answered_by()]
    world.break_("pool", PRIMARY, HOUR)
    world.advance(60)
    seen.append(world.client("australiasoutheast", "me").answered_by())
    world.advance(HOUR)
    seen.append(world.client("australiasoutheast", "me").answered_by())

    assert seen == [PRIMARY, EXTENDED, PRIMARY]
    assert world.show(POOL).status == 200


# -- A9 ----------------------------------------------------------------------------------


def waits(world: World, operation: str, count: int, region: str = PRIMARY) -> List[int]:
    """For how many milliseconds each of ``count`` requests that come at once is held back."""
    return [world.data(*_REQUESTS[operation], region=region).ok().delay for _ in range(count)]


_REQUESTS = {
    "get": ("GET", "/keys/k"),
    "sign": ("POST", "/keys/k/sign", {"alg": "ES256", "value": "A" * 43}),
    "create": ("POST", "/keys/new/create", {"kty": "EC-HSM"}),
    "backup": ("POST", "/keys/k/backup"),
    "list": ("GET", "/keys"),
}


def paced(world: World) -> World:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()
    world.advance(360)
    world.configure(pacing=True)
    return world


@pytest.mark.rule("A9")
def test_a9_off_unless_told_nothing_is_held_back(world: World) -> None:
    world.extended_pool()
    world.put_key("k", PRIMARY).ok()

    assert waits(world, "create", 5) == waits(world, "sign", 5) == [0] * 5


@pytest.mark.rule("A9")
@pytest.mark.parametrize(("operation", "rate"), [("create", 1), ("get", 1100), ("sign", 330), ("backup", 10)])
def test_a9_three_partitions_give_three_times_the_documented_rate_of_one(
    world: World, operation: str, rate: int
) -> None:
    """The request behind a second's worth of them waits for a second."""
    paced(world)
    count = 3 * rate if rate < 10 else 60

    held = waits(world, operation, count + 1)

    assert held[0] == 0 and held == sorted(held)
    assert abs(held[-1] - 1000 * count / (3 * rate)) <= 1


@pytest.mark.rule("A9")
def test_a9_dead_partitions_slow_their_region_and_no_other(world: World) -> None:
    paced(world)
    for number in (0, 1):
        world.break_("partition", PRIMARY, HOUR, partition=number)
    opened = next(
        one for one in (world.client("uksouth", str(n)).connect(PRIMARY) for n in range(90)) if not one.effect
    )
    caller = Caller("uksouth", "-", PRIMARY, partition=opened.partition)

    alone = [world.data(*_REQUESTS["sign"], caller=caller).ok().delay for _ in range(67)]

    assert abs(alone[-1] - 1000 * 66 / 330) <= 1
    assert abs(waits(world, "sign", 67, EXTENDED)[-1] - 1000 * 66 / 990) <= 1


@pytest.mark.rule("A9")
def test_a9_it_is_forgotten_as_real_time_passes_and_what_has_no_documented_rate_never_waits(
    world: World,
) -> None:
    paced(world)
    before = waits(world, "create", 7)

    lists = waits(world, "list", 3)
    world.sources.milliseconds += 1000
    later = waits(world, "create", 1)
    world.sources.milliseconds += 60_000

    assert all(abs(held - number * 1000 / 3) <= 1 for number, held in enumerate(before))
    assert (lists, waits(world, "create", 1)) == ([0, 0, 0], [0])
    assert abs(later[0] - 1333) <= 1


@pytest.mark.rule("A9")
def test_a9_refused_requests_cost_the_partitions_nothing(world: World) -> None:
    paced(world)
    for _ in range(9):
        assert world.data("POST", "/keys/k/create", {"kty": "none"}, region=PRIMARY).status == 400

    assert waits(world, "create", 1) == [0]
