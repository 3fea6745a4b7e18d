"""``mhsm keyvault emulator fault``: break things on purpose."""

from __future__ import annotations

from typing import Any, Dict, List

from azext_mhsmregion.cli import confirm, context, documents, errors
from azext_mhsmregion.provider.errors import UsageError


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
        return _schedule(cmd, file)
    if region is None:
        raise UsageError("Say --region: every fault has its place.")
    if kind == "destroyed" and not yes and confirm.on_terminal():
        confirm.ask("What is destroyed does not come back, with the writes that it had not sent. Destroy it?")
    with errors.of_options():
        return context.control(cmd.cli_ctx, "POST", "faults", spec)


def _schedule(cmd, file: str) -> List[Dict[str, Any]]:
    document = documents.read(file)
    if "faults" not in document:
        raise UsageError(f"{file} is no schedule: it must hold 'faults'.")
    with errors.of_options():
        return context.control(cmd.cli_ctx, "POST", "faults", document)["value"]


def list_(cmd) -> List[Dict[str, Any]]:
    return context.control(cmd.cli_ctx, "GET", "faults")["value"]


def clear(cmd, fault=None, every=False) -> List[Dict[str, Any]]:
    if fault == "" or (fault is not None) == every:
        raise UsageError("Say --id of a fault, or --all.")
    if every:
        return context.control(cmd.cli_ctx, "DELETE", "faults")["value"]
    return [context.control(cmd.cli_ctx, "DELETE", f"faults/{documents.quoted(fault)}")]
