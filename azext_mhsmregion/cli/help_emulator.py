"""Help of ``mhsm keyvault emulator``: (text, examples, detail)."""

from __future__ import annotations

from typing import Dict, Tuple

Entry = Tuple[str, Tuple[Tuple[str, str], ...], str]
E = "{p} keyvault emulator"

MEMORY = """Prints its port, process id, address and home.

--memory: pools, keys, certificates and log lie in a private folder in shared memory (/dev/shm; on
systems without it in the temporary folder) and are gone when the server stops, by stop, Ctrl-C,
SIGTERM or a handler that hangs. Every command of this home finds it, as any other; `emulator export`
saves what it holds. Tenant, secrets and certificates are new each time. The home must hold no pools:
they would be hidden. Only SIGKILL, or a crash of the machine while there is no /dev/shm, leaves the
folder (mhsmregion-...) behind: the next start or stop on this home removes it. A container's /dev/shm
has 64 MB unless its --shm-size says more.

"""
PASSTHROUGH = """--proxy-passthrough: all hosts but the emulator's own are refused, so that nothing reaches
real Azure by mistake. Those named here are relayed, unread, when a client sends CONNECT. The
emulator's own names never are, nor is the metadata address of a virtual machine.

"""
DNS = """--dns: for clients that take no proxy, in a Linux network namespace or container of their own
with the emulator. It answers the emulator's own names with loopback addresses, one for each region,
NXDOMAIN for pools that do not exist, and REFUSED for every other name. Each region's address is open on
port 443; what is opened to it stays with that region, whatever DNS says later. Clients in the place of a
--place ask at that region's address. It needs the right to take these ports; docs/dns.md.

"""
LISTEN = """--listen: with a password (on 127.0.0.1 too, if you set one) every request must show it, as
Basic proxy credentials: the user name is the place, or -, and the password is PASSWORD or
CLIENT.PASSWORD. `emulator env` prints them. TLS without CONNECT is refused then, and a managed
identity's token goes to this machine alone; /health stays open. The proxy itself is plain HTTP: who can
read the network reads the password. mhsm keeps it in server.json of the home (mode 0600), by which the
commands of this home find it.
"""

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
    "keyvault emulator start": (
        "Start the emulator's server, in the background unless told otherwise.",
        (
            ("On a free port.", f"{E} start"),
            (
                "With a second port for clients that stand in UK South.",
                f"{E} start --port 8900 --place uksouth=8901",
            ),
            ("For one test run: nothing stays behind.", f"{E} start --memory"),
            (
                "Let clients behind it reach the package index.",
                f"{E} start --proxy-passthrough pypi.org,.pythonhosted.org",
            ),
            ("For clients without a proxy, in a network namespace.", f"{E} start --dns --place uksouth=0"),
            (
                "For other machines, with the password that is in a file.",
                f"{E} start --listen 0.0.0.0 --port 8900 --proxy-password-file password.txt",
            ),
        ),
        MEMORY + PASSTHROUGH + DNS + LISTEN,
    ),
    "keyvault emulator stop": (
        "Stop the emulator's server and wait until it has ended.",
        (("Stop it.", f"{E} stop"),),
        "Requests under way get ten seconds to end. A server that has not ended after fifteen is "
        "killed; what it had acknowledged is kept. What a throw-away emulator that was killed has left "
        "is removed.",
    ),
    "keyvault emulator env": (
        "Print the environment that points clients at the emulator.",
        (
            ("Use it in this shell.", f'eval "$({E} env)"'),
            ("In fish.", f"eval ({E} env --format fish | string collect)"),
            ("In PowerShell.", f"iex ({E} env --format powershell | Out-String)"),
            ("For docker compose and editors, into a .env file.", f"{E} env --format dotenv"),
            ("For a client in another container.", f"{E} env --address emulator"),
        ),
        "It holds the client secret of the emulator's own service principal, and the proxy's password "
        "where it has one.",
    ),
    "keyvault emulator trust": (
        "Print the authority that signs the emulator's certificates, and how this system trusts it.",
        (
            ("Its certificate as a file.", f"{E} trust --query pem -o tsv"),
            ("Let this system trust it.", f"{E} trust --install"),
            ("No longer.", f"{E} trust --uninstall"),
        ),
        "Without options it changes nothing. Clients that `emulator env` points at the emulator need "
        "none of this: it is for programs that read the system's store alone. The authority belongs "
        "to this home, and can sign no names but those printed. Debian and Ubuntu, Fedora and others "
        "with p11-kit, macOS; without root's rights it prints the commands to type.",
    ),
    "keyvault emulator restart": (
        "Stop the emulator's server and start it again, with the ports and options that it had.",
        (("Restart it.", f"{E} restart"),),
        "A throw-away emulator is not restarted: it would forget everything.",
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
        "The file: clock: {mode, scale, now}, groups: [{name, location, tags}], pools: [{name, location, "
        "group, regions: [...], activated, retentionDays, purgeProtection, administrators: [...], tags, "
        "roles: [{role, principal, scope}], keys: [{name, kty, size, curve, operations, enabled, tags}]}]. "
        "Only names must be given. All or nothing, through the same rules as any client.",
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
            (
                "Clients go where the answer is fastest.",
                f"{E} settings --routing latency --latency eastus:uksouth=90 eastus:australiaeast=210",
            ),
        ),
        "Where nothing was measured, distance decides. Paced (--pacing), a region works at the documented "
        "operations a second of one partition, times its living partitions; off by default.",
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
