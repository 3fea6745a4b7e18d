"""``mhsm keyvault emulator fault``, ``events`` and ``metrics``: break things, and what came of it."""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, Optional

from azext_mhsmregion.cli import confirm, context, documents, eventlog
from azext_mhsmregion.provider.errors import UsageError

FOLLOW_SECONDS = 1.0


def inject(
    cmd,
    scope=None,
    hsm_name=None,
    region=None,
    partition=None,
    to=None,
    one_way=False,
    effect=None,
    kind=None,
    after=None,
    lasts=None,
    rate=None,
    milliseconds=None,
    file=None,
    yes=False,
) -> Any:
    said = {
        "scope": scope, "hsmName": hsm_name, "region": region, "partition": partition, "to": to,
        "oneWay": one_way or None, "effect": effect, "kind": kind, "after": after, "for": lasts,
        "rate": rate, "milliseconds": milliseconds,
    }  # fmt: skip
    spec = {name: value for name, value in said.items() if value is not None}
    if (file is not None) == bool(spec):
        raise UsageError("Say what to break, or --file with a schedule.")
    if file is not None:
        return context.control(cmd.cli_ctx, "POST", "faults", documents.read(file))["value"]
    if region is None:
        raise UsageError("Say --region: every fault has its place.")
    if kind == "destroyed" and not yes and confirm.on_terminal():
        confirm.ask("What is destroyed does not come back, with the writes that it had not sent. Destroy it?")
    return context.control(cmd.cli_ctx, "POST", "faults", spec)


def list_(cmd) -> List[Dict[str, Any]]:
    return context.control(cmd.cli_ctx, "GET", "faults")["value"]


def clear(cmd, fault=None, every=False) -> List[Dict[str, Any]]:
    if bool(fault) == every:
        raise UsageError("Say --id of a fault, or --all.")
    if every:
        return context.control(cmd.cli_ctx, "DELETE", "faults")["value"]
    return [context.control(cmd.cli_ctx, "DELETE", f"faults/{documents.quoted(fault)}")]


def events(cmd, hsm_name=None, after=None, follow=False) -> Optional[List[Dict[str, Any]]]:
    def get(path: str) -> Any:
        return context.control(cmd.cli_ctx, "GET", path)

    found, mark = eventlog.since(get, after or "", hsm_name)
    if not follow:
        return found
    while True:
        for event in found:
            print(json.dumps(event), flush=True)
        if sys.stdout.closed:
            return None
        context.sleep(FOLLOW_SECONDS)
        found, mark = eventlog.since(get, mark, hsm_name)


def metrics(cmd) -> None:
    """Prometheus' text format is its own; no --output changes it."""
    sys.stdout.write(context.emulator(cmd.cli_ctx).control_text("GET", "metrics"))
