"""What a command loads, and what TAB offers: each in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PRELUDE = f"""
import sys
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]
import fake
from azext_mhsmregion.cli import app, context
provider = fake.FakeProvider(fake.Clock())
pool = fake.PoolState("ContosoMHSM", "uksouth", extended={{"japaneast": "Succeeded"}})
provider.pools["contosomhsm"] = pool
context.provider = lambda cli_ctx: provider
"""


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


def complete(line, tmp_path):
    words = tmp_path / "words"
    run(
        "app.main([])",
        _ARGCOMPLETE="1",
        _ARGCOMPLETE_STDOUT_FILENAME=str(words),
        _ARGCOMPLETE_IFS="\n",
        COMP_LINE=line,
        COMP_POINT=str(len(line)),
    )
    return [word.strip() for word in words.read_text().split("\n") if word.strip()]


def test_region_list_loads_no_more_than_it_needs():
    done = run("""
        code = app.main(["keyvault", "region", "list", "--hsm-name", "ContosoMHSM"])
        heavy = {"requests", "asyncio", "azure", "cryptography", "yaml", "jmespath", "ssl", "uuid", "http"}
        ops = {name for name in sys.modules if name.startswith("azext_mhsmregion.cli.ops.")}
        print(code, sorted(heavy & set(sys.modules)), sorted(ops))
    """)
    assert done.stdout.splitlines()[-1] == "0 [] ['azext_mhsmregion.cli.ops.region']", done.stderr


def test_completion_of_commands(tmp_path):
    assert {"add", "cost", "list", "list-locations"} <= set(complete("mhsm keyvault region ", tmp_path))
    assert complete("mhsm keyvault reg", tmp_path) == ["region"]


def test_completion_of_pools(tmp_path):
    assert complete("mhsm keyvault region list --hsm-name Con", tmp_path) == ["ContosoMHSM"]


def test_completion_of_regions_to_extend_to(tmp_path):
    line = "mhsm keyvault region add --hsm-name ContosoMHSM --region "
    assert complete(line, tmp_path) == ["australiaeast"]


def test_completion_of_regions_that_a_pool_has(tmp_path):
    line = "mhsm keyvault region remove --hsm-name ContosoMHSM --region "
    assert set(complete(line, tmp_path)) == {"japaneast", "uksouth"}


def test_completion_is_silent_about_errors(tmp_path):
    fails = (
        PRELUDE
        + """
def fail(*_, **__):
    raise errors.NetworkError("nobody answered")
from azext_mhsmregion.provider import errors
provider.list_pools = provider.list_regions = fail
"""
    )
    for option in ("--hsm-name ", "--hsm-name ContosoMHSM --region "):
        line = f"mhsm keyvault region remove {option}"
        done = subprocess.run(
            [sys.executable, "-c", fails + "app.main([])"],
            capture_output=True, text=True, timeout=60, check=False,
            env={
                **os.environ, "_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "words"),
                "COMP_LINE": line, "COMP_POINT": str(len(line)),
            },
        )  # fmt: skip
        assert (done.stdout, done.stderr) == ("", "")


def test_the_program_is_a_module_too():
    done = subprocess.run(
        [sys.executable, "-m", "azext_mhsmregion.cli.app", "--version"],
        capture_output=True, text=True, cwd=HERE.parents[1], timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("mhsm ")


def test_a_reader_that_stops_reading_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m azext_mhsmregion.cli.app keyvault region --help | head -n 1",
        shell=True, capture_output=True, text=True, cwd=HERE.parents[1], timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""


def shell(command, tmp_path):
    """``mhsm`` stands for the program in ``command``."""
    program = f"{sys.executable} -m azext_mhsmregion.cli.app"
    return subprocess.run(
        command.replace("mhsm", program),
        shell=True, capture_output=True, text=True, cwd=HERE.parents[1], timeout=60, check=False,
        env={**os.environ, "MHSMREGION_HOME": str(tmp_path / "home")},
    )  # fmt: skip


@pytest.mark.parametrize("what", ["keyvault list", "keyvault region --help", "--version"])
def test_a_closed_output_is_no_error(tmp_path, what):
    done = shell(f"mhsm {what} >&-", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("buffering", ["PYTHONUNBUFFERED= ", "PYTHONUNBUFFERED=1 "])
def test_what_stderr_cannot_take_does_not_go_to_stdout(tmp_path, buffering):
    for stream in ("2>&-", "2>/dev/full"):
        done = shell(f"{buffering}mhsm keyvault show --hsm-name nobody {stream}", tmp_path)
        assert (done.returncode, done.stdout) == (3, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("what", ["keyvault list", "keyvault region --help", "--version", ""])
@pytest.mark.parametrize("buffering", ["", "PYTHONUNBUFFERED=1 "])
def test_a_full_disk_is_told_in_one_line(tmp_path, what, buffering):
    done = shell(f"{buffering}mhsm {what} >/dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr == "ERROR: The output cannot be written: No space left on device.\n"
