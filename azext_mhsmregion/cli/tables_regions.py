"""Table views of what can be broken and seen: regions' status, routes, faults, events."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Dict, List

Row = Dict[str, Any]

_OF_EVENT = ("time", "realTime", "hsmName", "kind")


def region_status(result: Any) -> List[Row]:
    """A row a region: what an operator looks at first; below them what befell the pool."""
    regions = [
        OrderedDict(
            [
                ("Region", region["name"] + (" *" if region["isPrimary"] else "")),
                ("State", region["provisioningState"]),
                ("Health", health(region)),
                ("Partitions", partitions(region)),
                ("Backlog", sum(lack["writes"] for lack in region["lacks"])),
                ("Lag s", f"{lag(region):.1f}"),
                ("Revoked rights lag s", f"{revoked_lag(region):.1f}"),
                ("Other faults", "; ".join(_others(region, result["faults"]))),
            ]
        )
        for region in result["regions"]
    ]
    return [*regions, *_befallen(result)]


def _befallen(result: Row) -> List[Row]:
    """Writes that were lost, and those that contradicted each other, where there are any."""
    told = [(f"Lost with {lost['region']}", lost["writes"]) for lost in result["lost"]]
    told += [("Conflicts", result["conflicts"]), ("Superseded writes", result["superseded"])]
    return [OrderedDict([("Region", what), ("State", str(count))]) for what, count in told if count]


def _others(region: Row, faults: List[Row]) -> List[str]:
    """The faults that are on at a region, links from or to it too, beside its outage."""
    told = region["outage"] and region["outage"]["fault"]
    here = (fault for fault in faults if region["name"] in (fault["region"], fault["to"]))
    return [fault_words(fault) for fault in here if fault["id"] != told]


def health(region: Row) -> str:
    """Health as the traffic manager has it, and what is really out."""
    if region["destroyed"]:
        return "destroyed"
    outage = region["outage"]
    state: str = region["health"] or "-"
    return state if outage is None else f"{state} ({outage['scope']} {outage['effect']})"


def partitions(region: Row) -> str:
    """``+`` a partition that serves, ``-`` one that does not, ``!`` a dead one still in rotation; one
    ``-`` for a region that is not in use."""
    if region["health"] is None:
        return "-"
    signs = {("up", True): "+", ("up", False): "~", ("down", True): "!", ("down", False): "-"}
    return "".join(signs[part["state"], part["inRotation"]] for part in region["partitions"])


def lag(region: Row) -> float:
    """Seconds of the oldest write that it does not show yet."""
    return max((lack["lagSeconds"] for lack in region["lacks"]), default=0.0)


def revoked_lag(region: Row) -> float:
    return max((lack["revokedRightsLagSeconds"] for lack in region["lacks"]), default=0.0)


def route(result: Any) -> List[Row]:
    """The steps where they were asked for, else the answer."""
    if "steps" in result:
        return [
            OrderedDict(
                [("Region", step["region"]), ("Measure", step["measure"]), ("Verdict", step["verdict"])]
            )
            for step in result["steps"]
        ]
    return [
        OrderedDict(
            [
                ("From", result["from"] or "-"),
                ("Region", result["region"] or "none"),
                ("Answers", "yes" if result["answers"] else "no"),
                ("TTL s", f"{result['ttlSeconds']:g}"),
            ]
        )
    ]


def faults(result: Any) -> List[Row]:
    rows = result if isinstance(result, list) else [result]
    return [
        OrderedDict(
            [
                ("Id", fault["id"]),
                ("Scope", fault["scope"]),
                ("Where", _where(fault)),
                ("Effect", fault["effect"]),
                ("Kind", fault["kind"]),
                ("State", fault["state"]),
                ("From", fault["start"]),
                ("To", fault["end"] or ("never" if fault["kind"] == "destroyed" else "until cleared")),
            ]
        )
        for fault in rows
    ]


def events(result: Any) -> List[Row]:
    return [
        OrderedDict(
            [
                ("Time", event["time"]),
                ("Pool", event["hsmName"] or ""),
                ("Event", event["kind"]),
                ("What", ", ".join(f"{key}={value}" for key, value in event.items() if key not in _OF_EVENT)),
            ]
        )
        for event in result
    ]


def fault_words(fault: Row) -> str:
    """What is broken, how, and until when: ``partition 1 uksouth hang``."""
    number = "" if fault["partition"] is None else f" {fault['partition']}"
    words = [f"{fault['scope']}{number} {_ends(fault)} {fault['effect']}"]
    if fault["rate"] != 1:
        words.append(f"{100 * fault['rate']:g}%")
    if fault["milliseconds"]:
        words.append(f"{fault['milliseconds']} ms")
    if fault["end"]:
        words.append(f"until {fault['end']}")
    return " ".join(words)


def _ends(fault: Row) -> str:
    """The region, or the two of a link."""
    place: str = fault["region"]
    return f"{place} {'->' if fault['oneWay'] else '<->'} {fault['to']}" if fault["to"] else place


def _where(fault: Row) -> str:
    place = _ends(fault)
    if fault["partition"] is not None:
        place += f" partition {fault['partition']}"
    return f"{fault['hsmName']}: {place}" if fault["hsmName"] else place
