"""Faults of every scope and effect that matters: now, planned, overlapping, cleared early, for ever."""

from __future__ import annotations

from typing import List, Optional

from azext_mhsmregion.emulator import breaking, losses
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.errors import ModelError
from azext_mhsmregion.model.faults import DESTRUCTIBLE, DOWN, EFFECTS, Effect, Fault, FaultKind, Scope

from .invariants.control import phase
from .operations import sync
from .oracle.book import Book
from .violation import Violation
from .world import World

MOST_AT_ONCE = 6
SCOPES = (
    *(Scope.LINK,) * 8, *(Scope.POOL,) * 5, *(Scope.PARTITION,) * 4,
    *(Scope.REGION,) * 3, *(Scope.SERVICE,) * 2,
)  # fmt: skip


def inject(world: World, book: Book, chosen: Optional[Fault] = None) -> Optional[Fault]:
    """Break something of a pool, or a region that it is in; None where nothing was broken."""
    if len(breaking.present(world.bench)) >= MOST_AT_ONCE + world.counts["destroyed"]:  # type: ignore[arg-type]
        clear(world)
        return None
    fault = chosen or _drawn(world, book)
    touched = _touch(world, fault)
    before = {one.id: one.lost for one in touched}
    try:
        breaking.inject(world.bench, fault)  # type: ignore[arg-type]
    except ModelError:
        world.counts["faults refused"] += 1
        return None
    world.counts[f"fault: {fault.scope.value} {fault.effect.value}"] += 1
    if fault.is_destruction:
        world.counts["destroyed"] += 1
    world.history.inject(fault)
    world.tell(
        book if fault.pool else None, "FAULT {}: {} {} {} {} from +{} ms for {} ms", fault.id,
        fault.kind.value, fault.scope.value, fault.effect.value, f"{fault.region}>{fault.to}",
        fault.start - world.now, "ever" if fault.end >= NEVER else fault.end - fault.start,
    )  # fmt: skip
    _after(world, touched)
    for one in touched:
        world.counts["writes lost"] += one.lost - before[one.id]
        _rpo_is_right(world, one, fault)
    return fault


def clear(world: World, chosen: Optional[Fault] = None) -> None:
    """End a fault early."""
    present = list(breaking.present(world.bench))  # type: ignore[arg-type]
    able = [one for one in present if not (one.is_destruction and one.start <= world.now)]
    if not able and chosen is None:
        return
    fault = chosen or world.random.choice(able)
    touched = _touch(world, fault)
    breaking.clear(world.bench, fault.id)  # type: ignore[arg-type]
    world.history.clear(fault, world.now)
    world.counts["faults cleared"] += 1
    world.tell(None, "CLEARED {}", fault.id)
    _after(world, touched)


def clear_all(world: World) -> None:
    for fault in breaking.present(world.bench):  # type: ignore[arg-type]
        if not (fault.is_destruction and fault.start <= world.now):
            clear(world, fault)


def _touch(world: World, fault: Fault) -> List[Book]:
    """The pools that the fault may concern, brought up to now."""
    ends = {fault.region, fault.to} - {""}
    found = [
        book
        for book in world.books.values()
        if fault.pool in ("", book.id) and phase(book, world.now) == "live" and ends & set(book.stays)
    ]
    for book in found:
        world.touch(book)
    return found


def _after(world: World, touched: List[Book]) -> None:
    for book in touched:
        world.absorb(book)
        world.touch(book)
        sync(world, book)


def _drawn(world: World, book: Book) -> Fault:
    random = world.random
    names = list(book.stays)
    scope = random.choice(SCOPES)
    if scope is Scope.LINK and len(names) < 2:
        scope = Scope.POOL
    region = random.choice(names[1:] if len(names) > 2 and random.random() < 0.5 else names)
    to = random.choice([name for name in names if name != region]) if scope is Scope.LINK else ""
    effect = _effect(world, scope)
    start = world.now + random.choice((0, 0, 0, random.randrange(1, 60_000), random.randrange(1, 3_600_000)))
    if random.random() < 0.2:
        end = NEVER
    else:
        end = start + random.choice((5_000, 60_000, 600_000, 7_200_000, 400_000_000)) * random.randrange(1, 5)
    kind = FaultKind.TRANSIENT
    wide = scope in (Scope.SERVICE, Scope.REGION)
    if scope in DESTRUCTIBLE and effect in DOWN and random.random() < (0.04 if wide else 0.5):
        kind, end = FaultKind.DESTROYED, NEVER
    return Fault(
        world.new_id("f"), scope, region, effect, start, end,
        pool=book.id if scope in (Scope.PARTITION, Scope.POOL) or (to and random.random() < 0.6) else "",
        partition=random.randrange(3) if scope is Scope.PARTITION else None,
        to=to, both_ways=random.random() < 0.6, kind=kind,
        rate=random.choice((0.3, 0.7, 1.0)) if effect in (Effect.ERROR, Effect.THROTTLE) else 1.0,
        milliseconds=_milliseconds(world, effect),
    )  # fmt: skip


def _effect(world: World, scope: Scope) -> Effect:
    choices = list(EFFECTS[scope])
    return world.random.choice([*choices, *choices[:3] * 2]) if scope is not Scope.LINK else (
        Effect.LAG if world.random.random() < 0.25 else Effect.DOWN
    )  # fmt: skip


def _milliseconds(world: World, effect: Effect) -> int:
    if effect is Effect.SLOW:
        return world.random.choice((100, 1_000, 20_000))
    if effect is Effect.LAG:
        return world.random.choice((50, 5_000, 300_000))
    if effect is Effect.SKEW:
        return world.random.choice((-3_600_000, -5_000, -20, 20, 5_000, 3_600_000))
    return 0


def _rpo_is_right(world: World, book: Book, fault: Fault) -> None:
    """L5b: the report of a destroyed region is the oracle's own count, and as old."""
    stay = book.stays.get(fault.region)
    if not fault.is_destruction or stay is None or stay.dead != world.now or stay.failed:
        return
    world.touch(book)  # removals that waited for it end with it
    if stay.removed is not None:
        return
    lost = world.watchers[book.id].died_with(stay, world.now)
    report = losses.loss_if_removed(world.bench, world.tx.by_id[book.id], stay.name)  # type: ignore[arg-type]
    oldest = min((entry.accepted for entry in lost), default=0)
    if (report.writes, report.oldest) != (len(lost), oldest):
        raise Violation("L5b", f"RPO of {stay.name}: {report}, lost are {len(lost)} since {oldest}", book.id)
