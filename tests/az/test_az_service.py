"""Unmodified az, led by what ``emulator env`` prints and nothing else, through the life of a pool
(no extension: these are core's own commands). Server and az stand in a network of loopback only."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import subprocess

import pytest
import requests
from az import homes, installation, recorded
from support.loopback import only_loopback_of

from azext_mhsmregion.emulator.http import requestlog
from azext_mhsmregion.emulator.service import CONTROL_HOST
from azext_mhsmregion.emulator.wire import Caller, Request

pytestmark = [pytest.mark.az, pytest.mark.socket]

NAME = "LifeHSM"
HSM = f"--hsm-name {NAME}"
DIFFERENCES = {
    "keyvault create": (set(), {"resourceGroup"}),
    "keyvault show": (set(), {"resourceGroup"}),
    "keyvault list": (set(), {"[].resourceGroup"}),
}
"""az adds it to what has an id of a group."""

DIGEST = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


VERSION_CHECK = "azcliprod.blob.core.windows.net"
"""Where az looks for a newer az, once in a fresh profile."""

TELEMETRY = "dc.services.visualstudio.com"


@pytest.fixture
def only_loopback(request):
    """Where a user may not cut off the network this is skipped, and fails in CI."""
    with only_loopback_of(request.node, required=os.environ.get("MHSMREGION_REQUIRE_AZ") == "1"):
        yield


@pytest.fixture
def az(tmp_path, home, only_loopback):
    """az 2.91.0: 2.48.1 on Python 3.11 cannot download a security domain (inspect.getargspec). It is
    not told to be quiet: whatever it looks up by itself is refused."""
    installation.python_of("2.91.0")
    with homes.served(home) as server:
        server.emulator.configure(durations={})  # the quick profile's: operations take time, az polls
        made = installation.Az("2.91.0", tmp_path / "plain", tmp_path / "none", quiet=False)
        kept = ("AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR")
        told = {name: value for name, value in server.environment.items() if name not in kept}
        made.settings = {**made.settings, **told}
        made.app = server.emulator.directory.app
        made.emulator = server.emulator
        yield made


def ask(az, line, code=0):
    """The JSON of a command that must end with ``code``; its stderr where it prints none."""
    done = az(line)
    assert done.code == code, (line, done.out, done.err)
    return json.loads(done.out) if done.out.strip() else done.err


@pytest.fixture
def refused(caplog):
    """The hosts that were refused by CONNECT so far, as the server's request log says it."""
    caplog.set_level(logging.INFO, logger=requestlog.log.name)

    def hosts():
        words = [record.getMessage().split() for record in caplog.records]
        return {line[1] for line in words if (line[0], line[2]) == ("CONNECT", "403")}

    return hosts


def login(az):
    app, tenant = az.app, az.settings["AZURE_TENANT_ID"]
    return ask(az, f"login --service-principal -u {app.app_id} -p {app.secret} --tenant {tenant}")


def test_there_is_no_network_but_loopback(az):
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    seen_by_az = az.run(
        [str(installation.python_of(az.version)), "-c", "import socket; print(socket.if_nameindex())"],
        az.environment(),
    )
    assert seen_by_az.out.strip() == "[(1, 'lo')]"


@pytest.mark.parametrize("host", ["example.com", VERSION_CHECK, TELEMETRY, "contoso.vault.azure.net"])
def test_every_other_host_is_refused_by_connect(az, refused, host):
    """By a client of the proxy's that says what it was answered, and by those of everyday."""
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get(f"https://{host}/", proxies={"https": az.settings["HTTPS_PROXY"]}, timeout=10)
    if shutil.which("curl"):
        command = ["curl", "--silent", "--output", os.devnull, "--write-out", "%{http_connect}"]
        told = subprocess.run(
            [*command, f"https://{host}/"], env=az.environment(), capture_output=True, text=True, timeout=10
        )
        assert (told.stdout, told.returncode != 0) == ("403", True)
    assert refused() == {f"{host}:443"}


def test_az_looks_up_its_newest_version_is_refused_and_goes_on(az, refused):
    assert [account["state"] for account in login(az)] == ["Enabled"]

    assert f"{VERSION_CHECK}:443" in refused()


@pytest.fixture
def polls(caplog):
    """How many polls of operations were answered that one is still under way, so far."""
    caplog.set_level(logging.INFO, logger=requestlog.log.name)

    def count():
        words = [record.getMessage().split() for record in caplog.records]
        return sum((line[0], line[2]) == ("GET", "202") for line in words)

    return count


