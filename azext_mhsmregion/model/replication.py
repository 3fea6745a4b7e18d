"""Arrival is data, decided when a write is accepted; reads never write (rules L1 to L6, E1).

Each region of a pool has rows of its own. Accepting a write in one region makes its row there,
visible at once, and one row for each other region, visible from an instant that is known now.
All times are service time in milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, Protocol, Sequence, Tuple

from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.network import PEACE, Network, arrival, arrivals, pass_on
from azext_mhsmregion.model.rows import Kind, Links, Row, Stamp, Write

_COUNTER_BITS = 16


def next_hlc(now: int, last_seen: int) -> int:
    """The hybrid logical time of a write accepted at ``now`` in a region that has seen
    ``last_seen`` (0: nothing). Always greater than both."""
    return max(now << _COUNTER_BITS, last_seen + 1)


class Randomness(Protocol):
    """The part of ``random.Random`` that the model uses; handed in, never fetched."""

    def gauss(self, mu: float, sigma: float) -> float:
        """A normally distributed number."""


def draw_lag(random: Randomness, max_lag: int) -> int:
    """One write's lag: log-normal with a median of ``max_lag``/72, cut at ``max_lag`` (L2)."""
    median = max(1.0, max_lag / 72)
    return min(max_lag, int(math.exp(random.gauss(math.log(median), 1.0))))


@dataclass(frozen=True)
class Accepted:
    """What accepting came to: the rows to store, and the links moved on."""

    rows: Tuple[Row, ...]
    links: Links


def accept(
    writes: Sequence[Write],
    origin: str,
    others: Mapping[str, int],
    now: int,
    last_seen: int,
    draw: Callable[[], int],
    links: Links,
    network: Network = PEACE,
    skew: int = 0,
) -> Accepted:
    """Accept ``writes`` in ``origin`` at ``now``.

    ``others`` are the pool's other regions and the instant from which each can show anything
    (its Succeeded, E1). ``draw`` gives one lag for each write, ``skew`` is by how much the
    region's clock is wrong. A write never overtakes one that the same region accepted before it
    (L3): a running maximum for each link.
    """
    rows: List[Row] = []
    moved: Dict[Tuple[str, str], int] = dict(links)
    hlc = last_seen
    sent = {region: max(now, ready) for region, ready in others.items()}
    for write in writes:
        hlc = next_hlc(now + skew, hlc)
        lag = draw()
        own = Row(
            origin, write.kind, write.name, write.version, Stamp(hlc, origin),
            now, lag, now, write.tombstone, write.body,
        )  # fmt: skip
        rows.append(own)
        for region, due in arrivals(origin, sent, lag, network).items():
            link = (origin, region)
            moved[link] = max(due, moved.get(link, 0))
            rows.append(replace(own, region=region, visible_from=moved[link]))
    return Accepted(tuple(rows), moved)


def seed(
    rows: Iterable[Row],
    region: str,
    now: int,
    ready: int,
    links: Links,
    network: Network = PEACE,
    others: Iterable[str] = (),
) -> Accepted:
    """Rows of a new region made from the primary's ``rows`` (E1): what the primary shows ``now``
    comes from it and is there at ``ready``; what is still in flight to it from one of ``others``
    follows from where it was accepted, in its link's order."""
    made: List[Row] = []
    moved: Dict[Tuple[str, str], int] = dict(links)
    alive = dict.fromkeys(others, 0)
    for row in sorted(rows, key=lambda item: (item.visible_from, item.stamp)):
        alive.setdefault(row.region, 0)
        if row.visible_from <= now:
            copy = replace(row, region=region, via=row.region, lag=0)
        elif (row.via or row.stamp.origin) in alive:
            copy = replace(row, region=region)
        else:
            continue  # who had to send it is gone: it will never be here
        link = (row.stamp.origin, region)
        seen = row.visible_from - row.lag if row.via and now < row.visible_from < NEVER else 0
        moved[link] = max(_due(copy, {**alive, region: ready}, now, network, seen), moved.get(link, 0))
        made.append(replace(copy, visible_from=moved[link]))
    return Accepted(tuple(made), moved)


