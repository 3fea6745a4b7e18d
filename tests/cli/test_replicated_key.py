"""``region wait --replicated --key``: one key's rows and no others, in process and with a server."""

import pytest
from support.homes import prepared

from azext_mhsmregion.emulator import acceptance
from azext_mhsmregion.model import keys
from azext_mhsmregion.model.keys import KeyRequest

WAIT = "keyvault region wait --hsm-name ContosoMHSM --replicated"


def write_key(emulator, name, lag):
    """A key accepted in the primary; ``lag`` is the longest, in seconds."""
    emulator.configure(durations={"replication.max_lag": lag})
    asked = keys.canonical(KeyRequest("EC"))
    handle, wrapped = emulator.keyring().make(asked)
    with emulator.parts.writing("key") as unit:
        pool = unit.tx.pool_named("ContosoMHSM", unit.now)
        unit.tx.put_material(pool.id, handle.version, wrapped)
        writes = keys.create(keys.Objects(), name, asked, handle, unit.now)
        acceptance.accept(unit, pool, pool.primary.name, writes)


@pytest.fixture
def home(mhsm_process):
    emulator = prepared(mhsm_process.home)
    write_key(emulator, "early", 0)
    write_key(emulator, "late", 10_000_000)
    emulator.store.close()


@pytest.mark.rule("L4")
@pytest.mark.parametrize("server", [False, pytest.param(True, marks=pytest.mark.socket)])
def test_it_waits_for_that_key_alone(home, mhsm_process, server):
    if server:
        assert mhsm_process("keyvault emulator start").returncode == 0
    assert mhsm_process(f"{WAIT} --key early").returncode == 0
    assert mhsm_process(f"{WAIT} --key late --timeout 1").returncode == 1
    assert mhsm_process(f"{WAIT} --timeout 1").returncode == 1
    nobody = mhsm_process(f"{WAIT} --key nobody")
    assert nobody.returncode == 3
    assert "Key nobody is in no region of ContosoMHSM." in nobody.stderr
