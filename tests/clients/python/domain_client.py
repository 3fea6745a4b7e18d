"""A security domain out of one pool into another through azure-keyvault-securitydomain, and a key's backup
behind it: ``domain_client.py POOL``; the other one is POOL2. Neither is active yet. Prints one JSON line a
step; reads the wrapping keys' certificates, and then the restore blob, which the SDK does not make."""

import json
import sys

from azure.core.exceptions import HttpResponseError
from azure.identity import EnvironmentCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from azure.keyvault.securitydomain import SecurityDomainClient

SOON = {"polling_interval": 0.1}
DIGEST = b"d" * 32


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


def main(name):
    urls = [f"https://{pool}.managedhsm.azure.net" for pool in (name, f"{name}2")]
    credential = EnvironmentCredential()
    with SecurityDomainClient(urls[0], credential) as domains:
        asked = {"certificates": json.loads(sys.stdin.readline()), "required": 2}
        say("domain", value=domains.begin_download(asked, **SOON).result().value)
    with KeyClient(urls[0], credential) as keys:
        made = keys.create_rsa_key("payments", size=2048, hardware_protected=True)
        signed = CryptographyClient(made, credential).sign(SignatureAlgorithm.rs256, DIGEST).signature
        backup = keys.backup_key("payments")
    with SecurityDomainClient(urls[1], credential) as domains:
        bring_in(domains)
    with KeyClient(urls[1], credential) as keys:
        there = CryptographyClient(keys.restore_key_backup(backup), credential)
        say("key", verifies=there.verify(SignatureAlgorithm.rs256, DIGEST, signed).is_valid)


def bring_in(domains):
    key = domains.get_transfer_key()
    say("transfer key", key_format=key.key_format, transfer_key=key["transfer_key"])
    blob = {"value": json.loads(sys.stdin.readline())}
    try:
        domains.begin_upload({"value": blob["value"][:-40]}, **SOON)
    except HttpResponseError as error:
        say("cut", status=error.status_code)
    result = domains.begin_upload(blob, **SOON).result()
    say("upload", result=result, status=domains.get_upload_status().status)
    try:
        domains.begin_upload(blob, **SOON)
    except HttpResponseError as error:
        say("again", status=error.status_code)


if __name__ == "__main__":
    main(sys.argv[1])
