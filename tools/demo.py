"""The tutorial of multi-region replication on the embedded emulator: ``make demo``.

Each command is shown as a user would type it, then its output, then one line on what happened.
A command whose exit code is not the expected one ends the demo with exit 1.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Dict, Optional

CHECKOUT = Path(__file__).resolve().parent.parent
MHSM = Path(sys.executable).parent / "mhsm"
POOL = "ContosoMHSM"
DIGEST = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
"""Base64 of the SHA-256 of "hello"."""

KEEP = "--query '{name: name, location: location, state: properties.provisioningState}'"


@dataclass(frozen=True)
class Step:
    """One command, the exit code it must have, what happened; ``keep`` names a variable that
    later commands use and that takes the output."""

    command: str
    happened: str
    expected: int = 0
    keep: Optional[str] = None


STEPS = (
    Step(
        f"mhsm keyvault create --hsm-name {POOL} --location uksouth --retention-days 7 {KEEP}",
        "A pool with three HSM partitions stands in UK South. It is not activated yet.",
    ),
    Step(
        f"mhsm keyvault region add --hsm-name {POOL} --region australiaeast",
        "Refused: a pool is activated before it is extended.",
        expected=1,
    ),
    Step(
        f"mhsm keyvault security-domain download --hsm-name {POOL} --sd-quorum 2"
        " --sd-wrapping-keys officer_0.cer officer_1.cer officer_2.cer --security-domain-file domain.json",
        "The security domain is written, encrypted to three officers; any two can open it. Activated.",
    ),
    Step(
        f"mhsm keyvault region add --hsm-name {POOL} --region australiaeast --dry-run",
        "Nothing sent: this is the request, and what it does to the bill (x2).",
    ),
    Step(
        f"mhsm keyvault region add --hsm-name {POOL} --region australiaeast -o table",
        "A second pool, with three partitions of its own, serves in Australia East.",
    ),
    Step(
        f"mhsm keyvault region list --hsm-name {POOL} -o table",
        "Both regions are active, the primary first.",
    ),
    Step(
        f"mhsm keyvault key create --hsm-name {POOL} --name payments --kty RSA-HSM --size 2048",
        "403: the administrator may assign roles, and may not create or use a key.",
        expected=1,
    ),
    Step(
        f"mhsm keyvault role assignment create --hsm-name {POOL} --role 'Managed HSM Crypto User'"
        " --assignee owner --scope /keys -o table",
        "The administrator gives himself Managed HSM Crypto User on /keys.",
    ),
    Step(
        f"mhsm keyvault key create --hsm-name {POOL} --name payments --kty RSA-HSM --size 2048"
        " --from uksouth -o table",
        "The key is written in UK South, the region nearest to the client.",
    ),
    Step(
        f"mhsm keyvault region wait --hsm-name {POOL} --replicated",
        "Both regions hold the same keys and roles now (the real service: up to six minutes).",
    ),
    Step(
        f"mhsm keyvault key show --hsm-name {POOL} --name payments --from australiasoutheast -o table",
        "Written in UK South, read in Australia East, the region nearest to this client.",
    ),
    Step(
        f"mhsm keyvault key sign --hsm-name {POOL} --name payments -a RS256 --digest {DIGEST}"
        " --from uksouth --query signature -o tsv",
        "Signed by the HSM in UK South.",
        keep="SIGNATURE",
    ),
    Step(
        f"mhsm keyvault key verify --hsm-name {POOL} --name payments -a RS256 --digest {DIGEST}"
        ' --signature "$SIGNATURE" --from australiasoutheast --query isValid -o tsv',
        "Verified by the HSM in Australia East: the same key material in both regions.",
    ),
    Step(
        "mhsm keyvault region cost -o table",
        "One pool's price for each region.",
    ),
    Step(
        f"mhsm keyvault delete --hsm-name {POOL}",
        "Refused, in the service's words: extended regions go first.",
        expected=1,
    ),
    Step(
        f"mhsm keyvault region remove --hsm-name {POOL} --region australiaeast -o table",
        "Australia East is purged, not soft-deleted; its bill has ended.",
    ),
    Step(
        f"mhsm keyvault delete --hsm-name {POOL}",
        "Soft-deleted: recoverable for 7 days, and billed until it is purged.",
    ),
    Step(
        "mhsm keyvault list-deleted -o table",
        "Its name stays taken.",
    ),
    Step(
        f"mhsm keyvault purge --hsm-name {POOL}",
        "Gone for good; the bill has ended.",
    ),
)


class Screen:
    """Writes the demo; colours on a terminal only."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def say(self, text: str = "", colour: str = "") -> None:
        shown = f"\033[{colour}m{text}\033[0m" if self._coloured and colour else text
        print(shown, flush=True)

    def output(self, text: str) -> None:
        """A command's output: sentences are wrapped; other long lines are cut, the cut is shown."""
        width = max(60, shutil.get_terminal_size((100, 40)).columns - 4)
        for line in text.rstrip().splitlines():
            is_message = line.startswith(("ERROR:", "WARNING:"))
            cut = line if len(line) <= width else line[: width - 1] + "…"
            for part in textwrap.wrap(line, width) if is_message else [cut]:
                self.say("    " + part)


