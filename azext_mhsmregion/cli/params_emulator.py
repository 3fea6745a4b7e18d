"""Arguments of ``mhsm keyvault emulator``."""

from __future__ import annotations

from typing import Dict

from knack.arguments import enum_choice_list

from azext_mhsmregion.cli.params import Settings, flag
from azext_mhsmregion.model.clock import MODES
from azext_mhsmregion.model.regions import EDITIONS
from azext_mhsmregion.model.routing import METHODS


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def port_number(text: str) -> int:
    """A TCP port; 0 is a free one."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError(text)
    return number


SNAPSHOT: Settings = {"options_list": ["--name", "-n"], "help": "Name of the snapshot."}
FILE: Settings = {"options_list": ["--file", "-f"]}

PARAMETERS: Dict[str, Dict[str, Settings]] = {
    "keyvault emulator start": {
        "foreground": flag("Stay in the foreground until Ctrl-C or SIGTERM."),
        "memory": flag("Throw-away: keep the state in memory, and nothing when it stops."),
        "port": {"type": port_number, "help": "Port to listen on. Default: a free one."},
        "place": {
            "nargs": "+",
            "action": "append",
            "metavar": "NAME=PORT",
            "help": "One more port, whose clients stand in that place (port 0: a free one).",
        },
        "listen": {
            "metavar": "ADDRESS",
            "help": "IP address to listen on. Default: 127.0.0.1. One that other machines can reach "
            "needs a password for the proxy.",
        },
        "proxy_password": {
            "metavar": "PASSWORD",
            "help": "Password that every client of the proxy must show, 8 characters at least. Others "
            "can see it in the list of processes: better --proxy-password-file, or "
            "MHSMREGION_PROXY_PASSWORD.",
        },
        "proxy_password_file": {
            "metavar": "FILE",
            "help": "File whose first line is the proxy's password.",
        },
        "proxy_passthrough": {
            "action": "append",
            "metavar": "HOST[,HOST...]",
            "help": "Foreign hosts to which CONNECT is relayed instead of refused: HOST, .suffix for "
            "all names below it, or '*' for all.",
        },
        "dns": {
            "nargs": "?",
            "const": "127.0.0.1:53",
            "metavar": "ADDRESS:PORT",
            "help": "Answer DNS too, there (127.0.0.1:53 unless told), and open port 443 of each region's "
            "own loopback address: for Linux network namespaces and containers.",
        },
    },
    "keyvault emulator env": {
        "form": {
            "options_list": ["--format"],
            **enum_choice_list(["sh", "fish", "powershell", "dotenv", "json"]),
            "help": "For which shell, or as a file for others to read.",
        },
        "address": {
            "help": "Name or address by which those clients reach the emulator. Default: the one that "
            "serves on this machine.",
        },
    },
    "keyvault emulator trust": {
        "install": flag("Put the authority into this system's store. Needs root's rights."),
        "uninstall": flag("Take it out of this system's store. Needs root's rights."),
    },
    "keyvault emulator restart": {
        "port": {"type": port_number, "help": "Port to listen on. Default: the one it has."},
    },
    "keyvault emulator logs": {"lines": {"type": int, "help": "How many lines, from the end. Default: 100."}},
    "keyvault emulator seed": {"file": {**FILE, "help": "Document of pools, YAML or JSON."}},
    "keyvault emulator reset": {
        "yes": {"options_list": ["--yes", "-y"], "action": "store_true", "help": "Do not ask."}
    },
    "keyvault emulator settings": {
        "profile": {**enum_choice_list(["quick", "documented"]), "help": "How long things take."},
        "edition": {**enum_choice_list(EDITIONS), "help": "Which documentation binds."},
        "seed_number": {
            "options_list": ["--seed"],
            "type": int,
            "help": "Makes replication's lags repeatable.",
        },
        "hold": {
            "options_list": ["--hold"],
            "nargs": "?",
            "const": True,
            "type": _boolean,
            "metavar": "{false,true}",
            "help": "Under the manual clock, polls of operations do not move it.",
        },
        "durations": {
            "nargs": "*",
            "metavar": "NAME=DURATION",
            "help": "Durations over the profile's, such as region-add=30s replication.max_lag=6m. "
            "'' clears them.",
        },
        "place": {"help": "Where a client stands that does not say: a region's name."},
        "routing": {
            **enum_choice_list(METHODS),
            "help": "Whom the traffic manager prefers among healthy regions.",
        },
        "latency": {
            "nargs": "*",
            "metavar": "PLACE:REGION=MS",
            "help": "What was measured, for --routing latency. '' clears the table.",
        },
        "pacing": {
            "options_list": ["--pacing"],
            "nargs": "?",
            "const": True,
            "type": _boolean,
            "metavar": "{false,true}",
            "help": "Each partition works at the documented operations a second: what comes faster is held "
            "back, never refused. Off unless told.",
        },
    },
    "keyvault emulator snapshot create": {"name": SNAPSHOT},
    "keyvault emulator snapshot restore": {"name": SNAPSHOT},
    "keyvault emulator snapshot delete": {"name": SNAPSHOT},
    "keyvault emulator export": {"file": {**FILE, "help": "File to write; it must not exist."}},
    "keyvault emulator import": {"file": {**FILE, "help": "An export."}},
    "keyvault emulator clock advance": {
        "by": {"options_list": ["--by"], "help": "How far: 90s, 6m, 2h, 7d."},
    },
    "keyvault emulator clock set": {
        "mode": {**enum_choice_list([mode for mode in MODES if mode != "scaled"]), "help": "How it runs."},
        "to": {"help": "A later moment of service time, ISO 8601."},
    },
    "keyvault emulator clock scale": {
        "factor": {"type": float, "help": "Seconds of service time in a real second."},
    },
}
