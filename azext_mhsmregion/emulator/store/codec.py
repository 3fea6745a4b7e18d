"""Control records to and from JSON: the store's rows and the model's types stay two things."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Dict, Optional

from azext_mhsmregion.model.billing import BilledSpan
from azext_mhsmregion.model.clock import ClockState
from azext_mhsmregion.model.partition import Partition
from azext_mhsmregion.model.pool import (
    Deletion,
    Identity,
    NetworkAcls,
    Operation,
    Pool,
    PoolRegion,
    UserIdentity,
)

if TYPE_CHECKING:
    from azext_mhsmregion.model.faults import Fault


def encode_pool(pool: Pool) -> str:
    """A pool's record as JSON text."""
    record = _record(pool)
    record["links"] = [[origin, region, last] for (origin, region), last in pool.links.items()]
    return _dump(record)


@lru_cache(maxsize=256)
def decode_pool(text: str) -> Pool:
    """The pool of a record. The same text is the same pool, and a pool is never changed in place."""
    record: Dict[str, Any] = json.loads(text)
    record["regions"] = tuple(_region(item) for item in record["regions"])
    record["former"] = tuple(_region(item) for item in record.get("former", ()))
    record["spans"] = tuple(BilledSpan(**item) for item in record["spans"])
    record["network_acls"] = _acls(record["network_acls"])
    record["identity"] = _identity(record.get("identity"))
    record["administrators"] = tuple(record["administrators"])
    record["deletion"] = Deletion(**record["deletion"]) if record["deletion"] else None
    for name in ("operation", "backup", "restore"):
        record[name] = Operation(**record[name]) if record.get(name) else None
    record["links"] = {(origin, region): last for origin, region, last in record["links"]}
    record.pop("outages", None)  # schema 1 kept them here; no command of it made any
    return Pool(**record)


def encode_operation(operation: Operation) -> str:
    return _dump(_record(operation))


def decode_operation(text: str) -> Operation:
    return Operation(**json.loads(text))


def encode_fault(fault: Fault) -> str:
    return _dump(vars(fault))


@lru_cache(maxsize=256)
def decode_fault(text: str) -> Fault:
    from azext_mhsmregion.model.faults import Effect, Fault, FaultKind, Scope  # few homes have any

    record: Dict[str, Any] = json.loads(text)
    record["scope"] = Scope(record["scope"])
    record["effect"] = Effect(record["effect"])
    record["kind"] = FaultKind(record["kind"])
    return Fault(**record)


def encode_clock(clock: ClockState) -> str:
    return _dump(_record(clock))


@lru_cache(maxsize=16)
def decode_clock(text: Optional[str]) -> Optional[ClockState]:
    return None if text is None else ClockState(**json.loads(text))


def _region(item: Dict[str, Any]) -> PoolRegion:
    item["partitions"] = tuple(Partition(**part) for part in item["partitions"])
    return PoolRegion(**item)


def _acls(item: Dict[str, Any]) -> NetworkAcls:
    return NetworkAcls(
        item["bypass"],
        item["default_action"],
        tuple(item["ip_rules"]),
        tuple(item["virtual_network_rules"]),
    )


def _identity(item: Optional[Dict[str, Any]]) -> Identity:
    if item is None:  # a record of before
        return Identity()
    return Identity(item["principal"], tuple(UserIdentity(**user) for user in item["users"]))


def _record(value: Any) -> Any:
    """A named tuple, and those in it, by the names of their fields."""
    if not isinstance(value, tuple):
        return value
    if hasattr(value, "_fields"):
        return {name: _record(item) for name, item in zip(value._fields, value)}
    return [_record(item) for item in value]


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
