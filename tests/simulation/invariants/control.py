"""Rules B1 to B4, D1 to D4, E2 to E6: the bill, and which changes of a pool are taken."""

from __future__ import annotations

from typing import Dict

from azext_mhsmregion.model import billing, lifecycle
from azext_mhsmregion.model.pool import Pool

from ..oracle.book import Book
from ..violation import Violation

HOUR = 3_600_000


def bill_is_right(book: Book, pool: Pool, now: int) -> None:
    """B1 to B3: the hours of each region by the oracle's own ledger."""
    wanted: Dict[str, int] = {}
    for region, (start, end) in zip(book.bill_regions, book.bill):
        assert start is not None
        until = now if end is None else min(end, now)
        wanted[region] = wanted.get(region, 0) + max(0, until - start)
    found = {region: hours for _, region, hours, _ in billing.cost(lifecycle.billed(pool, now), now)}
    for region in {*wanted, *found}:
        hours = wanted.get(region, 0) / HOUR
        if abs(found.get(region, 0.0) - hours) > 1e-6 * max(1.0, hours):
            message = f"{region} is billed {found.get(region, 0.0)} h, the ledger says {hours} h"
            raise Violation("B2", message, book.id)


def answered_as_predicted(book: Book, what: str, wanted: int, got: int, detail: str) -> None:
    """``wanted`` and ``got`` are HTTP statuses, 0 for taken."""
    if wanted != got:
        raise Violation("E2", f"{what} came to {got or 'taken'} ({detail}), not {wanted or 'taken'}", book.id)


def states_are_right(book: Book, pool: Pool, now: int) -> None:
    """E1, E3, E5, D2: what the record says of each region is what the ledger says."""
    names = {region.name for region in pool.regions if region.exists(now)}
    if names != set(book.stays):
        raise Violation("E3", f"the record has {sorted(names)}, the ledger {sorted(book.stays)}", book.id)
    for region in pool.regions:
        if not region.exists(now):
            continue
        stay = book.stays[region.name]
        if region.serves(now) != stay.serves(now):
            raise Violation(
                "E1", f"{region.name} is {region.state(now)}; serving {stay.serves(now)} was due", book.id
            )
    is_in_restore_mode(book, pool, now)


def is_in_restore_mode(book: Book, pool: Pool, now: int) -> bool:
    """E7: it is while a full restore runs, in every region."""
    wanted = book.is_restoring(now)
    if pool.is_restoring(now) != wanted:
        message = f"restoring {pool.is_restoring(now)}, by the ledger {wanted}: {pool.restore}"
        raise Violation("E7", message, book.id)
    return wanted


def phase(book: Book, now: int) -> str:
    if book.deleted is None or now < book.deleted[0]:
        return "live"
    if book.purged is not None and now >= book.purged:
        return "gone"
    if book.recovered is not None:
        return "live" if now >= book.recovered else "deleted"
    return "gone" if now >= book.deleted[1] else "deleted"
