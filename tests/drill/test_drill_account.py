"""A drill's account, from what was seen: no sockets, no clock."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from azext_mhsmregion.cli.drill import account, reasons, reports, timeline
from azext_mhsmregion.cli.drill.account import Bounds, Drill
from azext_mhsmregion.cli.drill.link import HeldUp, Way, held_up
from azext_mhsmregion.cli.drill.outage import Outage, others, outage
from azext_mhsmregion.cli.drill.saw import Connection, Saw, Try, saw

HOST = "contosomhsm.managedhsm.azure.net"
NEAR, FAR = "uksouth", "australiaeast"
OUTAGE = Outage(
    "f", NEAR, "region", "refuse", "transient", 5.0, 65.0, detected=6.5, known_by=7.5, recovered=66.0
)


OTHER = replace(OUTAGE, fault="g", scope="service", begin=-60.0, end=70.0, detected=None, recovered=None)
CREATE = "POST /keys/a/create"


def tried(at, region=NEAR, status=200, seconds=0.0, what="GET /keys/a", host=HOST, connection=1, waited=None):
    """Real time is the service's."""
    return Try(at, seconds, connection, host, region, status, what, at - seconds, at, waited)


def linked(*tries, **changes):
    """A drill of the link between the two."""
    off = replace(OUTAGE, scope="link", effect="down", to=FAR, detected=None, recovered=None)
    return drill(*tries, **{"outage": off, "held_up": HeldUp(), **changes})


def under(effect, *tries, **facts):
    """A drill of an effect that nobody notices."""
    return drill(*tries, outage=replace(OUTAGE, effect=effect, detected=None, **facts))


def drill(*tries, connections=(), **changes):
    made = Drill("ContosoMHSM", NEAR, "c", ("x",), OUTAGE, Saw(tries, tuple(connections)), 70.0, 0, 0, 3.5)
    return replace(made, **changes)


FORBIDDEN = "it got no good answer: 2 with 403, 1 without an answer"
SMOOTH = (tried(1.0), tried(5.1, status=0), tried(7.0, FAR), tried(66.5))


def test_failover_and_failback_are_when_another_region_and_the_hit_one_answered():
    made = drill(*SMOOTH)
    assert (made.failover, made.failback) == (7.0, 66.5)
    assert drill(tried(7.0, FAR), tried(66.5)).failover is None  # never was in the hit region


@pytest.mark.parametrize(
    "made",
    [
        linked(*SMOOTH),
        drill(*SMOOTH, outage=replace(OUTAGE, scope="partition", partition=1)),
        drill(tried(1.0, host=f"{NEAR}.{HOST}"), tried(7.0, FAR, host=f"{FAR}.{HOST}")),  # no manager leads
        drill(tried(1.0), tried(7.0, FAR, host=f"{FAR}.{HOST}")),
        drill(tried(1.0), tried(2.0, FAR), tried(7.0, FAR)),  # had left before
        drill(*SMOOTH, outage=replace(OUTAGE, detected=None)),
        drill(tried(1.0), tried(5.3, FAR), outage=replace(OUTAGE, detected=5.2, detection=1.0)),
    ],
)
def test_what_the_outage_of_this_region_did_not_do_is_no_failover(made):
    assert (made.failover, made.failback) == (None, None)
    assert "failover" not in timeline.text(made, [], [])


def test_a_refusal_by_another_region_is_a_failover_too():
    assert drill(tried(1.0), tried(7.0, FAR, 503)).failover == 7.0


@pytest.mark.parametrize(
    ("tries", "span"),
    [
        (SMOOTH, (5.1, pytest.approx(1.9))),
        ((tried(1.0), tried(60.0)), (0.0, 0.0)),  # a pause of the client's own is no silence
        ((tried(1.0), tried(30.0, seconds=20.0)), (10.0, 20.0)),  # a late answer is
        ((tried(1.0), tried(5.0, status=503)), (5.0, 65.0)),  # up to the end
    ],
)
def test_the_longest_span_without_an_answer(tries, span):
    assert drill(*tries).saw.silence(70.0) == span


