"""``mhsm keyvault emulator fault`` and ``events``, ``region status`` and ``route``: in process on a home
of the test's own, with the exit codes that scripts go by (1 error, 2 usage, 3 not found)."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Callable, List

import pytest

from azext_mhsmregion.cli import app, context
from azext_mhsmregion.emulator import events as emulator_events

from .conftest import Outcome, Stream

FAULT = "emulator fault"
HERE = "--hsm-name ContosoMHSM --region uksouth"
SEED = """
pools:
- name: ContosoMHSM
  location: uksouth
  regions: [australiaeast]
"""

Mhsm = Callable[..., Outcome]


@pytest.fixture
def mhsm(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Mhsm:
    """Runs one command on an emulator with an extended pool and a clock that stands still."""
    monkeypatch.setenv("MHSMREGION_HOME", str(tmp_path / "home"))
    for name in ("MHSMREGION_PROVIDER", "MHSMREGION_PLACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(line: str, *more: str, code: int = 0, answer: str = "") -> Outcome:
        out, err = Stream(), Stream(terminal=bool(answer))
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", Stream(answer, bool(answer)))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            for logger in (logging.getLogger(), logging.getLogger("cli")):
                patch.setattr(logger, "handlers", [])
            found = app.main(["keyvault", *line.split(), *more])
        outcome = Outcome(found, out.getvalue(), err.getvalue())
        assert outcome.code == code, (line, outcome)
        return outcome

    (tmp_path / "pools.yaml").write_text(SEED)
    run("emulator seed --file pools.yaml")
    run("emulator settings --profile documented")
    run("emulator clock set --mode manual --to 2030-01-01T00:00:00Z")
    return run


def faults(mhsm: Mhsm) -> Any:
    return mhsm(f"{FAULT} list").json


def test_a_fault_is_injected_listed_and_cleared(mhsm: Mhsm) -> None:
    made = mhsm(f"{FAULT} inject {HERE} --scope partition --partition 1 --effect hang --for 60s").json
    assert (made["scope"], made["partition"], made["effect"], made["state"]) == ("partition", 1, "hang", "on")
    assert made["end"] == "2030-01-01T00:01:00.000Z"
    assert faults(mhsm) == [made]
    assert [fault["id"] for fault in mhsm(f"{FAULT} clear --id {made['id']}").json] == [made["id"]]
    assert faults(mhsm) == []


@pytest.mark.parametrize(("rate", "share"), [("0.2", 0.2), ("20%", 0.2), ("100%", 1.0)])
def test_a_rate_is_a_share_or_per_cent(mhsm: Mhsm, rate: str, share: float) -> None:
    made = mhsm(f"{FAULT} inject {HERE} --effect error --rate {rate}").json
    assert made["rate"] == pytest.approx(share)


def test_a_link_is_broken_one_way_with_a_delay(mhsm: Mhsm) -> None:
    line = f"{FAULT} inject --scope link --region uksouth --to australiaeast --one-way --effect lag --ms 500"
    made = mhsm(line).json
    assert (made["to"], made["oneWay"], made["milliseconds"]) == ("australiaeast", True, 500)


def test_an_outage_shows_in_status_route_and_events(mhsm: Mhsm) -> None:
    fault = mhsm(f"{FAULT} inject --scope region --region uksouth").json["id"]
    mhsm("emulator clock advance --by 60s")

    status = mhsm("region status --hsm-name ContosoMHSM").json
    route = mhsm("region route --hsm-name ContosoMHSM --from uksouth").json
    explained = mhsm("region route --hsm-name ContosoMHSM --from uksouth --explain").json
    events = mhsm("emulator events --hsm-name ContosoMHSM").json

    assert [region["health"] for region in status["regions"]] == ["unhealthy", "healthy"]
    assert status["regions"][0]["outage"]["fault"] == fault
    assert (route["region"], "steps" in route) == ("australiaeast", False)
    assert [step["verdict"] for step in explained["steps"]] == ["passed over: unhealthy", "taken"]
    assert [event["kind"] for event in events][-2:] == ["fault", "region-unhealthy"]


@pytest.mark.parametrize("table", ["emulator fault list", "region status --hsm-name ContosoMHSM"])
def test_tables_are_for_people(mhsm: Mhsm, table: str) -> None:
    mhsm(f"{FAULT} inject {HERE} --effect hang")
    text = mhsm(f"{table} -o table").out
    assert "uksouth" in text and len(text.splitlines()) >= 3


def test_a_schedule_is_a_file_in_yaml_or_json_and_its_seed_repeats_it(mhsm: Mhsm, tmp_path: Any) -> None:
    plan = {"seed": 7, "faults": [{"region": "uksouth", "after": [5, 60], "for": "1m"}]}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    (tmp_path / "plan.yaml").write_text("seed: 7\nfaults:\n- {region: uksouth, after: [5, 60], for: 1m}\n")
    starts = []
    for name in ("plan.json", "plan.yaml"):
        (made,) = mhsm(f"{FAULT} inject --file {name}").json
        starts.append((made["start"], made["end"]))
        mhsm(f"{FAULT} clear --all")
    assert starts[0] == starts[1]


# -- what is refused: usage is 2 -------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--scope region",
        "--hsm-name ContosoMHSM",
        "--region uksouth --scope planet",
        "--region uksouth --effect explode",
        "--region uksouth --kind temporary",
        "--region uksouth --rate 0",
        "--region uksouth --rate 120%",
        "--region uksouth --rate half",
        "--region uksouth --partition one",
        "--region uksouth --ms 1.5",
        "--region uksouth --file plan.yaml",
        "--file nosuch.yaml",
        "--region uksouth --from uksoth",
    ],
)
def test_a_command_that_cannot_be_right(mhsm: Mhsm, line: str) -> None:
    outcome = mhsm(f"{FAULT} inject {line}", code=2)
    assert outcome.out == "" and outcome.err
    assert faults(mhsm) == []


@pytest.mark.parametrize("line", ["", "--id x --all"])
def test_a_clear_that_says_nothing_or_two_things(mhsm: Mhsm, line: str) -> None:
    assert "--id" in mhsm(f"{FAULT} clear {line}", code=2).err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- uksouth", "an object"),
        ("a: [", "neither YAML nor JSON"),
        ("faults: [{region: uksouth, after: 2030-99-99}]", "neither YAML nor JSON"),
        ("faults: [{region: !!binary aGk=}]", "what JSON cannot say"),
        ("faults: &all [{region: uksouth, after: *all}]", "what JSON cannot say"),
        ("region: uksouth", "'faults'"),
        ("faults: [{region: uksouth}]\nsede: 1", "'sede'"),
        ("faults: [{region: uksouth, until: 5}]", "'until'"),
        ("faults: [{region: uksoth}]", "uksouth"),
        ("faults: [{region: uksouth, after: [60s, 5s]}]", "is a range"),
        ("faults: [{region: uksouth, after: 2030-01-01}]", "'after' must be seconds"),
        ("faults: [{region: uksouth, effect: slow}]", "milliseconds"),
    ],
)
def test_a_schedule_that_is_none(mhsm: Mhsm, tmp_path: Any, text: str, said: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    assert said in mhsm(f"{FAULT} inject --file plan.yaml", code=2).err
    assert faults(mhsm) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [("{region: uksouth, hsmName: Nobody}", 3), ("{region: uksouth}, {region: uksouth, effect: hang}", 1)],
)
def test_a_schedule_that_is_one_ends_as_its_faults_would_alone(
    mhsm: Mhsm, tmp_path: Any, line: str, code: int
) -> None:
    (tmp_path / "plan.yaml").write_text(f"faults: [{line}]")
    mhsm(f"{FAULT} inject --file plan.yaml", code=code)
    assert faults(mhsm) == []


@pytest.mark.parametrize("place", ["uksoth", "atlantis"])
def test_a_place_that_does_not_parse(mhsm: Mhsm, place: str) -> None:
    outcome = mhsm(f"region route --hsm-name ContosoMHSM --from {place}", code=2)
    assert place in outcome.err


# -- what does not exist is 3 ----------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        f"{FAULT} inject --hsm-name Nobody --region uksouth",
        f"{FAULT} inject --hsm-name ContosoMHSM --region japaneast",
        f"{FAULT} clear --id nosuch",
        "region status --hsm-name Nobody",
        "region route --hsm-name Nobody --from uksouth",
    ],
)
def test_what_does_not_exist(mhsm: Mhsm, line: str) -> None:
    outcome = mhsm(line, code=3)
    assert outcome.out == "" and outcome.err.startswith("ERROR: ")
    assert faults(mhsm) == []


# -- options that cannot be right, alone or together, are usage, 2; what only contradicts is 1 ---------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--region uksoth", "uksouth"),
        ("--region uksouth --scope pool", "names its pool"),
        (f"{HERE} --scope partition --partition 3", "0 to 2"),
        ("--region uksouth --scope link", "other end"),
        ("--region uksouth --scope link --to uksouth", "from one region to another"),
        ("--region uksouth --effect down", "cannot have the effect down"),
        ("--region uksouth --effect slow", "milliseconds"),
        ("--region uksouth --for soon", "'for'"),
        ("--region uksouth --after -5s", "'after' must be seconds, a text such as 90s"),
        ("--region uksouth --for -1", "'for' must be seconds"),
        ("--region uksouth --effect slow --ms -5", "cannot be negative"),
        ("--region uksouth --kind destroyed --for 60s", "has no end"),
    ],
)
def test_a_fault_that_makes_no_sense(mhsm: Mhsm, line: str, said: str) -> None:
    err = mhsm(f"{FAULT} inject {line}", code=2).err
    assert said in err and len(err.splitlines()) == 1
    assert faults(mhsm) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{FAULT} inject --region uksouth --rate half", "Argument --rate: invalid share value: 'half'."),
        (f"{FAULT} inject --region uksouth --after --for 5s", "Argument --after: expected one argument."),
        ("emulator clock advance", "The following arguments are required: --by."),
    ],
)
def test_what_the_parser_refuses_is_told_in_a_line_and_where_to_look(
    mhsm: Mhsm, line: str, said: str
) -> None:
    command = line.partition(" --")[0]
    told = mhsm(line, code=2).err.splitlines()
    assert told == [f"ERROR: {said}", f"Its options: mhsm keyvault {command} --help"]


@pytest.mark.parametrize("by", ["-5s", "-.5"])
def test_a_time_with_a_minus_is_a_value_that_is_refused(mhsm: Mhsm, by: str) -> None:
    err = mhsm(f"emulator clock advance --by {by}", code=2).err
    assert by in err and len(err.splitlines()) <= 2


def test_two_faults_that_contradict_each_other(mhsm: Mhsm) -> None:
    made = mhsm(f"{FAULT} inject {HERE} --effect hang").json
    err = mhsm(f"{FAULT} inject {HERE} --effect refuse", code=1).err
    assert "contradicts" in err and made["id"] in err
    assert faults(mhsm) == [made]


def test_what_is_destroyed_stays_so_and_is_not_destroyed_again(mhsm: Mhsm) -> None:
    line = f"{FAULT} inject --scope region --region australiaeast --kind destroyed"
    made = mhsm(line).json

    cleared = mhsm(f"{FAULT} clear --id {made['id']}", code=1).err
    again = mhsm(line, code=1).err

    assert "security domain" in cleared and "backup" in cleared
    assert made["id"] in again
    assert mhsm(f"{FAULT} clear --all").json == []
    assert faults(mhsm) == [made]


@pytest.mark.parametrize("every", [[], ["--all"]])
def test_an_empty_id_clears_nothing(mhsm: Mhsm, every: List[str]) -> None:
    made = mhsm(f"{FAULT} inject {HERE}").json
    assert "Say --id of a fault, or --all." in mhsm(f"{FAULT} clear --id", "", *every, code=2).err
    assert faults(mhsm) == [made]


TEXTS = ["--hsm-name", "--to", "--scope", "--effect", "--kind", "--after", "--for"]


@pytest.mark.parametrize("option", TEXTS)
def test_an_option_without_a_value_breaks_nothing(mhsm: Mhsm, option: str) -> None:
    assert mhsm(f"{FAULT} inject --region uksouth {option}", "", code=2).err
    assert faults(mhsm) == []


def test_the_place_of_a_route_is_not_empty(mhsm: Mhsm) -> None:
    assert "The place is empty." in mhsm("region route --hsm-name ContosoMHSM --from", "", code=2).err


def test_a_clock_that_goes_backwards(mhsm: Mhsm) -> None:
    assert "never goes back" in mhsm("emulator clock set --to 2029-01-01T00:00:00Z", code=1).err


def test_an_extension_during_another_operation(mhsm: Mhsm) -> None:
    mhsm("emulator settings --hold")
    mhsm("region add --hsm-name ContosoMHSM --region japaneast --no-wait")
    outcome = mhsm("region add --hsm-name ContosoMHSM --region northeurope --no-wait", code=1)
    assert "under way" in outcome.err


def test_the_removal_of_the_only_living_region_says_what_would_be_lost(mhsm: Mhsm) -> None:
    mhsm(f"{FAULT} inject {HERE} --scope pool --kind destroyed")
    remove = "region remove --hsm-name ContosoMHSM --region australiaeast"

    refused = mhsm(remove, code=1).err
    still = [region["name"] for region in mhsm("region list --hsm-name ContosoMHSM").json]
    mhsm(f"{remove} --yes")

    assert "all that the pool holds: no other region of it is alive" in refused
    assert "security domain" in refused and "full backup" in refused and "--yes" in refused
    assert "that no other region has seen" not in refused and "Wait until" not in refused
    assert still == ["uksouth", "australiaeast"]
    assert len(mhsm("region list --hsm-name ContosoMHSM").json) == 1


def test_the_removal_of_one_of_two_living_regions_says_what_the_other_has_not_seen(mhsm: Mhsm) -> None:
    mhsm("region add --hsm-name ContosoMHSM --region japaneast")
    mhsm(f"{FAULT} inject {HERE} --scope pool --kind destroyed")
    mhsm(f"{FAULT} inject --scope link --region australiaeast --to japaneast")
    given = (
        "role assignment create --hsm-name ContosoMHSM --assignee other --scope /keys --from australiaeast"
    )
    mhsm(given, "--role", "Managed HSM Crypto User")

    refused = mhsm("region remove --hsm-name ContosoMHSM --region australiaeast", code=1).err

    assert "that no other region has seen" in refused and "Wait until" in refused
    assert "security domain" not in refused


def test_a_person_is_asked_before_something_is_destroyed(mhsm: Mhsm) -> None:
    line = f"{FAULT} inject {HERE} --kind destroyed"
    assert "does not come back" in mhsm(line, code=1, answer="n\n").err
    assert faults(mhsm) == []
    mhsm(line, answer="y\n")
    assert [fault["kind"] for fault in faults(mhsm)] == ["destroyed"]


def test_azure_is_not_broken(mhsm: Mhsm) -> None:
    for line in ("status", "route --from uksouth"):
        outcome = mhsm(f"region {line} --hsm-name ContosoMHSM --provider arm", code=2)
        assert "emulator" in outcome.err


def test_the_stream_is_one_object_a_line(mhsm: Mhsm, monkeypatch: pytest.MonkeyPatch) -> None:
    from azext_mhsmregion.cli import context

    mhsm(f"{FAULT} inject {HERE}")
    looks = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(context, "sleep", sleep)
    outcome = mhsm("emulator events --follow", code=1)
    kinds = [json.loads(line)["kind"] for line in outcome.out.splitlines()]
    assert kinds.count("fault") == 1, "each event once, however often it is looked for"
    assert "Interrupted" in outcome.err


def rows(text: str) -> List[str]:
    return text.splitlines()[2:]


def test_a_table_says_until_when_a_fault_is_on(mhsm: Mhsm) -> None:
    kept = mhsm(f"{FAULT} inject {HERE} --scope pool").json["id"]
    mhsm(f"{FAULT} inject --scope region --region australiaeast --kind destroyed")

    shown = {row.split()[1]: row for row in rows(mhsm(f"{FAULT} list -o table").out)}

    assert shown["pool"].endswith("until cleared") and shown["region"].endswith("never")
    mhsm("emulator clock advance --by 60s")
    (cleared,) = rows(mhsm(f"{FAULT} clear --id {kept} -o table").out)
    assert cleared.split()[-1] == "2030-01-01T00:01:00.000Z" and " over " in cleared


def test_a_broken_link_stands_in_the_table_of_both_its_ends(mhsm: Mhsm) -> None:
    mhsm(f"{FAULT} inject --scope link --region uksouth --to australiaeast")
    for row in rows(mhsm("region status --hsm-name ContosoMHSM -o table").out):
        assert row.endswith("link uksouth <-> australiaeast down")


@pytest.mark.rule("L5b")
def test_l5b_lost_writes_have_a_row_of_their_own_are_no_backlog_and_waited_for_by_nobody(mhsm: Mhsm) -> None:
    status = "region status --hsm-name ContosoMHSM -o table"
    role = "role assignment create --hsm-name ContosoMHSM --scope /keys --assignee"
    mhsm(f"{role} owner --role", "Managed HSM Crypto User")
    mhsm("emulator clock advance --by 1h")
    mhsm("key create --hsm-name ContosoMHSM --name new --kty EC-HSM")
    mhsm(f"{FAULT} inject {HERE} --scope pool --kind destroyed")
    mhsm("emulator clock advance --by 1h")

    (_, far, lost) = rows(mhsm(status).out)

    assert far.split()[4:6] == ["0", "0.0"]
    assert lost.split() == ["Lost", "with", "uksouth", "1"]
    metrics = mhsm("emulator metrics").out.splitlines()
    link = 'pool="ContosoMHSM",region="australiaeast",from="uksouth"'
    assert f"mhsm_replication_backlog_writes{{{link}}} 0" in metrics
    assert f"mhsm_replication_lag_seconds{{{link}}} 0" in metrics
    for key in ("", " --key new"):
        waited = mhsm(f"region wait --hsm-name ContosoMHSM --replicated{key}")
        assert "1 acknowledged write was lost with what is destroyed" in waited.err


@pytest.mark.rule("E6")
@pytest.mark.parametrize(
    "line",
    [
        "region remove --region australiaeast --yes", "region remove --region australiaeast --dry-run",
        "region add --region japaneast", "region wait --region japaneast --created",
        "region wait --replicated",
    ],
)  # fmt: skip
def test_e6_what_a_destroyed_primary_would_do_is_refused_at_once_with_the_way_out(
    mhsm: Mhsm, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    pauses: List[float] = []
    monkeypatch.setattr(context, "sleep", pauses.append)
    mhsm(f"{FAULT} inject --region uksouth --scope region --kind destroyed")
    failed = mhsm(f"{line} --hsm-name ContosoMHSM", code=1).err
    assert "Managed HSM in uksouth is destroyed, and does not come back." in failed
    assert "security domain and a full backup, restored into a new pool" in failed
    assert "later" not in failed and "goes on" not in failed and pauses == []


def test_a_wait_does_not_outlast_its_time_out_in_retries(mhsm: Mhsm, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = [0.0]
    monkeypatch.setattr(context, "sleep", passed.append)
    monkeypatch.setattr(context, "now", lambda: sum(passed))
    mhsm(f"{FAULT} inject --region uksouth --scope region")
    mhsm("region wait --hsm-name ContosoMHSM --replicated --timeout 3", code=1)
    assert 0 < sum(passed) <= 3


def test_a_region_that_failed_is_not_healthy_in_the_table(mhsm: Mhsm) -> None:
    mhsm(f"{FAULT} inject --scope region --region japaneast --effect capacity")
    mhsm("region add --hsm-name ContosoMHSM --region japaneast", code=1)

    table = rows(mhsm("region status --hsm-name ContosoMHSM -o table").out)

    (failed,) = [row.split()[:4] for row in table if "japaneast" in row]
    assert failed == ["japaneast", "Failed", "-", "-"]


@pytest.mark.parametrize("line", [f"{FAULT} inject", "emulator start", "region drill"])
def test_the_long_help_is_wrapped_once(mhsm: Mhsm, line: str) -> None:
    """No line ends where the next one's first word had room."""
    text = mhsm(f"{line} --help").out.partition("Arguments")[0]
    widest = max(len(row) for row in text.splitlines())
    for paragraph in text.split("\n\n"):
        found = [row for row in paragraph.splitlines() if row.startswith(" " * 8)]
        together = [f"{one} {two.split()[0]}" for one, two in zip(found, found[1:])]
        assert all(len(row) > min(widest, 100) for row in together), text


