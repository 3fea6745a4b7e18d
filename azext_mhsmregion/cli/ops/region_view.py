"""``keyvault region status`` and ``route``: what a pool's regions are like, and who would answer."""

from __future__ import annotations

from typing import Any, Dict

from azext_mhsmregion.cli import context, documents
from azext_mhsmregion.provider.errors import UsageError


def status(cmd, name, resource_group_name=None) -> Dict[str, Any]:
    return ask(cmd, f"pools/{documents.quoted(name)}/status")


def route(cmd, name, client=None, explain=False, resource_group_name=None) -> Dict[str, Any]:
    path = f"pools/{documents.quoted(name)}/route"
    place = context.place(cmd.cli_ctx)
    found = ask(cmd, documents.with_query(path, **{"from": place}, client=client))
    if not explain:
        del found["steps"]
    return found


def ask(cmd: Any, path: str) -> Any:
    """GET of the emulator's own API. Raises UsageError with the ARM provider: Azure does not tell."""
    provider = context.provider(cmd.cli_ctx)
    if provider.kind != "emulator":
        raise UsageError(
            "Azure tells neither the health of a region nor where its traffic manager sends a client.",
            "With --provider emulator the emulator tells.",
        )
    return provider.control("GET", path)
