"""A purged key's rows and material leave the store once no region can show it any more (D5, K4)."""

import pytest
from support.homes import CRYPTO_USER, DATA_API, Owner, prepared

from azext_mhsmregion.emulator.service import manual_clock

HOST = "contosomhsm.managedhsm.azure.net"
OFFICER = "515eb02d-2335-4d2d-92f2-b1cbdf9c3778"
ROLES = "/providers/Microsoft.Authorization/roleAssignments/"


@pytest.fixture
def owner(tmp_path):
    """An owner with every key right on a pool in two regions, on a manual clock."""
    emulator = prepared(tmp_path / "home")
    emulator.set_clock(lambda clock, real: manual_clock(clock.now(real)))
    made = Owner(emulator)
    for number, role in enumerate((CRYPTO_USER, OFFICER)):
        body = {"properties": {"roleDefinitionId": role, "principalId": made.principal}}
        made.call("PUT", HOST, f"{ROLES}0000000{number}-0000-0000-0000-000000000000", DATA_API, body)
    return made


def advance(owner, seconds):
    owner.emulator.set_clock(lambda clock, real: clock.advanced(real, seconds * 1000))


def key(owner, method, path):
    owner.call(method, HOST, path, DATA_API, {"kty": "EC"} if path.endswith("/create") else None)


def kept(owner, name):
    """Rows of the key in both regions, and wrapped keys in the store."""
    with owner.emulator.parts.reading() as unit:
        pool = unit.tx.pool_named("ContosoMHSM", unit.now)
        rows = [unit.tx.rows(pool.id, region.name, name=name) for region in pool.regions]
        versions = {row.version for held in rows for row in held if row.kind == "key_version"}
    return sum(len(held) for held in rows), versions


def material(owner, version):
    with owner.emulator.parts.reading() as unit:
        pool = unit.tx.pool_named("ContosoMHSM", unit.now)
        return unit.tx.material(pool.id, version)


def test_the_next_write_after_arrival_drops_a_purged_key(owner):
    key(owner, "POST", "/keys/old/create")
    (_, versions) = kept(owner, "old")
    (version,) = versions
    key(owner, "DELETE", "/keys/old")
    key(owner, "DELETE", "/deletedkeys/old")
    key(owner, "POST", "/keys/other/create")
    assert material(owner, version) is not None, "Australia East may not have seen the purge yet"
    advance(owner, 2)
    key(owner, "POST", "/keys/third/create")
    assert kept(owner, "old") == (0, set())
    assert material(owner, version) is None


def test_a_key_made_again_above_the_purge_stays(owner):
    key(owner, "POST", "/keys/again/create")
    (_, first) = kept(owner, "again")
    key(owner, "DELETE", "/keys/again")
    key(owner, "DELETE", "/deletedkeys/again")
    key(owner, "POST", "/keys/again/create")
    advance(owner, 2)
    key(owner, "POST", "/keys/other/create")
    rows, second = kept(owner, "again")
    assert (rows, len(second & first), len(second)) == (2, 0, 1)
    assert material(owner, second.pop()) is not None
