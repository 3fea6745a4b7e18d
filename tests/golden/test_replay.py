"""Recordings of the real service against the emulator's handlers (issue 3, "Shows"), and the
engine's own mutation check: an altered answer is a difference each time."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from replay import Report, check_share, replay
from replay_script import CHECKS, Script, ScriptError, load, names, parse, read
from replay_values import Texts
from shared_data import golden
from ways import over_the_socket

from azext_mhsmregion.emulator.wire import Response

REGION = "mhsm_region"
TEMPLATE: Dict[str, Any] = {
    "headers": {"equal": ["content-type"], "present": ["x-ms-keyvault-service-version"]}
}


# -- the recordings -----------------------------------------------------------------------------
def leaves(item: Any) -> int:
    """Values of a body, counted without the engine's help."""
    below = item.values() if isinstance(item, dict) else item if isinstance(item, list) else None
    return 1 if below is None else sum(leaves(value) for value in below)


@pytest.mark.parametrize("name", names())
def test_the_recording_replays(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording, raw = golden(name), read(name)
    answered: Counter[int] = Counter()

    def spy(index: int, answer: Response) -> Response:
        answered[index] += 1
        return answer

    report = replay(load(name), recording, tmp_path / "home", spy)

    assert report.problems == []
    left_out = {
        table: sum(len(row["exchanges"]) for row in raw.get(table, ())) for table in ("skip", "absent")
    }
    assert report.exchanges == len(recording)
    assert (sum(report.skipped.values()), report.absent) == (left_out["skip"], left_out["absent"])
    assert report.compared == len(answered) == len(recording) - sum(left_out.values())
    assert report.repeated == sum(answered.values()) - len(answered)
    assert all(times == recording[index].get("repeated", 1) for index, times in answered.items())
    declared = {index for row in raw.get("difference", ()) for index in row["exchanges"]}
    assert report.different == len(declared)
    least = sum(1 + leaves(recording[index]["response"]["body"]) for index in answered)
    assert report.assertions > least
    with capsys.disabled():
        print(f"\n{report.line()}")


@pytest.mark.socket
@pytest.mark.parametrize("name", ["hsm_mgmt", REGION])
def test_the_recording_replays_over_the_socket(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """CONNECT, TLS and HTTP add no difference: the same counts as in process."""
    inside = replay(load(name), golden(name), tmp_path / "inside")
    outside = replay(load(name), golden(name), tmp_path / "outside", way=over_the_socket)
    assert outside.problems == []
    assert outside.line() == inside.line()
    with capsys.disabled():
        print(f"\n{outside.line()} [over the socket]")


def test_at_most_a_tenth_of_all_exchanges_is_skipped() -> None:
    skipped, every = check_share((len(load(name).skipped), len(golden(name))) for name in names())
    assert every >= 52 and skipped * 10 <= every


def test_more_than_a_tenth_skipped_is_refused() -> None:
    assert check_share([(1, 10), (0, 10)]) == (1, 20)
    with pytest.raises(ScriptError, match="2 of 19"):
        check_share([(2, 10), (0, 9)])


def test_the_line_prints_what_was_counted() -> None:
    report = Report(
        "some", 9, 5, 70, 4, absent=1, skipped=Counter({"edition": 1, "poll-count": 2}), different=3
    )
    assert report.line() == (
        "golden some: 9 exchanges, 5 compared (70 assertions), 4 repeated, "
        "3 skipped (1 edition, 2 poll-count), 3 different (declared), 1 absent"
    )


# -- altered answers ------------------------------------------------------------------------------
def body_change(change: Callable[[Any], Any]) -> Callable[[Response], Response]:
    def altered(answer: Response) -> Response:
        body = json.loads(answer.body)
        made = change(body)
        return answer._replace(body=json.dumps(body if made is None else made).encode())

    return altered


def header_change(name: str, change: Callable[[str], str]) -> Callable[[Response], Response]:
    def altered(answer: Response) -> Response:
        return answer._replace(
            headers=tuple((key, change(text) if key == name else text) for key, text in answer.headers),
        )

    return altered


def without_header(name: str) -> Callable[[Response], Response]:
    return lambda answer: answer._replace(headers=tuple(pair for pair in answer.headers if pair[0] != name))


def with_header(name: str, value: str) -> Callable[[Response], Response]:
    return lambda answer: answer._replace(headers=(*answer.headers, (name, value)))


def changed(name: str, value: Any) -> Callable[[Response], Response]:
    """The member of ``properties`` that is called ``name`` gets another value."""
    return body_change(lambda body: body["properties"].update({name: value}))


def failed_row(body: Any) -> None:
    body["value"][1]["provisioningState"] = "Failed"


def later(body: Any) -> None:
    body["systemData"]["lastModifiedAt"] = "2023-11-03T07:23:25.419Z"


ALTERED: Dict[str, Tuple[int, Callable[[Response], Response], List[str]]] = {
    "missing path": (
        0,
        body_change(lambda body: body["properties"].pop("networkAcls") and None),
        ["body.properties.networkAcls: missing"],
    ),
    "extra path": (0, body_change(lambda body: body.update(etag="1")), ["body.etag: extra"]),
    "row missing": (6, body_change(lambda body: body["value"].pop() and None), ["body.value[1]: missing"]),
    "rows swapped": (
        6,
        body_change(lambda body: body["value"].reverse()),
        [f"body.value[{row}].{name}: value" for row in (0, 1) for name in ("name", "isPrimary")],
    ),
    "wrong type": (
        0,
        changed("softDeleteRetentionInDays", "7"),
        ["body.properties.softDeleteRetentionInDays: type"],
    ),
    "number for boolean": (0, changed("enableSoftDelete", 1), ["body.properties.enableSoftDelete: type"]),
    "null for list": (0, changed("regions", None), ["body.properties.regions: type"]),
    "wrong value": (6, body_change(failed_row), ["body.value[1].provisioningState: value"]),
    "wrong date": (8, body_change(later), ["body.systemData.lastModifiedAt: value"]),
    "wrong identifier": (
        2,
        changed("tenantId", "6f1ff1b7-7a46-4d9a-8a6c-3d3a5c6f0a11"),
        ["body.properties.tenantId: value"],
    ),
    "recorded identifier": (
        2,
        changed("tenantId", "00000000-0000-0000-0000-000000000001"),
        ["body.properties.tenantId: value"],
    ),
    "wrong status": (3, lambda answer: answer._replace(status=201), ["status: value"]),
    "wrong code": (7, body_change(lambda body: body["error"].update(code="X")), ["body.error.code: value"]),
    "wrong message": (
        7,
        body_change(lambda body: body["error"].update(message="Not allowed.")),
        ["body.error.message: value"],
    ),
    "body where none was": (11, lambda answer: answer._replace(body=b"{}"), ["body: type"]),
    "no body": (6, lambda answer: answer._replace(body=b""), ["body: type"]),
    "no JSON": (6, lambda answer: answer._replace(body=b"<html>"), ["body: type"]),
    "header missing": (
        1,
        without_header("x-ms-keyvault-service-version"),
        ["header:x-ms-keyvault-service-version: missing"],
    ),
    "header extra": (3, with_header("content-type", "text/html"), ["header:content-type: extra"]),
    "header differs": (
        6,
        header_change("content-type", lambda text: "application/json"),
        ["header:content-type: value"],
    ),
    "location of another shape": (
        3,
        header_change("location", lambda text: text.replace("/locations/eastus2", "")),
        ["header:location: value"],
    ),
    "location without its version": (
        9,
        header_change("location", lambda text: text.split("?")[0]),
        ["header:location: value"],
    ),
}


@pytest.mark.parametrize("case", ALTERED)
def test_an_altered_answer_is_a_difference(case: str, tmp_path: Path) -> None:
    exchange, change, expected = ALTERED[case]
    report = replay(
        load(REGION),
        golden(REGION),
        tmp_path / "home",
        lambda index, it: change(it) if index == exchange else it,
    )
    found = [problem.split(": recorded")[0] for problem in report.problems if "stale: " not in problem]
    assert sorted(found) == sorted(f"exchange {exchange}: {where}" for where in expected)


def test_the_last_of_many_polls_is_compared_too(tmp_path: Path) -> None:
    turns: List[int] = []

    def alter(index: int, answer: Response) -> Response:
        if index == 4:
            turns.append(index)
        return answer._replace(status=200) if index == 4 and len(turns) == 45 else answer

    report = replay(load(REGION), golden(REGION), tmp_path / "home", alter)
    assert report.problems == ["exchange 4: status: value: recorded 202, ours 200"]


def test_an_operation_that_another_answers_for_is_a_difference(tmp_path: Path) -> None:
    """The second operation's Location names the first one's: two recorded values, one of ours."""
    first: List[str] = []

    def alter(index: int, answer: Response) -> Response:
        location = answer.header("location")
        if index == 3 and location:
            first.append(location)
        return header_change("location", lambda text: first[0])(answer) if index == 9 else answer

    report = replay(load(REGION), golden(REGION), tmp_path / "home", alter)
    assert any(problem.startswith("exchange 9: header:location: value") for problem in report.problems)


# -- declared differences ----------------------------------------------------------------------------
def message(text: Callable[[str], str]) -> Callable[[int, Response], Response]:
    change = body_change(lambda body: body["error"].update(message=text(body["error"]["message"])))
    return lambda index, answer: change(answer) if index == 1 else answer


def test_a_declared_difference_that_no_longer_differs_fails(tmp_path: Path) -> None:
    recorded = golden(REGION)[1]["response"]["body"]["error"]["message"]
    untouched = replay(load(REGION), golden(REGION), tmp_path / "other")
    report = replay(load(REGION), golden(REGION), tmp_path / "home", message(lambda text: recorded))
    assert len(report.problems) == 1 and report.problems[0].startswith("stale: no difference as declared")
    assert report.different == untouched.different - 1


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("testregion", "other"),
        lambda text: text.replace("usgovarizona, ", ""),
        lambda text: text.replace("switzerlandwest, ", ""),
    ],
    ids=["another prefix", "first name gone", "a later name gone"],
)
def test_a_declared_difference_is_pinned(change: Callable[[str], str], tmp_path: Path) -> None:
    report = replay(load(REGION), golden(REGION), tmp_path / "home", message(change))
    assert any(problem.startswith("exchange 1: body.error.message: value") for problem in report.problems)


