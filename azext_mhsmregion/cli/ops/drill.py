"""``keyvault region drill``: an outage around the user's own command, and what came of it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple
from uuid import uuid4

from azext_mhsmregion.cli import confirm, context, documents, ending, eventlog
from azext_mhsmregion.cli.drill import account, effects, reasons, reports, stage, timeline
from azext_mhsmregion.cli.drill.account import Bounds, Check, Drill
from azext_mhsmregion.cli.drill.link import held_up
from azext_mhsmregion.cli.drill.outage import others, outage
from azext_mhsmregion.cli.drill.saw import instant, saw
from azext_mhsmregion.cli.errors import OutputError, writing
from azext_mhsmregion.emulator.hosts import POOL_SUFFIX
from azext_mhsmregion.model.durations import seconds
from azext_mhsmregion.model.regions import catalogue
from azext_mhsmregion.provider.errors import ConflictError, NotFoundError, ProviderError, UsageError

WITH_POOL = ("partition", "pool", "link")
"""Scopes that break something of one pool; the others hit every pool there."""


class DrillFailed(ProviderError):
    """The command failed, or a bound does not hold."""


def drill(
    cmd,
    name,
    region,
    words=None,
    scope="region",
    kind="transient",
    effect=None,
    partition=None,
    to=None,
    rate=None,
    milliseconds=None,
    after="5s",
    lasts=None,
    max_errors=None,
    max_seconds=None,
    rpo=None,
    report=None,
    junit=None,
    yes=False,
    resource_group_name=None,
) -> None:
    if not words:
        raise UsageError(
            "A drill needs a command: what is to live through the outage.",
            "Behind two hyphens: ... --region uksouth -- ./my-app-test.sh",
        )
    _require_emulator(cmd)
    said = {
        "scope": scope, "region": region, "effect": effect, "kind": kind, "partition": partition, "to": to,
        "rate": rate, "milliseconds": milliseconds, "after": after, "for": lasts,
        "hsmName": name if scope in WITH_POOL else None,
    }  # fmt: skip
    spec = {member: value for member, value in said.items() if value is not None}
    effects.require_drillable(effect)
    _require_spans(after, lasts)
    for option, file in (("--report", report), ("--junit", junit)):
        _require_writable(option, file)
    if kind == "destroyed" and not yes:
        _ask_to_destroy(region)
    made = _rehearse(cmd, name, tuple(words), spec)
    bounds = Bounds(max_errors, max_seconds, rpo)
    held = account.checks(made, bounds)
    why = reasons.reasons(made, has_failed=not all(check.is_held for check in held))
    with ExitStack() as stack:  # the reports come last, even where nobody reads the timeline
        unwritten: List[str] = []
        stack.callback(_write, report, reports.as_json(made, bounds, held, why), unwritten)
        stack.callback(_write, junit, reports.as_junit(made, held, why), unwritten)
        with writing():
            print(timeline.text(made, held, why), flush=True)
    _judge(held, [*why, *unwritten])
    if unwritten:
        raise OutputError("\n".join(unwritten))


def _require_emulator(cmd: Any) -> None:
    if context.provider(cmd.cli_ctx).kind != "emulator":
        raise UsageError(
            "Regions of Azure cannot be broken on purpose.", "With --provider emulator they can."
        )


def _ask_to_destroy(region: str) -> None:
    """On a terminal; elsewhere it must have been said."""
    if not confirm.on_terminal():
        raise UsageError(
            f"What is destroyed in {region} stays so for the rest of the drill.",
            "Say --yes: the drill works on a snapshot, and everything is put back afterwards.",
        )
    confirm.ask("The drill destroys a region's pool, and puts everything back afterwards. Begin?")


_Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Scene:
    """Where the drill plays: the emulator's API, the pool's state and the faults before, the client's
    label and place, and until which event everything is history."""

    ask: stage.Ask
    before: Mapping[str, Any]
    faults: _Records
    client: str
    place: str
    mark: str


def _rehearse(cmd: Any, name: str, words: Tuple[str, ...], spec: Dict[str, Any]) -> Drill:
    def ask(method: str, path: str, body: Optional[Mapping[str, Any]] = None) -> Any:
        return context.control(cmd.cli_ctx, method, path, body)

    before = ask("GET", _status_path(name))  # a pool that does not exist starts no server
    region = _region_of(before, spec["region"])
    _require_running_clock(ask)
    client = f"drill-{uuid4().hex[:8]}"
    with ExitStack() as stack:
        stack.enter_context(ending.ended_by_sigterm())
        context.sending(cmd.cli_ctx)
        found = stack.enter_context(stage.server(cmd))
        if spec["kind"] == "destroyed":
            stack.enter_context(stage.put_back(ask, client))
        place = context.place(cmd.cli_ctx) or region
        faults, mark = ask("GET", "faults")["value"], ask("GET", "events?newest=0")["after"]
        scene = _Scene(ask, before, faults, client, place, mark)
        environ = stage.surroundings(cmd, found, place, client)
        return _run(scene, words, spec, environ)
    raise AssertionError("a context that swallows errors")


def _run(scene: _Scene, words: Tuple[str, ...], spec: Dict[str, Any], environ: Mapping[str, str]) -> Drill:
    start = _now(scene.ask)
    with stage.fault(scene.ask, spec) as fault:
        recorder = stage.Recorder(scene.ask, scene.client)
        looker = stage.Looker(scene.ask, _status_path(scene.before["hsmName"]), fault)

        def look() -> None:
            looker.look()
            recorder.fetch()

        code = stage.command(words, environ, look, looker.due_in)
        looker.look()
        ended = _now(scene.ask)
        recorder.fetch()
        return _seen(scene, words, fault, (start, ended), (recorder.records, looker.looks), code)


def _seen(
    scene: _Scene,
    words: Tuple[str, ...],
    fault: Mapping[str, Any],
    span: Tuple[float, float],
    seen: Tuple[_Records, _Records],
    code: int,
) -> Drill:
    """Everything that is to be known, before the outage is cleared away. ``span`` is when the drill
    started and when the command ended, ``seen`` what the client did and how the pool looked."""
    start, ended = span
    records, looks = seen
    pool = scene.before["hsmName"]
    events, _ = eventlog.since(lambda path: scene.ask("GET", path), scene.mark, pool)
    after = scene.ask("GET", _status_path(pool))
    fastest = after["detectionTakesSeconds"][0]
    ours = outage(fault, events, start, ended - start, fastest)
    return Drill(
        pool=pool,
        place=scene.place,
        client=scene.client,
        words=words,
        outage=ours,
        saw=saw(records, f"{pool.lower()}{POOL_SUFFIX}", start),
        ended=ended - start,
        exit_code=code,
        lost=_lost(after) - _lost(scene.before),
        within=after["failoverWithinSeconds"],
        others=others(scene.faults, scene.before, start, ended - start),
        held_up=held_up(ours, looks, events, start) if ours.to else None,
        is_extended=sum(one["health"] is not None for one in scene.before["regions"]) > 1,
    )


def _judge(held: List[Check], why: List[str]) -> None:
    """Raises DrillFailed, which says what is broken and why."""
    broken = [f"{check.name}: {check.said}" for check in held if not check.is_held]
    if broken:
        raise DrillFailed(f"The drill failed: {'; '.join(broken)}.", "\n".join(why))


def _require_running_clock(ask: stage.Ask) -> None:
    if ask("GET", "clock")["mode"] == "manual":
        raise ConflictError(
            "The service clock is held: an outage would neither begin nor end.",
            "Let it run: keyvault emulator clock set --mode real",
        )


def _now(ask: stage.Ask) -> float:
    """Service time, seconds since 1970."""
    return instant(ask("GET", "clock")["now"])


def _region_of(status: Mapping[str, Any], typed: str) -> str:
    """The region by its canonical name. Raises NotFoundError where the pool has none there."""
    name = catalogue().normalise(typed)
    names = [one["name"] for one in status["regions"]]
    if name not in names:
        raise NotFoundError(f"{status['hsmName']} is not in {typed}; it is in {', '.join(names)}.")
    return name


def _status_path(pool: str) -> str:
    return f"pools/{documents.quoted(pool)}/status"


def _lost(status: Mapping[str, Any]) -> int:
    return sum(one["writes"] for one in status["lost"])


def _require_spans(after: str, lasts: Optional[str]) -> None:
    """Raises UsageError for times that are none, and for an outage of no length."""
    for option, text in (("--after", after), ("--for", lasts)):
        try:
            length = 1.0 if text is None else seconds(text)
        except ValueError:
            raise UsageError(f"{option} is '{text}'; it must be a time such as 10s, 2m or 1h.") from None
        if option == "--for" and not length:
            raise UsageError(
                "An outage of no length breaks nothing.",
                "Say with --for how long it lasts; without --for it ends with the command.",
            )


def _require_writable(option: str, file: Optional[str]) -> None:
    """A drill may take long: what cannot be written is told before. Raises UsageError."""
    if file is None:
        return
    if not file:
        raise UsageError(f"{option} is empty; it must be a file.")
    path = Path(file).absolute()
    if path.is_dir():
        raise UsageError(f"{file} cannot be written: it is a folder.")
    if not path.parent.is_dir():
        raise UsageError(f"{file} cannot be written: there is no folder {path.parent}.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{file} cannot be written: permission denied.")


def _write(file: Optional[str], text: str, unwritten: List[str]) -> None:
    """A report; why it cannot be written is added to ``unwritten``."""
    if file is None:
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        unwritten.append(f"{file} cannot be written: {error.strerror or error}.")


__all__ = ["DrillFailed", "drill"]
