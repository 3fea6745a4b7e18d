"""The door az, with an Azure CLI of its own: MHSMREGION_AZ names a folder that holds
``<version>/bin/az``; else ``<repository>/.az``. No login, no network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALLATIONS = Path(os.environ.get("MHSMREGION_AZ") or REPOSITORY / ".az")
OURS = (
    "add", "cost", "drill", "list", "list-locations", "remove", "route", "show", "status", "wait", "watch",
)  # fmt: skip

# Stands where azext_mhsmregion.provider.selection is asked: a provider without a store.
INJECTED = """
import fake
from azext_mhsmregion.cli import context
clock = fake.Clock()
context.now, context.sleep = clock.now, clock.sleep
provider = fake.FakeProvider(clock)
provider.pools["contosomhsm"] = fake.PoolState("ContosoMHSM", "uksouth", extended={"japaneast": "Succeeded"})
context.provider = lambda cli_ctx: provider
"""

pytestmark = pytest.mark.az


@pytest.fixture(params=["2.91.0", "2.48.1"], scope="module")
def az(request, tmp_path_factory):
    """Runs az in one fresh profile, the extension taken from this checkout."""
    python = INSTALLATIONS / request.param / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no az {request.param} in {INSTALLATIONS} (set MHSMREGION_AZ)")
    folder = tmp_path_factory.mktemp("az")
    extension = folder / "extensions" / "mhsmregion"
    _install(extension)

    def run(line, *more, prelude="", **environment):
        code = f"import sys; sys.path[:0] = [{str(extension)!r}, {str(Path(__file__).parent)!r}]\n{prelude}"
        code += "\nimport runpy; sys.argv[0] = 'az'; runpy.run_module('azure.cli', run_name='__main__')"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "MHSMREGION_", "PYTHON"))}
        return subprocess.run(
            [str(python), "-c", code, *line.split(), *more],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            timeout=120,
            check=False,
            env={
                **kept,
                "AZURE_CONFIG_DIR": str(folder / "profile"),
                "AZURE_EXTENSION_DIR": str(folder / "extensions"),
                "AZURE_CORE_COLLECT_TELEMETRY": "no",
                "MHSMREGION_HOME": str(folder / "home"),
                **environment,
            },
        )

    return run


def _install(folder):
    """As `az extension add` leaves it, without asking an index for dependencies."""
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--target", str(folder), str(_source(folder.parent))],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def _source(folder):
    """A copy to build from: a build writes into its source."""
    import shutil

    copy = folder.parent / "source"
    copy.mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml", "README.md", "HISTORY.rst"):
        shutil.copy(REPOSITORY / name, copy)
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "azext_mhsmregion", copy / "azext_mhsmregion", ignore=skip)
    return copy


def commands_in(help_text):
    section = help_text.split("Commands:")[1].split("\n\n")[0]
    return tuple(line.split(":")[0].split()[0] for line in section.splitlines() if ":" in line)


def test_the_group_is_ours_the_second_time_too(az):
    for _ in range(2):
        assert commands_in(az("keyvault region --help").stdout) == OURS


@pytest.mark.parametrize("name", OURS)
def test_help_of_each_command(az, name):
    shown = az(f"keyvault region {name} --help")
    assert shown.returncode == 0
    assert "--provider" in shown.stdout
    assert "Examples" in shown.stdout
    assert "mhsm keyvault" not in shown.stdout


def test_help_says_what_differs(az):
    assert "Differs from az's own" in " ".join(az("keyvault region add --help").stdout.split())


@pytest.mark.parametrize("group", ["keyvault", "keyvault key", "keyvault role assignment", "keyvault secret"])
def test_cores_own_commands_go_on_loading(az, group):
    shown = az(f"{group} --help")
    assert shown.returncode == 0
    assert {"create", "set"} & set(commands_in(shown.stdout))


def test_add_list_remove_twice_each_without_login(az):
    for _ in range(2):
        add = az("keyvault region add --hsm-name ContosoMHSM --region australiaeast", prelude=INJECTED)
        assert add.returncode == 0, add.stderr
        assert [r["name"] for r in json.loads(add.stdout)] == ["uksouth", "japaneast", "australiaeast"]
        listed = az("keyvault region list --hsm-name ContosoMHSM -o table", prelude=INJECTED)
        assert "uksouth    UK South        yes        Succeeded" in listed.stdout
        remove = az("keyvault region remove --hsm-name ContosoMHSM -r japaneast", prelude=INJECTED)
        assert [r["name"] for r in json.loads(remove.stdout)] == ["uksouth"]


def test_exit_codes(az):
    missing = az("keyvault region list --hsm-name nobody", prelude=INJECTED)
    assert missing.returncode == 3
    assert "ERROR: Pool nobody was not found." in missing.stderr
    assert "See `keyvault list`." in missing.stderr
    assert az("keyvault region wait --hsm-name ContosoMHSM", prelude=INJECTED).returncode == 2
    assert az("keyvault region list").returncode == 2
    primary = az("keyvault region remove --hsm-name ContosoMHSM -r uksouth", prelude=INJECTED)
    assert primary.returncode == 1
    assert "Delete the pool instead" in primary.stderr


def test_query_and_group(az):
    line = "keyvault region list --hsm-name ContosoMHSM -g default -o tsv --query"
    assert az(line, "[?!isPrimary].name", prelude=INJECTED).stdout == "japaneast\n"


def test_a_default_group_of_the_profile_does_not_hide_a_pool(az):
    shown = az(
        "keyvault region list --hsm-name ContosoMHSM", prelude=INJECTED, AZURE_DEFAULTS_GROUP="elsewhere"
    )
    assert shown.returncode == 0, shown.stderr


def test_remove_asks_when_the_configuration_says_so(az):
    line = "keyvault region remove --hsm-name ContosoMHSM -r japaneast"
    refused = az(line, prelude=INJECTED, AZURE_MHSMREGION_CONFIRM_REMOVE="true")
    assert refused.returncode == 2
    assert "Add --yes" in refused.stderr
    assert az(f"{line} --yes", prelude=INJECTED, AZURE_MHSMREGION_CONFIRM_REMOVE="true").returncode == 0


def test_ctrl_c_names_azs_command(az):
    prelude = INJECTED + "clock.interrupt_at = 1010.0\n"
    stopped = az("keyvault region add --hsm-name ContosoMHSM -r australiaeast", prelude=prelude)
    assert stopped.returncode == 1
    assert "az keyvault region wait --hsm-name ContosoMHSM --region australiaeast --created" in stopped.stderr


def test_ctrl_c_outside_a_wait_is_told_in_az_too(az):
    add = "keyvault region add --hsm-name ContosoMHSM -r australiaeast"
    before = az(add, prelude=INJECTED + "provider.stopped_by['plan_region_add'] = KeyboardInterrupt()\n")
    assert before.returncode == 1
    assert before.stderr.endswith("\nERROR: Interrupted; nothing was changed.\n")
    after = az(add, prelude=INJECTED + "provider.stopped_by['list_regions'] = KeyboardInterrupt()\n")
    assert after.stderr.endswith("\nERROR: Interrupted.\n")


def test_wrong_places_and_seconds_are_wrong_usage(az):
    wait = "keyvault region wait --hsm-name ContosoMHSM --created"
    for more, words in (("--interval -1", "--interval"), ("--from uksoth", "Did you mean uksouth")):
        wrong = az(f"{wait} {more}", prelude=INJECTED)
        assert wrong.returncode == 2
        assert words in wrong.stderr


def test_an_error_while_waiting_says_how_to_wait(az):
    prelude = INJECTED + (
        "from azext_mhsmregion.provider.errors import AuthenticationError\n"
        "provider.stopped_by['poll'] = AuthenticationError('token expired')\n"
    )
    stopped = az("keyvault region add --hsm-name ContosoMHSM -r australiaeast", prelude=prelude)
    assert stopped.returncode == 1
    assert "az keyvault region wait --hsm-name ContosoMHSM --region australiaeast --created" in stopped.stderr


def test_the_default_provider_is_azure(az):
    asked = az("keyvault region list --hsm-name ContosoMHSM")
    assert asked.returncode == 1
    assert "az login" in asked.stderr
