"""Unmodified az, led by what ``emulator env`` prints and nothing else, through the life of a pool
(no extension: these are core's own commands)."""

from __future__ import annotations

import json

import pytest
from az import homes, installation

pytestmark = [pytest.mark.az, pytest.mark.socket]

NAME = "LifeHSM"
HSM = f"--hsm-name {NAME}"
DIGEST = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


@pytest.fixture
def az(tmp_path, home):
    """az 2.91.0: 2.48.1 on Python 3.11 cannot download a security domain (inspect.getargspec)."""
    installation.python_of("2.91.0")
    with homes.served(home) as server:
        made = installation.Az("2.91.0", tmp_path / "plain", tmp_path / "none")
        kept = ("AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR")
        told = {name: value for name, value in server.environment.items() if name not in kept}
        made.settings = {**made.settings, **told}
        made.app = server.emulator.directory.app
        yield made


def ask(az, line, code=0):
    """The JSON of a command that must end with ``code``; its stderr where it prints none."""
    done = az(line)
    assert done.code == code, (line, done.out, done.err)
    return json.loads(done.out) if done.out.strip() else done.err


def test_the_life_of_a_pool(az, tmp_path):
    app, tenant = az.app, az.settings["AZURE_TENANT_ID"]
    ask(
        az,
        f"login --service-principal -u {app.app_id} -p {app.secret} --tenant {tenant}",
    )
    assert (
        ask(az, "group create --name rg1 --location uksouth")["properties"]["provisioningState"]
        == "Succeeded"
    )
    assert ask(az, f"keyvault check-name --name {NAME} --resource-type hsm")["nameAvailable"] is True

    pool = ask(
        az,
        f"keyvault create {HSM} -g rg1 -l uksouth --administrators {app.object_id} --retention-days 7",
    )
    assert pool["properties"]["provisioningState"] == "Succeeded"
    taken = ask(az, f"keyvault check-name --name {NAME} --resource-type hsm")
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")

    officers = " ".join(str(path) for path in homes.write_certificates(tmp_path))
    domain = tmp_path / "domain.json"
    status = ask(
        az,
        f"keyvault security-domain download {HSM} --sd-wrapping-keys {officers} --sd-quorum 2 "
        f"--security-domain-file {domain}",
    )
    assert status["status"] == "Success"
    assert json.loads(domain.read_text())["SharedKeys"]["required"] == 2

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
    assert NAME in [one["name"] for one in ask(az, "keyvault list-deleted --resource-type hsm")]
    assert ask(az, f"keyvault show-deleted {HSM}")["name"] == NAME
    ask(az, f"keyvault recover {HSM}")
    assert ask(az, f"keyvault key show {HSM} --name k1")["key"]["kty"] == "RSA-HSM"
    ask(az, f"keyvault delete {HSM}")
    ask(az, f"keyvault purge {HSM}")
    assert ask(az, f"keyvault check-name --name {NAME} --resource-type hsm")["nameAvailable"] is True