def test_each_bound_that_was_given_is_checked():
    checks = account.checks(drill(*SMOOTH, lost=2), Bounds(errors=0, seconds=1.0, lost=1))
    assert [check.is_held for check in checks] == [True, True, False, False, False]
    assert [check.name for check in account.checks(drill(*SMOOTH), Bounds())] == [
        "the command succeeds",
        "the client was there during the outage",
    ]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (drill(), "it sent nothing to ContosoMHSM"),
        (drill(tried(1.0), ended=2.0), "the command ended 3.0 s before the outage began"),
        (drill(tried(1.0), tried(69.0)), "requests in it: 0"),
        (
            drill(tried(1.0, FAR), tried(9.0, FAR)),
            "requests in it: 1, but in australiaeast, which it did not touch",
        ),
        (drill(tried(1.0, status=403), tried(5.1, status=0), tried(9.0, FAR, 403)), FORBIDDEN),
        (drill(tried(1.0, status=403), tried(69.0)), "it got no good answer: 1 with 403"),
        (drill(tried(9.0, FAR, 503)), "it got no good answer: 1 with 503"),
        (linked(tried(9.0)), "requests in it: 1, writes: 0, held up at its end: 0"),
        (
            linked(tried(1.0), tried(9.0, what=CREATE, status=409)),
            "requests in it: 1, writes: 0, held up at its end: 0",
        ),
        (linked(tried(9.0, what="POST /keys/a/sign")), "requests in it: 1, writes: 0, held up at its end: 0"),
    ],
)
def test_a_client_that_was_not_there_proves_nothing(made, said):
    check = account.checks(made, Bounds())[1]
    assert (check.is_held, check.said) == (False, said)


@pytest.mark.parametrize(
    "made",
    [
        linked(tried(9.0, what=CREATE)),
        linked(tried(9.0, FAR, what="DELETE /keys/a")),
        linked(tried(9.0), held_up=HeldUp(9.0, (Way(NEAR, FAR, 1, 0.5),))),
        drill(tried(1.0), tried(9.0, FAR)),  # had been there
        drill(tried(1.0, FAR), tried(9.0, FAR, 503)),  # met it elsewhere
        drill(tried(9.0, status=0), tried(66.0)),  # it kept every answer from the client
        drill(tried(1.0), tried(2.0, status=404), tried(9.0)),
    ],
)
def test_whoever_the_outage_touched_was_there(made):
    assert account.checks(made, Bounds())[1].is_held


def test_a_command_that_failed_or_was_killed_fails():
    assert account.checks(drill(*SMOOTH, exit_code=3), Bounds())[0].said == "exit code 3"
    assert account.checks(drill(*SMOOTH, exit_code=-9), Bounds())[0].said == "ended by signal 9"


HELD_ON = Connection(1, HOST, NEAR, 0.5, 36.0)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (drill(), "does it read HTTPS_PROXY"),
        (
            drill(tried(1.0, status=403)),
            "1 request got 403: the principal of the client has no role",
        ),
        (drill(tried(1.0, FAR), tried(9.0, FAR), place=FAR), "With --from uksouth it is hit"),
        (drill(tried(9.0, FAR)), "though it stood there: another region answered it"),
        (linked(tried(9.0)), "the command wrote nothing in uksouth or australiaeast while it lasted"),
        (drill(tried(9.0, status=0, host=f"uksouth.{HOST}")), f"{HOST} is the name that fails over"),
        (
            drill(tried(1.0), tried(5.1, status=0), connections=[HELD_ON]),
            "kept its connection to uksouth 31 s after the outage began: it never resolved the name again",
        ),
        (
            drill(tried(1.0), tried(5.1, status=0), connections=[replace(HELD_ON, closed=5.2)]),
            "broke 0.2 s after the outage began, and it opened no other in the 65 s until it ended",
        ),
        (
            drill(tried(1.0), tried(5.1, status=0), tried(5.4, status=0, what="connection"), ended=5.5),
            "gave up 0.4 s after the outage began, after 2 failed requests. Failover may take 3.5 s",
        ),
        (drill(*SMOOTH, tried(8.0, FAR, 503)), "1 request got 503 from australiaeast"),
        (drill(*SMOOTH, lost=1), "1 acknowledged write had not been sent"),
        (
            drill(tried(1.0), tried(5.1, status=0), tried(5.2, status=0), tried(7.0, FAR)),
            "2 requests met uksouth in the 2.0 s until the client was led elsewhere",
        ),
        (
            under("error", tried(6.0, status=500), tried(7.0), tried(8.0), tried(9.0, status=500)),
            "uksouth answered 2 requests of 4 with an error (50 %); the client did not send 1 of them again",
        ),
        (
            under("error", tried(6.0, status=500), tried(7.0)),
            "1 request of 2 with an error (50 %); the client sent each of them again",
        ),
        (
            under("throttle", tried(6.0, status=429), tried(6.5, status=429), tried(8.0)),
            "of 3 with 429; after 1 of them the client came again sooner than the Retry-After of 1 s says",
        ),
        (
            under("slow", tried(7.5, seconds=1.5), milliseconds=1500),
            "uksouth answered 1500 ms later: the client waited for 1 such answer, up to 1.5 s for one",
        ),
        (
            under("slow", tried(7.0, status=0, waited=1.0), milliseconds=1500),
            "gave up 1 request after about 1.0 s: its own time-out is shorter than an answer takes",
        ),
        (
            under("hang", tried(5.1, status=0, waited=2.0), tried(7.3, status=0, waited=2.2)),
            "2 requests hung in uksouth until the client's own time-out of about 2.1 s",
        ),
        (
            under("hang", tried(6.0, status=0, what="connection"), tried(8.5, FAR)),
            "1 request hung in uksouth until the client's own time-out of about 2.5 s",
        ),
        (drill(*SMOOTH, others=(OTHER,)), "The outage was not alone: Managed HSM in uksouth (refuse)"),
    ],
)
def test_the_reason_is_told(made, words):
    assert words in " ".join(reasons.reasons(made))


