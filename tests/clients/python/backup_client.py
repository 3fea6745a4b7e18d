"""Full backup and restore, one key out of a backup, and a key's own backup, through azure-keyvault-keys and
azure-keyvault-administration, as anyone would write it: ``backup_client.py POOL``. Prints one JSON line a
step. The pool is active, and whoever runs this may do everything in it."""

import json
import sys

from azure.core.exceptions import HttpResponseError
from azure.identity import EnvironmentCredential
from azure.keyvault.administration import KeyVaultBackupClient
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm

CONTAINER = "https://contosobackups.blob.core.windows.net/hsm"
SAS = {"sas_token": "sv=2024-01-01&sig=none", "_polling_interval": 0.1}
DIGEST = b"d" * 32


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


def main(name):
    url = f"https://{name}.managedhsm.azure.net"
    credential = EnvironmentCredential()
    with KeyClient(url, credential) as keys, KeyVaultBackupClient(url, credential) as backups:
        made = keys.create_rsa_key("payments", size=2048, hardware_protected=True)
        signed = sign(made, credential)
        one_key(keys, backups)
        backups.begin_pre_backup(CONTAINER, **SAS).wait()
        folder = backups.begin_backup(CONTAINER, **SAS).result().folder_url
        say("backup", folder=folder.rpartition("-")[0])
        end(keys, "payments")
        keys.create_ec_key("later", hardware_protected=True)
        say("changed", keys=names(keys))
        backups.begin_pre_restore(folder, **SAS).wait()
        backups.begin_restore(folder, **SAS).wait()
        say("restore", keys=names(keys), verifies=verifies(keys, "payments", signed, credential))
        end(keys, "payments")
        backups.begin_restore(folder, key_name="payments", **SAS).wait()
        say("selective", keys=names(keys), verifies=verifies(keys, "payments", signed, credential))


def one_key(keys, backups):
    backup = keys.backup_key("payments")
    try:
        keys.restore_key_backup(backup)
    except HttpResponseError as error:
        say("taken", status=error.status_code)
    end(keys, "payments")
    restored = keys.restore_key_backup(backup)
    say("key", name=restored.name, type=restored.key_type)


def end(keys, name):
    keys.begin_delete_key(name, _polling_interval=0.1).wait()
    keys.purge_deleted_key(name)


def names(keys):
    return sorted(key.name for key in keys.list_properties_of_keys())


def sign(key, credential):
    return CryptographyClient(key, credential).sign(SignatureAlgorithm.rs256, DIGEST).signature


def verifies(keys, name, signature, credential):
    client = CryptographyClient(keys.get_key(name).id, credential)
    return client.verify(SignatureAlgorithm.rs256, DIGEST, signature).is_valid


if __name__ == "__main__":
    main(sys.argv[1])
