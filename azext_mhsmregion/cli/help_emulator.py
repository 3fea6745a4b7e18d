"""Help of ``mhsm keyvault emulator``, but for start, stop and env: (text, examples, detail)."""

from __future__ import annotations

from typing import Dict, Tuple

Entry = Tuple[str, Tuple[Tuple[str, str], ...], str]
E = "{p} keyvault emulator"

GROUPS: Dict[str, Entry] = {
    "keyvault emulator snapshot": (
        "Snapshots of everything that the emulator holds.",
        (("Take one.", f"{E} snapshot create --name before"),),
        "",
    ),
    "keyvault emulator clock": (
        "The emulator's service time: it rules operations, replication, retention and the bill.",
        (("Let six minutes pass.", f"{E} clock advance --by 6m"),),
        "",
    ),
}

COMMANDS: Dict[str, Entry] = {
    "keyvault emulator restart": (
        "Stop the emulator's server and start it again on the same port.",
        (("Restart it.", f"{E} restart"),),
        "",
    ),
    "keyvault emulator status": (
        "Show clock, settings, pools and operations under way.",
        (("Which pools are there?", f"{E} status --query pools -o table"),),
        "Needs no server.",
    ),
    "keyvault emulator logs": (
        "Print the log of the server that runs, or ran, in the background.",
        (("The last lines.", f"{E} logs --lines 20"),),
        "",
    ),
    "keyvault emulator seed": (
        "Make pools ready in one call: activated, extended, with keys and role assignments.",
        (("From a file.", f"{E} seed --file pools.yaml"),),
        "The file: pools: [{name, location, group, regions: [...], activated, retentionDays, "
        "purgeProtection, administrators: [...], tags, roles: [{role, principal, scope}], "
        "keys: [{name, kty, size, curve, operations, enabled, tags}]}]. Only names must be given. "
        "All or nothing, through the same rules as any client.",
    ),
    "keyvault emulator reset": (
        "Purge all pools and keys, put settings and clock back to their defaults.",
        (("In a script.", f"{E} reset --yes"),),
        "The directory, certificates and snapshots stay.",
    ),
    "keyvault emulator settings": (
        "Show or change the emulator's settings.",
        (
            ("Durations as documented.", f"{E} settings --profile documented"),
            ("One duration of your own.", f"{E} settings --durations region-add=30s"),
        ),
        "",
    ),
    "keyvault emulator snapshot create": (
        "Take a snapshot.",
        (("Before a test.", f"{E} snapshot create --name before"),),
        "",
    ),
    "keyvault emulator snapshot list": (
        "List the snapshots.",
        (("All of them.", f"{E} snapshot list -o table"),),
        "",
    ),
    "keyvault emulator snapshot restore": (
        "Put back what a snapshot holds: pools, keys, settings, clock.",
        (("After a test.", f"{E} snapshot restore --name before"),),
        "",
    ),
    "keyvault emulator snapshot delete": (
        "Delete a snapshot.",
        (("That one.", f"{E} snapshot delete --name before"),),
        "",
    ),
    "keyvault emulator export": (
        "Write everything that the emulator holds to a file, keys included.",
        (("To a file.", f"{E} export --file emulator.tar.gz"),),
        "Whoever has the file has the keys.",
    ),
    "keyvault emulator import": (
        "Make a home of an export.",
        (("Into a home of its own.", f"{E} import --file emulator.tar.gz --home ./copy"),),
        "The home must be empty or not exist.",
    ),
    "keyvault emulator clock show": (
        "Show service time and how it runs.",
        (("What time is it?", f"{E} clock show --query now -o tsv"),),
        "",
    ),
    "keyvault emulator clock advance": (
        "Move service time forward.",
        (("Let replication end.", f"{E} clock advance --by 6m"),),
        "",
    ),
    "keyvault emulator clock set": (
        "Hold service time still, let it run again, or move it to a later moment.",
        (
            ("Hold it.", f"{E} clock set --mode manual"),
            ("To the end of a year.", f"{E} clock set --to 2030-12-31T23:59:00Z"),
        ),
        "Under the manual clock a poll of an operation moves the clock to its end.",
    ),
    "keyvault emulator clock scale": (
        "Let service time run faster or slower than real time.",
        (("An hour a minute.", f"{E} clock scale --factor 60"),),
        "",
    ),
}