def test_a_client_that_hangs_is_not_told_to_wait_longer_between_tries():
    tries = tried(1.0), tried(5.1, status=0, waited=1.0), tried(6.2, status=0, waited=1.0), tried(7.5, FAR)
    told = " ".join(reasons.reasons(drill(*tries, outage=replace(OUTAGE, effect="hang"))))
    assert "time-out of about 1.0 s" in told and "Waiting longer" not in told


def test_a_drill_that_passed_is_told_only_what_would_fail_another():
    hammering = drill(tried(1.0), tried(5.1, status=0), tried(5.2, status=0), tried(7.0, FAR))
    assert reasons.reasons(hammering) and reasons.reasons(hammering, has_failed=False) == []
    pinned = drill(tried(9.0, status=0, host=f"uksouth.{HOST}"))
    assert "is the name that fails over" in reasons.reasons(pinned, has_failed=False)[0]


def test_a_client_that_did_all_right_needs_no_reason():
    assert reasons.reasons(drill(*SMOOTH)) == []


def test_the_timeline_tells_what_came_between():
    told = [moment.what for moment in timeline.timeline(drill(*SMOOTH))]
    assert told == [
        "the command starts; its client stands at uksouth",
        "1 answered by uksouth",
        "the outage begins: the whole region uksouth",
        "1 without an answer from uksouth",
        "the traffic manager takes uksouth for unhealthy, 1.5 s after the outage began",
        "failover: the client is led to another region, 2.0 s after the outage began",
        "1 answered by australiaeast",
        "the outage ends",
        "the traffic manager takes uksouth for healthy again",
        "failback: uksouth answers",
        "1 answered by uksouth",
        "the command ends (exit code 0)",
    ]


def test_answers_that_give_nothing_are_counted_by_themselves():
    made = drill(tried(1.0), tried(1.1, status=403), tried(1.2, status=404), tried(1.3, status=403))
    told = [moment.what for moment in timeline.timeline(made)]
    assert told[1:4] == [
        "1 answered by uksouth", "2 answered with 403 by uksouth", "1 answered with 404 by uksouth"
    ]  # fmt: skip
    facts = reports.facts(made, Bounds(), [], [])["client"]
    assert facts["refusalsByStatus"] == {"403": 2, "404": 1} and facts["failedRequests"] == 0
    assert "has no role" not in " ".join(reasons.reasons(made))


def test_a_pool_that_is_not_extended_has_nowhere_to_fail_over_to():
    alone = drill(*SMOOTH, is_extended=False)
    warning = "ContosoMHSM is not extended: there is no other region to fail over to"
    assert timeline.text(alone, [], []).splitlines()[1] == f"  warning    {warning}"
    assert reports.facts(alone, Bounds(), [], [])["warnings"] == [warning]
    assert "warning" not in timeline.text(drill(*SMOOTH), [], [])


