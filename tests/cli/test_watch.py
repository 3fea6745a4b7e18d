"""``keyvault region watch``: what is drawn, from facts; and the command on an emulator."""

from __future__ import annotations

import re
from typing import Any, Dict, List

from azext_mhsmregion.cli.picture import COLOURS, PLAIN, Picture

UP = {"state": "up", "inRotation": True}
DEAD_IN_USE = {"state": "down", "inRotation": True}
DEAD = {"state": "down", "inRotation": False}
BACK = {"state": "up", "inRotation": False}


def region(name: str, **more: Any) -> Dict[str, Any]:
    facts = {
        "name": name, "isPrimary": False, "provisioningState": "Succeeded", "health": "healthy",
        "outage": None, "destroyed": False, "partitions": [UP, UP, UP], "lacks": [],
    }  # fmt: skip
    return {**facts, **more}


def status(*regions: Dict[str, Any], **more: Any) -> Dict[str, Any]:
    facts = {
        "hsmName": "ContosoMHSM", "time": "2026-11-25T01:43:52.449Z", "failoverWithinSeconds": 3.5,
        "regions": list(regions), "lost": [], "conflicts": 0, "superseded": 0,
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

    assert re.search(r"12\.3s +9 +3\.0s$", line(lines, "uksouth"))


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
