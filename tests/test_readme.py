"""README says what is so: its commands exist, its figures are figures."""

import re
import subprocess
from pathlib import Path

import pytest

from azext_mhsmregion.cli.commands import COMMANDS

CHECKOUT = Path(__file__).resolve().parent.parent
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = "\n".join(README.splitlines()[:40])


def test_the_first_screen_holds_the_two_commands():
    assert re.search(r"^make demo\b", FIRST_SCREEN, re.MULTILINE)
    assert re.search(r"^make test\b", FIRST_SCREEN, re.MULTILINE)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([a-z-]+)`", README))))
def test_every_make_target_that_it_names_exists(target):
    done = subprocess.run(["make", "--dry-run", target], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_command_is_listed_and_every_listed_command_exists():
    table = README.split("## Commands")[1].split("\nEvery command")[0]
    listed = set()
    for row in re.findall(r"^\| (`.*?`.*?) \|", table, re.MULTILINE):
        first, *others = re.findall(r"`([a-z -]+)`", row)
        group = first.rsplit(" ", 1)[0]
        listed |= {first, *(f"{group} {other}" for other in others)}
    assert listed == set(COMMANDS)


def test_no_figure_is_a_placeholder():
    measured = README.split("## Measured")[1].split("\n## ")[0]
    assert not re.search(r"\b[A-Z]+_[A-Z]+\b", measured)
    assert len(re.findall(r"\b\d+[.,]?\d*", measured)) >= 4