def rearranged(
    rows: Iterable[Row], ready: Mapping[str, int], now: int, reached: Links, network: Network
) -> Accepted:
    """The rows not visible at ``now`` as they arrive over another network (a fault came or went).

    ``rows`` are all rows of every write that is still on its way to some region, ``ready`` the
    pool's regions and from when on each shows anything, ``reached`` the latest ``visible_from``
    up to ``now`` of each link. What is visible stays so; order is kept (L3).
    """
    moved: Dict[Tuple[str, str], int] = dict(reached)
    changed: List[Row] = []
    for copies in _by_write(rows):
        due = _dues(copies, ready, now, network)
        for row in copies:
            if row.visible_from <= now or row.region not in due:
                continue
            link = (row.stamp.origin, row.region)
            if max(due[row.region], moved.get(link, 0)) <= now:
                due[row.region] = _due_again(row, copies, ready, now, network)
            moved[link] = max(due[row.region], moved.get(link, 0), now + 1)
            changed.append(replace(row, visible_from=moved[link]))
    return Accepted(tuple(changed), moved)


def _due_again(row: Row, copies: Sequence[Row], ready: Mapping[str, int], now: int, network: Network) -> int:
    """When a write arrives that should be here by what is known of past outages, and is not: what held
    it is forgotten (faults are kept for a day), or who sends it on has only now to. From its sender, or
    from whoever shows it."""
    sent = max(ready[row.region], min(now, max(row.accepted, row.visible_from - row.lag)))
    shown = [copy.region for copy in copies if copy.visible_from <= now and copy.region in ready]
    sender = _sender(row)
    senders = shown if _is_silent(sender, ready, network) else [sender]
    due = (arrival(one, row.region, sent, row.lag, network) for one in senders if one != row.region)
    return min(due, default=NEVER)


def handed_over(rows: Iterable[Row], leaving: str, now: int, network: Network) -> Tuple[Row, ...]:
    """The rows that ``leaving``, a region that is being removed, has to send and never can, and that
    others show or will show: of those the first that can sends them on (L5b). ``rows`` as for
    :func:`rearranged`."""
    changed: List[Row] = []
    last: Dict[Tuple[str, str], int] = {}
    for copies in _by_write(rows):
        others = [row for row in copies if row.region != leaving]
        stuck = [row for row in others if row.visible_from >= NEVER and _sender(row) == leaving]
        kept = [row for row in others if row.visible_from < NEVER]
        handed = _passed_on(stuck, kept, last, now, network) if kept else []
        moved = {row.region for row in handed}
        for row in (*handed, *(row for row in others if row.region not in moved)):
            link = (row.stamp.origin, row.region)
            last[link] = max(row.visible_from, last.get(link, 0))
        changed += handed
    return tuple(changed)


def _passed_on(
    stuck: Sequence[Row], kept: Sequence[Row], last: Links, now: int, network: Network
) -> List[Row]:
    """The ``stuck`` rows of one write as those bring them that have ``kept`` it, or get it before, in the
    order of each link (L3). Where no link has a planned end of its outage, it is on whoever has it first
    to bring it."""
    shows = {row.region: row.visible_from for row in kept}
    waiting = list(stuck)
    handed: List[Row] = []
    while waiting:
        offers = [
            (max(arrival(via, row.region, max(now, seen), row.lag, network), _reached(last, row)), via, row)
            for row in waiting
            for via, seen in shows.items()
        ]
        when, via, row = min(offers, key=lambda offer: (offer[0], shows[offer[1]], offer[1]))
        waiting.remove(row)
        handed.append(replace(row, visible_from=when, via=via))
        if when < NEVER:
            shows[row.region] = when
    return handed


def _reached(last: Links, row: Row) -> int:
    return last.get((row.stamp.origin, row.region), 0)


def _by_write(rows: Iterable[Row]) -> List[List[Row]]:
    """Rows of one write together, in the order in which the writes were accepted."""
    writes: Dict[Tuple[Any, ...], List[Row]] = {}
    for row in sorted(rows, key=lambda item: (item.accepted, item.stamp)):
        writes.setdefault((*row.object, row.stamp), []).append(row)
    return list(writes.values())