def test_every_recorded_name_is_in_the_longer_list() -> None:
    continues = CHECKS["continues"]
    assert continues("passed: a, b", "passed: a, b, c")
    assert not continues("passed: a, b", "passed: a, b")
    assert not continues("passed: a, b", "passed: a, bc")


def test_a_signed_address_is_the_recorded_one_and_a_signature() -> None:
    signed, ticks, digits = CHECKS["signed"], "638800000000000000", "0a" * 16
    assert signed("https://a/b?c=1", f"https://a/b?c=1&t={ticks}&h={digits}")
    assert not signed("https://a/b?c=1", f"https://a/b?c=2&t={ticks}&h={digits}")
    assert not signed("https://a/b?c=1", f"https://a/b?c=1&t=1&h={digits}")


# -- scripts are held to the contract -------------------------------------------------------------------
def with_rows(table: str, *rows: Dict[str, Any]) -> Script:
    """The region script with more rows in one table."""
    raw = read(REGION)
    return parse(REGION, {**raw, table: [*raw.get(table, ()), *rows]})


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("skip", {"exchanges": [1], "reason": "does-not-work", "why": "?"}),
        ("skip", {"exchanges": [1], "reason": "edition"}),
        ("skip", {"exchanges": [1], "reason": "cut-input", "why": "?"}),
        ("skip", {"exchanges": [1], "reason": "cut-input", "why": "?", "input": "certificates"}),
        ("difference", {"exchanges": [1], "where": "status", "why": "?"}),
        ("difference", {"exchanges": [1], "where": "status", "why": "?", "ours": 1, "missing": True}),
        ("difference", {"exchanges": [1], "where": "status", "why": "", "ours": 1}),
        ("difference", {"exchanges": [1], "where": "status", "why": "?", "check": "anything"}),
        ("volatile", {"where": "body.sku"}),
        ("mystery", {"exchanges": [1]}),
    ],
)
def test_a_script_outside_the_contract_is_refused(table: str, row: Dict[str, Any]) -> None:
    with pytest.raises(ScriptError):
        parse("some", {**TEMPLATE, table: [row]})


