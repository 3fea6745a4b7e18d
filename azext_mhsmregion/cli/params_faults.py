"""Arguments of the commands that break things and look at regions."""

from __future__ import annotations

from typing import Any, Dict, List

from knack.arguments import enum_choice_list

from azext_mhsmregion.cli import completers
from azext_mhsmregion.cli.params import GROUP, POOL, Settings, flag, positive
from azext_mhsmregion.model.faults import Effect, FaultKind, Scope


def share(text: str) -> float:
    """A share of requests: a number above 0, at most 1, or per cent (``20%``)."""
    number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    if not 0 < number <= 1:
        raise ValueError(text)
    return number


def positive_seconds(text: str) -> float:
    """A number of seconds above zero."""
    number = float(text)
    if not 0 < number < 86400:
        raise ValueError(text)
    return number


def _values(kinds: Any) -> List[str]:
    return [kind.value for kind in kinds]


PARAMETERS: Dict[str, Dict[str, Settings]] = {
    "keyvault region status": {"name": POOL, "resource_group_name": GROUP},
    "keyvault region route": {
        "name": POOL,
        "resource_group_name": GROUP,
        "client": {"help": "What the cache of this client holds, instead of a fresh answer."},
        "explain": flag("Each region in the traffic manager's order, and why it was taken or not."),
    },
    "keyvault region watch": {
        "name": POOL,
        "resource_group_name": GROUP,
        "places": {
            "options_list": ["--places"],
            "nargs": "+",
            "help": "Also show who answers clients in these places. Default: in each region of the pool.",
        },
        "interval": {"type": positive_seconds, "help": "Seconds between looks. Default: 1."},
        "count": {"type": positive, "help": "Stop after so many looks. Default: at Ctrl-C."},
    },
    "keyvault emulator fault inject": {
        "scope": {**enum_choice_list(_values(Scope)), "help": "How much is broken."},
        "hsm_name": {**POOL, "help": "The pool. Scopes service and region hit every pool there."},
        "region": {
            "options_list": ["--region", "-r"],
            "help": "The region; of a link, the one that sends.",
            "completer": completers.regions,
        },
        "partition": {"type": int, "help": "Number of the partition, 0 to 2."},
        "to": {"help": "The region at the other end of a link.", "completer": completers.regions},
        "one_way": flag("Break a link in that direction only."),
        "effect": {
            **enum_choice_list(_values(Effect)),
            "help": "What it does. Default: refuse; of a link, down.",
        },
        "kind": {**enum_choice_list(_values(FaultKind)), "help": "Does it come back? Default: transient."},
        "after": {"help": "Begin so long from now: 10s, 2m. Default: now."},
        "lasts": {"options_list": ["--for"], "help": "End so long after it began. Default: when cleared."},
        "rate": {"type": share, "help": "Share of requests hit by error or throttle: 0.2 or 20%%."},
        "milliseconds": {
            "options_list": ["--milliseconds", "--ms"],
            "type": int,
            "help": "Delay of slow (an hour at most), added lag of lag, shift of skew (a year).",
        },
        "file": {"options_list": ["--file", "-f"], "help": "A schedule of faults, YAML or JSON."},
        "yes": {"options_list": ["--yes", "-y"], "action": "store_true", "help": "Do not ask."},
    },
    "keyvault emulator fault clear": {
        "fault": {"options_list": ["--id"], "help": "Id of the fault."},
        "every": flag("Every fault that can be ended.", "--all"),
    },
    "keyvault emulator events": {
        "hsm_name": {**POOL, "help": "Only this pool's."},
        "after": {"help": "Only those behind this mark."},
        "follow": flag("Go on as they come, one JSON object a line.", "--follow", "-f"),
    },
}
