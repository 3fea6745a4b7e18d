"""429 and 5xx: tried again with jitter, as long as the service asks, and not for ever."""

from __future__ import annotations

import pytest
from scripted import Script, answer, provider_over, refusal, retrying
from sides import FakeClock

from azext_mhsmregion.provider import errors
from azext_mhsmregion.provider.retry import retrying as usual
from azext_mhsmregion.provider.surroundings import Surroundings
from azext_mhsmregion.provider.transport import Call

EMPTY = {"value": []}
THROTTLED = refusal(429, "TooManyRequests", "Slow down.", retry_after="7")


def test_a_429_waits_as_long_as_retry_after_says():
    clock, script = FakeClock(), Script(THROTTLED, THROTTLED, answer(200, EMPTY))
    assert provider_over(retrying(script, clock)).list_pools() == []
    assert clock.sleeps == [7.0, 7.0]


def test_jitter_never_shortens_what_the_service_asked_for():
    clock, script = FakeClock(), Script(THROTTLED, answer(200, EMPTY))
    provider_over(retrying(script, clock, random=0.999)).list_pools()
    assert 7.0 < clock.sleeps[0] <= 7.7


def test_retry_after_may_be_a_date_measured_from_the_answers_own_date():
    dated = refusal(
        503,
        "Busy",
        "Busy.",
        date="Tue, 24 Nov 2026 10:00:00 GMT",
        retry_after="Tue, 24 Nov 2026 10:00:12 GMT",
    )
    clock, script = FakeClock(), Script(dated, answer(200, EMPTY))
    provider_over(retrying(script, clock)).list_pools()
    assert clock.sleeps == [12.0]


def test_a_date_without_an_answers_date_is_measured_from_now():
    dated = refusal(503, "Busy", "Busy.", retry_after="Thu, 01 Jan 1970 00:01:30 GMT")
    clock, script = FakeClock(), Script(dated, answer(200, EMPTY))
    provider_over(retrying(script, clock, wall=60.0)).list_pools()
    assert clock.sleeps == [30.0]


def test_without_retry_after_the_pauses_grow_with_jitter():
    for random, sleeps in ((0.0, [0.5, 1.0, 2.0, 4.0]), (0.5, [0.75, 1.5, 3.0, 6.0])):
        clock, script = FakeClock(), Script(*[answer(502)] * 4, answer(200, EMPTY))
        provider_over(retrying(script, clock, random=random)).list_pools()
        assert clock.sleeps == sleeps


@pytest.mark.parametrize(("status", "kind"), [(429, errors.ThrottledError), (500, errors.ServiceError)])
def test_what_does_not_end_is_an_error_after_five_tries(status, kind):
    clock, script = FakeClock(), Script(*[refusal(status, "Code", "Still busy.")] * 9)
    with pytest.raises(kind, match="Still busy."):
        provider_over(retrying(script, clock)).list_pools()
    assert len(script.calls) == 5


def test_a_wait_too_long_for_a_command_is_an_error_at_once():
    clock = FakeClock()
    script = Script(refusal(429, "TooManyRequests", "Tomorrow.", retry_after="86400"))
    with pytest.raises(errors.ThrottledError) as caught:
        provider_over(retrying(script, clock)).list_pools()
    assert "86400" in caught.value.hint
    assert clock.sleeps == []


def test_no_retry_outlasts_the_callers_own_time_out():
    clock, script = FakeClock(), Script(*[answer(503)] * 5)
    outside = Surroundings(clock.sleep, lambda: 0.999, lambda: 0.0, clock.now, left=lambda: 3 - clock.time)
    assert usual(script, outside).send(Call("GET", "https://x/")).status == 503
    assert len(script.calls) == 3 and 2.9 < clock.time < 3


def test_an_unreadable_retry_after_is_as_none():
    clock, script = FakeClock(), Script(answer(503, retry_after="soon"), answer(200, EMPTY))
    provider_over(retrying(script, clock)).list_pools()
    assert clock.sleeps == [0.5]


@pytest.mark.parametrize(
    ("method", "calls"), [("GET", 5), ("PATCH", 5), ("PUT", 5), ("DELETE", 5), ("POST", 1)]
)
@pytest.mark.parametrize("status", [500, 503])
def test_only_what_may_be_sent_twice_is(method, calls, status):
    script = Script(*[answer(status)] * 5)
    assert retrying(script, FakeClock()).send(Call(method, "https://x/")).status == status
    assert len(script.calls) == calls


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE", "POST"])
def test_what_was_throttled_was_not_processed_and_is_sent_again_whatever_it_is(method):
    clock, script = FakeClock(), Script(THROTTLED, answer(200))
    assert retrying(script, clock).send(Call(method, "https://x/")).status == 200
    assert clock.sleeps == [7.0]


def test_each_pause_is_told_before_it_begins():
    clock, said = FakeClock(), []
    script = Script(THROTTLED, answer(502), answer(200))
    outside = Surroundings(
        clock.sleep, lambda: 0.0, lambda: 0.0, clock.now, lambda words: said.append((clock.time, words))
    )
    usual(script, outside).send(Call("GET", "https://management.azure.com/x"))
    assert said == [
        (0.0, "HTTP 429 from management.azure.com; trying again in 7 s."),
        (7.0, "HTTP 502 from management.azure.com; trying again in 1 s."),
    ]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 501])
def test_other_refusals_are_not_tried_again(status):
    script = Script(answer(status))
    assert retrying(script, FakeClock()).send(Call("GET", "https://x/")).status == status
