"""Rows of ``make failover`` over sockets, and what the tool left in docs/."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from failing_over import picture
from failing_over.row import POOL, PRIMARY, phase_of, told
from support import required

from azext_mhsmregion.emulator import embedded
from azext_mhsmregion.emulator import events as emulator_events

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "failover.md").read_text(encoding="utf-8")
SEEDS = ("1", "2")
MISSED = 0.1
"""By what part of a probe's interval (a second) a busy machine may begin an outage late."""


def table(seed):
    """The row of a pool that is out in its primary region, with one seed."""
    tool = [sys.executable, str(CHECKOUT / "tools" / "failover.py")]
    return subprocess.Popen(
        [*tool, "--affected", "primary", "--scope", "pool", "--seed", seed], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.clients
@pytest.mark.socket
@pytest.mark.rule("F7")
def test_each_seed_holds_and_gives_a_table_of_its_own():
    required.sdks("python")
    running = [table(seed) for seed in SEEDS]
    said = [process.communicate(timeout=300)[0] for process in running]
    print("\n".join(said))
    assert [process.returncode for process in running] == [0, 0], said
    drawn = [phase_of(int(seed), "primary", "pool") for seed in SEEDS]
    assert abs(drawn[0] - drawn[1]) > 2 * MISSED, "seeds that could not be told apart prove nothing"
    for text, seed, phase in zip(said, SEEDS, drawn):
        assert f"1 of 1 rows hold, seed {seed}" in text
        began = float(re.search(r"the outage began ([\d.]+) of an interval", text)[1])
        assert abs(began - phase) < MISSED, "the seed decides when the outage begins"


@pytest.mark.socket
def test_a_row_knows_the_events_of_every_page(monkeypatch):
    monkeypatch.setattr(emulator_events, "PAGE", 2)
    with embedded.running() as running:
        running.seed({"name": POOL, "location": PRIMARY})
        for _ in range(5):
            with running.fault(scope="pool", hsm_name=POOL, region=PRIMARY):
                pass
        kinds = [event["kind"] for event in told(running)]
    assert kinds.count("fault") == kinds.count("fault-cleared") == 5


def test_the_page_holds_the_documents_table_scope_by_scope():
    rows = re.findall(r"^\| (Extended|Primary) \| (\w+) \|.* \| (\w+)[^|]* \|$", PAGE, re.MULTILINE)
    scopes = ["partition", "pool", "service", "region"]
    assert [row[:2] for row in rows] == [(one, scope) for one in ("Extended", "Primary") for scope in scopes]
    assert {row[2] for row in rows} == {"yes"}


@pytest.mark.parametrize("name", re.findall(r"!\[.*?\]\((.*?\.svg)\)", PAGE))
def test_its_pictures_are_there(name):
    root = ElementTree.parse(CHECKOUT / "docs" / name).getroot()
    assert root.tag.endswith("svg")
    drawn = [shape.get("class") for shape in root if shape.tag.endswith("rect")]
    listed = {text.text for text in root if text.tag.endswith("text")} & set(picture.ANSWERS.values())
    assert listed == {words for kind, words in picture.ANSWERS.items() if drawn.count(kind) > 1}
