"""Metrics for Prometheus, text format 0.0.4. The names are fixed; docs/metrics.md lists them."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Tuple

from azext_mhsmregion.emulator import overview
from azext_mhsmregion.emulator.unit import Unit

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Tuple[Tuple[str, str], ...]
Sample = Tuple[str, Labels, float]

HELP = {
    "mhsm_region_healthy": "1 where the traffic manager uses the region and takes it for healthy.",
    "mhsm_region_serving": "1 where the region is in use and no outage keeps it from answering.",
    "mhsm_partition_up": "1 where the HSM partition answers.",
    "mhsm_partition_in_rotation": "1 where the region's balancer sends connections to the partition.",
    "mhsm_replication_backlog_writes": "Writes of a region that another does not show yet.",
    "mhsm_replication_lag_seconds": "Age of the oldest of those writes.",
    "mhsm_revoked_rights_lag_seconds": "Age of the oldest revoked right that still holds there.",
    "mhsm_conflicts_total": "Writes of one object of which neither region had seen the other's.",
    "mhsm_superseded_writes_total": "Acknowledged writes that lost to one that had not seen them.",
    "mhsm_lost_writes": "Acknowledged writes that were lost with a destroyed or removed region.",
    "mhsm_faults": "Faults that are on.",
}
_NOTHING = {"writes": 0, "lagSeconds": 0, "revokedRightsLagSeconds": 0}
_COUNTERS = ("mhsm_conflicts_total", "mhsm_superseded_writes_total")


def text(unit: Unit) -> str:
    """All metrics at this instant."""
    samples: List[Sample] = [("mhsm_faults", (), sum(fault.covers(unit.now) for fault in unit.faults))]
    for pool in unit.tx.pools():
        if pool.phase(unit.now) == "live":
            samples += _of_pool(overview.of_pool(unit, pool))
    lines: List[str] = []
    for name, help_text in HELP.items():
        lines.append(f"# HELP {name} {help_text}")
        lines.append(f"# TYPE {name} {'counter' if name in _COUNTERS else 'gauge'}")
        lines += [_line(sample) for sample in samples if sample[0] == name]
    return "\n".join(lines) + "\n"


def _of_pool(seen: Dict[str, Any]) -> Iterable[Sample]:
    pool = ("pool", seen["hsmName"])
    yield "mhsm_conflicts_total", (pool,), seen["conflicts"]
    yield "mhsm_superseded_writes_total", (pool,), seen["superseded"]
    for lost in seen["lost"]:
        yield "mhsm_lost_writes", (pool, ("region", lost["region"])), lost["writes"]
    for region in seen["regions"]:
        labels: Labels = (pool, ("region", region["name"]))
        yield "mhsm_region_healthy", labels, region["health"] == "healthy"
        yield "mhsm_region_serving", labels, region["serving"]
        yield from _of_partitions(labels, region)
        yield from _of_links(labels, region, _senders(seen, region))


def _of_partitions(labels: Labels, region: Dict[str, Any]) -> Iterable[Sample]:
    for part in region["partitions"]:
        here = (*labels, ("partition", str(part["number"])))
        yield "mhsm_partition_up", here, part["state"] == "up"
        yield "mhsm_partition_in_rotation", here, part["inRotation"]


def _senders(seen: Dict[str, Any], region: Dict[str, Any]) -> Iterable[str]:
    """From whom a region gets writes, or has some to get: the pool's others, and what went before."""
    ready = [one["name"] for one in seen["regions"] if one["provisioningState"] != "Failed"]
    others = [name for name in ready if name != region["name"]] if region["name"] in ready else []
    return dict.fromkeys([*others, *(lack["from"] for lack in region["lacks"])])


def _of_links(labels: Labels, region: Dict[str, Any], senders: Iterable[str]) -> Iterable[Sample]:
    """A link on which nothing waits is told too (L7): a series that vanishes raises no alarm."""
    lacks = {lack["from"]: lack for lack in region["lacks"]}
    for sender in senders:
        lack = lacks.get(sender, _NOTHING)
        link = (*labels, ("from", sender))
        yield "mhsm_replication_backlog_writes", link, lack["writes"]
        yield "mhsm_replication_lag_seconds", link, lack["lagSeconds"]
        yield "mhsm_revoked_rights_lag_seconds", link, lack["revokedRightsLagSeconds"]


def _line(sample: Sample) -> str:
    name, labels, value = sample
    inside = ",".join(f'{key}="{label}"' for key, label in labels)
    written = f"{name}{{{inside}}}" if labels else name
    return f"{written} {float(value):.15g}"
