"""The control plane of the world: pools and their regions come and go, composed as ``emulator/arm`` does;
each answer is predicted by the ledger (rules D1 to D4, E2 to E6, F3)."""

from __future__ import annotations

from typing import Callable, List, Optional, Sequence

from azext_mhsmregion.emulator import acceptance, arranging, losses
from azext_mhsmregion.model import activation, availability, extension, lifecycle, rbac
from azext_mhsmregion.model.errors import ModelError, NotFound
from azext_mhsmregion.model.extension import Conditions
from azext_mhsmregion.model.lifecycle import Act, Changes, NewPool
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.regions import catalogue

from .asking import ADMIN
from .invariants import control
from .invariants.control import phase
from .invariants.replication import Replication
from .oracle.book import Book, Stay
from .oracle.entry import Entry
from .violation import Violation
from .world import World

DAY = 86_400_000
MAXIMUM = {"2025-04": None, "2026-04": 1}


def act(world: World) -> Act:
    return Act(world.now, ADMIN, world.new_id("op"), world.bench.profile)


def _answered(
    world: World, book: Book, what: str, wanted: int, command: Callable[[], Pool]
) -> Optional[Pool]:
    """Run a command and compare its answer with the prediction; None where it is refused."""
    try:
        pool, got, detail = command(), 0, ""
    except ModelError as error:
        pool, got, detail = None, error.status, error.message
    control.answered_as_predicted(book, what, wanted, got, detail)
    world.tell(book, "{} -> {}", what, detail or "taken")
    world.counts["control refused" if got else f"control: {what.split()[0]}"] += 1
    return pool


# -- predictions -------------------------------------------------------------------------------


def _reachable(world: World, book: Book) -> int:
    """404 for a pool that is not live, 503 while the primary's service is out."""
    if phase(book, world.now) != "live":
        return 404
    return 503 if world.history.site_down(book.primary.name, world.now) else 0


def _busy(world: World, book: Book) -> int:
    return 409 if world.now < book.busy_until or book.is_restoring(world.now) else 0


# -- pools -------------------------------------------------------------------------------------


def create(world: World, location: str, retention: int, protection: bool) -> Optional[Book]:
    name = f"hsm{world.step}"
    if name.lower() in {book.name for book in world.books.values()}:
        return None
    asked = NewPool(
        id=world.new_id("pool"), name=name, subscription="s", group="g", tenant="t", location=location,
        administrators=(ADMIN,), retention_days=retention, purge_protection=protection,
    )  # fmt: skip
    book = Book(
        asked.id, name, world.now, asked.sku, retention, protection, world.history,
        world.bench.profile.of("replication.max_lag"), world.bench.profile.of("region-remove"),
    )  # fmt: skip
    wanted = 503 if world.history.site_down(location, world.now) else 0

    def command() -> Pool:
        availability.require_control_plane([location], world.bench.faults, world.now)
        return lifecycle.create(asked, None, act(world), catalogue())

    pool = _answered(world, book, f"create in {location}", wanted, command)
    if pool is None:
        return None
    ready = world.now + world.bench.profile.of("create")
    world.books[book.id] = book
    world.watchers[book.id] = Replication(book)
    book.enter(Stay(location, True, world.now, ready), world.now)
    book.bill.append([world.now, None])
    book.bill_regions.append(location)
    born = rbac.administrators(pool.administrators, [world.new_id("born")])
    acceptance.accept(world.bench, pool, location, born)  # type: ignore[arg-type]
    world.absorb(book)
    sync(world, book)
    return book


def activate(world: World, book: Book) -> None:
    pool = world.touch(book)
    if phase(book, world.now) != "live":
        return
    wanted = 409 if book.activated is not None else _busy(world, book)
    duration = world.bench.profile.of("activation")

    def command() -> Pool:
        return acceptance.record(world.bench, activation.download(pool, world.now, duration))  # type: ignore[arg-type]

    if _answered(world, book, "activate", wanted, command) is not None:
        book.activated = world.now + duration
    sync(world, book)


def update(world: World, book: Book) -> None:
    pool = world.touch(book)
    wanted = _reachable(world, book) or _busy(world, book)

    def command() -> Pool:
        _require(world, pool)
        changed = lifecycle.update(pool, Changes(tags={"n": str(world.step)}), act(world))
        return acceptance.record(world.bench, changed)  # type: ignore[arg-type]

    _answered(world, book, "update", wanted, command)
    sync(world, book)


