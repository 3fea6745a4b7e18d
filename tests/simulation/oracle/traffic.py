"""A traffic manager with a prober that ticks and caches that keep what they were told: slow, and written
without the model's formulas. Only drawn numbers (which probe of a faulty region fails, when a client's
window begins) are the model's, since they are data."""

from __future__ import annotations

import math
from typing import List, Optional, Tuple

from azext_mhsmregion.model.chance import chance
from azext_mhsmregion.model.routing import Traffic

from .book import Book, Stay
from .history import History


class Manager:
    """What the traffic manager of one world knows."""

    def __init__(self, history: History, traffic: Traffic) -> None:
        self.history = history
        self.traffic = traffic

    # -- what a client holds -----------------------------------------------------------------
    def cached(self, book: Book, place: str, client: str, now: int) -> Tuple[Optional[str], int]:
        """Region and since when the client holds it; a name that had no answer is asked for anew."""
        asked = self.window(client, now)
        found = self.answer(book, place, asked)
        return (found, asked) if found is not None else (self.answer(book, place, now), now)

    def window(self, client: str, now: int) -> int:
        ttl = self.traffic.ttl
        if ttl <= 0:
            return now
        offset = int(chance(self.traffic.seed, "window", client) * ttl)
        begun = (now // ttl) * ttl + offset
        return begun if begun <= now else begun - ttl

    def answer(self, book: Book, place: str, when: int) -> Optional[str]:
        """The nearest region that the prober takes for healthy, else the nearest that serves."""
        serving = [stay for stay in book.every_stay() if stay.serves(when)]
        serving.sort(key=lambda stay: self._far(book, stay, place))
        for stay in serving:
            if self.healthy(book, stay, when):
                return stay.name
        return serving[0].name if serving else None

    def _far(self, book: Book, stay: Stay, place: str) -> Tuple[float, float, str]:
        traffic = self.traffic
        first = 0.0 if traffic.method == "primary-first" and stay.primary else 1.0
        measured = traffic.latency.get(place, {}) if traffic.method == "latency" else {}
        if stay.name in measured:
            return (first, measured[stay.name], stay.name)
        if place not in traffic.regions.regions:
            return (first, 1e6 + (0 if stay.primary else 1), stay.name)
        return (first, 1e6 + self._kilometres(place, stay.name), stay.name)

    def _kilometres(self, one: str, other: str) -> float:
        """The spherical law of cosines."""
        if one == other:
            return 0.0
        a, b = self.traffic.regions.regions[one], self.traffic.regions.regions[other]
        p, q = math.radians(a.latitude), math.radians(b.latitude)
        turn = math.radians(a.longitude - b.longitude)
        cosine = math.sin(p) * math.sin(q) + math.cos(p) * math.cos(q) * math.cos(turn)
        return 6371.0 * math.acos(max(-1.0, min(1.0, cosine)))

    # -- the prober -------------------------------------------------------------------------
    def healthy(self, book: Book, stay: Stay, when: int) -> bool:
        """The prober's state at an instant: ticks played forward from well before."""
        probes = self.traffic.probes
        depth = (probes.tolerated + 4) * probes.interval
        recent = [f for f in self.history.at(book.id, stay.name) if f.end > when - depth - probes.interval]
        if not recent:
            return True
        results: List[Tuple[int, bool]] = []
        tick = ((when - depth) // probes.interval) * probes.interval
        while tick <= when:
            failed = self._probe(book, stay, tick) if tick >= stay.ready else ""
            known = tick + (probes.timeout if failed in ("hang", "slow") else 0)
            results.append((known, not failed))
            tick += probes.interval
        return self._play(results, when)

    def _play(self, results: List[Tuple[int, bool]], when: int) -> bool:
        state, failures = True, 0
        for known, succeeded in results:
            if known > when:
                break
            failures = 0 if succeeded else failures + 1
            if succeeded:
                state = True
            elif failures > self.traffic.probes.tolerated:
                state = False
        return state

    def _probe(self, book: Book, stay: Stay, tick: int) -> str:
        """What fails the probe sent then; nothing: it succeeds."""
        faults = [f for f in self.history.at(book.id, stay.name) if f.start <= tick < f.end]
        order = ["partition", "link", "pool", "service", "region"]
        faults.sort(key=lambda f: (-order.index(f.scope.value), f.start, f.id))
        if self.history.region_down(book.id, stay.name, tick):
            dead = [f for f in faults if f.effect.value in ("refuse", "reset", "hang")]
            whole = [f for f in dead if f.scope.value != "partition"]
            return (whole or dead)[0].effect.value
        for fault in faults:
            if fault.partition is not None:
                continue
            if fault.effect.value == "slow" and fault.milliseconds > self.traffic.probes.timeout:
                return "slow"
            drawn = chance(self.traffic.seed, fault.id, "probe", tick)
            if fault.effect.value == "error" and drawn < fault.rate:
                return "error"
        return ""

    def partition_in_rotation(self, book: Book, region: str, number: int, when: int) -> bool:
        """Does the balancer give a partition its share?"""
        probes = self.traffic.balancer
        depth = (probes.tolerated + 4) * probes.interval
        results: List[Tuple[int, bool]] = []
        tick = ((when - depth) // probes.interval) * probes.interval
        while tick <= when:
            failed = self.history.partition_effect(book.id, region, number, tick)
            wide = self._widest(book, region, number, tick) if failed else ""
            known = tick + (probes.timeout if wide == "hang" else 0)
            results.append((known, not failed))
            tick += probes.interval
        state, failures = True, 0
        for known, succeeded in results:
            if known > when:
                break
            failures = 0 if succeeded else failures + 1
            state = succeeded or (state and failures <= probes.tolerated)
        return state

    def _widest(self, book: Book, region: str, number: int, tick: int) -> str:
        order = ["partition", "link", "pool", "service", "region"]
        faults = [
            f
            for f in self.history.at(book.id, region)
            if f.start <= tick < f.end
            and f.effect.value in ("refuse", "reset", "hang")
            and (f.scope.value != "partition" or f.partition == number)
        ]
        faults.sort(key=lambda f: (-order.index(f.scope.value), f.start, f.id))
        return faults[0].effect.value if faults else ""
