"""The world as a state machine of hypothesis, so that what breaks a rule is cut down by hypothesis. Each rule
of the machine is an operation of the simulation; what must hold is checked by the same oracle."""

from __future__ import annotations

import sys
from typing import Optional, Set

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from azext_mhsmregion.emulator.settings import Settings
from azext_mhsmregion.model.clock import NEVER
from azext_mhsmregion.model.faults import Effect, Fault, FaultKind, Scope

from . import breakage, operations
from .clients import Client
from .data import WRITES, Asked
from .invariants.control import phase
from .oracle.book import Book
from .world import World

HOME = "uksouth"
OTHERS = ("australiaeast", "japaneast", "francecentral")
MINUTE = 60_000
SIX_MINUTES = 6 * MINUTE

numbers = st.integers(0, 3)
"""A region of the pool, by its place in the list as it is then."""

pauses = st.sampled_from((1, 5_000, SIX_MINUTES, 60 * MINUTE, 25 * 60 * MINUTE))
lengths = st.sampled_from((MINUTE, 60 * MINUTE, NEVER))


class Machine(RuleBasedStateMachine):
    """One pool, made and filled by its administrator, in up to four regions."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Settings(profile="documented", durations={"region-remove": 1, "region-add": 60}))
        self.client = Client("c", HOME, True)

    @initialize(extended=st.sets(st.sampled_from(OTHERS), max_size=2))
    def _found(self, extended: Set[str]) -> None:
        made = operations.create(self.world, HOME, 7, False)
        assert made is not None
        self.book: Book = made
        self._wait()
        operations.activate(self.world, self.book)
        self._wait()
        self._ask("employ", 0, 0)
        if extended:
            operations.set_regions(self.world, self.book, sorted(extended))
            self._wait()

    def _wait(self) -> None:
        """Until what is under way has ended."""
        pool = self.world.tx.by_id[self.book.id]
        self.world.advance(pool.under_way_until(self.world.now) - self.world.now)
        self._begin()

    def _begin(self, seed: int = 0) -> None:
        self.world.step += 1
        self.world.random.seed(seed)
        self.world.touch(self.book)

    def _region(self, number: int) -> str:
        there = list(self.book.stays)
        return there[number % len(there)]

    def _ask(self, what: str, region: int, seed: int) -> None:
        self._begin(seed)
        self.client.connections.clear()
        Asked(self.world, self.client, self.book, self._region(region)).run(what)

    # -- what happens ------------------------------------------------------------------------
    @rule(milliseconds=pauses)
    def time_passes(self, milliseconds: int) -> None:
        self.world.advance(milliseconds)
        self._begin()

    @rule(what=st.sampled_from(sorted(WRITES)), region=numbers, seed=st.integers(0, 99))
    def somebody_writes(self, what: str, region: int, seed: int) -> None:
        self._ask(what, region, seed)

    @rule(region=numbers, seed=st.integers(0, 9))
    def somebody_creates_a_key(self, region: int, seed: int) -> None:
        self._ask("create", region, seed)

    @rule(region=numbers, seed=st.integers(0, 9))
    def somebody_reads(self, region: int, seed: int) -> None:
        self._ask("read", region, seed)

    @rule(names=st.sets(st.sampled_from(OTHERS), max_size=3), again=st.booleans())
    def the_regions_become(self, names: Set[str], again: bool) -> None:
        self._begin()
        operations.set_regions(self.world, self.book, sorted(names), retry=again)

    @rule()
    def the_operation_ends(self) -> None:
        self._wait()

    @rule(command=st.sampled_from((operations.update, operations.delete, operations.recover)))
    def the_pool_is_changed(self, command) -> None:  # type: ignore[no-untyped-def]
        self._begin()
        command(self.world, self.book)

    # -- what breaks -------------------------------------------------------------------------
    @rule(one=numbers, to=numbers, lasts=lengths, both=st.booleans())
    def a_link_breaks(self, one: int, to: int, lasts: int, both: bool) -> None:
        if self._region(one) != self._region(to):
            self._break(Scope.LINK, one, Effect.DOWN, lasts, to=self._region(to), both_ways=both)

    @rule(region=numbers, lasts=lengths)
    def a_region_is_out(self, region: int, lasts: int) -> None:
        self._break(Scope.POOL, region, Effect.REFUSE, lasts)

    @rule(region=numbers, ahead=st.sampled_from((0, MINUTE)))
    def a_region_is_destroyed(self, region: int, ahead: int) -> None:
        self._break(Scope.POOL, region, Effect.REFUSE, NEVER, ahead, kind=FaultKind.DESTROYED)

    @rule(region=numbers, skew=st.sampled_from((-60 * MINUTE, 60 * MINUTE)))
    def a_clock_goes_wrong(self, region: int, skew: int) -> None:
        self._break(Scope.REGION, region, Effect.SKEW, NEVER, milliseconds=skew)

    @precondition(lambda self: self._clearable() is not None)
    @rule()
    def the_oldest_fault_is_cleared(self) -> None:
        self._begin()
        breakage.clear(self.world, self._clearable())

    def _break(self, scope: Scope, region: int, effect: Effect, lasts: int, ahead: int = 0, **more) -> None:  # type: ignore[no-untyped-def]
        self._begin()
        start = self.world.now + ahead
        end = NEVER if lasts >= NEVER else start + lasts
        name = f"f{self.world.step:04}"
        pool = "" if scope is Scope.REGION else self.book.id
        fault = Fault(name, scope, self._region(region), effect, start, end, pool, **more)
        breakage.inject(self.world, self.book, fault)

    def _clearable(self) -> Optional[Fault]:
        """The oldest fault that is on or planned, and can be ended."""
        faults = self.world.bench.faults
        able = (one for one in faults if self.world.now < one.end and not one.is_destruction)
        return next(able, None)

    # -- what must hold ----------------------------------------------------------------------
    @invariant()
    def every_rule_holds(self) -> None:
        if hasattr(self, "book"):
            self.world.after_step(self.book)

    def teardown(self) -> None:
        """Peace, until all is quiet: then every object is compared, and the counts add up."""
        if sys.exc_info()[0] is not None:
            return  # a rule is broken already
        if not hasattr(self, "book") or phase(self.book, self.world.now) != "live":
            return
        self._begin()
        breakage.clear_all(self.world)
        for _ in range(2):  # those who wait for links, then what they had to send
            self.world.advance(SIX_MINUTES + 90 * MINUTE)
            self._begin()
        self.world.settle(self.book)
