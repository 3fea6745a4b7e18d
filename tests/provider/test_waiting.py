"""The one waiting loop, with a clock that is moved by sleeping."""

from __future__ import annotations

import pytest
from sides import FakeClock

from azext_mhsmregion.provider.errors import NetworkError
from azext_mhsmregion.provider.waiting import until


def looks(*answers):
    """A check that gives ``answers`` one after the other; an error is raised."""
    left = list(answers)

    def check():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    check.left = left
    return check


def test_it_looks_at_once_and_pauses_as_the_look_says():
    clock = FakeClock()
    assert until(looks(3.0, 0.5, None), clock.sleep, clock.now)
    assert clock.sleeps == [3.0, 0.5]


def test_a_first_pause_comes_before_the_first_look():
    clock = FakeClock()
    assert until(looks(None), clock.sleep, clock.now, first=7.0)
    assert clock.sleeps == [7.0]


def test_it_never_spins():
    clock = FakeClock()
    until(looks(0.0, 0.0, None), clock.sleep, clock.now)
    assert clock.sleeps == [0.1, 0.1]


def test_the_last_look_is_at_the_time_out():
    clock = FakeClock()
    check = looks(20.0, 20.0, 20.0, 20.0)
    assert not until(check, clock.sleep, clock.now, timeout=50)
    assert (clock.time, check.left) == (50.0, [])
    assert until(looks(60.0, None), clock.sleep, clock.now, timeout=50)


def test_ticks_come_once_a_second_and_none_after_the_end():
    clock, ticks = FakeClock(), []
    until(looks(2.5, None), clock.sleep, clock.now, on_tick=ticks.append)
    assert ticks == [0.0, 1.0, 2.0]


def test_three_looks_in_a_row_may_find_no_network():
    lost, clock = [NetworkError("gone")] * 3, FakeClock()
    assert until(looks(1.0, *lost, 1.0, *lost, None), clock.sleep, clock.now)
    with pytest.raises(NetworkError):
        until(looks(1.0, *lost, *lost), clock.sleep, clock.now)


def test_without_network_from_the_start_it_does_not_wait():
    clock = FakeClock()
    with pytest.raises(NetworkError):
        until(looks(NetworkError("gone"), None), clock.sleep, clock.now)
    assert clock.sleeps == []
