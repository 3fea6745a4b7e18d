"""One command = one transaction: all or nothing, one instant, one bump (DESIGN section 2b)."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from storekit import EXTENDED, PRIMARY, open_store, other, pool, row, rows

from azext_mhsmregion.emulator.errors import HomeError
from azext_mhsmregion.emulator.store.store import Store
from azext_mhsmregion.model.replication import Kind


def bodies(store: Store) -> int:
    with store.read() as tx:
        return int(tx._sql.execute("SELECT count(*) FROM body").fetchone()[0])


def test_a_write_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write("key") as tx:
        tx.put_pool(pool())
        raise ZeroDivisionError
    with store.read() as tx:
        assert tx.pools() == []


def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(HomeError, match="readonly"), store.read() as tx:
        tx.put_meta("x", 1)
    with store.write("settings") as tx:
        assert tx.meta("x") is None
        tx.put_meta("x", 2)
    with store.read() as tx:
        assert tx.meta("x") == 2


def test_a_read_inside_a_write_sees_that_write(store: Store) -> None:
    with store.write("settings") as tx:
        tx.put_meta("x", 1)
        with store.read() as inner:
            assert inner.meta("x") == 1
        tx.put_meta("y", 2)
    with store.read() as tx:
        assert (tx.meta("x"), tx.meta("y")) == (1, 2)


def test_a_read_inside_a_read_has_its_instant(store: Store, home: Path) -> None:
    with store.read() as tx:
        assert tx.meta("x") is None
        with open_store(home).write("settings") as writer:
            writer.put_meta("x", 1)
        with store.read() as inner:
            assert inner.meta("x") is None
        assert tx.meta("x") is None


@pytest.mark.parametrize("outer", ["read", "write"])
def test_a_write_inside_another_transaction_is_refused(store: Store, outer: str) -> None:
    opened = store.read() if outer == "read" else store.write("settings")
    with opened, pytest.raises(RuntimeError, match="one transaction"), store.write("settings"):
        pass
    with store.write("settings") as tx:
        tx.put_meta("still", "works")


def test_a_reader_sees_one_instant_while_others_write(store: Store, home: Path) -> None:
    code = (
        "store = storekit.open_store(home)\nsay('ready')\n"
        "for line in sys.stdin:\n"
        "    with store.write('key') as tx:\n"
        "        tx.put_meta('x', int(line)); tx.put_meta('y', int(line))\n"
        "    say('done')\n"
    )
    with other(home, code) as writer:
        writer.hear()
        writer.ask("1")
        with store.read() as tx:
            assert tx.meta("x") == 1
            writer.ask("2")
            assert tx.meta("y") == 1
        with store.read() as tx:
            assert (tx.meta("x"), tx.meta("y")) == (2, 2)


def test_readers_of_other_threads_go_on_during_a_write(store: Store) -> None:
    seen = []
    with store.write("settings") as tx:
        tx.put_meta("x", 1)

        def look() -> None:
            with store.read() as reading:
                seen.append(reading.meta("x"))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join(10)
    assert seen == [None]


def test_two_processes_that_write_at_once_lose_nothing(store: Store, home: Path) -> None:
    """Also fair: neither is refused for want of patience while the other writes in a tight loop."""
    each = 150
    with store.write("create") as tx:
        tx.put_pool(pool())
    code = (
        "store = storekit.open_store(home)\nsay('ready')\nsys.stdin.readline()\n"
        f"for number in range({each}):\n"
        "    with store.write('key') as tx:\n"
        "        made = tx.put_pool(tx.pools()[0])\n"
        "        tx.put_rows(made.id, [storekit.row(made.revision)])\n"
        "        tx.put_meta('count', (tx.meta('count') or 0) + 1)\n"
        "say('done')\n"
    )
    with other(home, code) as one, other(home, code) as two:
        one.hear(), two.hear()
        one.tell()
        two.tell()
        assert (one.hear(), two.hear()) == ("done", "done")
    with store.read() as tx:
        found = tx.pools()[0]
        assert (tx.meta("count"), found.revision) == (2 * each, 2 * each + 1)
        assert len(tx.rows(found.id, PRIMARY)) == 2 * each


def test_threads_that_write_at_once_lose_nothing(store: Store) -> None:
    def write() -> None:
        for _ in range(25):
            with store.write("settings") as tx:
                tx.put_meta("count", (tx.meta("count") or 0) + 1)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.read() as tx:
        assert tx.meta("count") == 200


def test_each_thread_has_a_connection_of_its_own(store: Store) -> None:
    seen = []

    def look() -> None:
        with store.read() as tx:
            seen.append(tx._sql)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
        thread.join(10)
    look()
    assert len({id(connection) for connection in seen}) == 5


def test_what_was_acknowledged_survives_power_loss(store: Store) -> None:
    """WAL with synchronous FULL (2), on the connection of every thread."""
    found = []

    def look() -> None:
        with store.write("settings") as tx:
            found.append(
                [tx._sql.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
            )

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(10)
    look()
    assert found == [["wal", 2], ["wal", 2]]


def test_a_write_bumps_the_revision_once(store: Store) -> None:
    with store.write("create") as tx:
        assert tx.put_pool(pool()).revision == 1
    with store.write("update") as tx:
        found = tx.pool_by_id(pool().id)
        assert found is not None
        assert tx.put_pool(found).revision == 2


def test_a_record_that_is_not_the_newest_is_refused(store: Store) -> None:
    with store.write("create") as tx:
        old = tx.put_pool(pool())
        tx.put_pool(old)
    with pytest.raises(RuntimeError, match="stale record of pool ContosoMHSM"), store.write("update") as tx:
        tx.put_pool(old)


def test_a_name_is_found_in_any_case_and_a_gone_pools_is_not(store: Store) -> None:
    with store.write("create") as tx:
        tx.put_pool(pool())
    with store.read() as tx:
        found = tx.pool_named("CONTOSOmhsm", 0)
        assert found is not None and found.name == "ContosoMHSM"
        assert tx.pool_named("contoso", 0) is None


def test_an_error_of_ours_is_not_called_the_homes(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.write("key") as tx:
        tx.put_material("pool", "v1", b"one")
        tx.put_material("pool", "v1", b"two")


# -- bodies ----------------------------------------------------------------------------------
def test_regions_share_the_body_of_a_write(store: Store) -> None:
    with store.write("key") as tx:
        tx.put_rows("p", rows(range(3), PRIMARY, EXTENDED))
    with store.write("key") as tx:
        tx.put_rows("p", [item._replace(region="third") for item in tx.rows("p", PRIMARY)])
    assert bodies(store) == 3
    with store.read() as tx:
        assert tx.rows("p", EXTENDED) == rows(range(3), EXTENDED)


def test_pools_do_not_share_bodies(store: Store) -> None:
    """Two pools may hold writes that look alike."""
    with store.write("key") as tx:
        tx.put_rows("p", [row(1)])
        tx.put_rows("q", [row(1, body={"number": 7})])
        assert [item.body for item in tx.rows("q", PRIMARY)] == [{"number": 7}]


def test_a_region_that_goes_takes_only_the_bodies_that_no_other_holds(store: Store) -> None:
    only_there = row(9, EXTENDED, body={"lost": True})
    with store.write("key") as tx:
        tx.put_rows("p", [*rows(range(3), PRIMARY, EXTENDED), only_there])
        tx.put_rows("q", rows(range(3), EXTENDED))
    with store.write("regions") as tx:
        tx.drop_regions("p", [PRIMARY])
    assert bodies(store) == 3 + 3
    with store.read() as tx:
        assert tx.rows("p", PRIMARY) == rows(range(3), PRIMARY)
        assert tx.rows("p", EXTENDED) == []
        assert tx.rows("q", EXTENDED) == rows(range(3), EXTENDED)


def test_a_pool_that_is_purged_leaves_no_body_and_no_material(store: Store) -> None:
    with store.write("key") as tx:
        for name in ("p", "q"):
            tx.put_rows(name, rows(range(3), PRIMARY, EXTENDED, "third"))
            tx.put_material(name, f"material of {name}", b"wrapped")
    with store.write("purge") as tx:
        tx.drop_regions("p", [])
    assert bodies(store) == 3
    with store.read() as tx:
        assert tx.material("p", "material of p") is None
        assert tx.material("q", "material of q") == b"wrapped"
        assert len(tx.rows("q", "third")) == 3


def test_a_body_dropped_in_a_transaction_is_written_anew(store: Store) -> None:
    with store.write("key") as tx:
        tx.put_rows("p", [row(1, EXTENDED)])
        tx.drop_regions("p", [PRIMARY])
        tx.put_rows("p", [row(1, PRIMARY)])
    with store.read() as tx:
        assert tx.rows("p", PRIMARY) == [row(1)]


def test_dropping_no_region_costs_the_same_whatever_the_pool_holds(store: Store) -> None:
    """Every write tidies its pool first."""

    def steps(count: int) -> int:
        taken = [0]

        def tick() -> None:
            taken[0] += 1

        name = f"pool{count}"
        with store.write("key") as tx:
            tx.put_rows(name, rows(range(count), PRIMARY, EXTENDED))
            tx._sql.set_progress_handler(tick, 1)
            tx.drop_regions(name, [PRIMARY, EXTENDED])
            tx._sql.set_progress_handler(None, 1)
        return taken[0]

    assert steps(2000) < steps(2) + 20


def test_kinds_come_back_as_they_went(store: Store) -> None:
    put = [row(number, kind=kind, tombstone=bool(number % 2)) for number, kind in enumerate(Kind)]
    with store.write("key") as tx:
        tx.put_rows("p", put)
    with store.read() as tx:
        assert sorted(tx.rows("p", PRIMARY), key=lambda item: item.stamp) == put
        assert tx.rows("p", PRIMARY, (Kind.KEY_STATE,)) == [
            item for item in put if item.kind is Kind.KEY_STATE
        ]


# -- closing -----------------------------------------------------------------------------------
def test_a_closed_store_is_refused_and_gives_its_lease_back(store: Store, home: Path) -> None:
    store.own()
    store.close()
    for use in (store.read(), store.write("settings")):
        with pytest.raises(RuntimeError, match="closed"), use:
            pass
    with open_store(home, patience=0).write("settings") as tx:
        tx.put_meta("x", 1)


def test_closing_lets_a_read_under_way_end(store: Store) -> None:
    reading, closed, seen = threading.Event(), threading.Event(), []

    def look() -> None:
        with store.read() as tx:
            reading.set()
            closed.wait(10)
            seen.append(tx.meta("x"))

    thread = threading.Thread(target=look)
    thread.start()
    assert reading.wait(10)
    store.close()
    closed.set()
    thread.join(10)
    assert seen == [None]


def test_closing_inside_a_transaction_is_refused(store: Store) -> None:
    with store.read(), pytest.raises(RuntimeError, match="one transaction"):
        store.close()
