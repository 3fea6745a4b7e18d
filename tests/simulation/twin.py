"""The simulation's memory beside the store itself: each verb asked of both, each answer compared. So that
what the simulation proves of dictionaries holds for SQL."""

from __future__ import annotations

import sqlite3
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from azext_mhsmregion.emulator.store import schema
from azext_mhsmregion.emulator.store.transaction import Transaction
from azext_mhsmregion.model.faults import Fault
from azext_mhsmregion.model.loss import Loss
from azext_mhsmregion.model.pool import Operation, Pool
from azext_mhsmregion.model.replication import Kind, Row

from .memory import Memory, Object


class Twin(Memory):
    """Memory that keeps a real transaction up to date and trusts neither."""

    def __init__(self) -> None:
        super().__init__()
        connection = sqlite3.connect(":memory:")
        for statement in schema.steps(0):
            connection.execute(statement)
        self.sql = Transaction(connection)
        self.compared = 0

    def _same(self, verb: str, mine: Any, theirs: Any) -> None:
        self.compared += 1
        assert mine == theirs, f"{verb}: {mine} in memory, {theirs} in the store"

    def _same_rows(self, verb: str, mine: Iterable[Row], theirs: Iterable[Row]) -> None:
        self._same(verb, _sorted(mine), _sorted(theirs))

    # -- what is written -------------------------------------------------------------------
    def put_pool(self, pool: Pool) -> Pool:
        stored = super().put_pool(pool)
        self._same("put_pool", stored.revision, self.sql.put_pool(pool).revision)
        return stored

    def put_operation(self, operation: Operation) -> None:
        self.sql.put_operation(operation)

    def put_rows(self, pool_id: str, rows: Iterable[Row]) -> None:
        rows = list(rows)
        super().put_rows(pool_id, rows)
        self.sql.put_rows(pool_id, rows)

    def move_rows(self, pool_id: str, rows: Iterable[Row]) -> None:
        rows = list(rows)
        super().move_rows(pool_id, rows)
        self.sql.move_rows(pool_id, rows)

    def drop_stuck(
        self, pool_id: str, region: str, origins: Sequence[str], others: Sequence[str], living: Sequence[str]
    ) -> None:
        super().drop_stuck(pool_id, region, origins, others, living)
        self.sql.drop_stuck(pool_id, region, origins, others, living)
        self._hold_the_same(pool_id)

    def drop_regions(self, pool_id: str, living: Sequence[str]) -> None:
        super().drop_regions(pool_id, living)
        self.sql.drop_regions(pool_id, living)

    def drop_purged_keys(self, pool_id: str, living: Sequence[str], now: int) -> None:
        super().drop_purged_keys(pool_id, living, now)
        self.sql.drop_purged_keys(pool_id, living, now)
        self._hold_the_same(pool_id)

    def compact(self, pool_id: str, what: Iterable[Object], living: Sequence[str], now: int) -> None:
        what = list(what)
        super().compact(pool_id, what, living, now)
        self.sql.compact(pool_id, what, living, now)
        self._hold_the_same(pool_id)

    def put_fault(self, fault: Fault) -> None:
        super().put_fault(fault)
        self.sql.put_fault(fault)

    def drop_fault(self, fault_id: str) -> None:
        super().drop_fault(fault_id)
        self.sql.drop_fault(fault_id)

    def put_event(self, pool: str, kind: str, service: int, real: int, data: Mapping[str, Any]) -> None:
        super().put_event(pool, kind, service, real, data)
        self.sql.put_event(pool, kind, service, real, data)

    def _hold_the_same(self, pool_id: str) -> None:
        for name in self.shelf(pool_id).regions:
            self._same_rows("rows", super().rows(pool_id, name), self.sql.rows(pool_id, name))

    # -- what is asked ----------------------------------------------------------------------
    def rows(
        self, pool_id: str, region: str, kinds: Sequence[Kind] = tuple(Kind), name: Optional[str] = None
    ) -> List[Row]:
        found = super().rows(pool_id, region, kinds, name)
        self._same_rows("rows", found, self.sql.rows(pool_id, region, kinds, name))
        return found

    def on_their_way(self, pool_id: str, now: int, living: Sequence[str]) -> List[Row]:
        found = super().on_their_way(pool_id, now, living)
        self._same_rows("on_their_way", found, self.sql.on_their_way(pool_id, now, living))
        return found

    def last_hlc(self, pool_id: str, region: str, now: int) -> int:
        found = super().last_hlc(pool_id, region, now)
        self._same("last_hlc", found, self.sql.last_hlc(pool_id, region, now))
        return found

    def stuck(self, pool_id: str, region: str, others: Sequence[str]) -> Dict[str, Loss]:
        found = super().stuck(pool_id, region, others)
        self._same("stuck", found, self.sql.stuck(pool_id, region, others))
        return found

    def faults(self) -> Any:
        found = super().faults()
        self._same("faults", found, self.sql.faults())
        return found


def _sorted(rows: Iterable[Row]) -> List[Dict[str, Any]]:
    known = [{**row._asdict(), "body": _plain(row.body)} for row in rows]
    return sorted(
        known, key=lambda row: [str(row[name]) for name in ("region", "kind", "name", "version", "stamp")]
    )


def _plain(body: Any) -> Any:
    """Bodies as JSON gives them back."""
    if isinstance(body, Mapping):
        return {key: _plain(value) for key, value in body.items()}
    return [_plain(one) for one in body] if isinstance(body, (list, tuple)) else body