def delete(world: World, book: Book) -> None:
    """D1, D4."""
    pool = world.touch(book)
    wanted = _reachable(world, book) or (400 if len(book.stays) > 1 else 0) or _busy(world, book)

    def command() -> Pool:
        _require(world, pool)
        return acceptance.record(world.bench, lifecycle.delete(pool, act(world)))  # type: ignore[arg-type]

    if _answered(world, book, "delete", wanted, command) is not None:
        done = world.now + world.bench.profile.of("delete")
        book.deleted, book.recovered, book.purged = (done, world.now + book.retention_days * DAY), None, None
    sync(world, book)


def recover(world: World, book: Book) -> None:
    pool = world.touch(book)
    out = world.history.site_down(book.primary.name, world.now)
    wanted = 503 if out else 404 if phase(book, world.now) != "deleted" else _busy(world, book)

    def command() -> Pool:
        availability.require_control_plane([pool.location], world.bench.faults, world.now)
        return acceptance.record(world.bench, lifecycle.recover(pool, pool.name, act(world)))  # type: ignore[arg-type]

    if _answered(world, book, "recover", wanted, command) is not None:
        book.recovered = book.live_since = world.now + world.bench.profile.of("recover")
    sync(world, book)


def purge(world: World, book: Book) -> None:
    pool = world.touch(book)
    out = world.history.site_down(book.primary.name, world.now)
    wanted = 503 if out else 404 if phase(book, world.now) != "deleted" else _busy(world, book)
    wanted = wanted or (400 if book.purge_protection else 0)

    def command() -> Pool:
        availability.require_control_plane([pool.location], world.bench.faults, world.now)
        purged = lifecycle.purge(pool, pool.name, act(world))
        world.tx.drop_regions(pool.id, [])
        return acceptance.record(world.bench, purged)  # type: ignore[arg-type]

    if _answered(world, book, "purge", wanted, command) is not None:
        book.purged = world.now + world.bench.profile.of("purge")
        for span in book.bill:
            span[1] = world.now if span[1] is None else span[1]
    world.tx.shelf(book.id).journal.clear()
    sync(world, book)


def _require(world: World, pool: Pool) -> None:
    """``emulator/arm/pools.py``: a live pool whose primary's control plane is up."""
    if pool.phase(world.now) != "live":
        raise NotFound("no such pool")
    availability.require_control_plane([pool.location], world.bench.faults, world.now)


# -- regions -----------------------------------------------------------------------------------


def set_regions(world: World, book: Book, asked: Sequence[str], retry: bool = False) -> None:
    """PATCH of ``properties.regions``, as ``emulator/arm/changes.py`` composes it."""
    pool = world.touch(book)
    there = [stay.name for stay in book.stays.values() if not stay.primary]
    if phase(book, world.now) == "live" and set(asked) == set(there) and not retry:
        return
    wanted = _predicted(world, book, asked, there)
    leaving = [stay for stay in book.stays.values() if stay.name in there and stay.name not in asked]
    fresh = [stay for stay in leaving if stay.removed is None]
    watcher = world.watchers[book.id]
    given_up = watcher.given_up(fresh, world.now)
    given_up.update((stay, watcher.died_with(stay, world.now)) for stay in fresh if _is_dead(stay))
    events = len(world.tx.log)

    def command() -> Pool:
        _require(world, pool)
        conditions = Conditions(catalogue(), world.bench.settings.edition, (), world.bench.faults)
        change = extension.change_regions(pool, list(asked), act(world), conditions)
        world.change = change
        losses.lose(world.bench, pool, change.removed)  # type: ignore[arg-type]
        return arranging.apply(world.bench, change)  # type: ignore[arg-type]

    new = _made(book, asked, there, world.now)
    what = f"regions {sorted(there)} become {sorted(asked)}"
    changed = _answered(world, book, what, wanted, command)
    if changed is None:
        return
    if len(fresh) > 1:
        world.counts["removals of several regions"] += 1
    for stay in fresh:
        _removed(world, book, stay, given_up[stay], world.tx.log[events:])
    world.absorb(book)
    for name in new if world.change.added else []:
        _added(world, book, name)
    world.absorb(book)
    sync(world, book)


def _predicted(world: World, book: Book, asked: Sequence[str], there: Sequence[str]) -> int:
    """The refusals in their order (E2, E4, G2, A8, C4d)."""
    edition, now = world.bench.settings.edition, world.now
    refused = _reachable(world, book)
    if refused:
        return refused
    if book.primary.name in asked or len(set(asked)) != len(asked):
        return 400
    new = _made(book, asked, there, now)
    known = catalogue().regions
    cloud = known[book.primary.name].cloud
    if any(not known[name].can_be_extended[edition] or known[name].cloud != cloud for name in new):
        return 400
    maximum = MAXIMUM[edition]
    if new and maximum is not None and len(asked) > maximum:
        return 400
    if new and (book.activated is None or now < book.activated):
        return 409
    if new and any(world.history.site_down(name, now) for name in (book.primary.name, *new)):
        return 503
    return _busy(world, book)


