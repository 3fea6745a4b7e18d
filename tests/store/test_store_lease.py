"""One owner a home: the lease among processes (DESIGN section 2b)."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, List

import portalocker
import pytest
from storekit import open_store, other

from azext_mhsmregion.emulator.errors import HomeHeld, HomeUnwritable
from azext_mhsmregion.emulator.store.lease import Lease
from azext_mhsmregion.emulator.store.store import Store

HOLDER = "store = storekit.open_store(home)\nstore.own()\nsay('held')\nsys.stdin.read()\n"


class Time:
    """A clock that moves by sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: List[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def test_a_home_held_by_another_process_is_refused_by_name_after_a_moment(home: Path) -> None:
    with other(home, HOLDER) as holder:
        holder.hear()
        time = Time()
        store = Store(home, Lease(home, time.sleep, time.monotonic, patience=2.0))
        with pytest.raises(HomeHeld) as refused, store.write("settings"):
            pass
        assert refused.value.pid == holder.pid
        assert f"held by process {holder.pid}" in refused.value.message
        assert "mhsm keyvault emulator stop" in refused.value.hint
        assert 2.0 <= time.now <= 2.05
        assert (time.slept[0], max(time.slept)) == (0.001, 0.05)


def test_a_read_needs_no_lease(home: Path) -> None:
    with other(home, HOLDER) as holder:
        holder.hear()
        with open_store(home, patience=0).read() as tx:
            assert tx.pools() == []


def test_the_lease_of_a_process_that_died_is_free(home: Path) -> None:
    with other(home, HOLDER) as holder:
        holder.hear()
        lease = Lease(home, Time().sleep, Time().monotonic, patience=0)
        assert lease.is_held_by_another()
        holder.process.kill()
        holder.process.wait()
        assert not lease.is_held_by_another()
        lease.acquire()
        assert lease.held


def test_a_waiting_writer_gets_the_lease_when_it_is_free(home: Path) -> None:
    with other(home, HOLDER) as holder:
        holder.hear()
        time = Time()

        def sleep(seconds: float) -> None:
            time.sleep(seconds)
            if len(time.slept) == 3:
                holder.end()

        with Store(home, Lease(home, sleep, time.monotonic)).write("settings") as tx:
            tx.put_meta("x", 1)
        assert len(time.slept) == 3


def test_a_second_owner_is_refused(home: Path) -> None:
    with other(home, HOLDER) as holder:
        holder.hear()
        with pytest.raises(HomeHeld, match=f"process {holder.pid}"):
            open_store(home, patience=0).own()


def test_two_leases_of_one_process_exclude_each_other(store: Store, home: Path) -> None:
    store.own()
    with pytest.raises(HomeHeld):
        open_store(home, patience=0).own()


def test_owning_twice_is_owning_once(store: Store, home: Path) -> None:
    store.own()
    store.own()
    with store.write("settings") as tx:
        tx.put_meta("x", 1)
    assert Lease(home, Time().sleep, Time().monotonic).is_held_by_another()


def test_a_write_gives_the_lease_back_also_after_an_error(store: Store, home: Path) -> None:
    with pytest.raises(ZeroDivisionError), store.write("settings"):
        raise ZeroDivisionError
    assert not Lease(home, Time().sleep, Time().monotonic).is_held_by_another()


def test_a_holder_that_left_no_name_is_another_process(home: Path) -> None:
    with other(home, HOLDER) as holder:
        holder.hear()
        (home / "lease.lock").write_text("")
        with pytest.raises(HomeHeld, match="held by another process") as refused:
            Lease(home, Time().sleep, Time().monotonic, patience=0).acquire()
        assert refused.value.pid == 0


def test_a_file_system_without_locks_is_said_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise portalocker.LockException(OSError(errno.ENOLCK, "No locks available"))

    home.mkdir()
    monkeypatch.setattr(portalocker, "lock", refuse)
    time = Time()
    with pytest.raises(HomeUnwritable, match="No locks available"):
        Lease(home, time.sleep, time.monotonic).acquire()
    assert time.slept == []
