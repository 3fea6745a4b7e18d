"""The scenarios that are recorded: one cassette each. Those of IN_AZ use commands of the
extension only, and az replays the very cassettes that ``mhsm`` recorded."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Callable, Dict

from scenario import ASSIGNMENT, Scenario

PRIMARY = {"name": "uksouth", "provisioningState": "Succeeded", "isPrimary": True}
EXTENDED = {"name": "australiaeast", "provisioningState": "Succeeded", "isPrimary": False}
DIGEST = b64encode(sha256(b"hello").digest()).decode()


def region_add_list_remove(s: Scenario) -> None:
    """Each twice: the second time nothing changes, and that is said."""
    s.prepared_pool()
    pool = f"--hsm-name {s.pool}"
    added = s.run(f"keyvault region add {pool} --region australiaeast")
    added.has("@", [PRIMARY, EXTENDED])
    again = s.run(f"keyvault region add {pool} -r 'Australia East'").has("@", [PRIMARY, EXTENDED])
    again.says(f"{s.pool} is extended to australiaeast already; nothing was changed.")
    s.run(f"keyvault region list {pool}").has("[].name", ["uksouth", "australiaeast"])
    s.run(f"keyvault region list {pool} -g {s.group}").has("[?isPrimary].name", ["uksouth"])
    s.run(f"keyvault region list {pool} -o tsv --query [].name").prints("uksouth\naustraliaeast\n")
    s.run(f"keyvault region show {pool} -r australiaeast").has("provisioningState", "Succeeded")
    s.run(f"keyvault region remove {pool} --region australiaeast --yes").has("@", [PRIMARY])
    again = s.run(f"keyvault region remove {pool} --region australiaeast --yes").has("@", [PRIMARY])
    again.says("nothing was changed")


def region_no_wait_then_wait(s: Scenario) -> None:
    """--no-wait prints nothing; `region wait` waits for what it began."""
    s.prepared_pool()
    region = f"--hsm-name {s.pool} --region australiaeast"
    s.run(f"keyvault region add {region} --no-wait").prints("")
    s.run(f"keyvault region show {region}").has("provisioningState", "Provisioning")
    s.run(f"keyvault region wait {region} --created").prints("")
    s.run(f"keyvault region show {region}").has("provisioningState", "Succeeded")
    s.run(f"keyvault region remove {region} --no-wait --yes").prints("")
    s.run(f"keyvault region wait {region} --deleted").prints("")
    s.run(f"keyvault region list --hsm-name {s.pool}").has("[].name", ["uksouth"])


def region_dry_run(s: Scenario) -> None:
    """It reads, and sends no change."""
    s.prepared_pool()
    pool = f"--hsm-name {s.pool}"
    planned = s.run(f"keyvault region add {pool} --region australiaeast --dry-run")
    planned.has("request.method", "PATCH").has("request.body.properties.regions[].name", ["australiaeast"])
    planned.has("usdPerHour.after == usdPerHour.before", False)
    s.run(f"keyvault region list {pool}").has("@", [PRIMARY])


def region_errors(s: Scenario) -> None:
    """The service's words, a hint, the exit code; nothing changes."""
    s.prepared_pool()
    pool = f"--hsm-name {s.pool}"
    unknown = s.run(f"keyvault region add {pool} --region australieast", code=1)
    unknown.prints("").says("Invalid region name: australieast", "Did you mean australiaeast")
    s.run(f"keyvault region add {pool} --region uksouth", code=1).prints("").says("uksouth")
    s.run(f"keyvault region remove {pool} --region uksouth --yes", code=1).says("keyvault delete")
    s.run("keyvault region list --hsm-name mhsm-000000", code=3).says(
        "There is no managed HSM named mhsm-000000"
    )
    s.run(f"keyvault region show {pool} --region japaneast", code=3).says("Its regions: uksouth.")
    s.run(f"keyvault region wait {pool} --region japaneast --updated", code=3).says("Use --created")
    s.run(f"keyvault region list {pool}").has("@", [PRIMARY])


