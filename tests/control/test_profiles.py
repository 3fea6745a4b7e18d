"""How long operations take and what clients are told of it (DESIGN section 3): real, scaled and
manual clock, over the handlers and over sockets. Real time is handed in; nothing sleeps."""

from __future__ import annotations

import json
import math
import time
from contextlib import ExitStack
from datetime import datetime
from itertools import count
from typing import Any, Callable, List, Mapping, Tuple

import pytest
from rules.harness import ARM, EXTENDED, OWNER, POOL, Answer, World
from service.servicekit import Client

from azext_mhsmregion.emulator.http.authority import Authority
from azext_mhsmregion.emulator.http.server import Server
from azext_mhsmregion.model.clock import SECOND

DOCUMENTED = {
    "create": 750, "update": 240, "region-add": 1470, "region-remove": 1500, "delete": 330, "recover": 210,
    "purge": 180,
}  # fmt: skip
"""Seconds of each long operation, as documented and recorded."""

CAP = 30

BEGIN: Mapping[str, Callable[[World], Answer]] = {
    "create": lambda world: world.put_pool(),
    "update": lambda world: world.patch(publicNetworkAccess="Disabled"),
    "region-add": lambda world: world.set_regions(EXTENDED),
    "region-remove": lambda world: world.set_regions(),
    "delete": lambda world: world.delete_pool(),
    "recover": lambda world: world.recover_pool(),
    "purge": lambda world: world.purge_pool(),
}
every_kind = pytest.mark.parametrize("kind", BEGIN)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "home")
    yield made
    made.emulator.store.close()


def before(world: World, kind: str) -> None:
    """All that must have happened before an operation of that kind."""
    if kind == "create":
        return
    world.active_pool()
    if kind == "region-remove":
        world.extend(EXTENDED)
        world.advance(360)
    if kind in ("recover", "purge"):
        world.finish(world.delete_pool()).ok()


def begun(world: World, kind: str) -> Answer:
    """The 202 of such an operation, begun just now."""
    return accepted(BEGIN[kind](world))


def accepted(answer: Answer) -> Answer:
    assert (answer.status, answer.body) == (202, None)
    return answer


def run_clock(world: World, mode: str, scale: float = 1.0) -> None:
    world.emulator.set_clock(lambda clock, real: clock.with_mode(real, mode, scale))


def let_pass(world: World, seconds: float) -> None:
    """Real time goes by."""
    world.sources.milliseconds += round(seconds * SECOND)


def followed(
    world: World, first: Answer, poll: Callable[[Answer], Answer]
) -> Tuple[List[int], List[str], Any]:
    """A client that follows the newest address and waits as it is told: its waits, the addresses, and
    the answer that ended them."""
    answer, waits, addresses = first, [], []
    for _ in range(1000):
        if answer.status != 202:
            break
        waits.append(int(answer.headers["retry-after"]))
        addresses.append(answer.headers["location"])
        let_pass(world, waits[-1])
        answer = poll(answer)
    return waits, addresses, answer


def told(real_seconds: float, cap: int) -> List[int]:
    """What such a client must be told: all that is left, no more than the cap, at least a second."""
    left, waits = real_seconds, []
    while left > 0:
        waits.append(max(1, min(cap, math.ceil(left))))
        left -= waits[-1]
    return waits


# -- the clock runs ------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("scale", [1, 2.5, 60])
def test_each_202_says_how_long_is_left_until_the_operation_ends(world, kind, scale):
    before(world, kind)
    run_clock(world, "scaled", scale)
    first = begun(world, kind)

    waits, addresses, end = followed(world, first, world.poll)

    assert waits == told(DOCUMENTED[kind] / scale, CAP)
    assert (end.status, (end.body or {}).get("name")) == (200, POOL if kind == "create" else None)
    assert len(set(addresses)) == len(waits)


@every_kind
def test_a_client_that_comes_late_is_told_what_is_left_then(world, kind):
    before(world, kind)
    run_clock(world, "real")
    first = begun(world, kind)
    let_pass(world, DOCUMENTED[kind] - 7.5)

    waits, _, end = followed(world, accepted(world.poll(first)), world.poll)

    assert (waits, end.status) == ([8], 200)


@pytest.mark.parametrize("scale", [0.5, 3, 60, 1000])
def test_a_scaled_clock_ends_750_seconds_in_750_by_n_to_the_millisecond(world, scale):
    run_clock(world, "scaled", scale)
    first = begun(world, "create")
    end = math.ceil(750 * SECOND / scale) / SECOND

    let_pass(world, end - 0.001)
    early = accepted(world.poll(first))
    let_pass(world, 0.001)

    assert early.headers["retry-after"] == "1"
    assert world.poll(early).ok().body["name"] == POOL


