"""Arguments of ``keyvault region drill``."""

from __future__ import annotations

from typing import Any, Dict, List

from knack.arguments import enum_choice_list

from azext_mhsmregion.cli import completers
from azext_mhsmregion.cli.drill.effects import OF_LINKS, OF_REGIONS
from azext_mhsmregion.cli.params import GROUP, POOL, Settings, not_negative
from azext_mhsmregion.cli.params_faults import PARAMETERS as OF_FAULTS
from azext_mhsmregion.model.durations import seconds
from azext_mhsmregion.model.faults import FaultKind, Scope

_OF_INJECT = OF_FAULTS["keyvault emulator fault inject"]


@completers.silent
def _effects(prefix: str, parser: Any, parsed_args: Any) -> List[str]:
    """Those that can be drilled."""
    return list(OF_LINKS if getattr(parsed_args, "scope", None) == Scope.LINK.value else OF_REGIONS)


PARAMETERS: Dict[str, Dict[str, Settings]] = {
    "keyvault region drill": {
        "name": POOL,
        "resource_group_name": GROUP,
        "region": {**_OF_INJECT["region"], "help": "The region that is hit; of a link, the one that sends."},
        "words": {
            "positional": True,
            "nargs": "*",
            "metavar": "COMMAND",
            "help": "What is to live through the outage, behind two hyphens.",
        },
        "scope": {
            **enum_choice_list([scope.value for scope in Scope]),
            "help": "How much is out.",
        },
        "kind": {
            **enum_choice_list([kind.value for kind in FaultKind]),
            "help": "Does it come back? What is destroyed is put back after the drill.",
        },
        "effect": {
            "help": f"What it does: {', '.join(OF_REGIONS)}; of a link {' or '.join(OF_LINKS)}. Default: "
            "refuse; of a link, down.",
            "completer": _effects,
        },
        "partition": _OF_INJECT["partition"],
        "to": _OF_INJECT["to"],
        "rate": _OF_INJECT["rate"],
        "milliseconds": {
            **_OF_INJECT["milliseconds"],
            "help": "Delay of slow (in real time), added lag of lag.",
        },
        "after": {"help": "Begin so long after the command: 10s, 2m."},
        "lasts": {
            "options_list": ["--for"],
            "help": "End so long after it began. Default: with the command.",
        },
        "max_errors": {
            "type": not_negative,
            "help": "How many requests to the pool may fail: no answer, 429 or 5xx. Default: any number.",
        },
        "max_seconds": {
            "type": seconds,
            "help": "How long the client may be without a successful answer. Default: any time.",
        },
        "rpo": {
            "type": not_negative,
            "help": "How many acknowledged writes may be lost. Default: any number.",
        },
        "report": {"metavar": "FILE", "help": "Write the drill as JSON."},
        "junit": {"metavar": "FILE", "help": "Write a JUnit report, a test case a bound."},
        "yes": {"options_list": ["--yes", "-y"], "action": "store_true", "help": "Do not ask."},
    },
}
