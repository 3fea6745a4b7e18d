"""The figures of ``make failover``, from made-up logs: what holds, and each way in which it does not."""

from __future__ import annotations

import failover
import pytest
from failing_over import log, report
from failing_over.figures import figures
from failing_over.row import EXTENDED, PRIMARY, Bounds
from made_up import BEGIN, LAST, failing_over, hanging, row, undisturbed
from made_up import log as logged

from azext_mhsmregion.model.profile import profile


def test_a_row_that_holds():
    made = figures(row(failing_over(), undisturbed()))
    assert (made.reads, made.writes, made.problems) == ("Yes", "Yes", [])
    assert made.failover == pytest.approx(2.1)
    assert made.failback == pytest.approx(1.01)
    assert made.broken == 20


@pytest.mark.rule("F3")
def test_maybe_is_no_where_the_service_is_out():
    seen = row(failing_over(status=503), undisturbed(status=503), scope="region")
    made = figures(seen)
    assert (made.reads, made.writes, made.problems) == ("Yes", "No", [])


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (row(failing_over(moved=6.0), undisturbed()), "F7 allows 3.5 s"),
        (row(hanging(10.0), undisturbed()), "failover took 10.10 s; F7 allows 3.5 s"),
        (row(hanging(4.0), undisturbed()), "failover took 4.10 s; F7 allows 3.5 s"),
        (row(failing_over(moved=0.5), undisturbed()), "before it could be detected"),
        (row(failing_over(back=4.0), undisturbed()), "F9 allows 2.5 s"),
        (row(failing_over(back=7.0), undisturbed()), "never came back"),
        (row(failing_over(), undisturbed(status=0)), "which was not hit, failed"),
        (row(failing_over(status=503), undisturbed(status=503)), "writes were No, the document says Maybe"),
        (row(failing_over(), undisturbed(), scope="region"), "F3 for this scope No"),
        (row(failing_over(), undisturbed(), scope="partition"), "moved a client to the other region"),
        (row(logged((BEGIN, 200, PRIMARY), (LAST, 0, None)), undisturbed()), "never answered by the other"),
    ],
)
def test_what_does_not_hold_is_said(seen, words):
    assert words in " ".join(figures(seen).problems)


def test_a_machine_that_held_the_other_client_up_is_given_that_time():
    """As much as the latest call of the client that was not hit, and no more."""
    held_up = undisturbed(late=0.5)
    assert log.slack(held_up) == pytest.approx(2 * log.PERIOD + 0.5 + 0.01)
    assert figures(row(failing_over(moved=4.0), held_up)).problems == []
    assert "F7 allows" in " ".join(figures(row(failing_over(moved=4.5), held_up)).problems)


def test_what_held_up_the_client_that_was_hit_excuses_nothing():
    """It may be the emulator's own doing."""
    seen = row(failing_over(moved=4.0, late=0.5), undisturbed())
    assert figures(seen).slack == pytest.approx(2 * log.PERIOD + 0.01)
    assert "F7 allows" in " ".join(figures(seen).problems)


@pytest.mark.parametrize(("late", "telling"), [(1.7, True), (1.9, False)])
def test_a_machine_that_is_too_busy_cannot_tell(late, telling):
    made = figures(row(failing_over(), undisturbed(late=late)))
    assert made.is_telling is telling
    assert [problem.partition(":")[0] for problem in made.problems] == (
        [] if telling else ["this machine is too busy to tell"]
    )


def test_a_row_that_could_not_be_told_is_made_once_more(monkeypatch):
    busy, free = (row(failing_over(), undisturbed(late=late)) for late in (1.9, 0.0))
    asked = []

    def observe(*what):
        asked.append(what)
        return busy

    monkeypatch.setattr(failover, "observe", observe)
    told = failover.told({("primary", "pool"): free, ("primary", "region"): busy}, 7)
    assert asked == [("primary", "region", 7)]
    assert list(told.values()) == [free, busy], "and no more than once"


def test_the_bounds_follow_from_the_configured_values():
    documented = Bounds.of(profile("documented", {}))
    assert (documented.failover, documented.detection) == (50.0, 30.0)
    quick = Bounds.of(profile("quick", {"dns.ttl": 3}))
    assert (quick.failover, quick.detection) == (5.5, 1.0)


def test_a_log_second_by_second():
    seconds = log.steps(failing_over(), BEGIN - 1, BEGIN + 4, 1.0)
    assert [(dict(one.good), one.broken) for one in seconds] == [
        ({PRIMARY: 10}, 0),
        ({}, 10),
        ({}, 10),
        ({EXTENDED: 10}, 0),
        ({EXTENDED: 10}, 0),
    ]
    assert "| +0 | 0 | 0 | 10 | 0 |" in report.by_second(seconds, BEGIN, (PRIMARY, EXTENDED))


def test_the_table_tells_the_documents_row_beside_what_was_seen():
    made = figures(row(failing_over(moved=6.0), undisturbed()))
    cells = report.cells(made)
    assert cells[:4] == ["Primary", "pool", "Partly (Yes)", "Partly (Maybe)"]
    assert cells[-1].startswith("NO: ") and "failover took 6.10 s" in cells[-1]
    assert len(report.markdown([made]).splitlines()) == 3
