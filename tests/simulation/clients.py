"""Clients: each in a place, with a cache of its own (a label), and connections that stay where they are
until they break (rules F5 to F10). Routed by ``model/routing.py``, watched by the slow traffic manager."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from azext_mhsmregion.model import activation, availability, rbac, routing
from azext_mhsmregion.model.chance import chance
from azext_mhsmregion.model.errors import ModelError
from azext_mhsmregion.model.faults import Fault
from azext_mhsmregion.model.trouble import upon

from .invariants import control
from .invariants import traffic as traffic_rules
from .oracle.book import Book
from .violation import Violation
from .world import World


class NoAnswer(Exception):
    """The request got no answer: no such name, or a connection that broke."""


class Refused(Exception):
    """An answer that refuses: its HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass
class Client:
    """``regional``: it uses the names of regions, not the global one (A6)."""

    label: str
    place: str
    regional: bool
    connections: Dict[str, Tuple[str, int]] = field(default_factory=dict)
    count: int = 0


@dataclass(frozen=True)
class Visit:
    """One request in one region."""

    book: Book
    region: str
    client: Client


def connect(world: World, client: Client, book: Book, wanted: str) -> Visit:
    """The client's connection to the pool, opened where there is none. Raises NoAnswer."""
    pool = world.tx.by_id[book.id]
    if pool.phase(world.now) != "live":
        client.connections.pop(book.id, None)
        if control.phase(book, world.now) == "live":
            raise Violation("D4", f"{pool.name} is not live, by the ledger it is", book.id)
        raise NoAnswer
    held = client.connections.get(book.id)
    region, partition = held if held is not None else _opened(world, client, book, wanted)
    fault = routing.fault_at(pool, region, partition, world.now, world.bench.faults)
    traffic_rules.meets(world.manager, book, region, partition, world.now, fault is not None)
    if fault is not None or not routing.has_address(pool, region, world.now):
        client.connections.pop(book.id, None)
        world.counts["connections broken"] += 1
        raise NoAnswer
    client.connections[book.id] = (region, partition)
    return Visit(book, region, client)


def _opened(world: World, client: Client, book: Book, wanted: str) -> Tuple[str, int]:
    """Where a new connection ends: by the region's own name, or as the traffic manager says."""
    pool, traffic = world.tx.by_id[book.id], world.traffic
    if client.regional and wanted:
        region: Optional[str] = wanted if routing.has_address(pool, wanted, world.now) else None
    else:
        region = routing.resolve_cached(pool, client.place, client.label, world.now, traffic).region
        world.manager.traffic = traffic
        traffic_rules.is_sent_right(world.manager, book, client.place, client.label, world.now, region)
    world.counts["resolutions"] += 1
    if region is None or not routing.has_address(pool, region, world.now):
        raise NoAnswer
    client.count += 1
    landing = routing.land(pool, region, world.now, f"{client.label}/{client.count}", traffic)
    world.manager.traffic = traffic
    traffic_rules.lands_right(world.manager, book, landing, world.now)
    return landing.region, landing.partition


def request(
    world: World, visit: Visit, principal: str, action: str, scope: str, write: bool, restoring: bool = False
) -> None:
    """What stands before every request: trouble, restore mode (but for what is asked while ``restoring``),
    activation, rights, and may the region write (``dataplane/frame.py``). Raises Refused."""
    book, region = visit.book, visit.region
    pool = world.tx.by_id[book.id]
    traffic_rules.may_answer(world.manager, book, region, world.now)
    _trouble(world, visit)
    if control.is_in_restore_mode(book, pool, world.now) and not restoring:
        world.counts["refused in restore mode"] += 1
        raise Refused(503)
    if not pool.is_active(world.now):
        if book.activated is not None and book.activated <= world.now:
            raise Violation("C4", f"{pool.name} is not active, by the ledger it is", book.id)
        raise Refused(activation_refusal(world, book))
    _authorize(world, visit, principal, action, scope)
    if write:
        _may_write(world, visit)


def _trouble(world: World, visit: Visit) -> None:
    faults = world.bench.faults
    if not faults:
        return
    client, number = visit.client, world.step
    partition = client.connections[visit.book.id][1]

    def draw(fault: Fault) -> float:
        return chance(world.bench.settings.seed, fault.id, client.label, number)

    met = upon(faults, visit.book.id, visit.region, partition, world.now, draw)
    if met.error is not None:
        world.counts["answers spoilt"] += 1
        raise Refused(met.error.status)


def activation_refusal(world: World, book: Book) -> int:
    """C4: the status of a data plane that is not activated."""
    try:
        activation.require_active(world.tx.by_id[book.id], world.now)
    except ModelError as error:
        return error.status
    raise Violation("C4", f"{book.name} is not active and is not refused", book.id)


def _authorize(world: World, visit: Visit, principal: str, action: str, scope: str) -> None:
    """K3 with the rights that this region holds, and no others."""
    objects = world.roles(visit.book, visit.region)
    stay = visit.book.stays[visit.region]
    wanted = world.rights.allowed(stay, principal, action, scope)
    try:
        rbac.authorize(objects, (principal,), action, scope)
        found = True
    except rbac.AccessDenied:
        found = False
    if found != wanted:
        message = f"{visit.region}: {principal} {action} on {scope}: allowed {found}, by its rights {wanted}"
        raise Violation("K3", message, visit.book.id)
    if not found:
        world.counts["denied"] += 1
        raise Refused(403)


def _may_write(world: World, visit: Visit) -> None:
    """E3 and F3."""
    book, pool = visit.book, world.tx.by_id[visit.book.id]
    region = pool.region(visit.region, world.now)
    stay = book.stays[visit.region]
    if region is None or region.removing is not None:
        if stay.removed is None:
            raise Violation("E3", f"{visit.region} refuses writes and is not being removed", book.id)
        raise Refused(409)
    if stay.removed is not None:
        raise Violation("E3", f"{visit.region} is being removed and takes writes", book.id)
    edition = world.bench.settings.edition
    out = world.history.site_down(book.primary.name, world.now) and not stay.primary
    refused = 0
    try:
        availability.require_writes(pool, visit.region, world.bench.faults, edition, world.now)
    except ModelError as error:
        refused = error.status
    if bool(refused) != (out and edition == "2025-04"):
        message = f"a write in {visit.region}: refused {refused}, primary's site out {out}, edition {edition}"
        raise Violation("F3", message, book.id)
    if refused:
        raise Refused(refused)
