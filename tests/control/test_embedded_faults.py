"""Faults of an embedded emulator: injected, listed and ended by a test suite, with errors as types."""

import pytest

from azext_mhsmregion.emulator import embedded
from azext_mhsmregion.model.errors import Conflict, Invalid, NotFound

POOL = {"name": "ContosoMHSM", "location": "uksouth", "regions": ["australiaeast"]}


@pytest.fixture
def emulator(tmp_path):
    with embedded.running(tmp_path / "home") as running:
        running.hold_time()
        running.seed(POOL)
        yield running


pytestmark = pytest.mark.socket


def test_a_fault_holds_for_a_block_and_no_longer(emulator):
    with emulator.fault(scope="region", region="uksouth", kind="transient") as fault:
        (shown,) = emulator.faults()
        assert (shown["id"], shown["scope"], shown["effect"], shown["state"]) == (
            fault, "region", "refuse", "on",
        )  # fmt: skip
    assert emulator.faults() == []


def test_a_fault_ends_with_its_block_when_that_fails(emulator):
    with pytest.raises(ZeroDivisionError), emulator.fault(region="uksouth"):
        raise ZeroDivisionError
    assert emulator.faults() == []


def test_every_option_reaches_the_fault(emulator):
    emulator.fault(
        scope="link", region="uksouth", to="australiaeast", hsm_name="ContosoMHSM", one_way=True,
        effect="lag", milliseconds=500, after="10s", lasts=60,
    )  # fmt: skip
    emulator.fault(
        scope="partition", region="uksouth", hsm_name="ContosoMHSM", partition=2, effect="error", rate=0.2
    )
    link, partition = sorted(emulator.faults(), key=lambda fault: fault["scope"])
    assert (link["to"], link["oneWay"], link["milliseconds"], link["state"]) == (
        "australiaeast", True, 500, "planned",
    )  # fmt: skip
    assert (partition["partition"], partition["rate"], partition["hsmName"]) == (2, 0.2, "ContosoMHSM")
    emulator.advance(10)
    assert {fault["state"] for fault in emulator.faults()} == {"on"}
    emulator.advance(60)
    assert [fault["scope"] for fault in emulator.faults()] == ["partition"]


def test_a_fault_that_ended_within_its_block_is_no_error(emulator):
    with emulator.fault(region="uksouth", lasts=5):
        emulator.advance(5)
    with emulator.fault(region="uksouth"):
        emulator.clear()
    assert emulator.faults() == []


def test_what_is_destroyed_outlives_its_block(emulator):
    with emulator.fault(scope="pool", region="australiaeast", hsm_name="ContosoMHSM", kind="destroyed") as it:
        pass
    assert [fault["id"] for fault in emulator.faults()] == [it]
    with pytest.raises(Conflict, match="does not come back"):
        emulator.clear(it)


def test_one_is_cleared_by_its_id_or_all(emulator):
    first, second = emulator.fault(region="uksouth"), emulator.fault(region="australiaeast")
    emulator.clear(first)
    assert [fault["id"] for fault in emulator.faults()] == [second]
    emulator.clear()
    assert emulator.faults() == []


@pytest.mark.parametrize(
    ("spec", "kind", "code"),
    [
        ({"region": "uksouth", "effect": "explode"}, Invalid, "BadParameter"),
        ({"region": "uksouth", "scope": "link"}, Invalid, "BadRequest"),
        ({"region": "uksouth", "hsm_name": "Nobody"}, NotFound, "PoolNotFound"),
        ({"region": "japaneast", "effect": "hang"}, Conflict, "FaultsContradict"),
    ],
)
def test_what_is_refused_comes_as_a_type_with_its_code(emulator, spec, kind, code):
    emulator.fault(region="japaneast")
    with pytest.raises(kind) as refused:
        emulator.fault(**spec)
    assert (type(refused.value), refused.value.code) == (kind, code)
    assert len(emulator.faults()) == 1


def test_an_id_that_is_none_is_not_found(emulator):
    for fault in ("nosuch", "a/b", "../faults"):
        with pytest.raises(NotFound, match="There is no fault|has no DELETE"):
            emulator.clear(fault)
