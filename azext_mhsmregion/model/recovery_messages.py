"""Our sentences about backups, restores and security domains (rules E6, E7, K4, K5), as :mod:`model.messages`
has the others."""

from __future__ import annotations

# -- backup and restore ----------------------------------------------------------------------

NO_STORAGE_ACCESS = (
    "Neither a SAS token of the storage container ('token') nor 'useManagedIdentity' is given: one of them "
    "is needed."
)


def no_storage_identity(pool: str) -> str:
    return (
        f"'useManagedIdentity' is true, and managed HSM {pool} has no user-assigned managed identity: assign "
        "one first."
    )


def not_a_container(uri: str) -> str:
    return (
        f"'{uri[:200]}' in storageResourceUri is not the address of a container: "
        "https://ACCOUNT.blob.core.windows.net/CONTAINER."
    )


def restore_mode(pool: str) -> str:
    return f"Managed HSM {pool} is in restore mode until its full restore has ended. Try again later."


def backup_under_way(pool: str) -> str:
    return f"A full backup of managed HSM {pool} is under way. Try again when it has finished."


def restore_under_way(pool: str) -> str:
    return f"A restore of managed HSM {pool} is under way. Try again when it has finished."


def restore_needs_backup(pool: str, minutes: int) -> str:
    return (
        f"A full restore replaces everything in managed HSM {pool}: take a full backup of it first. It had "
        f"none in the last {minutes} minutes."
    )


def no_such_job(job: str) -> str:
    return f"The job '{job[:100]}' was not found."


def no_such_backup(folder: str, container: str) -> str:
    return f"There is no full backup in folder '{folder[:200]}' of {container}."


def unfinished_backup(folder: str) -> str:
    return f"The full backup in folder '{folder}' has not finished, or has failed."


def damaged_backup(folder: str) -> str:
    return f"The full backup in folder '{folder}' is damaged."


def foreign_backup(folder: str, pool: str) -> str:
    return (
        f"The full backup in folder '{folder}' is of a managed HSM with another security domain than "
        f"{pool}'s: it can be restored only where the security domain is the same."
    )


def not_in_backup(key: str, folder: str) -> str:
    return f"Key {key} is not in the full backup in folder '{folder}'."


def key_in_the_way(key: str) -> str:
    return (
        f"Key {key} exists. A single key is restored only where its name is free: delete and purge it first."
    )


def deleted_key_in_the_way(key: str) -> str:
    return f"Key {key} is deleted and can be recovered. A single key is restored only once it is purged."


def destroyed_meanwhile(region: str) -> str:
    return f"{region} was destroyed while the job ran there."


def damaged_key_backup() -> str:
    return "'value' is not the backup of a key, or it was cut or altered."


def foreign_key_backup(pool: str) -> str:
    return (
        f"'value' is the backup of a key of a managed HSM with another security domain than {pool}'s: it can "
        "be restored only where the security domain is the same."
    )


# -- security domain ------------------------------------------------------------------------


def downloaded_before(pool: str) -> str:
    return f"The security domain of {pool} was downloaded before."


def domain_of_another(pool: str) -> str:
    return (
        f"The security domain of {pool} was uploaded into it: it is that of the managed HSM that it was "
        "downloaded from."
    )


def has_security_domain(pool: str) -> str:
    return (
        f"Managed HSM {pool} has a security domain. One is uploaded only into a managed HSM that was never "
        "activated."
    )


def no_transfer_key(pool: str) -> str:
    return (
        f"Managed HSM {pool} has given out no transfer key that 'value' could be for: get it first "
        "(`az keyvault security-domain init-recovery`)."
    )


def other_transfer_key(pool: str) -> str:
    return (
        f"'value' is for another transfer key than {pool}'s: make it with the exchange key that "
        f"`az keyvault security-domain init-recovery` writes for {pool}."
    )


def damaged_restore_blob(why: str) -> str:
    return f"'value' is not the restore blob of a security domain, or it was cut or altered. {why}"


def foreign_domain() -> str:
    return (
        "'value' is the security domain of a managed HSM that no emulator made: its keys are of no use here."
    )
