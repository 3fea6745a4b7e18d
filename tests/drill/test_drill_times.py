"""What the control API says of durations and of a link's outage is taken as service time, as everything
that a drill tells: in process, no sleeping."""

from __future__ import annotations

import json

import pytest
from drill.conftest import prepared

from azext_mhsmregion.cli.drill import stage
from azext_mhsmregion.cli.drill.saw import instant, saw
from azext_mhsmregion.emulator.service import CONTROL_HOST, open_emulator
from azext_mhsmregion.emulator.wire import Caller, Request

HOST = "contosomhsm.managedhsm.azure.net"


@pytest.fixture
def emulator(tmp_path):
    made = open_emulator(prepared(tmp_path / "home"))
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("now", "scale", "end", "wait"),
    [
        (10, 1.0, 60, 2.0),
        (10, 1.0, None, 2.0),
        (57.5, 1.0, 60, 1.5),  # a second before it ends
        (59.2, 1.0, 60, 0.3),
        (59.6, 1.0, 60, 0.2),
        (59.9, 1.0, 60, 2.0),
        (45.0, 10.0, 60, 0.5),  # a fast clock: a second and a half of real time is left
    ],
)
def test_a_link_is_looked_at_just_before_its_outage_ends(now, scale, end, wait):
    def stamp(at):
        return f"2026-01-01T00:00:{at:06.3f}Z" if at < 60 else "2026-01-01T00:01:00.000Z"

    def ask(method, path):
        return {"now": stamp(now), "scale": scale}

    looker = stage.Looker(ask, "status", {"to": "ukwest", "end": None if end is None else stamp(end)})
    assert looker.due_in() == pytest.approx(wait, abs=1e-3)
    looker.look()
    assert len(looker.looks) == 1
    of_a_region = stage.Looker(ask, "status", {"to": None, "end": None})
    of_a_region.look()
    assert of_a_region.looks == []


def requests(emulator):
    owner = emulator.directory.by_name("owner").object_id
    answer = emulator.handle(Request("GET", CONTROL_HOST, "/requests", {}, {}, b""), Caller(principal=owner))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["value"]


@pytest.mark.parametrize("scale", [0.1, 1, 10])
def test_an_answer_after_a_second_and_a_half_took_as_long_as_the_clock_says(emulator, scale):
    emulator.set_clock(lambda clock, real: clock.with_mode(real, "scaled", scale))
    caller = Caller("uksouth", "app", "uksouth")
    emulator.parts.witness.asked(1, caller, HOST, ("GET", "/keys/a"), 200, 1.5)
    (seen,) = requests(emulator)
    assert instant(seen["time"]) - instant(seen["begun"]) == pytest.approx(1.5 * scale, abs=0.002)
    assert seen["milliseconds"] == 1500.0  # real
    (one,) = saw([seen], HOST, instant(seen["begun"])).tries
    assert (one.begun, one.seconds) == (pytest.approx(0.0), pytest.approx(1.5 * scale, abs=0.002))
    assert one.real_at - one.real_begun == pytest.approx(1.5)
