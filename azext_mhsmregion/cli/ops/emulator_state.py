"""``mhsm keyvault emulator``: what the emulator holds. Status, clock, seed, reset, snapshots,
export and import, the log. In process, or asked of the server that runs on the home."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Mapping

from azext_mhsmregion.cli import confirm, context, documents, errors
from azext_mhsmregion.emulator import running
from azext_mhsmregion.model.durations import seconds as seconds_of
from azext_mhsmregion.provider.errors import ConflictError, HomeError, NotFoundError, UsageError

_MEASURED = re.compile(r"([^:=]+):([^:=]+)=(\d+(?:\.\d+)?)")


def status(cmd) -> Dict[str, Any]:
    server = running.find(Path(context.home(cmd.cli_ctx)))
    dns = server.dns if server else None
    return {**context.control(cmd.cli_ctx, "GET", "status"), "dns": dns and asdict(dns)}


def clock_show(cmd) -> Dict[str, Any]:
    return context.control(cmd.cli_ctx, "GET", "clock")


def clock_advance(cmd, by) -> Dict[str, Any]:
    return context.control(cmd.cli_ctx, "POST", "clock/advance", {"seconds": seconds(by)})


def clock_set(cmd, mode=None, to=None) -> Dict[str, Any]:
    if mode is None and to is None:
        raise UsageError("Say --mode, --to, or both.")
    change = {"mode": mode, "now": to}
    _refuse_no_time(change)
    return context.control(cmd.cli_ctx, "PATCH", "clock", change)


def _refuse_no_time(change: Mapping[str, Any]) -> None:
    """What is no time is wrong usage; that a time is past, only the clock knows."""
    from azext_mhsmregion.emulator import clock_change
    from azext_mhsmregion.model.errors import Invalid

    try:
        clock_change.parsed(change)
    except Invalid as error:
        raise UsageError(error.message) from error


def clock_scale(cmd, factor) -> Dict[str, Any]:
    with errors.of_options():
        return context.control(cmd.cli_ctx, "PATCH", "clock", {"mode": "scaled", "scale": factor})


def seed(cmd, file) -> Dict[str, Any]:
    return context.control(cmd.cli_ctx, "POST", "seed", documents.read(file))


def reset(cmd, yes=False) -> None:
    if not yes and confirm.on_terminal():
        confirm.ask("Resetting the emulator purges all its pools and keys. Reset it?")
    context.control(cmd.cli_ctx, "POST", "reset")


def snapshot_create(cmd, name) -> Dict[str, Any]:
    return context.control(cmd.cli_ctx, "PUT", f"snapshots/{documents.quoted(name)}")


def snapshot_list(cmd) -> List[Dict[str, Any]]:
    return context.control(cmd.cli_ctx, "GET", "snapshots")["value"]


def snapshot_restore(cmd, name) -> None:
    context.control(cmd.cli_ctx, "POST", f"snapshots/{documents.quoted(name)}/restore")


def snapshot_delete(cmd, name) -> None:
    context.control(cmd.cli_ctx, "DELETE", f"snapshots/{documents.quoted(name)}")


def settings(
    cmd,
    profile=None,
    edition=None,
    seed_number=None,
    durations=None,
    hold=None,
    place=None,
    routing=None,
    latency=None,
    pacing=None,
) -> Dict[str, Any]:
    wanted = {
        "place": place,
        "routing": routing,
        "pacing": pacing,
        "latency": None if latency is None else _latency(latency),
        "profile": profile,
        "edition": edition,
        "seed": seed_number,
        "advance_on_poll": None if hold is None else not hold,
        "durations": None if durations is None else _durations(durations),
    }
    changes = {name: value for name, value in wanted.items() if value is not None}
    if not changes:
        return context.control(cmd.cli_ctx, "GET", "status")["settings"]
    with errors.of_options():
        return context.control(cmd.cli_ctx, "PATCH", "settings", changes)


def export(cmd, file) -> Dict[str, Any]:
    from azext_mhsmregion.cli import serving
    from azext_mhsmregion.emulator import carrying, errors

    emulator = serving.open_home(context.home(cmd.cli_ctx))
    try:
        carrying.export(emulator.parts, Path(file))
    except FileExistsError:
        raise ConflictError(f"{file} exists.", "Choose another file; nothing is overwritten.") from None
    except OSError as error:
        raise HomeError(f"{file} cannot be written: {error.strerror or error}.") from error
    except errors.HomeError as error:
        raise HomeError(error.message, error.hint) from error
    return {"file": file, "home": str(emulator.home)}


def import_(cmd, file) -> Dict[str, Any]:
    from azext_mhsmregion.emulator import carrying, errors

    home = context.home(cmd.cli_ctx)
    try:
        carrying.unpack(Path(file), Path(home))
    except errors.HomeError as error:
        raise HomeError(error.message, error.hint) from error
    return status(cmd)


def logs(cmd, lines=100) -> None:
    """Prints the server's log as it is."""
    if lines < 0:
        raise UsageError(f"--lines is {lines}; it must be a number from 0 on.")
    import sys

    from azext_mhsmregion.cli.errors import writing
    from azext_mhsmregion.emulator.http import logfile

    try:
        found = logfile.last_lines(Path(context.home(cmd.cli_ctx)) / logfile.FILE, lines)
    except FileNotFoundError:
        raise NotFoundError("No server has run in the background on this home.") from None
    with writing():
        sys.stdout.write("".join(found))


def seconds(text: str) -> float:
    """``90``, ``90s``, ``6m``, ``2h`` or ``7d`` in seconds. Raises UsageError."""
    try:
        return seconds_of(text)
    except ValueError:
        raise UsageError(f"'{text}' is no duration.", "For example 90s, 6m, 2h or 7d.") from None


def _durations(texts: List[str]) -> Dict[str, float]:
    pairs = [text.partition("=") for text in texts if text]
    wrong = [name for name, sign, _ in pairs if not sign]
    if wrong:
        raise UsageError(f"'{wrong[0]}' must be NAME=DURATION, such as region-add=30s.")
    return {name: seconds(value) for name, _, value in pairs}


def _latency(texts: List[str]) -> Dict[str, Dict[str, float]]:
    table: Dict[str, Dict[str, float]] = {}
    for text in filter(None, texts):
        found = _MEASURED.fullmatch(text)
        if found is None:
            raise UsageError(f"'{text}' must be PLACE:REGION=MILLISECONDS, such as westeurope:uksouth=12.")
        table.setdefault(found[1], {})[found[2]] = float(found[3])
    return table