def main() -> int:
    """Run all steps in a home and folder of their own."""
    screen, started = Screen(), time.monotonic()
    screen.say("Multi-region replication of a managed HSM, on the emulator in this process.", "1")
    screen.say("No Azure account, no network. An emulator is not an HSM: its keys are for rehearsals.\n")
    with tempfile.TemporaryDirectory(prefix="mhsm-demo-") as folder:
        environment = _environment(Path(folder))
        _write_certificates(Path(folder))
        for number, step in enumerate(STEPS, 1):
            if not _run(step, Path(folder), environment, screen):
                screen.say(f"demo: step {number} of {len(STEPS)} did not end as expected")
                return 1
    seconds = time.monotonic() - started
    screen.say(f"demo: {len(STEPS)} commands, all as expected, {seconds:.0f} s")
    return 0


def _run(step: Step, folder: Path, environment: Dict[str, str], screen: Screen) -> bool:
    screen.say(f"$ {_as_typed(step.command)}", "1;36")
    words = [os.path.expandvars(word) for word in shlex.split(_substituted(step.command, environment))]
    done = subprocess.run(
        [str(MHSM), *words[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    screen.output(done.stdout)
    screen.output(done.stderr)
    screen.say(f"  → {step.happened}\n", "32")
    if step.keep:
        environment[step.keep] = done.stdout.strip()
    return done.returncode == step.expected


def _as_typed(command: str) -> str:
    """The command over several lines where it is long."""
    if len(command) <= 100:
        return command
    head, *options = command.split(" --")
    lines, line = [], head
    for option in options:
        if len(line) + len(option) > 92:
            lines.append(line)
            line = "      --" + option
        else:
            line += " --" + option
    return " \\\n".join([*lines, line])


def _substituted(command: str, environment: Dict[str, str]) -> str:
    for name in ("SIGNATURE",):
        command = command.replace(f"${name}", environment.get(name, ""))
    return command


def _environment(folder: Path) -> Dict[str, str]:
    """The caller's environment without what would change the demo."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MHSMREGION_")}
    return {**kept, "MHSMREGION_HOME": str(folder / "home"), "MHSMREGION_PROVIDER": "emulator"}


def _write_certificates(folder: Path) -> None:
    """Three officers' certificates (rule C4: at least three), made here."""
    from azext_mhsmregion.crypto.certificates import self_signed

    yesterday = datetime.now(timezone.utc) - timedelta(days=1)
    for number in range(3):
        key, certificate = self_signed(f"Officer {number}", yesterday, 365)
        (folder / f"officer_{number}.key").write_bytes(key)
        (folder / f"officer_{number}.cer").write_bytes(certificate)


if __name__ == "__main__":
    sys.exit(main())
