"""No clock that a home can be given makes it unusable, and an old home with such a clock can be reset."""

import json
import sqlite3

import pytest
from rules.harness import EXTENDED, World

from azext_mhsmregion.emulator.service import CONTROL_HOST, open_emulator
from azext_mhsmregion.emulator.wire import Caller, Request
from azext_mhsmregion.model.clock import LATEST, SECOND, ClockState

NUMBERS = ["1e308", "1e400", "Infinity", "-Infinity", "NaN", "9" * 400, "0", "-1", "1e-320", "1000001"]


def raw(control, method, path, text):
    """As :class:`Control`, with a body that is not Python's JSON."""
    owner = control.emulator.directory.owner.object_id
    answer = control.emulator.handle(
        Request(method, CONTROL_HOST, path, {}, {}, text.encode()), Caller(principal=owner)
    )
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_scale_out_of_bounds_is_refused_and_changes_nothing(control, number):
    before = control("GET", "/clock")[1]["mode"]
    status, body = raw(control, "PATCH", "/clock", f'{{"mode": "scaled", "scale": {number}}}')
    assert status == 400, body
    assert "scale" in body["error"]["message"] and len(body["error"]["message"]) < 100
    assert control("GET", "/clock")[1]["mode"] == before
    assert control.seed({"name": "ContosoMHSM"}) == ["ContosoMHSM"]


@pytest.mark.parametrize("number", ["1e308", "Infinity", "NaN", "9" * 400, "3e11", "-1e308", '"7"', "null"])
def test_a_step_out_of_bounds_is_refused_and_changes_nothing(control, number):
    control("PATCH", "/clock", {"mode": "manual"})
    before = control("GET", "/clock")[1]
    status, body = raw(control, "POST", "/clock/advance", f'{{"seconds": {number}}}')
    assert status == 400, body
    assert control("GET", "/clock")[1] == before


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59Z", "6000-01-01T00:00:00.001Z", "0001-01-01T00:00:00+23:59"]
)
def test_a_moment_out_of_bounds_is_refused(control, moment):
    assert control("PATCH", "/clock", {"now": moment})[0] == 400
    assert control("GET", "/clock")[1]["now"] < "2999"


def test_at_the_end_of_time_everything_still_works(tmp_path):
    """Keys and rights are stamped, operations end with a poll, retention lies beyond."""
    world = World(tmp_path / "home").active_pool(softDeleteRetentionInDays=90)
    world.advance((LATEST - world.now) / SECOND)

    world.extend(EXTENDED)
    world.put_key("k").ok()
    world.data("DELETE", "/keys/k").ok()
    world.shrink(EXTENDED)
    world.finish(world.delete_pool()).ok()
    shown = world.arm("GET", world.deleted_path()).ok().body

    assert shown["properties"]["scheduledPurgeDate"] > "6000-03"
    assert world.finish(world.purge_pool()).status == 200
    world.create_pool()
    with pytest.raises(ValueError, match="5999"):
        world.advance(1)
    world.emulator.store.close()


def test_a_fast_clock_stands_still_at_the_end():
    clock = ClockState("scaled", 1e6, 0, 0, 0)
    assert clock.now(10**15) == LATEST
    assert clock.now(10**6) == 10**12


BRICKED = [
    {"mode": "scaled", "scale": 1e308},
    {"mode": "scaled", "scale": float("inf")},
    {"mode": "scaled", "scale": float("nan")},
    {"mode": "scaled", "scale": 1e12, "highest": 10**18},
    {"mode": "scaled", "scale": 1e-320},
    {"mode": "manual", "base_service": 10**17, "highest": 10**17},
]


@pytest.fixture(params=BRICKED, ids=str)
def bricked(control, request):
    """A home whose clock an older version has made unusable, and a snapshot of before."""
    control.seed({"name": "ContosoMHSM"})
    assert control("PUT", "/snapshots/before")[0] == 201
    clock = {"base_service": 0, "base_real": 0, "highest": 0, **request.param}
    database = sqlite3.connect(control.emulator.home / "store.db")
    with database:
        database.execute("INSERT OR REPLACE INTO meta VALUES ('clock', ?)", (json.dumps(clock),))
    database.close()
    return control


def test_a_bricked_home_tells_its_status(bricked):
    assert bricked("GET", "/status")[0] == 200


def test_a_bricked_home_is_reset(bricked):
    assert bricked("POST", "/reset") == (204, None)
    assert bricked("GET", "/clock")[1]["mode"] == "real"
    assert bricked("GET", "/clock")[1]["now"] < "2999"
    assert bricked.seed({"name": "ContosoMHSM"}) == ["ContosoMHSM"]


def test_a_bricked_home_takes_a_snapshot_back(bricked):
    assert bricked("POST", "/snapshots/before/restore") == (204, None)
    assert bricked("GET", "/clock")[1]["now"] < "2999"
    assert set(bricked.pools()) == {"ContosoMHSM"}


def test_a_snapshot_of_a_bricked_home_can_be_taken_back_and_reset(bricked):
    assert bricked("PUT", "/snapshots/bricked")[0] == 201
    assert bricked("POST", "/snapshots/bricked/restore") == (204, None)
    assert bricked("POST", "/reset") == (204, None)
    assert bricked("GET", "/clock")[1]["mode"] == "real"


def test_a_bricked_home_opens(bricked):
    bricked.emulator.store.close()
    again = open_emulator(bricked.emulator.home)
    assert again.expected_seconds("region-add") > 0
    again.store.close()
