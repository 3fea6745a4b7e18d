"""``mhsm keyvault emulator events`` and ``metrics``: what happened, and Prometheus' numbers of it."""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, Optional

from azext_mhsmregion.cli import context, eventlog

FOLLOW_SECONDS = 1.0


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
