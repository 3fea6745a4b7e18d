"""A pool's regions as a picture of text: what ``keyvault region watch`` draws."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from azext_mhsmregion.cli.tables_regions import lag, revoked_lag

Facts = Mapping[str, Any]

PLAIN: Dict[str, str] = {}
COLOURS = {
    "good": "\x1b[32m", "bad": "\x1b[31;1m", "soon": "\x1b[33m", "dim": "\x1b[2m", "bold": "\x1b[1m",
}  # fmt: skip
_END = "\x1b[0m"
_SIGNS = {
    ("up", True): ("good", "●"),
    ("up", False): ("soon", "○"),
    ("down", True): ("bad", "!"),
    ("down", False): ("bad", "✗"),
}
_COLUMNS = (("REGION", 20), ("STATE", 14), ("HEALTH", 28), ("PARTITIONS", 12))
_EVENTS = 8
_PHRASES = {"in_seconds": "in {:g} s", "for_seconds": "for {:g} s"}
_HIDDEN = ("time", "realTime", "hsmName", "kind", "fault", "clientsKnowBy", "fault_kind")


class Picture:
    """Draws with ``colours``: :data:`COLOURS` on a terminal, else :data:`PLAIN`."""

    def __init__(self, colours: Mapping[str, str]) -> None:
        self._colours = colours

    def lines(self, status: Facts, routes: Sequence[Facts], events: Sequence[Facts]) -> List[str]:
        """The whole picture; ``routes`` of the places watched, ``events`` oldest first."""
        made = [self._title(status, routes), "", self._head()]
        made += [self._region(region) for region in status["regions"]]
        made += ["", *(self._route(route) for route in routes)]
        made += self._losses(status)
        if events:
            made += ["", *(self._event(event) for event in events[-_EVENTS:])]
        return made

    def _title(self, status: Facts, routes: Sequence[Facts]) -> str:
        ttl = f", TTL {routes[0]['ttlSeconds']:g} s" if routes else ""
        facts = f"{_clock(status['time'])}  failover within {status['failoverWithinSeconds']:g} s{ttl}"
        return f"{self._in('bold', status['hsmName'])}  {self._in('dim', facts)}"

    def _head(self) -> str:
        words = "".join(name.ljust(width) for name, width in _COLUMNS)
        return self._in("dim", f"  {words}{'LAG':>8}{'BACKLOG':>9}{'REVOKED':>9}")

    def _region(self, region: Facts) -> str:
        name = region["name"] + (" (primary)" if region["isPrimary"] else "")
        state = region["provisioningState"]
        widths = [width for _, width in _COLUMNS]
        behind = lag(dict(region))
        numbers = f"{behind:7.1f}s{sum(lack['writes'] for lack in region['lacks']):9d}"
        return (
            f"  {name:<{widths[0] - 1}} "
            + self._in("" if state == "Succeeded" else "soon", f"{state:<{widths[1]}}")
            + self._health(region, widths[2])
            + self._partitions(region, widths[3])
            + self._in("soon" if behind else "", numbers)
            + self._in("bad" if revoked_lag(dict(region)) else "", f"{revoked_lag(dict(region)):8.1f}s")
        )

    def _health(self, region: Facts, width: int) -> str:
        outage, healthy = region["outage"], region["health"] == "healthy"
        if region["destroyed"]:
            return self._in("bad", "destroyed".ljust(width))
        if outage is None:
            return self._in("good" if healthy else "soon", (region["health"]).ljust(width))
        words = "out, not noticed yet" if healthy else "out, clients sent elsewhere"
        return self._in("bad", words.ljust(width))

    def _partitions(self, region: Facts, width: int) -> str:
        signs = [_SIGNS[part["state"], part["inRotation"]] for part in region["partitions"]]
        drawn = " ".join(self._in(colour, sign) for colour, sign in signs)
        return drawn + " " * max(0, width - 2 * len(signs) + 1)

    def _route(self, route: Facts) -> str:
        target = route["region"] or "nobody"
        words = f"  client in {route['from'] or 'no place':<20} -> {target}"
        if route["answers"]:
            return f"{words}"
        return words + self._in("bad", "  no answer")

    def _losses(self, status: Facts) -> List[str]:
        made = [
            self._in(
                "bad",
                f"  lost with {one['region']}: {one['writes']} writes, up to {one['seconds']:.1f} s old",
            )
            for one in status["lost"]
        ]
        if status["conflicts"] or status["superseded"]:
            counts = f"  conflicts {status['conflicts']}, superseded writes {status['superseded']}"
            made.append(self._in("soon", counts))
        return made

    def _event(self, event: Facts) -> str:
        said = ((key, value) for key, value in event.items() if key not in _HIDDEN)
        facts = " ".join(_PHRASES.get(key, "{}").format(value) for key, value in said)
        return self._in("dim", f"  {_clock(event['time'])}  {event['kind']:<17} {facts}")

    def _in(self, colour: str, text: str) -> str:
        code = self._colours.get(colour, "")
        return f"{code}{text}{_END}" if code else text


def _clock(time: str) -> str:
    """The time of day of a time in ISO 8601, to the tenth of a second."""
    return time.partition("T")[2].rstrip("Z")[:10]
