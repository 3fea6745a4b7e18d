"""What a command loads, and what TAB offers: each in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

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