def pool_create_activate_delete_recover_purge(s: Scenario) -> None:
    """A pool's whole life."""
    pool = f"--hsm-name {s.pool}"
    s.run(f"keyvault check-name --name {s.pool}").has("nameAvailable", True)
    made = s.run(f"keyvault create {pool} -g {s.group} -l uksouth --retention-days 7 --tags stage=test")
    made.has("properties.provisioningState", "Succeeded").has("tags.stage", "test").has(
        "resourceGroup", s.group
    )
    made.has("properties.securityDomainProperties.activationStatus", "NotActivated")
    early = s.run(f"keyvault region add {pool} --region australiaeast", code=1)
    early.prints("").says("activate")
    domain = s.folder / "domain.json"
    s.run(
        f"keyvault security-domain download {pool} --sd-quorum 2 --sd-wrapping-keys {s.wrapping_keys()}"
        f" --security-domain-file {domain}"
    ).has("status", "Success")
    assert domain.stat().st_size > 0
    assert domain.stat().st_mode & 0o777 == 0o600
    s.run(f"keyvault show {pool}").has("properties.securityDomainProperties.activationStatus", "Active")
    s.run("keyvault list").has(f"[?name=='{s.pool}'].location", ["uksouth"])
    s.run(f"keyvault check-name --name {s.pool}").has("nameAvailable", False)
    s.run(f"keyvault create {pool} -g {s.group} -l uksouth", code=1).prints("").says("Take another name")
    s.run(f"keyvault delete {pool}").prints("").says("soft-deleted")
    s.run(f"keyvault show {pool}", code=3)
    s.run("keyvault list-deleted").has(f"[?name=='{s.pool}'].properties.location", ["uksouth"])
    s.run(f"keyvault recover {pool}").has("properties.provisioningState", "Succeeded")
    s.run(f"keyvault delete {pool} -g {s.group}").prints("")
    s.run(f"keyvault purge {pool}").prints("")
    s.run(f"keyvault show-deleted {pool}", code=3)


def pool_extended_cannot_be_deleted(s: Scenario) -> None:
    """Extended regions go first (the service's words)."""
    s.prepared_pool()
    pool = f"--hsm-name {s.pool}"
    s.run(f"keyvault region add {pool} --region australiaeast -o none").prints("")
    refused = s.run(f"keyvault delete {pool}", code=1).prints("")
    refused.says("region")
    s.run(f"keyvault show {pool}").has("properties.regions[].name", ["australiaeast"])
    s.run(f"keyvault region remove {pool} --region australiaeast --yes -o none")
    s.run(f"keyvault delete {pool}").prints("")


def keys_and_roles(s: Scenario) -> None:
    """Deny by default: the administrator gives himself a role, then makes and uses keys."""
    s.prepared_pool()
    pool = f"--hsm-name {s.pool}"
    key = f"{pool} --name payments"
    create = f"keyvault key create {key} --kty RSA-HSM --size 2048 --ops sign verify"
    s.run(create, code=1).prints("").says("Not authorized")
    me = s.run(f"keyvault role assignment list {pool}").json[0]["principalId"]
    given = s.run(
        f"keyvault role assignment create {pool} --role 'Managed HSM Crypto User' --scope /keys"
        f" --assignee-object-id {me} --name {ASSIGNMENT}"
    )
    given.has("name", ASSIGNMENT).has("scope", "/keys").has("roleName", "Managed HSM Crypto User")
    s.run(f"keyvault role assignment list {pool} --scope /keys --role 'Managed HSM Crypto User'").has(
        "[].name", [ASSIGNMENT]
    )
    s.run(create).has("key.kty", "RSA-HSM").has("key.keyOps", ["sign", "verify"]).has(
        "attributes.enabled", True
    )
    s.run(f"keyvault key list {pool}").has("[].name", ["payments"])
    shown = s.run(f"keyvault key show {key}").json["key"]["kid"]
    assert shown.startswith(f"https://{s.pool}.managedhsm.azure.net/keys/payments/")
    signed = s.run(f"keyvault key sign {key} -a RS256 --digest {DIGEST}").has("keyId", shown)
    verify = f"keyvault key verify {key} -a RS256 --digest {DIGEST} --signature"
    s.run(verify, signed.json["signature"]).has("isValid", True)
    s.run(f"keyvault key show {pool} --name nobody", code=3)
    s.run(f"keyvault key delete {key}").has("key.kid", shown)
    s.run(f"keyvault key show {key}", code=3)
    s.run(f"keyvault role assignment create {pool} --role 'Crypto Usr' --assignee-object-id {me}", code=3)
    s.run(f"keyvault role assignment delete {pool} --scope /keys --name {ASSIGNMENT}").prints("")
    s.run(f"keyvault role assignment delete {pool} --scope /keys --name {ASSIGNMENT}", code=3)


SCENARIOS: Dict[str, Callable[[Scenario], None]] = {
    one.__name__: one
    for one in (
        region_add_list_remove,
        region_no_wait_then_wait,
        region_dry_run,
        region_errors,
        pool_create_activate_delete_recover_purge,
        pool_extended_cannot_be_deleted,
        keys_and_roles,
    )
}
IN_AZ = [name for name in SCENARIOS if name.startswith("region_")]


def file_name(name: str) -> str:
    """The cassette of a scenario."""
    return f"test_{name}.yaml"
