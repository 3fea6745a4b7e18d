"""Records come back as they went."""

from __future__ import annotations

import dataclasses
import enum
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from azext_mhsmregion.emulator.store import codec
from azext_mhsmregion.model import lifecycle
from azext_mhsmregion.model.billing import BilledSpan
from azext_mhsmregion.model.clock import NEVER, ClockState
from azext_mhsmregion.model.lifecycle import Act, NewPool
from azext_mhsmregion.model.pool import (
    Deletion,
    Identity,
    NetworkAcls,
    Operation,
    Partition,
    Pool,
    PoolRegion,
    UserIdentity,
)
from azext_mhsmregion.model.profile import profile
from azext_mhsmregion.model.regions import catalogue

instants = st.integers(min_value=0, max_value=NEVER)
maybe = st.none() | instants
texts = st.text(max_size=12)
words = st.dictionaries(texts, texts, max_size=3)
rules = st.lists(st.fixed_dictionaries({"value": texts}), max_size=2).map(tuple)

partitions = st.lists(st.builds(Partition, instants, instants), max_size=3).map(tuple)
regions = st.builds(
    PoolRegion, texts, st.booleans(), instants, instants, st.booleans(), *[maybe] * 4, partitions
)
operations = st.builds(
    Operation,
    texts,
    texts,
    texts,
    texts,
    instants,
    instants,
    st.none() | texts,
    st.booleans(),
    texts,
    instants,
    st.none() | texts,
)
pools = st.builds(
    Pool,
    id=texts,
    name=texts,
    subscription=texts,
    group=texts,
    tenant=texts,
    location=texts,
    sku=texts,
    tags=words,
    administrators=st.lists(texts, max_size=3).map(tuple),
    retention_days=instants,
    purge_protection=st.booleans(),
    created=instants,
    created_by=texts,
    modified=instants,
    modified_by=texts,
    created_by_type=st.sampled_from(["User", "Application"]),
    modified_by_type=st.sampled_from(["User", "Application"]),
    regions=st.lists(regions, min_size=1, max_size=3).map(tuple),
    spans=st.lists(st.builds(BilledSpan, texts, texts, texts, instants, maybe), max_size=3).map(tuple),
    network_acls=st.builds(NetworkAcls, texts, texts, rules, rules),
    public_network_access=texts,
    identity=st.builds(
        Identity, texts, st.lists(st.builds(UserIdentity, texts, texts, texts), max_size=2).map(tuple)
    ),
    activated=maybe,
    deletion=st.none() | st.builds(Deletion, instants, instants, instants, maybe, maybe),
    operation=st.none() | operations,
    links=st.dictionaries(st.tuples(texts, texts), instants, max_size=4),
    revision=instants,
    former=st.lists(regions, max_size=1).map(tuple),
    rotation_due=st.none() | instants,
    backup=st.none() | operations,
    restore=st.none() | operations,
    uploaded=st.booleans(),
)
clocks = st.builds(
    ClockState,
    st.sampled_from(["real", "scaled", "manual"]),
    st.floats(min_value=0.001, max_value=1e6),
    instants,
    instants,
    instants,
)

settings.register_profile("store", derandomize=True, database=None, deadline=None, max_examples=60)
STORE = settings.get_profile("store")


def same_types(one: Any, other: Any) -> bool:
    """Equal in type too, all the way down: a list is no tuple, a dict no dataclass."""
    if type(one) is not type(other):
        return False
    if dataclasses.is_dataclass(one):
        return same_types(vars(one), vars(other))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(same_types(*pair) for pair in zip(one, other))
    if isinstance(one, dict):
        return all(same_types(one[key], other[key]) for key in one)
    return not isinstance(one, enum.Enum) or one is other


@STORE
@given(pools)
def test_pools(pool: Pool) -> None:
    back = codec.decode_pool(codec.encode_pool(pool))
    assert back == pool
    assert same_types(back, pool)


def made() -> Pool:
    """A pool as it is created."""
    asked = NewPool("p", "contoso", "s", "g", "t", "uksouth", ("admin",))
    return lifecycle.create(asked, None, Act(0, "admin", "operation", profile("quick", {})), catalogue())


def test_a_record_of_before_has_no_identity_no_former_regions_no_jobs_and_nothing_is_due() -> None:
    record = json.loads(codec.encode_pool(made()))
    for name in ("identity", "former", "rotation_due", "backup", "restore", "uploaded"):
        del record[name]
    assert codec.decode_pool(json.dumps(record)) == made()


def test_regions_and_operations_of_before_are_neither_struck_nor_planned() -> None:
    record = json.loads(codec.encode_pool(made()))
    for name in ("struck", "leaves"):
        del record["regions"][0][name]
    for name in ("planned", "destroyed"):
        del record["operation"][name]
    assert codec.decode_pool(json.dumps(record)) == made()


@STORE
@given(operations)
def test_operations(operation: Operation) -> None:
    assert codec.decode_operation(codec.encode_operation(operation)) == operation


@STORE
@given(clocks)
def test_clocks(clock: ClockState) -> None:
    assert codec.decode_clock(codec.encode_clock(clock)) == clock


def test_no_clock_is_none() -> None:
    assert codec.decode_clock(None) is None


def test_every_field_of_a_pool_is_drawn_above(tmp_path: Path) -> None:
    """A field added to the record must be added to the strategy."""
    drawn = set(pools.wrapped_strategy.kwargs)  # type: ignore[attr-defined]
    assert drawn == set(Pool._fields)