def _dues(copies: Sequence[Row], ready: Mapping[str, int], now: int, network: Network) -> Dict[str, int]:
    """When one write arrives in each region but its origin; where it is visible, when that was. What a
    destroyed region had to send, or one that is gone, those send that show it (L5b)."""
    origin = copies[0].stamp.origin
    rows = [row for row in copies if row.region in ready and (row.region != origin or row.via)]
    due: Dict[str, int] = {}
    for row in sorted(rows, key=lambda row: bool(row.via)):  # who sends it on has to show it first
        if row.visible_from <= now:
            due[row.region] = row.visible_from
        else:
            due[row.region] = _due(row, ready, now, network, due.get(row.via, 0))
    orphans = [row for row in copies if row.region in due and _is_orphan(row, ready, network)]
    if orphans:
        seen = dict(due)
        if not _is_silent(origin, ready, network):
            seen.setdefault(origin, copies[0].accepted)
        pass_on(seen, network.destroyed.get(origin, 0), copies[0].lag, network, ready)
        due.update((row.region, seen[row.region]) for row in orphans)
    return due


def _due(row: Row, ready: Mapping[str, int], now: int, network: Network, seen: int = 0) -> int:
    """When its sender, which shows it from ``seen`` on, brings a row that is not there at ``now``: never,
    once that is gone or dead."""
    sender = _sender(row)
    if sender not in ready or network.destroyed.get(sender, NEVER) <= now or seen >= NEVER:
        return NEVER
    return arrival(sender, row.region, max(row.accepted, ready[row.region], seen), row.lag, network)


def _is_orphan(row: Row, ready: Mapping[str, int], network: Network) -> bool:
    return any(_is_silent(one, ready, network) for one in (row.stamp.origin, row.via) if one)


def _is_silent(region: str, ready: Mapping[str, int], network: Network) -> bool:
    """Does a region send no more: destroyed, or not there any longer?"""
    return region in network.destroyed or region not in ready


def unsent_until(
    rows: Iterable[Row], deaths: Mapping[str, int], giving_up: bool = False, leaving: Collection[str] = ()
) -> Dict[str, int]:
    """Until when each living region has to send to other living ones: what it accepted or was handed, and
    what it is one to send on of regions that are dead or gone (E3, L5b); 0: nothing.

    ``rows`` as for :func:`rearranged`; ``deaths`` are the living regions and when each is destroyed by
    plan (NEVER: not): nobody waits beyond. What an outage without a planned end holds is given up, or
    waited for: of a dead region's writes only by whom no other has them that is not ``leaving`` too.
    """
    until = dict.fromkeys(deaths, 0)
    for copies in _by_write(rows):
        held = {row.region: row.visible_from for row in copies if row.visible_from < NEVER}
        kept = [region for region in held if region in deaths and region not in leaving]
        senders = {_sender(row) for row in copies}
        for row in copies:
            if row.region not in deaths or (row.visible_from >= NEVER and giving_up):
                continue
            if row.region in leaving and row.region not in senders:
                continue  # it goes as well, and sends nothing on
            for sender in _senders(row, held, kept, deaths):
                due = row.visible_from
                end = due if due < NEVER else min(deaths[sender], deaths[row.region])
                until[sender] = max(until[sender], end)
    return until


def _senders(
    row: Row, held: Mapping[str, int], kept: Sequence[str], deaths: Mapping[str, int]
) -> Sequence[str]:
    """Of the living regions those that may be the one to send a row: its sender while that lives, else
    whoever has the write before."""
    sender = _sender(row)
    if sender in deaths and not deaths[sender] < row.visible_from < NEVER:
        return [sender] if sender != row.region else []
    if row.visible_from >= NEVER and kept:
        return []  # who keeps it sends it on when its link returns
    return [
        region
        for region, death in deaths.items()
        if held.get(region, NEVER) < row.visible_from and not death < row.visible_from < NEVER
    ]


def _sender(row: Row) -> str:
    return row.via or row.stamp.origin


def conflicts(write: Write, rows: Iterable[Row], now: int) -> Tuple[Row, ...]:
    """Rows of the same object that the accepting region holds and cannot show yet: neither
    region had seen the other's write (L6). ``rows`` are the accepting region's."""
    if write.kind is Kind.KEY_VERSION:
        return ()  # versions are only added: two of them never conflict
    of_the_key = write.kind is Kind.KEY_STATE  # one state a key, whatever version it is anchored to
    return tuple(
        row
        for row in rows
        if (row.kind, row.name) == (write.kind, write.name)
        and (of_the_key or row.version == write.version)
        and row.visible_from > now
    )