def _removed(world: World, book: Book, stay: Stay, lost: List[Entry], log: Sequence[dict]) -> None:  # type: ignore[type-arg]
    """E3, D2: out of service and off the bill now; the report of what is lost is the oracle's count."""
    stay.removed = world.now
    for region, span in zip(book.bill_regions, book.bill):
        if region == stay.name and span[1] is None:
            span[1] = world.now
    if stay.failed:
        return
    fresh = [entry for entry in lost if entry.lost is None]
    book.lose(fresh, world.now)
    report = [event for event in log if event["kind"] == "loss" and event["region"] == stay.name]
    counted = report[0]["writes"] if report else 0
    if counted != len(lost):
        raise Violation("L5b", f"removal of {stay.name} reports {counted} lost, {len(lost)} are", book.id)
    if lost:
        age = (world.now - min(entry.accepted for entry in lost)) / 1000
        if abs(report[0]["seconds"] - age) > 1e-6:
            raise Violation("L5b", f"RPO {report[0]['seconds']} s, not {age} s", book.id)
        world.counts["writes lost"] += len(fresh)
        world.tell(book, "{} is lost: {} writes", stay.name, len(lost))
    for entry in lost:
        entry.told = True


def _added(world: World, book: Book, name: str) -> None:
    ready = world.now + world.bench.profile.of("region-add")
    full = world.history.any_effect(name, "capacity", world.now)
    broken = world.history.any_effect(name, "provisioning", world.now)
    refused = full or broken
    stay = Stay(name, False, world.now, ready, failed=refused, refused=refused, made=ready)
    book.enter(stay, world.now)
    if not stay.failed:
        book.bill.append([ready, None])
        book.bill_regions.append(name)


# -- the record as the model has it -----------------------------------------------------------------


def sync(world: World, book: Book) -> None:
    """Take over what the model decides (when a removal ends, when an operation is done), and check
    what the ledger knows better: which adds fail (E5, E6), how long operations may take (E3)."""
    world.absorb(book)
    pool = world.tx.by_id[book.id]
    _strike(world, book)
    for region in pool.regions:
        stay = book.stays.get(region.name)
        if stay is not None and stay.removed is not None:
            stay.gone = region.gone
        if stay is None or not region.exists(world.now):
            continue
        fails = region.failed or region.struck is not None
        if fails != stay.failed or (region.removing is not None) != (stay.removed is not None):
            raise Violation(
                "E6" if world.history.destroyed(book.id, stay.name) else "E5",
                f"{region.name}: failed {fails}, removing {region.removing}; "
                f"the ledger: failed {stay.failed}, removed {stay.removed}",
                book.id,
            )
        if region.made() != stay.ready:
            raise Violation("E1", f"{region.name} is made at {region.made()}, not {stay.ready}", book.id)
        stay.gone = region.gone
    if pool.operation is not None:
        book.busy_until = pool.operation.done


def _strike(world: World, book: Book) -> None:
    """E6: destroyed while being added, or its primary: the add fails then, unless it is called off before."""
    for stay in book.stays.values():
        if stay.primary or stay.refused or min(stay.ready, stay.made) <= world.now:
            continue
        deaths = [world.history.destroyed(book.id, name) for name in (stay.name, book.primary.name)]
        early = [when for when in deaths if when is not None and when < stay.made]
        failed, stay.failed = stay.failed, bool(early)
        stay.ready = max(world.now, min(early)) if early else stay.made
        if stay.failed and not failed:
            _take_off_the_bill(book, stay)
        elif failed and not stay.failed:
            book.bill.append([stay.made, None])
            book.bill_regions.append(stay.name)


def _take_off_the_bill(book: Book, stay: Stay) -> None:
    """B1: it never was Succeeded."""
    for number, (region, span) in enumerate(zip(book.bill_regions, book.bill)):
        if region == stay.name and span[0] == stay.made and span[1] is None:
            del book.bill[number], book.bill_regions[number]
            return


def _made(book: Book, asked: Sequence[str], there: Sequence[str], now: int) -> List[str]:
    """The new ones; the failed ones where the list is what is there already (E5)."""
    if set(asked) != set(there):
        return [name for name in asked if name not in there]
    return [name for name in asked if _has_failed(book.stays[name], now)]


def _has_failed(stay: Stay, now: int) -> bool:
    return stay.failed and stay.ready <= now and stay.removed is None


def _is_dead(stay: Stay) -> bool:
    """Destroyed, with data in it."""
    return stay.dead is not None and not stay.failed
