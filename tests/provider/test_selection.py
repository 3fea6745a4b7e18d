"""Which provider, endpoint, subscription; and what may not be imported on the way."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import pytest
from scripted import Script, answer

from azext_mhsmregion.provider import errors, selection
from azext_mhsmregion.provider.arm import ArmProvider
from azext_mhsmregion.provider.service import Endpoints
from azext_mhsmregion.provider.transport import Call

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("flag", "environ", "config", "default", "kind"),
    [
        ("arm", {"MHSMREGION_PROVIDER": "emulator"}, "emulator", "emulator", "arm"),
        (None, {"MHSMREGION_PROVIDER": "arm"}, "emulator", "emulator", "arm"),
        (None, {"MHSMREGION_PROVIDER": " "}, "arm", "emulator", "arm"),
        (None, {}, None, "arm", "arm"),
        ("Emulator", {}, None, "arm", "emulator"),
    ],
)
def test_the_flag_then_the_environment_then_the_config_then_the_default(flag, environ, config, default, kind):
    assert selection.kind_of(flag, environ, lambda section, option: config, default) == kind


@pytest.mark.parametrize(
    ("flag", "environ", "source"),
    [("azure", {}, "--provider"), (None, {"MHSMREGION_PROVIDER": "azure"}, "MHSMREGION_PROVIDER")],
)
def test_an_unknown_provider_is_a_usage_error_that_says_where_it_came_from(flag, environ, source):
    with pytest.raises(errors.UsageError, match=source) as caught:
        selection.select(flag, environ=environ)
    assert caught.value.exit_code == 2


def az_context():
    return types.SimpleNamespace(
        cloud=types.SimpleNamespace(
            endpoints=types.SimpleNamespace(
                resource_manager="https://management.usgovcloudapi.net/",
                active_directory_resource_id="https://management.core.usgovcloudapi.net/",
            ),
            suffixes=types.SimpleNamespace(mhsm_dns=".managedhsm.usgovcloudapi.net"),
        )
    )


AZ_CLOUD = Endpoints(
    "https://management.usgovcloudapi.net",
    "https://management.core.usgovcloudapi.net/",
    "managedhsm.usgovcloudapi.net",
)


@pytest.mark.parametrize(
    ("flag", "environ", "cli_ctx", "endpoints"),
    [
        ("https://a:1/", {"MHSMREGION_ARM_ENDPOINT": "https://b"}, az_context(), Endpoints("https://a:1")),
        (None, {"MHSMREGION_ARM_ENDPOINT": "https://b"}, az_context(), Endpoints("https://b")),
        (None, {}, az_context(), AZ_CLOUD),
        (None, {}, None, Endpoints()),
    ],
)
def test_the_arm_endpoint_is_the_flags_then_the_environments_then_azs_then_the_public_one(
    flag, environ, cli_ctx, endpoints
):
    assert selection.endpoints_of(flag, environ, cli_ctx) == endpoints


def test_an_endpoint_without_tls_is_a_usage_error():
    with pytest.raises(errors.UsageError, match="not an https URL"):
        selection.endpoints_of("http://management.azure.com", {}, None)


def test_without_a_subscription_it_says_what_to_set():
    with pytest.raises(errors.UsageError) as caught:
        selection.select("arm", environ={})
    assert "AZURE_SUBSCRIPTION_ID" in caught.value.hint


def test_arm_is_made_without_asking_anybody(tmp_path):
    provider = selection.select("arm", environ={"AZURE_SUBSCRIPTION_ID": "sub"}, home=tmp_path / "none")
    assert isinstance(provider, ArmProvider)
    assert not (tmp_path / "none").exists()


def test_the_in_process_path_imports_neither_requests_nor_asyncio_nor_azure():
    script = (
        "import sys\n"
        "import azext_mhsmregion.provider.selection, azext_mhsmregion.provider.emulator\n"
        "heavy = {'requests', 'urllib3', 'asyncio', 'azure', 'uuid', 'ssl', 'http.client', 'cryptography',\n"
        "         'difflib', 'random'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"


def test_a_command_in_process_imports_neither_requests_nor_asyncio_nor_azure(tmp_path):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from azext_mhsmregion.provider.selection import select\n"
        f"provider = select('emulator', environ={{}}, home=Path({str(tmp_path / 'home')!r}))\n"
        "assert provider.list_pools() == []\n"
        "print(sorted({'requests', 'urllib3', 'asyncio', 'azure'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"


def test_both_providers_tell_of_their_retries(tmp_path):
    said, environ = [], {"AZURE_SUBSCRIPTION_ID": "sub"}
    for kind in selection.KINDS:
        provider = selection.select(
            kind, environ=environ, home=tmp_path, sleep=lambda _: None, on_retry=said.append
        )
        transport = provider._service.transport
        transport.inner = Script(answer(503), answer(200))
        transport.send(Call("GET", "https://management.azure.com/"))
    assert len(said) == 2
    assert all(words.startswith("HTTP 503 from management.azure.com; trying again in ") for words in said)