def test_the_life_of_a_pool(az, tmp_path, refused, polls):
    app = az.app
    printed = {}
    login(az)
    assert (
        ask(az, "group create --name rg1 --location 'UK South'")["properties"]["provisioningState"]
        == "Succeeded"
    )
    assert ask(az, f"keyvault check-name --name {NAME} --resource-type hsm")["nameAvailable"] is True

    pool = ask(
        az,
        f"keyvault create {HSM} -g rg1 -l uksouth --administrators {app.object_id} --retention-days 7",
    )
    assert pool["properties"]["provisioningState"] == "Succeeded"
    printed["keyvault create"] = pool
    taken = ask(az, f"keyvault check-name --name {NAME} --resource-type hsm")
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")
    printed["keyvault check-name"] = taken

    officers = " ".join(str(path) for path in homes.write_certificates(tmp_path))
    domain = tmp_path / "domain.json"
    status = ask(
        az,
        f"keyvault security-domain download {HSM} --sd-wrapping-keys {officers} --sd-quorum 2 "
        f"--security-domain-file {domain}",
    )
    assert status["status"] == "Success"
    assert json.loads(domain.read_text())["SharedKeys"]["required"] == 2

    printed["keyvault show"] = ask(az, f"keyvault show {HSM}")
    printed["keyvault list"] = ask(az, "keyvault list --resource-type hsm -g rg1")
    ask(az, f"keyvault region add {HSM} --region australiaeast")
    regions = ask(az, f"keyvault region list {HSM}")
    assert [(one["name"], one["isPrimary"]) for one in regions] == [
        ("uksouth", True),
        ("australiaeast", False),
    ]

    key = f"keyvault key create {HSM} --name k1 --kty RSA-HSM --size 2048"
    assert "Not authorized to access" in ask(az, key, code=1)
    for role in ("Managed HSM Crypto User", "Managed HSM Crypto Officer"):
        given = ask(
            az,
            f"keyvault role assignment create {HSM} --role '{role}' --scope /keys "
            f"--assignee-object-id {app.object_id} --assignee-principal-type ServicePrincipal",
        )
        assert given["roleName"] == role
    assert ask(az, key)["key"]["kty"] == "RSA-HSM"
    signed = ask(az, f"keyvault key sign {HSM} --name k1 --algorithm RS256 --digest {DIGEST}")
    verified = ask(
        az,
        f"keyvault key verify {HSM} --name k1 --algorithm RS256 --digest {DIGEST} "
        f"--signature {signed['signature']}",
    )
    assert verified["isValid"] is True

    assert "that is extended to regions (australiaeast)" in ask(az, f"keyvault delete {HSM}", code=1)
    ask(az, f"keyvault region remove {HSM} --region australiaeast")
    ask(az, f"keyvault update-hsm {HSM} --bypass None --default-action Deny")  # an empty body (C1)
    changed = ask(az, f"keyvault show {HSM}")
    assert changed["properties"]["networkAcls"]["defaultAction"] == "Deny"
    assert changed["properties"]["regions"] == []

    ask(az, f"keyvault delete {HSM}")
    printed["keyvault list-deleted"] = ask(az, "keyvault list-deleted --resource-type hsm")
    assert [one["name"] for one in printed["keyvault list-deleted"]] == [NAME]
    printed["keyvault show-deleted"] = ask(az, f"keyvault show-deleted {HSM}")
    assert printed["keyvault show-deleted"]["name"] == NAME
    ask(az, f"keyvault recover {HSM}")
    assert ask(az, f"keyvault key show {HSM} --name k1")["key"]["kty"] == "RSA-HSM"
    ask(az, f"keyvault delete {HSM}")
    ask(az, f"keyvault purge {HSM}")
    assert ask(az, f"keyvault check-name --name {NAME} --resource-type hsm")["nameAvailable"] is True
    assert refused() <= {f"{VERSION_CHECK}:443", f"{TELEMETRY}:443"}
    assert polls() >= 5
    assert recorded.differences(printed) == DIFFERENCES