def test_faults_of_others_are_named():
    made = drill(*SMOOTH, others=(OTHER, replace(OTHER, begin=3.0)))
    told = [(moment.at, moment.what) for moment in timeline.timeline(made) if "another fault" in moment.what]
    assert told == [
        (0.0, "another fault is on: Managed HSM in uksouth (refuse)"),
        (3.0, "another fault begins: Managed HSM in uksouth (refuse)"),
    ]
    facts = reports.facts(made, Bounds(), [], [])
    assert [one["begin"] for one in facts["otherFaults"]] == [-60.0, 3.0]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"effect": "refuse"}, "the whole region uksouth is out"),
        ({"effect": "slow", "milliseconds": 250}, "the whole region uksouth answers 250 ms later"),
        ({"effect": "error", "rate": 0.3}, "the whole region uksouth answers 30 % of requests with 500"),
        ({"effect": "throttle"}, "the whole region uksouth answers every request with 429"),
        (
            {"effect": "lag", "milliseconds": 9, "to": FAR},
            "the link between uksouth and australiaeast takes writes across 9 ms later",
        ),
        ({"effect": "down", "to": FAR}, "the link between uksouth and australiaeast is out"),
    ],
)
def test_what_an_effect_does_is_said(facts, words):
    made = drill(*SMOOTH, outage=replace(OUTAGE, **facts))
    lines = timeline.text(made, [], []).splitlines()
    assert lines[0] == f"Drill of ContosoMHSM: {words} ({facts['effect']})"
    assert any(line.endswith(f"begins: {words.replace(' is out', '')}") for line in lines)
    assert words in reports.as_junit(made, [], [])


def look(at, *lacks):
    """The pool's status: of each (region, origin, writes, seconds) what the one lacks of the other."""
    regions = [
        {"name": region, "lacks": [{"from": origin, "writes": writes, "lagSeconds": lag}]}
        for region, origin, writes, lag in lacks
    ]
    return {"time": f"2026-01-01T00:00:{at:06.3f}Z", "regions": regions}


def test_what_the_outage_of_a_link_held_up_is_told():
    off = replace(OUTAGE, scope="link", effect="down", to=FAR, detected=None, recovered=None, end=20.0)
    looks = [
        look(2.0, (FAR, NEAR, 9, 90.0)),
        look(10.0, (FAR, NEAR, 1, 17.0)),
        look(19.8, (FAR, NEAR, 3, 14.8), ("ukwest", NEAR, 7, 14.8), (NEAR, FAR, 1, 2.0)),
        look(30.0, (FAR, NEAR, 5, 50.0)),
    ]
    kinds = [("conflict", 4.0), ("conflict", 6.0), ("superseded", 7.0), ("fault", 8.0), ("superseded", 21.0)]
    events = [{"kind": kind, "time": f"2026-01-01T00:00:{at:06.3f}Z"} for kind, at in kinds]
    held = held_up(off, looks, events, START)
    assert held.at == pytest.approx(19.8)
    assert held.ways == (Way(NEAR, FAR, 3, 14.8), Way(FAR, NEAR, 1, 2.0))
    assert (held.writes, held.longest, held.conflicts, held.superseded) == (4, 17.0, 1, 1)
    made = linked(tried(9.0, what=CREATE), outage=off, held_up=held)
    printed = timeline.text(made, [], [])
    assert "+19.8 s  australiaeast lacks 3 writes of uksouth, the oldest for 14.8 s" in printed
    assert "uksouth lacks 1 write of australiaeast, the oldest for 2.0 s" in printed
    assert "in the outage: conflicts 1, superseded writes 1" in printed
    link = reports.facts(made, Bounds(), [], [])["link"]
    assert (link["writesOfTheClient"], link["longestLagSeconds"], link["conflicts"]) == (1, 17.0, 1)
    assert link["backlog"][0] == {"from": NEAR, "to": FAR, "writes": 3, "lagSeconds": 14.8}


def test_the_reports_are_json_and_junit():
    made, bounds = drill(*SMOOTH), Bounds(errors=0)
    held, why = account.checks(made, bounds), ["because"]
    facts = json.loads(reports.as_json(made, bounds, held, why))
    assert (facts["passed"], facts["client"]["failedRequests"], facts["bounds"]["maxErrors"]) == (False, 1, 0)
    suite = ElementTree.fromstring(reports.as_junit(made, held, why).encode())
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    assert suite.find("testcase/failure").text == "because"


def record(number, kind, at, begun=None, real=None, **facts):
    empty = {"method": None, "path": None, "status": None, "milliseconds": 0.0, "region": NEAR, "host": HOST}
    times = {"time": at, "begun": at if begun is None else begun, "realTime": at if real is None else real}
    stamps = {name: f"2026-01-01T00:00:{second:06.3f}Z" for name, second in times.items()}
    return {**empty, "kind": kind, "connection": number, **stamps, **facts}


