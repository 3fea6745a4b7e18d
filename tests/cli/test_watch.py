"""``keyvault region watch``: what is drawn, from facts; and the command on an emulator."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List

import pytest

from azext_mhsmregion.cli.ops.region_watch import BACK as LEFT
from azext_mhsmregion.cli.ops.region_watch import FULL_SCREEN
from azext_mhsmregion.cli.picture import COLOURS, PLAIN, Picture, Size, clipped, event_words

UP = {"state": "up", "inRotation": True}
DEAD_IN_USE = {"state": "down", "inRotation": True}
DEAD = {"state": "down", "inRotation": False}
BACK = {"state": "up", "inRotation": False}


def region(name: str, **more: Any) -> Dict[str, Any]:
    facts = {
        "name": name, "isPrimary": False, "provisioningState": "Succeeded", "health": "healthy",
        "serving": True, "outage": None, "destroyed": False, "partitions": [UP, UP, UP], "lacks": [],
    }  # fmt: skip
    return {**facts, **more}


def status(*regions: Dict[str, Any], **more: Any) -> Dict[str, Any]:
    facts = {
        "hsmName": "ContosoMHSM", "time": "2026-11-25T01:43:52.449Z", "failoverWithinSeconds": 3.5,
        "regions": list(regions), "lost": [], "faults": [], "conflicts": 0, "superseded": 0,
    }  # fmt: skip
    return {**facts, **more}


def drawn(*args: Any, colours: Dict[str, str] = PLAIN) -> List[str]:
    return Picture(colours).lines(*args)


def line(lines: List[str], word: str) -> str:
    (found,) = [text for text in lines if word in text]
    return found


def test_each_region_has_a_line_with_health_and_partitions() -> None:
    lines = drawn(status(region("uksouth", isPrimary=True, partitions=[UP, DEAD_IN_USE, DEAD])), [], [])

    assert re.search(r"uksouth \(primary\) +Succeeded +healthy +● ! ✗", line(lines, "uksouth"))


def test_an_outage_is_told_apart_by_whether_the_traffic_manager_knows() -> None:
    out = {"scope": "region", "effect": "refuse"}
    early = drawn(status(region("uksouth", outage=out)), [], [])
    late = drawn(status(region("uksouth", outage=out, health="unhealthy")), [], [])
    after = drawn(status(region("uksouth", health="unhealthy", partitions=[BACK] * 3)), [], [])
    gone = drawn(status(region("uksouth", outage=out, destroyed=True)), [], [])

    assert "out, not noticed yet" in line(early, "uksouth")
    assert "out, clients sent elsewhere" in line(late, "uksouth")
    assert "unhealthy" in line(after, "uksouth") and "○ ○ ○" in line(after, "uksouth")
    assert "destroyed" in line(gone, "uksouth")


def test_lag_backlog_and_revoked_rights_stand_in_their_columns() -> None:
    lack = {"writes": 7, "lagSeconds": 12.34, "revokedRightsLagSeconds": 3.0, "fromDestroyed": False}
    dead = {"writes": 2, "lagSeconds": 99.0, "revokedRightsLagSeconds": 0, "fromDestroyed": True}

    lines = drawn(status(region("uksouth", lacks=[lack, dead])), [], [])

    assert re.search(r"99\.0s +9 +3\.0s$", line(lines, "uksouth"))


def test_routes_losses_conflicts_and_the_newest_events() -> None:
    routes = [
        {"from": "ukwest", "region": "uksouth", "answers": False, "ttlSeconds": 5},
        {"from": "japaneast", "region": None, "answers": False, "ttlSeconds": 5},
    ]
    events = [
        {"time": f"2026-11-25T01:43:{number:02}.0Z", "kind": "fault", "region": "r", "for_seconds": 2.0}
        for number in range(10)
    ]
    lost = [{"region": "uksouth", "writes": 3, "seconds": 4.2}]

    lines = drawn(status(region("eastasia"), lost=lost, conflicts=1, superseded=2), routes, events)

    assert "TTL 5 s" in lines[0] and "failover within 3.5 s" in lines[0]
    assert re.search(r"ukwest +-> uksouth  no answer", line(lines, "ukwest"))
    assert "-> nobody" in line(lines, "japaneast")
    assert "lost with uksouth: 3 writes, up to 4.2 s old" in "\n".join(lines)
    assert "conflicts 1, superseded writes 2" in "\n".join(lines)
    shown = [text for text in lines if "for 2 s" in text]
    assert len(shown) == 8 and "01:43:02" in shown[0] and "01:43:09" in shown[-1]


def test_colours_say_what_words_say_and_nothing_more() -> None:
    facts = status(region("uksouth", outage={"scope": "pool", "effect": "hang"}, partitions=[UP, DEAD, UP]))

    coloured = drawn(facts, [], [], colours=COLOURS)

    assert any("\x1b[31;1m" in text for text in coloured)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in coloured] == drawn(facts, [], [])


LACK = {"writes": 7, "lagSeconds": 12.34, "revokedRightsLagSeconds": 3.0, "fromDestroyed": False}
OUT = {"scope": "region", "effect": "refuse"}
LINK = {
    "scope": "link", "region": "uksouth", "to": "australiaeast", "oneWay": False, "partition": None,
    "effect": "down", "rate": 1.0, "milliseconds": None, "end": None,
}  # fmt: skip


def visible(lines: List[str]) -> List[str]:
    return [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in lines]


def wide_status() -> Dict[str, Any]:
    return status(
        region("australiasoutheast", isPrimary=True, outage=OUT, health="unhealthy", lacks=[LACK]),
        region("germanywestcentral", outage=OUT),
        faults=[LINK],
        lost=[{"region": "uksouth", "writes": 3, "seconds": 4.2}],
    )


@pytest.mark.parametrize("columns", [10, 24, 40, 52, 60, 66, 72, 80, 90, 102, 110, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    routes = [
        {"from": "australiasoutheast", "region": "germanywestcentral", "answers": False, "ttlSeconds": 5}
    ]
    events = [{"time": "2026-11-25T01:43:00.0Z", "kind": "region-unhealthy", "region": "r" * 40}]

    lines = drawn(wide_status(), routes, events, Size(columns, 60), colours=COLOURS)

    assert max(len(text) for text in visible(lines)) <= columns
    assert all(text.count("\x1b[0m") == len(re.findall(r"\x1b\[[^0][0-9;]*m", text)) for text in lines)


@pytest.mark.parametrize(
    ("columns", "titles"),
    [
        (200, ["REGION", "STATE", "HEALTH", "PARTITIONS", "LAG", "BACKLOG", "REVOKED"]),
        (81, ["REGION", "STATE", "HEALTH", "HSMS", "LAG", "BACKLOG", "REVOKED"]),
        (80, ["REGION", "STATE", "HEALTH", "HSMS", "LAG", "BACKLOG"]),
        (72, ["REGION", "STATE", "HEALTH", "HSMS", "BACKLOG"]),
        (64, ["REGION", "STATE", "HEALTH", "HSMS"]),
        (54, ["REGION", "STATE", "HEALTH"]),
        (40, ["REGION", "STATE"]),
        (30, ["REGION"]),
    ],
)
def test_a_narrow_terminal_shows_what_matters_most(columns: int, titles: List[str]) -> None:
    assert drawn(wide_status(), [], [], Size(columns, 60))[2].split() == titles


def test_narrow_columns_hold_what_wide_ones_do() -> None:
    lines = drawn(wide_status(), [], [], Size(81, 60))

    assert re.search(r"southeast \* Succeeded +out, noticed +● ● ● +12\.3s +7 +3\.0s$", lines[3])
    assert re.search(r"germanywestcentral +Succeeded +out, unnoticed +● ● ●", lines[4])


def test_two_short_names_leave_room_for_every_column_at_80() -> None:
    both = status(region("uksouth", isPrimary=True), region("australiaeast", outage=OUT))
    assert drawn(both, [], [], Size(80, 24))[2].split()[-1] == "REVOKED"


@pytest.mark.parametrize("rows", [6, 9, 12, 30])
def test_of_the_events_the_oldest_go_first_where_there_are_few_rows(rows: int) -> None:
    events = [
        {"time": f"2026-11-25T01:43:{number:02}.0Z", "kind": "loss", "region": "r"} for number in range(8)
    ]

    lines = drawn(status(region("uksouth"), region("eastasia")), [], events, Size(80, rows))

    assert len(lines) <= rows
    times = [text.split()[0] for text in lines if "loss" in text]
    assert times == [f"01:43:{number:02}.0" for number in range(8)][8 - max(0, min(8, rows - 7)) :]


def test_a_line_is_cut_between_its_colours() -> None:
    assert clipped("\x1b[2mabc\x1b[0mdef\x1b[1mgh\x1b[0m", 4) == "\x1b[2mabc\x1b[0md\x1b[1m\x1b[0m"


@pytest.mark.parametrize("state", ["Failed", "Provisioning", "Deleting"])
def test_a_region_that_is_not_in_use_is_not_healthy(state: str) -> None:
    facts = region("uksouth", provisioningState=state, health=None, serving=False)
    assert re.search(rf"uksouth +{state} +- +- +0\.0s", line(drawn(status(facts), [], []), "uksouth"))


def test_faults_that_are_on_are_shown_links_too() -> None:
    slow = {**LINK, "oneWay": True, "effect": "lag", "milliseconds": 500, "end": "2026-11-25T01:44:00.000Z"}

    lines = drawn(status(region("eastasia"), faults=[LINK, slow]), [], [])

    assert "  fault: link uksouth <-> australiaeast down" in lines
    assert "  fault: link uksouth -> australiaeast lag 500 ms until 2026-11-25T01:44:00.000Z" in lines


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"scope": "partition", "partition": 1, "effect": "hang"}, "partition 1 uksouth hang"),
        ({"scope": "link", "to": "eastasia", "one_way": False, "effect": "down"},
         "link uksouth <-> eastasia down"),
        ({"scope": "link", "to": "eastasia", "one_way": True, "effect": "lag", "milliseconds": 5,
          "for_seconds": 60.0}, "link uksouth -> eastasia lag 5 ms for 60 s"),
        ({"scope": "pool", "effect": "error", "rate": 0.25, "in_seconds": 2.5},
         "pool uksouth error 25% in 2.5 s"),
        ({"scope": "pool", "effect": "refuse", "never_began": True}, "pool uksouth refuse that never began"),
        ({"scope": "pool", "effect": "refuse", "state": "begun"}, "pool uksouth refuse begun"),
        ({"writes": 3, "seconds": 1.5}, "uksouth 3 1.5"),
    ],
)  # fmt: skip
def test_an_event_says_what_exactly_was_broken(facts: Dict[str, Any], words: str) -> None:
    assert event_words({"kind": "fault", "fault": "id", "region": "uksouth", **facts}) == words


SEED = """
pools: [{name: ContosoMHSM, location: uksouth, regions: [australiaeast], activated: true}]
"""


def test_watch_draws_an_emulators_pool_as_often_as_told(mhsm_process: Any, tmp_path: Any) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(SEED)
    for line in (f"seed --file {file}", "fault inject --scope region --region australiaeast"):
        done = mhsm_process(f"keyvault emulator {line}")
        assert done.returncode == 0, done.stderr

    found = mhsm_process(
        "keyvault region watch --hsm-name contosomhsm --count 2 --interval 0.1 --places ukwest"
    )

    assert found.returncode == 0, found.stderr
    assert found.stdout.count("failover within") == 2
    assert "out, " in line_of(found.stdout, "australiaeast  ")
    assert re.search(r"client in ukwest +-> uksouth", found.stdout)
    assert "region australiaeast refuse" in found.stdout and "\x1b" not in found.stdout


def line_of(text: str, word: str) -> str:
    return next(found for found in text.splitlines() if word in found)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_live_table_leaves_the_terminal_as_it_was_whatever_ends_it(
    mhsm_process: Any, tmp_path: Any, number: signal.Signals
) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(SEED)
    assert mhsm_process(f"keyvault emulator seed --file {file}").returncode == 0
    ours, theirs = pty.openpty()
    command = "keyvault region watch --hsm-name contosomhsm --interval 60"
    watch = subprocess.Popen(
        [sys.executable, "-m", "azext_mhsmregion.cli.app", *command.split()],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "MHSMREGION_HOME": str(mhsm_process.home), "COLUMNS": "60", "LINES": "12"},
    )
    os.close(theirs)
    try:
        shown = read_until(ours, "client in australiaeast")
        watch.send_signal(number)
        shown += read_until(ours, LEFT)
        assert watch.wait(30) == 0
    finally:
        watch.kill()
        watch.wait()
        os.close(ours)
    assert FULL_SCREEN in shown and shown.endswith(LEFT)


def read_until(terminal: int, word: str) -> str:
    """What comes from a terminal, up to ``word``."""
    found, limit = "", time.monotonic() + 60
    while word not in found:
        assert time.monotonic() < limit, found
        if select.select([terminal], [], [], 1)[0]:
            found += os.read(terminal, 65536).decode()
    return found
