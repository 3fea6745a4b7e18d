"""``keyvault region watch``: a live table of a pool's regions."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any, Dict, List, Optional, Tuple

from azext_mhsmregion.cli import context, documents, ending, eventlog
from azext_mhsmregion.cli.ops.region_view import ask
from azext_mhsmregion.cli.picture import COLOURS, PLAIN, Picture, Size

HOME_AND_CLEAR = "\x1b[H\x1b[J"
FULL_SCREEN, BACK = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
LATEST = 8


def watch(cmd, name, places=None, interval=1.0, count=None, resource_group_name=None) -> None:
    live = sys.stdout.isatty()
    picture = Picture(COLOURS if live and "NO_COLOR" not in os.environ else PLAIN)
    events: List[Dict[str, Any]] = []
    mark, drawn = "", 0
    try:
        with ending.ended_by_sigterm():
            while count is None or drawn < count:
                status, routes, events, mark = _look(cmd, name, places, events, mark)
                drawn += 1
                _draw(picture.lines(status, routes, events, _size() if live else None), live, drawn == 1)
                if count is None or drawn < count:
                    context.sleep(interval)
    except KeyboardInterrupt:
        pass  # how one leaves a live table
    finally:
        if live and drawn:
            sys.stdout.write(BACK)


def _look(
    cmd: Any, name: str, places: Optional[List[str]], events: List[Dict[str, Any]], mark: str
) -> Tuple[Dict[str, Any], List[Dict[str, Any]], List[Dict[str, Any]], str]:
    """Status, routes, the newest events, and the mark behind them."""

    def get(path: str) -> Any:
        return ask(cmd, path)

    quoted = documents.quoted(name)
    status = get(f"pools/{quoted}/status")
    stand = places or [region["name"] for region in status["regions"]]
    paths = [documents.with_query(f"pools/{quoted}/route", **{"from": place}) for place in stand]
    came, mark = eventlog.since(get, mark, name) if mark else eventlog.newest(get, LATEST, name)
    return status, [get(path) for path in paths], [*events, *came][-LATEST:], mark


def _size() -> Size:
    """Of the terminal; its last line stays empty, where the cursor is."""
    columns, rows = shutil.get_terminal_size()
    return Size(columns, rows - 1)


def _draw(lines: List[str], live: bool, first: bool) -> None:
    if live:
        text = (FULL_SCREEN if first else "") + HOME_AND_CLEAR + "\n".join(lines)
    else:
        text = ("" if first else "\n") + "\n".join(lines) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()
