"""Every group and command has help with at least one example that parses."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from azext_mhsmregion.cli import commands, help, params

IN_AZ = [name for name, command in commands.COMMANDS.items() if command.in_az]


@pytest.mark.parametrize("name", ["", *commands.groups(list(commands.COMMANDS))])
def test_each_group_has_help(name):
    entry = yaml.safe_load(help.as_yaml("group", name, help.GROUPS[name], "mhsm"))
    assert entry["type"] == "group"
    assert entry["short-summary"]
    assert entry["examples"]


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_each_command_has_help(name):
    entry = yaml.safe_load(help.as_yaml("command", name, help.COMMANDS[name], "mhsm"))
    assert entry["type"] == "command"
    assert entry["short-summary"]
    assert any(f"mhsm {name}" in example["text"] for example in entry["examples"])


def test_there_is_no_help_for_what_is_not_there():
    assert set(help.COMMANDS) == set(commands.COMMANDS)
    assert set(help.GROUPS) == {"", *commands.groups(list(commands.COMMANDS))}
    assert set(params.PARAMETERS) <= set(commands.COMMANDS)


@pytest.mark.parametrize("name", [*commands.groups(list(commands.COMMANDS)), *commands.COMMANDS])
def test_help_is_printed(mhsm, name):
    outcome = mhsm(f"{name} --help")
    assert (outcome.code, outcome.err) == (0, "")
    assert "Examples" in outcome.out


def test_each_option_of_each_command_is_explained(mhsm):
    for name in commands.COMMANDS:
        for line in mhsm(f"{name} --help").out.splitlines():
            assert not line.rstrip().endswith(" :"), f"{name}: {line}"


def test_program_help_says_how_to_switch_completion_on(mhsm):
    assert "register-python-argcomplete mhsm" in mhsm("--help").out
    assert "Managed HSM regions" in mhsm("").out


def test_version(mhsm):
    assert mhsm("--version").out.startswith("mhsm 0.")


def examples():
    for name, text in {**help.GROUPS, **help.COMMANDS}.items():
        for _, how in text.examples:
            for line in how.replace("{p}", "mhsm").splitlines():
                if line.startswith("mhsm "):
                    yield pytest.param(line, id=f"{name}: {line}")


@pytest.mark.parametrize("line", list(examples()))
def test_examples_are_commands_that_parse(mhsm, monkeypatch, line):
    class Parsed(Exception):
        pass

    def stop(*_):
        raise Parsed

    monkeypatch.setattr("knack.invocation.CommandInvoker._filter_params", stop)
    outcome = mhsm("", *shlex.split(line)[1:])
    assert outcome.code == 1, outcome.err  # 2 would be wrong usage


@pytest.mark.parametrize("name", IN_AZ)
def test_az_help_speaks_of_az(name):
    text = help.as_yaml("command", name, help.COMMANDS[name], "az")
    assert "mhsm keyvault" not in text
    assert f"az {name}" in text


def test_az_help_says_what_differs_from_cores_own():
    for name in ("add", "remove", "list", "wait"):
        entry = help.as_yaml(
            "command", f"keyvault region {name}", help.COMMANDS[f"keyvault region {name}"], "az"
        )
        assert "Differs from az's own" in entry


def test_history_says_the_same_of_what_differs():
    """HISTORY.rst and az's help have one source."""
    history = (Path(__file__).resolve().parents[2] / "HISTORY.rst").read_text(encoding="utf-8")
    section = history.split("commands:\n", 1)[1].replace("``", "`")
    told, name = {}, ""
    for item in re.split(r"^ *\* ", section, flags=re.MULTILINE)[1:]:
        text = " ".join(item.split())
        if text.endswith("`:"):
            name = text.strip("`:")
        else:
            told.setdefault(name, []).append(text)
    assert told == {name: list(texts) for name, texts in help.AZ_DIFFERENCES.items()}


def test_the_welcome_is_part_of_the_programs_help():
    assert help.GROUPS[""].summary in help.WELCOME
    assert help.GROUPS[""].detail.split("\n\n")[0] in help.WELCOME
