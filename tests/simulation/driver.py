"""Steps drawn from a seed, one after the other, each with a generator of its own: a step can be left out
and the others stay what they are, so that a failing run can be cut down."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Dict, List, Optional, Set, Tuple

from azext_mhsmregion.emulator.settings import Settings
from azext_mhsmregion.model.regions import catalogue

from . import breakage, operations
from .asking import OFFICER
from .clients import Client
from .data import READS, WRITES, Asked
from .invariants.control import phase
from .memory import Memory
from .oracle.book import Book
from .world import World

EPOCH = 10_000
"""Steps of one world; then a new one begins, as after ``emulator reset``."""

STRETCH = 120
"""Steps with one tempo and one pool in the middle."""

TEMPI: Tuple[Tuple[int, int], ...] = (
    (0, 3), (0, 40), (0, 400), (1, 3_000), (1, 20_000), (1_000, 90_000), (10_000, 900_000),
    (600_000, 7_200_000),
)  # fmt: skip
_HOME = ("uksouth", "japaneast", "centralus", "eastus", "westeurope", "australiaeast", "francecentral")


@dataclass(frozen=True)
class Character:
    """What kind of world an epoch is."""

    settings: Settings
    pools: int
    big: bool
    wants: int
    trouble: float
    writes: float
    destroys: bool


def character(seed: int, epoch: int, pools: Optional[int]) -> Character:
    random = Random(f"world {seed} {epoch}")
    big = epoch % 5 in (1, 3)
    edition = "2025-04" if big or random.random() < 0.7 else "2026-04"
    durations: Dict[str, float] = {}
    if random.random() < 0.4:
        durations = {"dns.ttl": random.choice((0, 1, 5)), "probe.tolerated_failures": random.randrange(4)}
    name = "quick" if random.random() < 0.35 else "documented"
    if name == "quick":
        durations["replication.max_lag"] = random.choice((2, 60, 360))
        durations["dns.ttl"] = min(1, durations.get("dns.ttl", 1))
    regions = sorted(catalogue().regions)
    latency = {place: {r: round(random.uniform(1, 300), 1) for r in regions[::2]} for place in _HOME}
    settings = Settings(
        profile=name, durations=durations, edition=edition, seed=random.randrange(2**32),
        routing=random.choice(("nearest", "nearest", "latency", "primary-first")), latency=latency,
    )  # fmt: skip
    return Character(
        settings, pools or (2 if big else random.choice((3, 6))), big,
        wants=3 if edition == "2025-04" and (big or random.random() < 0.75) else 2,
        trouble=random.choice((0.004, 0.012, 0.03)), writes=random.choice((0.6, 0.7, 0.85)), destroys=True,
    )  # fmt: skip


@dataclass
class Tempo:
    """How a stretch of steps goes."""

    low: int
    high: int
    jump: int
    focus: float
    calm: bool


class Run:
    """One world, step by step."""

    def __init__(
        self, seed: int, epoch: int, pools: Optional[int] = None, tx: Optional[Memory] = None
    ) -> None:
        self.seed, self.epoch, self.pools = seed, epoch, pools
        self.character = character(seed, epoch, pools)
        self.world = World(self.character.settings, tx)
        random = Random(f"clients {seed} {epoch}")
        places = sorted(catalogue().regions)
        self.clients = [
            Client(f"c{n}", random.choice((*places, "")), random.random() < 0.5) for n in range(12)
        ]
        self.usable: List[Book] = []
        self._tempo: Tuple[int, Optional[Tempo]] = (-1, None)
        self._watched: Tuple[int, Optional[Book]] = (0, None)

    def steps(self, count: int, without: Optional[Set[int]] = None) -> None:
        for number in range(count):
            if without is None or number not in without:
                self.step(number)

    # -- a step ---------------------------------------------------------------------------
    def step(self, number: int) -> None:
        world = self.world
        world.step = number
        world.random.seed((self.seed * 1_000_003 + self.epoch) * 1_000_003 + number)
        tempo = self.tempo(number)
        world.advance(self._passes(number, tempo))
        if tempo.calm and number % STRETCH == 0:
            breakage.clear_all(world)
        book = self._chosen(tempo)
        world.counts["steps"] += 1
        if book is None:
            self._found()
            return
        world.touch(book)
        self._count(book)
        self._act(book, tempo)
        world.after_step(book)
        if number % STRETCH == STRETCH - 1:
            for one in list(world.books.values())[:8]:
                world.settle(one)

    def tempo(self, number: int) -> Tempo:
        stretch = number // STRETCH
        if self._tempo[0] != stretch or self._tempo[1] is None:
            random = Random((self.seed * 7_919 + self.epoch) * 1_000_003 + stretch)
            low, high = random.choice(TEMPI)
            jump = 0
            if random.random() < 0.25:
                jump = random.choice((400_000, 7_200_000, 90_000_000, 86_400_000 * random.randrange(2, 100)))
            self._tempo = (stretch, Tempo(low, high, jump, random.random(), random.random() < 0.35))
        assert self._tempo[1] is not None
        return self._tempo[1]

    def _passes(self, number: int, tempo: Tempo) -> int:
        """How much time passes before a step. A calm stretch ends with time for all to arrive."""
        random = self.world.random
        if number < self._watched[0]:
            return random.randint(0, self.world.bench.profile.of("probe.interval") // 2)
        if tempo.calm and number % STRETCH == STRETCH - 1:
            return 1_000_000 + 20_000
        if number % STRETCH == 0:
            return tempo.jump
        if random.random() < 0.45:
            return 0
        return random.randint(tempo.low, tempo.high)

    def _chosen(self, tempo: Tempo) -> Optional[Book]:
        """Mostly the pool in the middle of this stretch; None: one is to be made."""
        world = self.world
        if world.step % 64 == 0 or len(self.usable) < self.character.pools:
            self._review()
        if len(self.usable) < self.character.pools:
            return None
        if world.step < self._watched[0] and self._watched[1] in self.usable:
            return self._watched[1]
        if world.random.random() < 0.8:
            return self.usable[int(tempo.focus * len(self.usable))]
        return world.random.choice(list(world.books.values()))

    def _review(self) -> None:
        """Pools that are gone leave; pools whose control plane is destroyed are let be."""
        world = self.world
        if world.step % 64 == 0:
            for book in [one for one in world.books.values() if phase(one, world.now) == "gone"]:
                self._bury(book)
        self.usable = [book for book in world.books.values() if _usable(world, book)]

    def _bury(self, book: Book) -> None:
        world = self.world
        world.tx.drop_regions(book.id, [])
        for known in (world.tx.by_id, world.tx.shelves, world.books, world.watchers):
            known.pop(book.id, None)  # type: ignore[attr-defined]

    def _found(self) -> None:
        """A pool more."""
        random = self.world.random
        home = random.choice(_HOME if self.character.pools < 20 else sorted(catalogue().regions))
        operations.create(self.world, home, random.choice((7, 30, 90)), random.random() < 0.15)

    def _count(self, book: Book) -> None:
        counts, world = self.world.counts, self.world
        living = [stay for stay in book.stays.values() if stay.ready <= world.now and not stay.failed]
        if len(living) >= 3 and len(book.primary.seen) >= 1_000:
            counts["steps with three regions and 1000 objects"] += 1
        if world.history.is_on(book.id, list(book.stays), world.now):
            counts["steps under a fault"] += 1

    # -- what is done ----------------------------------------------------------------------
    def _act(self, book: Book, tempo: Tempo) -> None:
        random, world = self.world.random, self.world
        drawn = random.random()
        if world.step < self._watched[0] and drawn < 0.8:
            self._look(book)
        elif drawn < self.character.trouble:
            self._break(book)
        elif drawn < self.character.trouble * 1.6:
            breakage.clear(world)
        elif drawn < self.character.trouble * 1.6 + (0.008 if self.character.big else 0.03):
            self._operate(book)
        elif book.has_a_job(world.now) and random.random() < 0.1:
            world.advance(book.jobs_end() - world.now)
        elif not self._is_prepared(book):
            self._prepare(book)
        else:
            self._ask(book)

    def _break(self, book: Book) -> None:
        """A fault; of one that probes find out, clients are watched for a while from its begin on."""
        world = self.world
        fault = breakage.inject(world, book)
        if fault is not None and fault.effect.value in ("refuse", "reset", "hang", "slow", "error"):
            ahead = fault.start - world.now
            if ahead < 120_000 and fault.end - fault.start > 30_000:
                self._watched = (world.step + 24, book)
                world.advance(ahead)

    def _look(self, book: Book) -> None:
        """A client resolves the name anew and reads."""
        clients = [client for client in self.clients if not client.regional]
        client = self.world.random.choice(clients or self.clients)
        client.connections.clear()
        ended = Asked(self.world, client, book, "").run("read")
        self.world.counts[f"read {ended}"] += 1

    def _is_prepared(self, book: Book) -> bool:
        """Is it active, with an officer, filled and extended as this world wants it?"""
        world = self.world
        if phase(book, world.now) != "live" or book.activated is None or world.now < book.activated:
            return False
        if not world.rights.allowed(book.primary, OFFICER, "keys/create", "/keys/k0"):
            return False
        if self.character.big and len(book.primary.seen) < 1_000:
            return False
        return len(book.stays) >= self.character.wants or world.random.random() < 0.7

    def _prepare(self, book: Book) -> None:
        world, now = self.world, self.world.now
        if now < book.busy_until < 2**61 and world.random.random() < 0.2:
            world.advance(book.busy_until - now)
        elif phase(book, now) == "deleted":
            (operations.recover if world.random.random() < 0.5 else operations.purge)(world, book)
        elif book.activated is None:
            operations.activate(world, book)
        elif now < book.activated:
            world.advance(book.activated - now)
        elif not world.rights.allowed(book.primary, OFFICER, "keys/create", "/keys/k0"):
            self._run("employ", book, book.primary.name)
        elif self.character.big and len(book.primary.seen) < 1_000:
            self._run("fill", book, book.primary.name)
        else:
            self._extend(book)

    def _extend(self, book: Book) -> None:
        """One region more, and a failed one again."""
        world = self.world
        there = [stay.name for stay in book.stays.values() if not stay.primary]
        if any(book.stays[name].failed for name in there) and world.random.random() < 0.5:
            operations.set_regions(world, book, there, retry=True)
            return
        names = sorted(catalogue().regions) if world.random.random() < 0.15 else sorted(_EXTENSIONS)
        operations.set_regions(world, book, [*there, world.random.choice(names)])

    def _operate(self, book: Book) -> None:
        """A change of the pool that nobody needs."""
        world, random = self.world, self.world.random
        there = [stay.name for stay in book.stays.values() if not stay.primary]
        drawn = random.random()
        if drawn < 0.4 and there:
            dead = [name for name in there if book.stays[name].dead is not None or book.stays[name].failed]
            gone = random.choice(dead or there)
            if dead or random.random() < (0.25 if self.character.big else 0.7):
                several = random.random() < 0.2
                operations.set_regions(world, book, [name for name in there if name != gone and not several])
        elif drawn < 0.5:
            self._extend(book)
        elif drawn < 0.6:
            operations.delete(world, book)
        elif drawn < 0.65:
            operations.recover(world, book)
        elif drawn < 0.7:
            operations.purge(world, book)
        elif drawn < 0.8:
            operations.update(world, book)
        elif drawn < 0.85:
            operations.activate(world, book)
        elif drawn < 0.9 and len(there) == 1 and book.primary.dead is not None:
            operations.set_regions(world, book, [])
        elif self.world.now < book.busy_until < 2**61:
            world.advance(book.busy_until - self.world.now)

    def _ask(self, book: Book) -> None:
        random = self.world.random
        writes = random.random() < self.character.writes
        weights = WRITES if writes else READS
        what = random.choices(list(weights), list(weights.values()))[0]
        rate = 0.001 if self.character.big else 0.05
        if writes and random.random() < rate and book.may_be_restored(self.world.now):
            what = "restore_all"
        self._run(what, book, random.choice(list(book.stays)), "write" if writes else "read")

    def _run(self, what: str, book: Book, region: str, kind: str = "write") -> None:
        world = self.world
        client = world.random.choice(self.clients)
        if world.random.random() < 0.1:
            client.connections.clear()
        asked = Asked(world, client, book, region)
        if kind == "write" and client.regional:
            client.connections.pop(book.id, None)
        before = world.counts["writes"]
        ended = asked.run(what)
        world.counts[f"{kind} {ended}"] += 1
        world.counts[f"data: {what}"] += 1
        if world.counts["writes"] > before:
            world.counts["steps that wrote"] += 1


_EXTENSIONS = (
    "uksouth",
    "japaneast",
    "centralus",
    "australiaeast",
    "francecentral",
    "eastus2",
    "brazilsouth",
)


def _usable(world: World, book: Book) -> bool:
    """Can its control plane be used again, ever, and is its primary there?"""
    dead = world.history.destroyed(book.id, book.primary.name)
    return phase(book, world.now) != "gone" and (dead is None or world.now < dead)
