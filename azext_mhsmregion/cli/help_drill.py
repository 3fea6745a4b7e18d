"""Help of ``keyvault region drill``: (text, examples, detail)."""

from __future__ import annotations

from typing import Dict

from azext_mhsmregion.cli.help_faults import Entry

D = "{p} keyvault region drill --hsm-name ContosoMHSM"

DETAIL = """The command runs with the variables that `emulator env` prints, as a client of its own that stands
in the region that is hit, or --from PLACE. Where no server runs one is started, and stopped afterwards.

What the client saw is taken from the emulator's side: every connection and request to the pool. A timeline
is printed, and why it went as it did. The exit code is 1 when the command failed, the outage did not touch
it, or a bound does not hold. Times are service time; --ms of the effect slow is real time.

A link that is out touches no request: told are the writes that it held up, and conflicts.

What a transient drill's command writes stays. Kind destroyed works on a snapshot of the whole home, which is
restored afterwards.
"""

GROUPS: Dict[str, Entry] = {}

COMMANDS: Dict[str, Entry] = {
    "keyvault region drill": (
        "Rehearse an outage around a command of your own.",
        (
            (
                "UK South is out for a minute while a test of yours runs.",
                f"{D} --scope region --region uksouth --after 5s --for 60s --max-errors 3 --max-seconds 30 "
                "-- ./my-app-test.sh",
            ),
            (
                "A region is destroyed; no acknowledged write may be lost.",
                f"{D} --scope pool --region uksouth --kind destroyed --yes --rpo 0 --junit drill.xml "
                "-- python app_test.py",
            ),
        ),
        DETAIL,
    ),
}