def test_what_az_asks_around_a_pool(az):
    """Display names of locations, lists with filters, groups with tags and their deletion."""
    login(az)
    places = {one["name"]: one["displayName"] for one in ask(az, "account list-locations")}
    assert (places["uksouth"], "chinaeast" in places) == ("UK South", False)

    group = ask(az, "group create --name rg1 --location 'UK South' --tags env=test")
    assert (group["location"], group["tags"]) == ("uksouth", {"env": "test"})
    assert "already exists in location 'uksouth'" in ask(az, "group create -n rg1 -l eastus", code=1)
    assert ask(az, "group exists --name rg1") is True
    assert ask(az, "group exists --name rg2") is False
    assert ask(az, "group update --name rg1 --tags env=live")["tags"] == {"env": "live"}
    assert [one["name"] for one in ask(az, "group list --tag env=live")] == ["rg1"]

    create = f"keyvault create {HSM} -g rg1 -l 'UK South' --administrators {az.app.object_id}"
    identity = (
        "/subscriptions/s/resourceGroups/rg1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
    )
    pool = ask(az, f"{create} --retention-days 7 --mi-user-assigned {identity}")
    assert pool["location"] == "uksouth"
    assert list(pool["identity"]["userAssignedIdentities"]) == [identity]
    of_type = "resource list --resource-type Microsoft.KeyVault/"
    assert NAME in [one["name"] for one in ask(az, f"{of_type}managedHSMs")]
    assert ask(az, f"{of_type}vaults") == []
    assert [one["name"] for one in ask(az, "resource list --location uksouth -g rg1")] == [NAME]
    provider = ask(az, "provider show --namespace Microsoft.KeyVault")
    assert provider["registrationState"] == "Registered"

    ask(az, "group delete --name rg1 --yes")
    assert ask(az, "group exists --name rg1") is False
    assert ask(az, f"keyvault show-deleted {HSM}")["name"] == NAME


STORAGE = "--storage-account-name contosobackups --blob-container-name hsm --storage-container-SAS-token sv=1"


def destroy(emulator, region):
    """What cannot be undone happens to a region."""
    fault = {"scope": "region", "region": region, "kind": "destroyed"}
    owner = emulator.directory.owner.object_id
    request = Request("POST", CONTROL_HOST, "/faults", {}, {}, json.dumps(fault).encode())
    assert emulator.handle(request, Caller(principal=owner)).status == 201


def pool_of_ours(az, hsm, location):
    """A new pool, not active yet."""
    create = f"keyvault create {hsm} -g rg1 -l {location} --administrators {az.app.object_id}"
    ask(az, f"{create} --retention-days 7")


@pytest.mark.rule("E6")
def test_the_way_out_of_a_destroyed_primary(az, tmp_path):
    """The security domain and a full backup into a new pool, as docs/multi-region.md writes it."""
    files = {name: tmp_path / f"{name}" for name in ("domain.json", "exchange.cer", "blob.json")}
    heir, wrapping = "--hsm-name HeirHSM", homes.write_certificates(tmp_path)
    officers = " ".join(str(file) for file in wrapping)
    keys = " ".join(str(file.with_suffix(".key")) for file in wrapping[:2])
    login(az)
    ask(az, "group create --name rg1 --location uksouth")
    pool_of_ours(az, HSM, "uksouth")
    download = f"keyvault security-domain download {HSM} --sd-wrapping-keys {officers} --sd-quorum 2"
    ask(az, f"{download} --security-domain-file {files['domain.json']}")
    give = f"--assignee-object-id {az.app.object_id} --assignee-principal-type ServicePrincipal"
    ask(az, f"keyvault role assignment create {HSM} --role 'Managed HSM Crypto User' --scope /keys {give}")
    ask(az, f"keyvault key create {HSM} --name box --kty RSA-HSM --size 2048")
    encrypt = f"keyvault key encrypt {HSM} --name box --algorithm RSA-OAEP-256 --data-type plaintext"
    ciphertext = ask(az, f"{encrypt} --value kept")["result"]
    folder = ask(az, f"keyvault backup start {HSM} {STORAGE}")["folderUrl"].rpartition("/")[2]
    destroy(az.emulator, "uksouth")

    pool_of_ours(az, heir, "australiaeast")
    ask(az, f"keyvault security-domain init-recovery {heir} --sd-exchange-key {files['exchange.cer']}")
    opened = f"--sd-file {files['domain.json']} --sd-wrapping-keys {keys}"
    sealed = f"--sd-exchange-key {files['exchange.cer']} --sd-file-restore-blob {files['blob.json']}"
    ask(az, f"keyvault security-domain restore-blob {opened} {sealed}")
    upload = f"keyvault security-domain upload {heir} --sd-file {files['blob.json']} --restore-blob"
    assert ask(az, upload)["status"] == "Success"
    assert "has a security domain" in ask(az, upload, code=1)
    ask(az, f"keyvault backup start {heir} {STORAGE}")
    ask(az, f"keyvault restore start {heir} {STORAGE} --backup-folder {folder}")

    decrypt = f"keyvault key decrypt {heir} --name box --algorithm RSA-OAEP-256 --data-type plaintext"
    assert ask(az, f"{decrypt} --value {ciphertext}")["result"] == "kept"
