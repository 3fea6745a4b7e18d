"""docs/drill.md's workflow: parsed, its drill a command that there is."""

from __future__ import annotations

import shlex
from pathlib import Path

import yaml

from azext_mhsmregion.cli import commands
from azext_mhsmregion.cli.params_drill import PARAMETERS
from docs import pages

OURS = {"--hsm-name", "--max-errors", "--max-seconds", "--rpo", "--scope", "--after", "--report", "--junit"}


def test_the_workflow_runs_a_drill():
    workflow = yaml.safe_load(pages.read("drill.md").files["workflow.yaml"])
    steps = workflow["jobs"]["drill"]["steps"]
    (line,) = [step["run"] for step in steps if step.get("name") == "Drill"]
    words = shlex.split(line.replace("\\\n", " "))
    assert commands.typed(words[1:]) == "keyvault region drill"
    said = {word for word in words[: words.index("--")] if word.startswith("--")}
    named = {
        option
        for one in PARAMETERS["keyvault region drill"].values()
        for option in one.get("options_list", [])
    }
    assert said <= named | OURS
    assert Path(words[-1]).name in pages.read("drill.md").files