def test_a_scale_that_changes_midway_counts_from_then_on(world):
    run_clock(world, "real")
    first = begun(world, "create")
    let_pass(world, 150)
    run_clock(world, "scaled", 30)

    waits, _, end = followed(world, accepted(world.poll(first)), world.poll)

    assert (waits, end.status) == ([20], 200)


@every_kind
def test_in_the_quick_profile_an_operation_takes_one_poll_after_a_second(world, kind):
    before(world, kind)
    world.configure(profile="quick")
    run_clock(world, "real")

    waits, _, end = followed(world, begun(world, kind), world.poll)

    assert (waits, end.status) == ([1], 200)


@pytest.mark.parametrize(("cap", "waits"), [(5, 150), (0.2, 750), (9999, 1)])
def test_the_cap_of_a_wait_is_a_setting(world, cap, waits):
    world.configure(durations={"poll.cap": cap})
    run_clock(world, "real")

    assert len(followed(world, begun(world, "create"), world.poll)[0]) == waits


@every_kind
@pytest.mark.parametrize(("mode", "scale"), [("real", 1), ("scaled", 60)])
def test_a_poll_moves_no_clock_that_runs(world, kind, mode, scale):
    before(world, kind)
    run_clock(world, mode, scale)
    answer = begun(world, kind)
    now = world.now

    for _ in range(3):
        answer = accepted(world.poll(answer))

    assert world.now == now


def test_an_older_address_is_answered_like_the_newest(world):
    world.hold_time_still()
    first = begun(world, "create")
    accepted(world.poll(accepted(world.poll(first))))
    world.advance(750)

    assert world.poll(first).status == 200


# -- the clock is held ---------------------------------------------------------------------------


@every_kind
def test_under_the_manual_clock_a_poll_goes_to_the_end_and_no_further(world, kind):
    before(world, kind)
    first = begun(world, kind)
    at = world.now

    ends = [world.poll(first) for _ in range(3)]

    assert first.headers["retry-after"] == "1"
    assert [end.status for end in ends] == [200, 200, 200]
    assert world.now - at == DOCUMENTED[kind] * SECOND


@every_kind
def test_a_poll_moves_nothing_where_it_may_not(world, kind):
    before(world, kind)
    world.hold_time_still()
    answer = begun(world, kind)
    at, addresses = world.now, {answer.headers["location"]}

    for _ in range(20):
        let_pass(world, 1)
        answer = accepted(world.poll(answer))
        assert answer.headers["retry-after"] == "1"
        addresses.add(answer.headers["location"])

    assert (world.now, len(addresses)) == (at, 21)
    world.advance(DOCUMENTED[kind])
    assert world.poll(answer).status == 200


@pytest.mark.parametrize(("held", "status", "seconds"), [(False, "Success", 60), (True, "InProgress", 0)])
def test_the_poll_of_an_activation_is_held_to_the_same(world, held, status, seconds):
    world.create_pool()
    world.configure(advance_on_poll=not held)
    world.download().ok()
    at = world.now

    shown = [world.data("GET", "/securitydomain/download/pending").ok().body["status"] for _ in range(3)]

    assert (set(shown), world.now - at) == ({status}, seconds * SECOND)


def test_an_activation_ends_in_scaled_time(world):
    world.create_pool()
    run_clock(world, "scaled", 60)
    world.download().ok()

    seen = []
    for _ in range(2):
        seen.append(world.data("GET", "/securitydomain/download/pending").ok().body["status"])
        let_pass(world, 1)

    assert seen == ["InProgress", "Success"]


# -- over sockets --------------------------------------------------------------------------------


class Socket:
    """The control plane over the server's socket, by the home's owner."""

    def __init__(self, world: World, client: Client) -> None:
        self._world = world
        self._client = client

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        answer = self._client.ask(method, path, body)
        parsed = json.loads(answer.body) if answer.body else None
        return Answer(answer.status, answer.headers, parsed)

    def put_pool(self) -> Answer:
        path = f"/subscriptions/{self._world.subscription}{self._world.pool_path()}"
        return self.ask("PUT", f"{path}?api-version=2023-07-01", self._world.pool_body())

    def poll(self, answer: Answer) -> Answer:
        return self.ask("GET", answer.headers["location"][len(f"https://{ARM}") :])


@pytest.fixture
def socket(world):
    """A server on the world's home, whose sources of time and chance are the world's."""
    world.emulator.store.own()
    authority = Authority(world.emulator.home, time.time)
    authority.bundle()
    token = world.token(OWNER, f"https://{ARM}")
    with ExitStack() as stack:
        server = stack.enter_context(Server(world.emulator, authority).in_thread())
        yield Socket(world, stack.enter_context(Client(world.emulator.home, server.port, ARM, token)))


