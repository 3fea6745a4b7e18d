"""Help of the commands that break things and look at regions: (text, examples, detail)."""

from __future__ import annotations

from typing import Dict, Tuple

Entry = Tuple[str, Tuple[Tuple[str, str], ...], str]
E = "{p} keyvault emulator"
R = "{p} keyvault region"

EFFECTS = """Effects: refuse, reset and hang serve nothing; slow (with --milliseconds), error and throttle
(with --rate) serve some. A link can be down, or lag. In scopes service and region, capacity and
provisioning make the next extension there end in Failed; skew shifts a region's stamps. Kind destroyed is for
ever: what the region had accepted and not yet sent is lost, and `region status` counts it.

A schedule: {"seed": 7, "faults": [{"scope": "region", "region": "uksouth", "after": ["5s", "20s"],
"for": "1m"}]}; a range is drawn from by the seed. Times are service time.
"""

GROUPS: Dict[str, Entry] = {
    "keyvault emulator fault": (
        "Outages and other faults of the emulator's regions, pools, partitions and links.",
        (("What is broken.", f"{E} fault list --output table"),),
        "",
    ),
}

COMMANDS: Dict[str, Entry] = {
    "keyvault emulator fault inject": (
        "Break something, now or later, for a while or until it is cleared.",
        (
            ("UK South is out for a minute.", f"{E} fault inject --scope region --region uksouth --for 60s"),
            (
                "One partition hangs.",
                f"{E} fault inject --scope partition --hsm-name ContosoMHSM --region uksouth --partition 1 "
                "--effect hang",
            ),
            (
                "Nothing replicates between two regions.",
                f"{E} fault inject --scope link --region uksouth --to australiaeast",
            ),
        ),
        EFFECTS,
    ),
    "keyvault emulator fault list": (
        "List the faults that are on or planned.",
        (("As a table.", f"{E} fault list --output table"),),
        "",
    ),
    "keyvault emulator fault clear": (
        "End a fault, or all that can be ended. What is destroyed stays so.",
        (("End them all.", f"{E} fault clear --all"),),
        "",
    ),
    "keyvault emulator events": (
        "List what happened: faults, health, conflicts, superseded and lost writes.",
        (("As they come.", f"{E} events --follow"),),
        "",
    ),
    "keyvault emulator metrics": (
        "Print the metrics that a server gives Prometheus at /metrics of its port.",
        (("All of them.", f"{E} metrics"),),
        "",
    ),
    "keyvault region status": (
        "Show health, partitions, lag and losses of a pool's regions, and the documented SLA.",
        (("As a table.", f"{R} status --hsm-name ContosoMHSM --output table"),),
        "The emulator's: Azure does not tell.",
    ),
    "keyvault region watch": (
        "Watch a pool's regions: a live table of health, partitions, lag, routes and events.",
        (
            ("Until Ctrl-C.", f"{R} watch --hsm-name ContosoMHSM"),
            (
                "Who answers clients in two places.",
                f"{R} watch --hsm-name ContosoMHSM --places ukwest australiasoutheast",
            ),
        ),
        "Partitions: a full dot serves, an empty one is about to, a cross is dead, an exclamation mark is "
        "dead and still gets connections. A narrow terminal shows fewer columns. "
        "The emulator's: Azure does not tell.",
    ),
    "keyvault region route": (
        "Show which region would answer a client, and why.",
        (
            (
                "One in Australia Southeast.",
                f"{R} route --hsm-name ContosoMHSM --from australiasoutheast --explain",
            ),
        ),
        "The emulator's: Azure does not tell.",
    ),
}
