"""Backups and restores, of a pool and of one key, as ``emulator/dataplane/restore.py`` composes them without
material (rule E7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Dict, Optional

from azext_mhsmregion.emulator import acceptance, backups, objects
from azext_mhsmregion.model import backup, jobs, keys
from azext_mhsmregion.model.backup import SavedKey
from azext_mhsmregion.model.errors import ModelError
from azext_mhsmregion.model.keys import KeyHandle
from azext_mhsmregion.model.pool import Operation
from azext_mhsmregion.model.replication import Kind

from .asking import ADMIN, BULK, REQUEST, Asking
from .clients import Refused
from .invariants import control, restoring
from .memory import Group
from .oracle import replay
from .oracle.jobs import Job, Restored, Taken
from .oracle.replay import Shown
from .violation import Violation

POOLS, KEYS = 3, 30
"""So many backups of each sort are kept."""


class Restores(Asking):
    """Requests about backups."""

    # -- a pool ---------------------------------------------------------------------------
    def backup(self) -> None:
        """What the region shows now; it can be restored once the job has ended."""
        self._may(ADMIN, "backup/start/action", "/", False, restoring=True)
        pool, now = self._pool(), self.world.now

        def command() -> None:
            jobs.refuse_another(pool, now)
            begun = jobs.begun(pool, self._job(jobs.BACKUP))
            acceptance.record(self.world.bench, begun)  # type: ignore[arg-type]

        self._answered("a backup", 409 if self.book.has_a_job(now) else 0, command)
        self.world.absorb(self.book)
        self.book.backup = self._ledger(jobs.BACKUP)
        shown = objects.shown(self.world.bench, pool, self.visit.region, tuple(Kind))  # type: ignore[arg-type]
        del self.kept.pools[: 1 - POOLS]
        self.kept.pools.append(Taken(backup.saved(shown, now), restoring.contents(self._stay(), now)))

    def restore_all(self) -> None:
        """One of the pool's backups; first one is taken where there is none to restore from."""
        able = [one for one in self.kept.pools if not self._is_big() or len(one.saved.keys) > 500]
        if able and self.book.may_be_restored(self.world.now):
            self._restore(self.world.random.choice(able))
        elif self._is_big() and self.world.random.random() < 0.9:
            self.restore()  # a big backup takes long
        elif able and self.world.random.random() < 0.1:
            self._restore(able[0])  # too late, or too early
        else:
            self.backup()

    def fill(self) -> None:
        """A big backup, of a pool like this one with 1,100 keys more."""
        if not self.kept.pools or not self.book.may_be_restored(self.world.now):
            self.backup()
            return
        last = self.kept.pools[-1]
        more = {f"b{number}": self._saved(f"b{number}") for number in range(BULK)}
        every = {**{key.name: key for key in last.saved.keys}, **more}
        shown: Dict[Group, Shown] = {("key", key.name): (list(key.versions), {}, {}) for key in more.values()}
        saved = replace(last.saved, keys=tuple(every.values()))
        self._restore(Taken(saved, {**last.shown, **shown}))

    def _saved(self, name: str) -> SavedKey:
        handle = KeyHandle(self.world.new_id(f"v{name}"), REQUEST.kty, None, REQUEST.curve, {})
        return SavedKey(name, ((handle.version, keys.version_body(REQUEST, handle, self.world.now)),), {}, {})

    def _restore(self, taken: Taken) -> None:
        self._may(ADMIN, "restore/start/action", "/", True, restoring=True)
        world, book, pool, region = self.world, self.book, self._pool(), self.visit.region
        stays = backup.lockout_guard(world.roles(book, region), pool.administrators)

        def command() -> None:
            jobs.refuse_another(pool, world.now)
            jobs.check_full_restore(pool, world.now)
            held = backups.held(world.bench, pool)  # type: ignore[arg-type]
            writes = backup.full_restore(taken.saved, held, stays)
            before = len(book.entries)
            made = world.accept(book, region, writes, jobs.begun(pool, self._job(jobs.RESTORE)))
            left = {("role_assignment", name) for name in stays} - set(taken.shown)
            book.restored = Restored(made, before, frozenset(left))

        self._answered("a restore", 0 if book.may_be_restored(world.now) else 409, command)
        book.restore = self._ledger(jobs.RESTORE)
        world.counts["full restores"] += 1
        restoring.shows_what_was_saved(book, self._stay(), taken.shown)
        if not world.rights.allowed(self._stay(), ADMIN, "roleAssignments/write/action", "/"):
            raise Violation("K3", "the restore has locked the administrator out", book.id)

    # -- jobs -----------------------------------------------------------------------------
    def _job(self, kind: str) -> Operation:
        world, now = self.world, self.world.now
        planned = now + world.bench.profile.of(jobs.duration(kind))
        region = self.visit.region
        made = Operation(world.new_id("job"), kind, self.book.id, region, now, now, planned=planned)
        made = jobs.ending(made, world.bench.faults, now)
        world.tx.put_operation(made)
        return made

    def _ledger(self, kind: str) -> Job:
        return Job(self.visit.region, self.world.now, self.world.bench.profile.of(jobs.duration(kind)))

    def _answered(self, what: str, wanted: int, command: Callable[[], None]) -> None:
        """Run it and compare its answer with the prediction. Raises Refused."""
        refused: Optional[ModelError] = None
        try:
            command()
        except ModelError as error:
            refused = error
        got = 0 if refused is None else refused.status
        control.answered_as_predicted(self.book, what, wanted, got, str(refused or ""))
        self.world.tell(self.book, "{} in {} -> {}", what, self.visit.region, got or "taken")
        if refused is not None:
            raise Refused(got)

    # -- a key ----------------------------------------------------------------------------
    def keep(self) -> None:
        """A backup of one key."""
        name = self._name()
        self._may(self._who(), "keys/backup/action", f"/keys/{name}", False)
        key = keys.live(self._view(("key", name)), name, self.world.now)
        del self.kept.keys[: 1 - KEYS]
        self.kept.keys.append((backup.saved_key(key), self._shown(("key", name))))

    def restore(self) -> None:
        """One key, where its name is free: mostly one that is not there."""
        free = [one for one in self.kept.keys if not self._view(("key", one[0].name)).keys]
        able = free if free and self.world.random.random() < 0.9 else self.kept.keys
        if not able:
            self.keep()
            return
        key, saved = self.world.random.choice(able)
        self._may(self._who(), "keys/restore/action", "/keys", True)
        there = self._view(("key", key.name))
        self._accept(backup.key_restore(key, there, self.world.now))
        self.world.counts["keys restored"] += 1
        found = self._shown(("key", key.name))
        if found != saved:
            message = f"{key.name} is restored as {found}, not as {saved}"
            raise Violation("E7", message, self.book.id, key.name)

    def _shown(self, group: Group) -> Shown:
        seen = self._stay().seen.get(group, {})
        return restoring.plain(group, replay.shown(group, seen.values()))