@pytest.mark.socket
def test_over_a_socket_a_scaled_clock_is_followed_to_the_end(world, socket):
    run_clock(world, "scaled", 2.5)

    waits, addresses, end = followed(world, accepted(socket.put_pool()), socket.poll)

    assert waits == [CAP] * 10
    assert (end.status, end.body["name"], len(set(addresses))) == (200, POOL, 10)


@pytest.mark.socket
def test_over_a_socket_a_held_clock_moves_exactly_when_it_may(world, socket):
    world.hold_time_still()
    first, at = accepted(socket.put_pool()), world.now

    held = accepted(socket.poll(accepted(socket.poll(first))))
    stood = world.now
    world.configure(advance_on_poll=True)

    assert held.headers["retry-after"] == "1"
    assert socket.poll(held).ok().body["name"] == POOL
    assert (stood - at, world.now - at) == (0, 750 * SECOND)


# -- commands of ours ----------------------------------------------------------------------------


class Program:
    """``mhsm`` in this process, on a home of its own, whose commands may not sleep."""

    def __init__(self, home, capsys) -> None:
        self._home = home
        self._capsys = capsys

    def __call__(self, line: str, code: int = 0) -> Any:
        """What it prints; stderr where it must fail."""
        from azext_mhsmregion.cli import app

        self._capsys.readouterr()
        ended = app.main(["keyvault", *line.split(), "--home", str(self._home)])
        out, err = self._capsys.readouterr()
        assert ended == code, (line, out, err)
        return err if code else json.loads(out) if out.strip() else None

    def operation(self) -> Any:
        """What `emulator status` says of the pool's operation."""
        (pool,) = self("emulator status")["pools"]
        return pool["operation"]


def not_slept(seconds: float) -> None:
    raise AssertionError(f"a command slept for {seconds} s")


@pytest.fixture
def mhsm(tmp_path, capsys, monkeypatch):
    from azext_mhsmregion.cli import context

    monkeypatch.setattr(context, "sleep", not_slept)
    monkeypatch.setattr(context, "now", count().__next__)
    program = Program(tmp_path / "home", capsys)
    program("emulator settings --profile documented --hold")
    program("emulator clock set --mode manual")
    return program


POOL_NAMED = f"--hsm-name {POOL}"
HELD: Mapping[str, str] = {
    "create": f"create {POOL_NAMED} -l uksouth --retention-days 7",
    "update": f"update-hsm {POOL_NAMED} --public-network-access Disabled",
    "region-add": f"region add {POOL_NAMED} --region {EXTENDED}",
    "region-remove": f"region remove {POOL_NAMED} --region {EXTENDED} --yes",
    "delete": f"delete {POOL_NAMED}",
    "recover": f"recover {POOL_NAMED}",
    "purge": f"purge {POOL_NAMED}",
}


def seeded(mhsm: Program, kind: str, tmp_path: Any) -> None:
    """The home as a command of that kind needs it, by commands of ours."""
    if kind == "create":
        return
    regions = [EXTENDED] if kind == "region-remove" else []
    (tmp_path / "pools.json").write_text(json.dumps({"pools": [{"name": POOL, "regions": regions}]}))
    mhsm(f"emulator seed --file {tmp_path / 'pools.json'}")
    if kind in ("recover", "purge"):
        mhsm(f"delete {POOL_NAMED}", code=1)
        mhsm("emulator clock advance --by 330s")


@pytest.mark.parametrize("kind", HELD)
def test_a_command_that_would_wait_for_ever_exits_1_and_names_what_ends_it(mhsm, kind, tmp_path):
    seeded(mhsm, kind, tmp_path)

    message = mhsm(HELD[kind], code=1)
    waiting = mhsm.operation()
    (named,) = [part for part in message.split("`") if part.startswith("mhsm keyvault emulator clock")]
    mhsm(named[len("mhsm keyvault ") :])

    assert "Service time stands still" in message
    assert waiting == {"kind": kind, "secondsLeft": DOCUMENTED[kind]}
    left = [pool["operation"] for pool in mhsm("emulator status")["pools"]]
    assert left == ([] if kind == "purge" else [None])


@pytest.mark.parametrize("kind", HELD)
def test_the_same_command_ends_by_itself_where_a_poll_may_move_the_clock(mhsm, kind, tmp_path, monkeypatch):
    from azext_mhsmregion.cli import context

    seeded(mhsm, kind, tmp_path)
    at = mhsm("emulator clock show")["now"]
    monkeypatch.setattr(context, "sleep", lambda seconds: None)
    mhsm("emulator settings --hold false")

    mhsm(HELD[kind])

    moved = seconds_between(at, mhsm("emulator clock show")["now"])
    assert moved == DOCUMENTED[kind]


def seconds_between(one: str, other: str) -> float:
    begin, end = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (one, other))
    return (end - begin).total_seconds()
