"""One request of the data plane: who asks where, and what stands before every answer."""

from __future__ import annotations

from typing import Sequence

from azext_mhsmregion.model import keys
from azext_mhsmregion.model.errors import ModelError
from azext_mhsmregion.model.keys import KeyRequest
from azext_mhsmregion.model.merge import Objects
from azext_mhsmregion.model.pool import Pool
from azext_mhsmregion.model.replication import Write

from .clients import Client, NoAnswer, Refused, connect, request
from .memory import Group
from .oracle.book import Book, Stay
from .world import World

HOT = 8
BULK = 1_100
ADMIN, OFFICER = "admin", "officer"
OTHERS = ("app-1", "app-2", "app-3")
REQUEST = keys.canonical(KeyRequest("EC"))
IMPORTED = keys.canonical(KeyRequest("RSA", 1024), keys.IMPORTED_RSA_SIZES)


class Asking:
    """What a request may do. What it is, its method says: ``create``, ``read``."""

    def __init__(self, world: World, client: Client, book: Book, region: str):
        self.world = world
        self.client = client
        self.book = book
        self.region = region
        self.kept = book.kept

    def run(self, what: str) -> str:
        """How it ended: "done", "refused", "no answer"."""
        try:
            self.visit = connect(self.world, self.client, self.book, self.region)
            getattr(self, what)()
        except NoAnswer:
            return "no answer"
        except (Refused, ModelError):
            return "refused"
        return "done"

    def _may(self, principal: str, action: str, scope: str, write: bool, restoring: bool = False) -> None:
        request(self.world, self.visit, principal, action, scope, write, restoring)

    def _accept(self, writes: Sequence[Write]) -> None:
        self.world.accept(self.book, self.visit.region, writes)

    def _pool(self) -> Pool:
        return self.world.tx.by_id[self.book.id]

    def _stay(self) -> Stay:
        return self.book.stays[self.visit.region]

    def _who(self) -> str:
        return OFFICER if self.world.random.random() < 0.92 else self.world.random.choice(OTHERS)

    def _is_big(self) -> bool:
        return len(self.book.primary.seen) > 500

    def _name(self) -> str:
        if self._is_big() and self.world.random.random() < 0.3:
            return f"b{self.world.random.randrange(BULK)}"
        return f"k{self.world.random.randrange(HOT)}"

    def _view(self, group: Group) -> Objects:
        return self.world.view(self.book, self.visit.region, group)