def asked(number, at, status=200, **facts):
    return record(number, "request", at, status=status, method="GET", path="/keys/a", **facts)


START = 1767225600.0  # 2026-01-01


def test_records_of_the_pool_count_and_challenges_do_not():
    seen = saw(
        [
            record(1, "opened", 1.0),
            asked(1, 1.1, 401),
            asked(1, 1.2, begun=1.15),
            record(2, "opened", 1.3, status=0),
            record(3, "request", 1.4, status=200, host="login.microsoftonline.com", method="POST", path="/"),
            record(1, "closed", 2.0),
        ],
        HOST,
        START,
    )
    assert [(one.what, one.status) for one in seen.tries] == [("GET /keys/a", 200), ("connection", 0)]
    assert seen.tries[0].begun == pytest.approx(1.15, abs=1e-3)
    assert [(one.opened, one.closed) for one in seen.connections] == [
        (pytest.approx(1.0, abs=1e-3), pytest.approx(2.0, abs=1e-3))
    ]


def test_durations_are_service_time_whatever_the_clocks_scale():
    """At ten times real time an answer after 1.5 s took 15 s."""
    records = [asked(1, 28.0, begun=13.0, real=2.8, milliseconds=1500.0)]
    made = drill(saw=saw(records, HOST, START), ended=30.0)
    start, span = made.saw.silence(30.0)
    assert (start, span) == (pytest.approx(13.0), pytest.approx(15.0))
    check = account.checks(made, Bounds(seconds=3.0))[-1]
    assert (check.is_held, check.said) == (False, "15.0 s, at most 3 s allowed")
    facts = reports.facts(made, Bounds(), [], [])["client"]
    assert (facts["longestSecondsWithoutAnswer"], facts["withoutAnswerFrom"]) == (15.0, 13.0)


@pytest.mark.parametrize("status", [200, 401])
def test_what_is_answered_to_a_connection_that_is_gone_is_no_answer(status):
    records = [
        record(1, "opened", 10.0, real=1.0),
        record(1, "closed", 20.0, real=2.0),
        asked(1, 25.0, status, begun=10.0, real=2.5, milliseconds=1500.0),
    ]
    (one,) = saw(records, HOST, START).tries
    assert (one.is_failure, one.at, one.seconds) == (True, pytest.approx(20.0), pytest.approx(10.0))
    assert one.waited == pytest.approx(1.0)  # the client's own time-out, in real time


@pytest.mark.parametrize(
    ("kind", "end", "ended", "expected"),
    [
        ("transient", None, 9.0, 9.0),  # with the command
        ("transient", "2026-01-01T00:00:06.000Z", 9.0, 6.0),
        ("transient", "2026-01-01T00:01:00.000Z", 9.0, 9.0),  # cleared before its time
        ("destroyed", None, 9.0, None),
    ],
)
def test_when_an_outage_ends(kind, end, ended, expected):
    fault = {
        "id": "f", "region": NEAR, "scope": "pool", "effect": "refuse", "kind": kind, "to": None,
        "partition": None, "rate": 1.0, "milliseconds": None, "start": "2026-01-01T00:00:05.000Z", "end": end,
    }  # fmt: skip
    assert outage(fault, [], START, ended).end == expected


def test_faults_of_others_are_those_of_the_pool_that_began_in_time():
    def fault(name, start, pool=None, region=NEAR, to=None):
        return {
            "id": name, "region": region, "scope": "pool", "effect": "slow", "kind": "transient", "to": to,
            "partition": None, "rate": 1.0, "milliseconds": 5, "hsmName": pool, "end": None,
            "start": f"2026-01-01T00:00:{start:02d}.000Z",
        }  # fmt: skip

    faults = [
        fault("on", 12, "ContosoMHSM"), fault("before", 1), fault("of another", 1, "Another"),
        fault("late", 40), fault("elsewhere", 1, region="ukwest"), fault("link", 3, to="ukwest"),
    ]  # fmt: skip
    pool = {"hsmName": "ContosoMHSM", "regions": [{"name": NEAR}, {"name": FAR}]}
    found = [(one.fault, one.begin) for one in others(faults, pool, START + 10, 20.0)]
    assert found == [("before", -9.0), ("on", 2.0)]