def test_the_events_of_no_pool(mhsm: Mhsm) -> None:
    mhsm(f"{FAULT} inject --scope region --region uksouth")
    outcome = mhsm("emulator events --hsm-name Nope", code=3)
    assert outcome.out == "" and "'Nope'" in outcome.err


def test_events_are_read_to_the_last_page(mhsm: Mhsm, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        mhsm(f"{FAULT} clear --id {mhsm(f'{FAULT} inject {HERE}').json['id']}")
    whole = mhsm("emulator events").json
    monkeypatch.setattr(emulator_events, "PAGE", 2)
    assert mhsm("emulator events").json == whole and len(whole) == 6


def test_the_last_region_that_serves_is_removed_only_with_yes_whatever_the_other_lacks(mhsm: Mhsm) -> None:
    remove = "region remove --hsm-name ContosoMHSM --region australiaeast"
    out = mhsm(f"{FAULT} inject {HERE} --scope pool").json["id"]

    (warning,) = mhsm(f"{remove} --dry-run").json["warnings"]
    assert "would leave nobody to answer" in warning
    assert warning in mhsm(remove, code=1).err
    mhsm(f"{FAULT} clear --id {out}")
    assert mhsm(f"{remove} --dry-run").json["warnings"] == []
    mhsm(remove)


@pytest.mark.rule("E3")
def test_e3_a_dry_run_of_a_removal_warns_of_what_would_be_lost(mhsm: Mhsm) -> None:
    remove = "region remove --hsm-name ContosoMHSM --region australiaeast"
    safe = mhsm(f"{remove} --dry-run").json
    mhsm(f"{FAULT} inject {HERE} --scope pool --kind destroyed")

    outcome = mhsm(f"{remove} --dry-run")

    assert safe["warnings"] == []
    (warning,) = outcome.json["warnings"]
    assert "would lose" in warning and warning in outcome.err
    mhsm(f"{remove} --yes")
    (primary, gone) = mhsm("region status --hsm-name ContosoMHSM").json["lost"]
    assert (primary["region"], gone["region"]) == ("uksouth", "australiaeast")
    assert f"would lose {gone['writes']} acknowledged" in warning
    assert mhsm(f"{remove} --dry-run").json["warnings"] == [], "it is not there any more"
