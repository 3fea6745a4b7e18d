"""Arguments of ``mhsm keyvault emulator``, but for start."""

from __future__ import annotations

from typing import Any, Dict

from knack.arguments import enum_choice_list

from azext_mhsmregion.model.clock import MODES
from azext_mhsmregion.model.regions import EDITIONS

Settings = Dict[str, Any]


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


SNAPSHOT: Settings = {"options_list": ["--name", "-n"], "help": "Name of the snapshot."}
FILE: Settings = {"options_list": ["--file", "-f"]}

PARAMETERS: Dict[str, Dict[str, Settings]] = {
    "keyvault emulator restart": {
        "port": {"type": int, "help": "Port on 127.0.0.1. Default: the one it has."},
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