def test_an_exchange_is_not_both_skipped_and_absent() -> None:
    rows = {"exchanges": [1], "why": "?"}
    with pytest.raises(ScriptError, match="both"):
        parse("some", {**TEMPLATE, "skip": [{**rows, "reason": "edition"}], "absent": [rows]})


@pytest.mark.parametrize(
    ("table", "row", "text"),
    [
        ("skip", {"exchanges": [1], "reason": "cut-input", "why": "?", "input": "moon"}, "nothing .* is cut"),
        ("skip", {"exchanges": [12], "reason": "edition", "why": "?"}, "no such exchanges"),
        ("input", {"exchange": 1, "where": "request.sku", "make": "moon"}, "no such set-up or maker"),
        ("setup", {"do": "hope"}, "no such set-up or maker"),
    ],
)
def test_a_script_that_does_not_fit_the_recording_is_refused(
    table: str, row: Dict[str, Any], text: str, tmp_path: Path
) -> None:
    with pytest.raises(ScriptError, match=text):
        replay(with_rows(table, row), golden(REGION), tmp_path / "home")


def test_a_cut_input_that_can_be_made_must_be_made(tmp_path: Path) -> None:
    script = replace(load("hsm_mgmt"), inputs=())
    with pytest.raises(
        ScriptError, match=re.escape("exchange 7: cut, and not made: ['request.certificates[0].x5c")
    ):
        replay(script, golden("hsm_mgmt"), tmp_path / "home")


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("volatile", {"where": "body.properties.never", "why": "?"}),
        ("unordered", {"where": "body.never", "why": "?"}),
        ("embedded", {"where": "body.never", "why": "?"}),
        ("learn", {"where": "body.never"}),
        ("difference", {"exchanges": [0], "where": "body.name", "why": "?", "ours": "other"}),
    ],
)
def test_an_entry_without_use_fails_the_replay(table: str, row: Dict[str, Any], tmp_path: Path) -> None:
    report = replay(with_rows(table, row), golden(REGION), tmp_path / "home")
    assert [problem.split(":")[0] for problem in report.problems] == ["stale"]


def test_what_the_emulator_answers_is_not_absent(tmp_path: Path) -> None:
    script = with_rows("absent", {"exchanges": [6], "why": "?"})
    report = replay(script, golden(REGION), tmp_path / "home")
    assert [problem.split(": {")[0] for problem in report.problems] == ["exchange 6: is not absent any more"]
    assert (report.compared, report.absent) == (11, 1)


# -- substitution ---------------------------------------------------------------------------------------
def test_each_text_stands_for_one() -> None:
    texts = Texts({"0-1": "a"})
    texts.learn("0-2", "b")
    texts.learn("0-2", "c")
    texts.learn("0-3", "b")
    assert texts.ours({"id": "/x/0-1/0-2", "list": ["0-3", 1, None]}) == {
        "id": "/x/a/b",
        "list": ["0-3", 1, None],
    }
