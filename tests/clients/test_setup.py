"""The set-up says what is missing, does its work once, and its lock files name no address."""

from __future__ import annotations

import json

import pytest
from clients import setup

LOCKS = ("python/requirements.txt", "go/go.mod", "go/go.sum", "java/pom.xml")


@pytest.fixture
def installs(tmp_path, monkeypatch):
    """What the set-up of a language that only takes notes has installed, in folders of the test's own."""
    done = []
    (tmp_path / "sources" / "noted").mkdir(parents=True)
    (tmp_path / "sources" / "noted" / "lock").write_text("1")
    monkeypatch.setattr(setup, "SOURCES", tmp_path / "sources")
    monkeypatch.setattr(setup, "FOLDER", tmp_path / "clients")
    monkeypatch.setitem(setup.LANGUAGES, "noted", lambda sources, folder: done.append((sources, folder)))
    return done


@pytest.mark.parametrize("language, tools", [("node", "node, npm"), ("go", "go"), ("java", "javac, mvn")])
def test_a_missing_toolchain_is_named(installs, monkeypatch, capsys, language, tools):
    monkeypatch.setattr(setup.shutil, "which", lambda tool: None)

    code = setup.main([language])

    assert code == 1
    assert f"clients: {language}: not installed, or not on PATH: {tools}" in capsys.readouterr().err
    assert not setup.is_ready(language)


def test_an_unknown_language_is_refused(capsys):
    assert setup.main(["cobol"]) == 1
    assert "there are python, node, go, java" in capsys.readouterr().err


def test_it_installs_once_until_a_file_changes(installs):
    for _ in range(2):
        assert setup.main(["noted"]) == 0
    assert installs == [(setup.SOURCES / "noted", setup.FOLDER / "noted")]

    (setup.SOURCES / "noted" / "lock").write_text("2")

    assert not setup.is_ready("noted")
    assert setup.main(["noted"]) == 0
    assert len(installs) == 2


def test_what_is_installed_is_ignored_by_git(installs):
    setup.main(["noted"])

    assert (setup.FOLDER / ".gitignore").read_text() == "*\n"


def test_a_failing_package_client_is_quoted(installs, monkeypatch, capsys):
    failing = ["sh", "-c", "echo no such package; exit 3"]
    monkeypatch.setitem(setup.LANGUAGES, "noted", lambda sources, folder: setup._run(failing, folder))

    assert setup.main(["noted"]) == 1
    assert "exit code 3\nno such package" in capsys.readouterr().err
    assert not setup.is_ready("noted")


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_file_names_an_address(lock):
    assert "://" not in (setup.SOURCES / lock).read_text(encoding="utf-8")


def test_the_node_lock_file_names_no_download():
    packages = json.loads((setup.SOURCES / "node" / "package-lock.json").read_text())["packages"]

    assert [name for name, facts in packages.items() if "resolved" in facts] == []


def test_every_version_of_the_programs_own_packages_is_exact():
    wanted = json.loads((setup.SOURCES / "node" / "package.json").read_text())["dependencies"]
    lines = (setup.SOURCES / "python" / "requirements.txt").read_text().splitlines()

    assert all(version[0].isdigit() for version in wanted.values())
    assert all("==" in line for line in lines)
