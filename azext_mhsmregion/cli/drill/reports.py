"""A drill's reports, for machines: JSON with everything, JUnit with a case a check."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Dict, Sequence
from xml.etree import ElementTree

from azext_mhsmregion.cli.drill.account import Bounds, Check, Drill
from azext_mhsmregion.cli.drill.link import HeldUp
from azext_mhsmregion.cli.drill.timeline import timeline, warnings

Facts = Dict[str, Any]


def as_json(drill: Drill, bounds: Bounds, held: Sequence[Check], why: Sequence[str]) -> str:
    return json.dumps(facts(drill, bounds, held, why), indent=2) + "\n"


def facts(drill: Drill, bounds: Bounds, held: Sequence[Check], why: Sequence[str]) -> Facts:
    """Seconds are counted from the drill's start, unless a name says otherwise."""
    silent_from, silence = drill.saw.silence(drill.ended)
    return {
        "passed": all(check.is_held for check in held),
        "hsmName": drill.pool,
        "command": list(drill.words),
        "exitCode": drill.exit_code,
        "endedAt": round(drill.ended, 3),
        "outage": _rounded(asdict(drill.outage)),
        "otherFaults": [_rounded(asdict(one)) for one in drill.others],
        "link": None if drill.held_up is None else _link(drill, drill.held_up),
        "failoverWithinSeconds": drill.within,
        "client": {
            "label": drill.client,
            "place": drill.place,
            "requests": len(drill.saw.tries),
            "failedRequests": len(drill.saw.failures),
            "refusalsByStatus": {str(status): count for status, count in drill.saw.refusals().items()},
            "answersByRegion": drill.saw.answers_by_region(),
            "longestSecondsWithoutAnswer": round(silence, 3),
            "withoutAnswerFrom": round(silent_from, 3) if silence else None,
            "failoverAt": _number(drill.failover),
            "failbackAt": _number(drill.failback),
        },
        "lostWrites": drill.lost,
        "bounds": {"maxErrors": bounds.errors, "maxSeconds": bounds.seconds, "rpo": bounds.lost},
        "checks": [{"name": one.name, "held": one.is_held, "measured": one.said} for one in held],
        "why": list(why),
        "warnings": warnings(drill),
        "timeline": [{"at": _number(moment.at), "what": moment.what} for moment in timeline(drill)],
    }


def as_junit(drill: Drill, held: Sequence[Check], why: Sequence[str]) -> str:
    broken = [check for check in held if not check.is_held]
    name = f"drill of {drill.pool}: {drill.outage.sentence}"
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(held)), failures=str(len(broken)))
    suite.set("time", f"{drill.ended:.3f}")
    for check in held:
        case = ElementTree.SubElement(suite, "testcase", classname="mhsmregion.drill", name=check.name)
        if not check.is_held:
            failure = ElementTree.SubElement(case, "failure", message=check.said)
            failure.text = "\n".join(why)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, "unicode") + "\n"


def _link(drill: Drill, held: HeldUp) -> Facts:
    """What the outage of a link did. The backlog is that of its end, the lag that of the oldest write."""
    return {
        "lookedAt": _number(held.at),
        "writesOfTheClient": drill.writes_meanwhile,
        "backlog": [
            {"from": way.origin, "to": way.region, "writes": way.writes, "lagSeconds": round(way.lag, 3)}
            for way in held.ways
        ],
        "longestLagSeconds": round(held.longest, 3),
        "conflicts": held.conflicts,
        "supersededWrites": held.superseded,
    }


def _rounded(outage: Facts) -> Facts:
    return {name: _number(value) if isinstance(value, float) else value for name, value in outage.items()}


def _number(value: Any) -> Any:
    return None if value is None else round(value, 3)
