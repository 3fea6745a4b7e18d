"""Rules A2, A3, E9, F1 to F10: where clients are sent, and when a region is found out."""

from __future__ import annotations

from typing import List, Optional

from azext_mhsmregion.model.routing import Landing

from ..oracle.book import Book, Stay
from ..oracle.traffic import Manager
from ..violation import Violation


def is_sent_right(
    manager: Manager, book: Book, place: str, client: str, now: int, got: Optional[str]
) -> None:
    """The client's region is what the slow traffic manager with its real caches answers (F5 to F9)."""
    wanted, asked = manager.cached(book, place, client, now)
    if book.live_since > asked:
        return  # the name was not there when the window began
    if got != wanted:
        raise Violation("F6", f"client {client} at {place} is sent to {got}, not to {wanted}", book.id)
    _within_bounds(manager, book, place, now, got)


def _within_bounds(manager: Manager, book: Book, place: str, now: int, got: Optional[str]) -> None:
    """F7 and F9 from the outages alone: neither caches nor ticks are worked out here."""
    traffic, probes = manager.traffic, manager.traffic.probes
    serving = [stay for stay in book.stays.values() if stay.serves(now)]
    if not serving:
        return
    slowest = (probes.tolerated + 1) * probes.interval + probes.timeout + traffic.ttl
    ups = [stay for stay in serving if _up_for(manager, book, stay, now) > _healed(manager)]
    if got is not None and ups and got in book.stays:
        down = _down_for(manager, book, book.stays[got], now)
        if down > slowest and all(stay.ready + slowest < now for stay in serving):
            raise Violation("F7", f"{got} has been down for {down} ms and is still answered", book.id)
    nearest = min(serving, key=lambda stay: manager._far(book, stay, place))
    if (
        got == nearest.name
        or got not in [stay.name for stay in serving]
        or any(stay.ready > now - traffic.ttl for stay in serving)
    ):
        return
    if _up_for(manager, book, nearest, now) > _healed(manager):
        raise Violation("F9", f"{nearest.name} is back, and clients are sent to {got}", book.id)
    first = _fresh_outage(manager, book, nearest, now)
    if first is not None and now - first < probes.tolerated * probes.interval:
        raise Violation("F7", f"{nearest.name} was left {now - first} ms after its outage began", book.id)


def _healed(manager: Manager) -> int:
    """F9: probe interval + TTL; a probe that hangs as the region returns is still waited for."""
    probes = manager.traffic.probes
    return probes.interval + manager.traffic.ttl + probes.timeout


def _down_for(manager: Manager, book: Book, stay: Stay, now: int) -> int:
    """For how long it has been down without a break."""
    spans = manager.history.down(book.id, stay.name)
    begun = now
    if not any(start <= now < end for start, end in spans):
        return 0
    while True:
        earlier = [start for start, end in spans if start < begun <= end]
        if not earlier:
            break
        begun = min(earlier)
    return now - max(begun, stay.ready)


def _up_for(manager: Manager, book: Book, stay: Stay, now: int) -> int:
    """For how long nothing at all has touched the region."""
    faults = [fault for fault in manager.history.at(book.id, stay.name) if fault.start <= now]
    return min([now - min(now, fault.end) for fault in faults] + [now - stay.ready + 2**40])


def _fresh_outage(manager: Manager, book: Book, stay: Stay, now: int) -> Optional[int]:
    """When the present trouble began, where long peace was before it."""
    probes = manager.traffic.probes
    quiet = (probes.tolerated + 2) * probes.interval + manager.traffic.ttl
    faults = [fault for fault in manager.history.at(book.id, stay.name) if fault.start <= now]
    recent = [fault for fault in faults if fault.end > now - 2 * quiet - manager.traffic.ttl]
    if not recent:
        return None
    return min(fault.start for fault in recent)


def lands_right(manager: Manager, book: Book, landing: Landing, now: int) -> None:
    """A2: on a partition that is in rotation, where one is; and it meets what is broken there."""
    meets(manager, book, landing.region, landing.partition, now, landing.fault is not None)
    faults = [f for f in manager.history.at(book.id, landing.region) if f.effect.value != "skew"]
    if not faults:
        return
    rotation: List[int] = [
        number for number in range(3) if manager.partition_in_rotation(book, landing.region, number, now)
    ]
    if rotation and landing.partition not in rotation:
        message = f"a connection lands on partition {landing.partition} of {landing.region}, out of rotation"
        raise Violation("A2", message, book.id)


def meets(manager: Manager, book: Book, region: str, partition: int, now: int, broken: bool) -> None:
    """F10: a connection breaks where its partition is dead, and only there."""
    dead = bool(manager.history.partition_effect(book.id, region, partition, now))
    if dead != broken:
        message = f"a connection to {region}/{partition}: broken {broken}, its partition dead {dead}"
        raise Violation("F10", message, book.id)


def may_answer(manager: Manager, book: Book, region: str, now: int) -> None:
    """No answer from a region that could not have given it."""
    stay = book.stays.get(region)
    if stay is None or stay.failed or stay.ready > now or stay.ended is not None:
        raise Violation("E1", f"{region} answers and is not a region of the pool that is ready", book.id)
    if stay.dead is not None or manager.history.region_down(book.id, region, now):
        raise Violation("F2", f"{region} answers and is down", book.id)
