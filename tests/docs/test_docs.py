"""The pages of docs/: every command marked to be run is run, and prints what the page says."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from az.installation import python_of
from support import lags, required

from azext_mhsmregion.emulator.fault_spec import MEMBERS
from azext_mhsmregion.model.faults import EFFECTS
from docs import machine, pages

PAGES = sorted(path.name for path in pages.DOCS.glob("*.md"))
PLAIN = ("home.md", "metrics.md", "multi-region.md", "pytest.md", "replication.md", "terraform.md")
LONG = ("multi-region.md",)
CLIENTS = {
    "python.md": lambda _: None,
    "node.md": machine.node_packages,
    "go.md": machine.go_modules,
    "java.md": machine.java_libraries,
}
PARSED = ("docker.md", "github-actions.md", "systemd.md")
"""Their files are parsed and run by test_docs_services.py."""

NOT_RUN = "*not run by our tests*"
NAMESPACE = ("unshare", "--map-root-user", "--net", "--mount", "true")


def run(page_name, on):
    """Run a page's parts, one after the other in one shell."""
    page = pages.read(page_name)
    for name, content in page.files.items():
        (on.home / name).write_text(content)
    done = on.run(page.script)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout.split(f"{pages.BETWEEN}\n")
    assert len(printed) == len(page.parts) > 0
    for part, text in zip(page.parts, printed):
        if part.output is not None:
            assert pages.without_ids(text) == pages.without_ids(part.output), part.commands


@pytest.mark.socket
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow if page in LONG else ()) for page in PLAIN]
)
def test_a_page_that_needs_only_mhsm(page, new_machine):
    run(page, new_machine(python=machine.OURS / "python", pytest=machine.OURS / "pytest"))


@pytest.mark.slow
@pytest.mark.socket
def test_the_page_of_faults(new_machine):
    if shutil.which("curl") is None:
        required.missing("missing here: curl")
    run("faults.md", new_machine(python=machine.OURS / "python", pytest=machine.OURS / "pytest"))


def test_the_page_of_faults_has_every_effect_of_every_scope():
    text = (pages.DOCS / "faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+)` \| ([a-z, ]+) \|", text.partition("## What it does")[2], re.MULTILINE)
    found = {(scope, effect) for effect, scopes in rows for scope in scopes.split(", ")}
    assert found == {(scope.value, effect.value) for scope in EFFECTS for effect in EFFECTS[scope]}
    members = text.partition("Members: ")[2].partition(";")[0]
    assert set(re.findall(r"`(\w+)`", members)) == MEMBERS


@pytest.mark.clients
@pytest.mark.slow
@pytest.mark.socket
@pytest.mark.parametrize("page", CLIENTS)
def test_a_page_of_a_management_sdk(page, new_machine):
    language = page[: -len(".md")]
    required.sdks(language)
    on = new_machine(
        **({"python": machine.CLIENTS / "python" / "bin" / "python"} if language == "python" else {})
    )
    CLIENTS[page](on)
    run(page, on)


@pytest.mark.clients
@pytest.mark.slow
@pytest.mark.socket
def test_the_page_of_drills(new_machine):
    required.sdks("python")
    run("drill.md", new_machine(python=machine.CLIENTS / "python" / "bin" / "python"))


@pytest.mark.az
@pytest.mark.socket
@pytest.mark.parametrize("version", ["2.48.1", "2.91.0"])
def test_the_page_of_az(version, new_machine):
    run("az.md", new_machine(az=python_of(version).with_name("az")))


@pytest.mark.clients
@pytest.mark.socket
def test_the_page_of_dns(new_machine):
    missing = [name for name in ("dig", "ip", "unshare") if shutil.which(name) is None]
    if not missing and subprocess.run(NAMESPACE, capture_output=True).returncode != 0:
        missing = ["the right to make a network namespace"]
    if missing:
        required.missing(f"missing here: {', '.join(missing)}")
    run("dns.md", new_machine(python=machine.OURS / "python"))


def test_the_lags_of_the_page_of_replication_are_the_models():
    text = (pages.DOCS / "replication.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| .* s \| .* %.*$", text, re.MULTILINE)
    assert found == lags.table()


def test_every_page_is_run_or_says_that_it_is_not():
    run_by_a_test = {*PLAIN, *CLIENTS, *PARSED, "az.md", "dns.md", "drill.md", "faults.md"}
    assert set(PAGES) - run_by_a_test == {"README.md", "failover.md", "parity.md"}
    for name in (*PARSED, "dns.md", "drill.md", "terraform.md"):
        text = " ".join((pages.DOCS / name).read_text(encoding="utf-8").split()).lower()
        assert re.search(r"not run by our tests\*", text), f"{name} does not say {NOT_RUN}"


def test_the_table_of_failover_is_made_whole_where_its_page_says_so():
    text = " ".join((pages.DOCS / "failover.md").read_text(encoding="utf-8").split())
    assert "`.ci/run` makes the whole table" in text
    assert "make failover WRITE=\n" in (pages.DOCS.parent / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files(name):
    text = (pages.DOCS / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (pages.DOCS / target).exists(), target


def test_the_index_names_every_page():
    index = (pages.DOCS / "README.md").read_text(encoding="utf-8")
    assert {name for name in PAGES if f"({name})" not in index} == {"README.md"}


@pytest.mark.parametrize(
    "text",
    [
        "<!-- run -->\n\n```sh\nx\n```\n",
        "<!-- run -->\n```python\nx\n```\n",
        "```output\nx\n```\n",
    ],
)
def test_a_block_that_would_silently_not_be_run_is_refused(text):
    with pytest.raises(ValueError, match="block"):
        pages.parsed(text)


def test_a_part_that_fails_or_prints_otherwise_fails(new_machine, monkeypatch):
    on = new_machine()
    for text in (
        "<!-- run -->\n```sh\nfalse\n```\n",
        "<!-- run -->\n```sh\necho a\n```\n\n```output\nb\n```\n",
    ):
        monkeypatch.setattr(pages, "read", lambda _, text=text: pages.parsed(text))
        with pytest.raises(AssertionError):
            run("any", on)
